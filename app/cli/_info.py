"""`equiscope info`: what files hold."""

from __future__ import annotations

import json
import sys
from typing import Any

from app.cli import _jobs
from app.cli._main import Parser, print_json
from core.data import info, is_data
from core.errors import printable
from core.jobs import JobFailed

SUFFIX = ".equiscope"

COUNTS = {"graph": ("node", "edge"), "table": ("row", "column"), "signal": ("sample", "channel")}
"""What the numbers of a shape count."""


def reading_options(parser: Parser) -> None:
    """The options that every command which opens files has."""
    parser.add_argument("--reader", metavar="ID", help="read with this reader (`equiscope list readers`)")
    parser.add_argument(
        "--as", dest="kind", metavar="KIND", help="read as this kind: volume, mesh, pointcloud, …"
    )
    parser.add_argument("--space", choices=("auto", "RAS", "LPS"), help="axes of surfaces that do not say")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the reader; may be repeated",
    )


def reader_arguments(options: Any) -> dict[str, Any]:
    """`reader`, `kind` and `options` of the task `open_path` from parsed arguments."""
    values: dict[str, Any] = {}
    for text in options.option:
        name, found, value = text.partition("=")
        if not found:
            raise SystemExit(_usage(f"--option is NAME=VALUE, not {text!r}"))
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    if options.space:
        values["space"] = options.space
    return {"reader": options.reader, "kind": options.kind, "options": values}


def _usage(text: str) -> int:
    print(f"equiscope: {text}", file=sys.stderr)
    return 2


def main(arguments: list[str]) -> int:
    """Describe files; exit 1 if one of them cannot be read (the others are described all the same)."""
    parser = Parser(prog="equiscope info", description="Say what files hold.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="files, folders, sessions or sample:ID")
    parser.add_argument("--json", action="store_true", help="one JSON list of objects")
    reading_options(parser)
    options = parser.parse_args(arguments)
    asked = reader_arguments(options)
    found: list[dict[str, Any]] = []
    failed = False
    for given in options.files:
        try:
            # A session is one thing; the files in it are its own.
            paths = [given] if _is_session(given) else _jobs.call("expand", {"paths": [given]})
        except JobFailed as error:
            failed = True
            print(f"equiscope: {error}", file=sys.stderr)
            continue
        for path in paths:
            try:
                held, problems = _held(path, asked)
            except JobFailed as error:
                failed = True
                print(f"equiscope: {error}", file=sys.stderr)
                continue
            for problem in problems:
                failed = True
                print(f"equiscope: {problem}", file=sys.stderr)
            objects = [info(i.data, i.name, i.warnings) for i in held if is_data(i.data)]
            found += objects
            if not options.json:
                for entry in objects:
                    print(printable(_line(entry)))
                    for warning in entry["warnings"]:
                        print(f"  note: {printable(warning)}")
    if options.json:
        print_json(found)
    return 1 if failed else 0


def _held(path: str, asked: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """The objects of a file or a session, and what of the session's files is missing or has changed."""
    if not _is_session(path):
        return _jobs.call("open_path", {"path": path, **asked}).loaded, ()
    opened = _jobs.call("open_session", {"folder": path})
    return opened.items, opened.problems


def _is_session(path: str) -> bool:
    return path.rstrip("/").endswith(SUFFIX)


def _line(entry: dict[str, Any]) -> str:
    parts = [f"{entry['name']}: {entry['kind']}"]
    names = COUNTS.get(entry["kind"], ())
    if entry["shape"] and len(names) == len(entry["shape"]):
        parts += [f"{n:,} {name}{'s' * (n != 1)}" for n, name in zip(entry["shape"], names, strict=True)]
    elif entry["n_points"] is not None and entry["kind"] in ("mesh", "pointcloud"):
        parts.append(f"{entry['n_points']:,} points")
    elif entry["shape"]:
        parts.append("×".join(map(str, entry["shape"])))
    if entry["n_faces"] is not None:
        parts.append(f"{entry['n_faces']:,} faces")
    if entry["tensors"]:
        parts.append(f"{entry['tensors']['count']} tensors, {entry['tensors']['parameters']:,} parameters")
    if entry["spacing"] and entry["kind"] == "volume":
        parts.append("×".join(f"{s:.4g}" for s in entry["spacing"]) + f" {entry['unit']}")
    if entry["kind"] == "signal" and entry["spacing"]:
        parts.append(f"{1 / entry['spacing'][0]:g} Hz")
    if entry["axis_codes"]:
        parts.append(entry["axis_codes"])
    if entry["bounds"]:
        b = entry["bounds"]
        unit = f" {entry['unit']}" if entry["unit"] else ""
        parts.append(
            "  ".join(f"{a}[{b[2 * i]:.5g}, {b[2 * i + 1]:.5g}]" for i, a in enumerate("xyz")) + unit
        )
    known = [
        a["name"] if entry["kind"] == "table" else f"{a['name']} ({a['transforms']})"
        for a in entry["attributes"]
        if entry["kind"] != "volume"
    ]
    if known:
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        parts.append(", ".join(known[:12]) + more)
    return " · ".join(parts)
