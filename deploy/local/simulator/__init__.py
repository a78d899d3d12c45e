"""A point of sale that behaves like Alleaves, with invented data and faults on request."""
