"""Answers with its environment."""

import os

from flask import Request


def on_request(request: Request) -> dict[str, str]:
    return dict(os.environ)
