"""Loyalty: ``reconcile.LoyaltyReconcile`` tells the story, the other files are its chapters."""
