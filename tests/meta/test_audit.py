"""An audit that could not look packages up is not a clean one."""

from __future__ import annotations

import pytest

from tests.meta.audit import main, verdict

CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
SKIPPED = {"name": "gevent", "skip_reason": "Dependency not found on PyPI and could not be audited"}
MENDED = {"name": "jinja2", "version": "3.0.0", "vulns": [{"id": "CVE-1", "fix_versions": ["3.0.1"]}]}
OPEN = {"name": "mako", "version": "1.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}


def test_it_is_clean_only_when_every_package_was_looked_up() -> None:
    assert verdict([CLEAN]) == (0, ["1 packages were looked up; none has a known vulnerability."])
    assert verdict([CLEAN, SKIPPED]) == (
        2,
        ["NOT AUDITED: 1 of 2 packages could not be looked up: gevent."],
    )
    assert verdict([])[0] == 2


def test_what_is_vulnerable_is_named_with_the_release_that_mends_it() -> None:
    status, lines = verdict([CLEAN, MENDED, OPEN, *[SKIPPED] * 7])
    assert status == 1
    assert lines[:2] == ["jinja2 3.0.0: CVE-1, mended in 3.0.1", "mako 1.0: CVE-2, not mended yet"]
    assert lines[2].endswith("gevent, gevent, gevent, gevent, gevent and 2 more.")


def test_a_service_that_cannot_be_reached_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-s", "osv", "--osv-url", "http://127.0.0.1:9/v1/query"]) == 2
    said = capsys.readouterr().out
    assert said.startswith("NOT AUDITED: the service") and said.count("\n") == 1 and "127.0.0.1" in said
