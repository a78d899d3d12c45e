"""Syncing one org: ``org.sync_org`` tells the story, the other files are its chapters."""
