"""The commands: `flask accounts …`, `flask storage …` and `flask admin …`. What an operator does without the console.

They run unpatched by gevent, over the storage of this environment.
"""

from __future__ import annotations

from flask import Flask

from grok2api.cli.accounts import accounts
from grok2api.cli.admin import admin
from grok2api.cli.copying import copy
from grok2api.cli.storage import storage


def register_commands(app: Flask) -> None:
    storage.add_command(copy)
    for group in (accounts, storage, admin):
        app.cli.add_command(group)
