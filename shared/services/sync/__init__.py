"""Syncing an org from its POS: ``dispatch`` is the entry, ``org`` the course of a sync."""
