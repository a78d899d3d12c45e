"""What waits for an operator: removals, dead letters, records in quarantine."""
