"""``python -m deploy.sam``, which ``.venv/bin/sync-sam`` calls."""

import sys

from deploy.sam.app import main

sys.exit(main())
