"""Versions run side by side while one replaces another, and a rollback brings an earlier one back:
what one has sent or stored, the other reads."""
