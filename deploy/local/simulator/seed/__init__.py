"""Invented dispensaries: the same seed and day give the same records at every start."""
