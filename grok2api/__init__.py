"""Grok2API: Grok web accounts behind the OpenAI HTTP API."""

__version__ = "0.1.0"
