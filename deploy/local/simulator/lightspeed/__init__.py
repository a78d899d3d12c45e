"""Lightspeed Retail X-Series, simulated, and the eCom shop whose orders reach it late."""
