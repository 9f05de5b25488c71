"""The start page: that the service runs, and what to do next. It tells nothing of accounts or settings."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from grok2api import __version__

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def start() -> str:
    return render_template("start.html", version=__version__, url=request.host_url.rstrip("/"))
