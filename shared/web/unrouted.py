"""What functions-framework refuses by itself, before it calls a function: /robots.txt, a path with
a line break in it."""

import structlog
from flask import Response, request
from werkzeug.exceptions import HTTPException

from shared.web import intake, outcome

log = structlog.get_logger(__name__)


def refused(error: HTTPException) -> Response:
    """The refusal, in the form that errors have everywhere."""
    request_id = intake.request_id(request)
    response = outcome.of_error(error, request_id)
    outcome.finish(response, request_id, head=request.method == "HEAD")
    log.info("request_unrouted", request_id=request_id, status=response.status_code)
    return response
