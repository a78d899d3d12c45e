"""HTTP door: its routes are in shared/web/routes/webhooks.py."""

import functions_framework
from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared.bootstrap.webhooks import app, settings
from shared.web.unrouted import refused

settings()
functions_framework.errorhandler(HTTPException)(refused)


@functions_framework.http
def webhooks(request: Request) -> Response:
    """What a POS tells of by itself."""
    return app()(request)
