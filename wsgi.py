"""What gunicorn serves and what `flask` finds. It does not patch: gunicorn.conf.py has done so for the workers,
and the commands run unpatched."""

import sys

import click

from grok2api.app import create_app
from grok2api.errors import ConfigurationError

# A command's standard output is for what it was asked for.
_in_command = click.get_current_context(silent=True) is not None

try:
    app = create_app(log_to=sys.stderr if _in_command else sys.stdout)
except ConfigurationError as error:
    print(f"grok2api: {error}", file=sys.stderr)
    sys.exit(4)  # gunicorn's word for "the app failed to load": it stops instead of trying again for ever
