"""`equiscope doctor`: what this machine can do, and what to do about the rest."""

from __future__ import annotations

import platform
import sys

from app.cli._main import Parser, print_json
from app.doctor import Finding, examine


def main(arguments: list[str]) -> int:
    """Print the findings; exit 1 if something that the program needs is missing."""
    parser = Parser(
        prog="equiscope doctor", description="Say what this machine can do and what to do about it."
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    findings = examine()
    if options.json:
        print_json([f.__dict__ for f in findings])
    else:
        print(f"Equiscope on {platform.system()} {platform.machine()}, Python {platform.python_version()}")
        for finding in findings:
            print(_line(finding))
    return 1 if any(f.state == "bad" for f in findings) else 0


def _line(finding: Finding) -> str:
    mark = {"good": "ok  ", "warn": "note", "bad": "FAIL"}[finding.state]
    if sys.stdout.isatty():
        colour = {"good": 32, "warn": 33, "bad": 31}[finding.state]
        mark = f"\033[{colour}m{mark}\033[0m"
    remedy = f"\n       {finding.remedy}" if finding.remedy else ""
    return f"{mark}  {finding.name}: {finding.text}{remedy}"
