"""HTTP entry point. Its routes are in shared/web/routes/loyalty.py."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.loyalty_api import FUNCTION

FUNCTION.start()


@functions_framework.http
def loyalty_api(request: Request) -> Response:
    """Loyalty on demand: runs, points and reports."""
    return FUNCTION(request)
