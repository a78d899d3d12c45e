"""HTTP door: its routes are in shared/web/routes/webhooks.py."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.webhooks import app, settings

settings()


@functions_framework.http
def webhooks(request: Request) -> Response:
    """What a POS tells of by itself."""
    return app()(request)
