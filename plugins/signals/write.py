"""Tables and signals as CSV (or TSV, by the name's ending)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Signal, Table
from core.files import atomic
from core.jobs import Job

_BLOCK = 20_000


def write(data: Table | Signal, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """One row a sample; names with units in the first row: "time (s)". Numbers survive a round trip exactly.

    UTF-8, decimal points; what is missing (NaN) is an empty cell.
    """
    path = Path(path)
    names, columns = _columns(data)
    rows = len(columns[0]) if columns else 0
    with atomic(path) as draft, open(draft, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(
            file, delimiter="\t" if path.suffix.lower() in (".tsv", ".tab") else ",", lineterminator="\n"
        )
        out.writerow(names)
        for at in range(0, rows, _BLOCK):
            job.progress(at / rows, "Writing")
            out.writerows(zip(*(_texts(c[at : at + _BLOCK]) for c in columns), strict=True))
    job.progress(1.0)


def _columns(data: Table | Signal) -> tuple[list[str], list[np.ndarray]]:
    if isinstance(data, Table):
        names = [f"{n} ({data.units[n]})" if data.units.get(n) else n for n in data.columns]
        return names, list(data.columns.values())
    if data.times is not None:
        times, unit = data.times, "s"
    else:
        times, unit = np.arange(len(data.values)) / data.rate, data.time_unit
    # values of several channels have one unit
    suffix = f" ({data.unit})" if data.unit else ""
    return [f"time ({unit})", *(f"{c}{suffix}" for c in data.channels)], [times, *data.values.T]


def _texts(column: np.ndarray) -> list[Any]:
    if column.dtype.kind == "f":
        # repr of a float is the shortest text that gives the same number back (also for float32)
        return ["" if v != v else str(v) for v in column]
    if column.dtype.kind == "M":
        return np.datetime_as_string(column).tolist()
    return column.tolist()
