"""`summary.csv`: a row a case, with every number of its result.json."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.batch._manifest import Case, Manifest
from core.batch._progress import DONE, Progress
from core.files import atomic

NAME = "summary.csv"
LONGEST = 16
"""Lists with more entries are geometry rather than figures: they stay in result.json."""


def numbers(result: Mapping[str, Any]) -> dict[str, float | int]:
    """Every number of a result.json by name: "planes.0.score"; of `numbers` as "Score (mm)" and "Score, error (mm)".

    Yes and no are 1 and 0. Texts, and lists of more than `LONGEST` entries, are left out.
    """
    out: dict[str, float | int] = {}
    for key, value in result.items():
        if key == "numbers" and isinstance(value, Mapping):
            for name, entry in value.items():
                if not isinstance(entry, Mapping):
                    continue
                unit = f" ({entry['unit']})" if entry.get("unit") else ""
                for word, of in ((name, "value"), (f"{name}, error", "error")):
                    if _is_number(entry.get(of)):
                        out[f"{word}{unit}"] = entry[of]
        elif key != "warnings":
            out.update(_flat(str(key), value))
    return out


def _flat(name: str, value: Any) -> Iterator[tuple[str, float | int]]:
    if isinstance(value, bool):
        yield name, int(value)
    elif _is_number(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(f"{name}.{key}", each)
    elif isinstance(value, list) and len(value) <= LONGEST:
        for place, each in enumerate(value):
            yield from _flat(f"{name}.{place}", each)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def case_numbers(folder: Path, case: str) -> dict[str, float | int]:
    """The numbers of one case that is done; nothing where its result cannot be read."""
    try:
        result = json.loads((folder / case / "result.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return numbers(result) if isinstance(result, dict) else {}


def write_summary(folder: Path, manifest: Manifest, progress: Progress) -> Path:
    """Write the table of all cases, in the manifest's order. Raises `WriteError`."""
    found: list[dict[str, Any]] = []
    columns: dict[str, None] = {}
    own: dict[str, None] = {}
    for case in manifest.cases:
        status = progress.status(case.name)
        values = case_numbers(folder, case.name) if status.state == DONE else {}
        columns |= dict.fromkeys(values)
        own |= dict.fromkeys(case.parameters)
        found.append(values)
    path = folder / NAME
    with (
        atomic(path) as draft,
        open(draft, "w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        out = csv.writer(file)
        first = ["case", "state", "seconds", "error"]
        out.writerow(
            [*first, *own, *(c if c not in first and c not in own else f"result.{c}" for c in columns)]
        )
        for case, values in zip(manifest.cases, found, strict=True):
            out.writerow(_row(case, progress, list(own), values, list(columns)))
    return path


def _row(
    case: Case, progress: Progress, own: list[str], values: Mapping[str, Any], columns: list[str]
) -> list[Any]:
    status = progress.status(case.name)
    seconds = "" if status.seconds is None else round(status.seconds, 3)
    return [
        case.name,
        status.state,
        seconds,
        status.error,
        *(case.parameters.get(p, "") for p in own),
        *(values.get(c, "") for c in columns),
    ]
