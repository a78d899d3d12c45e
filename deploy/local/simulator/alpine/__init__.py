"""A loyalty provider that behaves like Alpine IQ, an account per org, faults as at the POS."""
