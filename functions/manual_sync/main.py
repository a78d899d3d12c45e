"""HTTP entry point. Its routes are in shared/web/routes, runs.py and write_back.py."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.manual_sync import FUNCTION

FUNCTION.start()


@functions_framework.http
def manual_sync(request: Request) -> Response:
    """Sync on demand, for a user or a machine, and writes to the POS."""
    return FUNCTION(request)
