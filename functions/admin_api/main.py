"""HTTP entry point. Its routes are in shared/web/routes, admin.py and admin_settings.py."""

import functions_framework
from flask import Request, Response

from shared.bootstrap.admin_api import FUNCTION

FUNCTION.start()


@functions_framework.http
def admin_api(request: Request) -> Response:
    """What people decide about an org, and its settings."""
    return FUNCTION(request)
