"""Runs of any kind: ``lifecycle`` opens and ends them, ``failure`` ends those that cannot go on."""
