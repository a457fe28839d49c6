"""`equiscope list`: what this installation has."""

from __future__ import annotations

from typing import Any

from app.cli._main import Parser, print_json
from core.plugins import PluginHost


def main(arguments: list[str]) -> int:
    """List analyses, models, readers, writers, samples or plugins; from manifests alone."""
    parser = Parser(prog="equiscope list", description="List what this installation has.")
    parser.add_argument("what", choices=("analyses", "models", "readers", "writers", "samples", "plugins"))
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    rows = _rows(options.what, PluginHost())
    if options.json:
        print_json(rows)
        return 0
    width = max((len(r["id"]) for r in rows), default=0)
    for row in rows:
        extra = row.get("patterns") or row.get("inputs") or row.get("origin") or ""
        note = f"  [{row['unavailable']}]" if row.get("unavailable") else ""
        print(f"{row['id']:<{width}}  {row['title']}  {extra}{note}".rstrip())
    if not rows:
        print(f"There are no {options.what} in this installation.")
    return 0


def _rows(what: str, host: PluginHost) -> list[dict[str, Any]]:
    if what == "plugins":
        return [
            {
                "id": p.id,
                "title": p.title,
                "origin": p.origin,
                "unavailable": p.error or None,
            }
            for p in host.plugins
        ]
    out: list[dict[str, Any]] = []
    for c in getattr(host, what):
        row: dict[str, Any] = {"id": c.id, "title": c.title, "unavailable": host.missing(c) or None}
        if what in ("readers", "writers"):
            row["patterns"] = " ".join(c.patterns)
            row["kinds"] = [c.kind] if what == "readers" else list(c.kinds)
        if what in ("analyses", "models"):
            row["inputs"] = ", ".join("|".join(kinds) for kinds in c.inputs)
        if what == "models":
            row["predicts"], row["group"] = c.predicts, c.group
        out.append(row)
    return out
