"""What gunicorn serves and what `flask` finds. It does not patch: gunicorn.conf.py has done so for the workers,
and the commands run unpatched."""

import sys

from grok2api.app import create_app
from grok2api.errors import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    print(f"grok2api: {error}", file=sys.stderr)
    sys.exit(4)  # gunicorn's word for "the app failed to load": it stops instead of trying again for ever
