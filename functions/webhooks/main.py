"""HTTP entry point. Its routes are in shared/web/routes/webhooks.py."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.webhooks import FUNCTION

FUNCTION.start()


@functions_framework.http
def webhooks(request: Request) -> Response:
    """Events sent by a POS."""
    return FUNCTION(request)
