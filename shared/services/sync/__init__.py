"""Syncing an org from its POS: ``dispatch`` is the way in, ``org`` tells the story of a sync."""
