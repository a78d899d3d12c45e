"""``sync-sam``: the operators' command line."""
