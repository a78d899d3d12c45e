"""Loyalty points: ``reconcile`` tells the story of a run, ``on_demand`` serves the HTTP routes."""
