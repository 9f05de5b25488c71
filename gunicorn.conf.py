"""gunicorn's settings. Patching comes first: whatever is imported before it would block all greenlets."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from grok2api.env import Env  # noqa: E402
from grok2api.errors import ConfigurationError  # noqa: E402

try:
    _env = Env.from_environ()
except ConfigurationError as error:
    sys.exit(f"grok2api: {error}")

bind = f"[{_env.host}]:{_env.port}" if ":" in _env.host else f"{_env.host}:{_env.port}"
workers = _env.workers
worker_class = "grok2api.gunicorn_worker.Worker"
worker_connections = 1000
backlog = 2048
keepalive = 75
#: A worker that does not run its loop for this long is replaced; streams may last far longer.
timeout = 60
#: A worker told to stop finishes its streams: they last 600 s at most, unless configured otherwise.
graceful_timeout = 630
accesslog = None
loglevel = "warning"
proc_name = "grok2api"
