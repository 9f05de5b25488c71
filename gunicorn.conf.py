"""gunicorn's settings. Patching comes first: whatever is imported before it would block all greenlets."""

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402

from grok2api import logs  # noqa: E402
from grok2api.env import Env, share_metrics, wait_for_ever  # noqa: E402
from grok2api.errors import ConfigurationError  # noqa: E402
from grok2api.metrics_folder import MetricsFolder, places  # noqa: E402

try:
    _env = Env.from_environ()
except ConfigurationError as error:
    sys.exit(f"grok2api: {error}")
try:
    logs.set_up(_env.log_dir, _env.log_format, sys.stdout)  # for the master, which never makes the app
except OSError as error:
    sys.exit(f"grok2api: LOG_DIR={_env.log_dir}: cannot be written to ({error.strerror}).")

# Who spawned a greenlet, and where: nobody asks, and every greenlet would pay.
gevent.config.track_greenlet_tree = False

# Every stream takes two file descriptors, and a common soft limit is 1024.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))

bind = f"[{_env.host}]:{_env.port}" if ":" in _env.host else f"{_env.host}:{_env.port}"
workers = _env.workers
worker_class = "grok2api.server.worker.Worker"
#: More are refused, see grok2api/server/worker.py.
worker_connections = _env.worker_connections
backlog = 2048
keepalive = 75
#: A worker that does not run its loop for this long is replaced; streams may last far longer.
timeout = 60
#: A worker told to stop finishes its streams: they last 600 s at most, unless configured otherwise. Those that still
#: run near the end are told so, and end with an error event.
graceful_timeout = 630
#: Workers live on: one that is to be replaced takes no new connections for as long as its last stream runs.
max_requests = 0
#: The app is made in each worker: what it opens (files, connections, greenlets) must not be shared by several.
preload_app = False
# Nobody's headers change what a request is, not those of a proxy on this machine either: TRUSTED_PROXIES alone says
# whom to believe, and what.
forwarded_allow_ips = ""
secure_scheme_headers = {}
forwarder_headers = ""
logger_class = "grok2api.server.logger.Logger"
accesslog = None
# It would lie in the home directory, one for all instances, and nothing here uses it.
control_socket_disable = True
loglevel = "warning"
proc_name = "grok2api"


def on_starting(server):
    """Once, before there are workers. What a worker counts shows in `/metrics` of all."""
    if server.cfg.is_ssl:
        sys.exit("grok2api: TLS is for a reverse proxy such as nginx: see deploy/nginx.conf.")
    server.metrics_folder = MetricsFolder.make(places(_env.metrics_dir, _env.data_dir), _env.workers)
    share_metrics(server.metrics_folder and server.metrics_folder.path)
    if server.metrics_folder is None:
        server.log.warning(
            "/metrics shows one worker at a time: there is no room for what all count together"
        )


def child_exit(server, worker):
    """Of each worker that ended, however it did; in the master."""
    if server.metrics_folder is not None:
        server.metrics_folder.end(worker.pid)


def on_exit(server):
    if server.metrics_folder is not None:
        server.metrics_folder.remove()


def post_worker_init(worker):
    """Only a worker that serves does background work; `flask` commands never come here."""
    services = worker.wsgi.extensions["grok2api"]
    worker.on_last_call = services.stopping.stop_all
    for job in _jobs(services):
        job.start()
    # What is there now stays: code, tables, settings. Looking through it for garbage each time would stop all streams
    # for a tenth of a second.
    gc.collect()
    gc.freeze()
    # Threads that write to SQLite or decode pictures wait for Python's lock for so long when the loop is busy, several
    # times for each lease. The default is 5 ms. For no longer, too, gevent runs callbacks before it looks at sockets.
    sys.setswitchinterval(0.0005)
    if worker.age == 1:  # of the first one, so that it is said once
        services.adviser.warn_if_open()


def post_fork(server, worker):
    """One that takes the place of another waits for a storage that is away as long as it takes: giving up would end the
    whole service, whose other workers are still serving. gunicorn numbers its workers by `age`."""
    if worker.age > server.cfg.workers:
        wait_for_ever()
    if server.metrics_folder is not None and not server.metrics_folder.begin(worker.pid):
        share_metrics(None)
        server.log.warning("/metrics leaves worker %s out: there is no room for what it counts", worker.pid)


def worker_exit(server, worker):
    if getattr(worker, "wsgi", None) is not None:
        for job in _jobs(worker.wsgi.extensions["grok2api"]):
            job.stop()


def _jobs(services):
    return (
        services.housekeeping,
        services.media.cache,
        services.usage,
        services.request_log,
        services.client_keys,
    )
