"""Loyalty points: ``reconcile`` is the run, ``on_demand`` serves the HTTP routes."""
