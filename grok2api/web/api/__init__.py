"""The OpenAI API, one endpoint a file; importing them here puts their routes onto the blueprint."""

from grok2api.web.api import chat, images, models, responses
from grok2api.web.api.guard import blueprint, require_api_key

__all__ = ["blueprint", "chat", "images", "models", "require_api_key", "responses"]
