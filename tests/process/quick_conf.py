"""The gateway's own gunicorn.conf.py with shorter deadlines: seconds from QUICK_HEADER_S. For tests."""

import os
from pathlib import Path

_conf = Path(__file__).parents[2] / "gunicorn.conf.py"
exec(compile(_conf.read_text(), str(_conf), "exec"))

from grok2api.server import connections  # noqa: E402

connections.HEADER_S = float(os.environ.get("QUICK_HEADER_S", connections.HEADER_S))
