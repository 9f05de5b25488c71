"""Known vulnerabilities of what is installed, as pip-audit finds them. `make audit` runs it.

It ends with 0 only when every package was really looked up; 1: something is vulnerable; 2: nothing is known, since the
service did not answer or does not know a package. pip-audit alone says "No known vulnerabilities found" and ends with 0
when it could look up nothing at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PIP_AUDIT = (
    str(Path(sys.executable).with_name("pip-audit")), "--local", "--skip-editable", "--progress-spinner", "off",
    "--timeout", "10", "--desc", "off", "--format", "json",
)  # fmt: skip
#: How many packages that were not looked up are named.
SHOWN = 5


def verdict(packages: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """What the program ends with, and what it says, of the `dependencies` in pip-audit's report: each has a `name`, and
    either `version` and `vulns` (each with `id` and `fix_versions`) or a `skip_reason`."""
    found = [
        f"{package['name']} {package['version']}: {vuln['id']}, "
        + (f"mended in {', '.join(vuln['fix_versions'])}" if vuln["fix_versions"] else "not mended yet")
        for package in packages
        for vuln in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    lines = list(found)
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        lines.append(
            f"NOT AUDITED: {len(unknown)} of {len(packages)} packages could not be looked up: "
            f"{', '.join(unknown[:SHOWN])}{more}."
        )
    if not packages:
        lines.append("NOT AUDITED: pip-audit reported no packages.")
    if not lines:
        lines.append(f"{len(packages)} packages were looked up; none has a known vulnerability.")
    return (1 if found else 2 if unknown or not packages else 0), lines


def main(arguments: Sequence[str]) -> int:
    """arguments: more of pip-audit's, such as `-s osv`, which asks another service."""
    ran = subprocess.run([*PIP_AUDIT, *arguments], capture_output=True, text=True)
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"NOT AUDITED: the service of vulnerabilities did not answer. {last}")
        return 2
    status, lines = verdict(packages)
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
