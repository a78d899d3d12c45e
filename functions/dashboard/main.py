"""HTTP entry point. Its routes are in shared/web/routes."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.dashboard import FUNCTION

FUNCTION.start()


@functions_framework.http
def dashboard(request: Request) -> Response:
    """Reads for dashboards and menus."""
    return FUNCTION(request)
