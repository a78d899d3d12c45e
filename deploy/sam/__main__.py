"""``python -m deploy.sam``, which ``.venv/bin/sync-sam`` calls."""

from deploy.sam.app import app

app(prog_name="sync-sam")
