"""What the gateway's own files say, for the files around it to agree with."""

from __future__ import annotations

import re

from tests.gateway import ROOT


def known_variables() -> set[str]:
    """What the gateway reads of its environment."""
    return set(re.findall(r'"([A-Z][A-Z0-9_]+)"', (ROOT / "grok2api" / "env.py").read_text()))


def graceful_timeout_s() -> int:
    """How long gunicorn lets streams finish."""
    (found,) = re.findall(
        r"^graceful_timeout = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE
    )
    return int(found)
