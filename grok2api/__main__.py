"""`python -m grok2api`: check what can be checked, say where things are, then serve with gunicorn.

Everything that is wrong with the environment is one clear line and exit 1, before any worker starts.
"""

from __future__ import annotations

import errno
import os
import shlex
import socket
import sys
from pathlib import Path

from grok2api.accounts import AccountQuery
from grok2api.app import create_app
from grok2api.env import PROJECT_ROOT, Env, wait_for_ever
from grok2api.errors import ConfigurationError, GatewayError
from grok2api.services import Services
from grok2api.web.services import KEY


def main() -> None:
    try:
        env = Env.from_environ()
        check_port(env)
        services: Services = create_app(env, log_to=sys.stdout).extensions[KEY]
        lines = greeting(env, services)
        services.store.close()
    except GatewayError as error:
        print(f"grok2api: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    print("\n".join(lines), flush=True)
    wait_for_ever()  # the storage has been reached once: a worker that gave up would end the service
    os.chdir(PROJECT_ROOT)
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    os.execv(command[0], command)  # nosec B606 # no shell, and no word of it comes from outside


def check_port(env: Env) -> None:
    """Raises ConfigurationError when the address cannot be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            env.host, env.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigurationError(f"HOST={env.host}: {error.strerror}.") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"port {env.port} of {env.host} is taken. Stop what listens there, or set PORT."
            else:
                reason = f"{env.host}:{env.port} cannot be listened on ({error.strerror}). Set HOST or PORT."
            raise ConfigurationError(reason) from error


def greeting(env: Env, services: Services) -> list[str]:
    """What an operator wants to know at the start."""
    host = f"[{env.host}]" if ":" in env.host else env.host
    url = f"http://{host}:{env.port}"
    flask, unseen = _flask(env)
    _, total = services.store.accounts.page(AccountQuery(limit=1), 0.0)
    lines = [f"Grok2API serves {url}/v1 (console: {url}/). Ctrl-C stops it."]
    if services.auth.default_password_stands():
        lines.append(f"The default password admin/admin stands. Change it: {flask} admin set-password")
    if not services.client_keys.needed():
        lines.append("No api_key is set: whoever reaches this address can use it.")
    if total == 0:
        lines.append(f"There are no accounts yet. Add sso cookies, one to a line: {flask} accounts add FILE")
    else:
        lines.append(f"Accounts: {total}")
    if unseen:
        lines.append(f"Commands need the same {' and '.join(unseen)} as this server in their environment.")
    return lines


def _flask(env: Env) -> tuple[str, list[str]]:
    """The `flask` beside this Python, as it can be typed in the checkout, for the storage of this environment; and
    the variables that it needs but that hold what is secret."""
    command = Path(sys.executable).with_name("flask")
    words = [str(command.relative_to(PROJECT_ROOT) if command.is_relative_to(PROJECT_ROOT) else command)]
    if env.data_dir != Env().data_dir:
        words.insert(0, f"GROK2API_DATA_DIR={shlex.quote(str(env.data_dir))}")
    unseen = ["SECRET_KEY"] if env.secret_key else []
    if env.storage_mode != "file" and "@" in env.database_url:  # a user, and maybe a password
        unseen.insert(0, "DATABASE_URL")
    elif env.database_url:
        words.insert(0, f"DATABASE_URL={shlex.quote(env.database_url)}")
    if env.storage_mode != Env().storage_mode:
        words.insert(0, f"STORAGE_MODE={env.storage_mode}")
    return " ".join(words), unseen


if __name__ == "__main__":
    main()
