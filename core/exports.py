"""Writes objects and results as files of open formats, without a screen."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from core.data import Table, encode, kind_of
from core.errors import UserError, WriteError, printable
from core.files import atomic
from core.jobs import Job
from core.plugins import PluginHost, Writer
from core.records import Record, to_json
from core.results import Curve, Heatmap, Histogram, Layer, Number, Result, ResultTable, Scatter, Text
from core.running import Finished


def write_object(
    data: Any,
    path: Path,
    *,
    host: PluginHost,
    job: Job,
    writer: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write one data object in the format that the file name (or `writer`) asks for.

    Raises
    ------
    WriteError : no writer fits, or the disk refuses; one sentence.
    """
    kind = kind_of(data)
    chosen = choose_writer(kind, path, host=host, writer=writer)
    write = host.resolve(chosen.write)
    try:
        write(data, path, job=job, metadata=dict(metadata or {}))
    except UserError:
        raise
    except OSError as error:
        raise WriteError(
            path, f"cannot be written ({error.strerror or error})", "choose another folder"
        ) from error
    return path


def choose_writer(kind: str, path: Path, *, host: PluginHost, writer: str | None = None) -> Writer:
    """The writer for a kind of data and a file name. Raises `WriteError` where there is none."""
    if writer is not None:
        return host.get(writer, Writer)
    writers = host.writers_for(kind)
    fits = [w for w in writers if w.matches(path.name)]
    if not fits:
        known = ", ".join(p.removeprefix("*") for w in writers for p in w.patterns)
        raise WriteError(
            path, f"has no ending that a {kind} can be written to", f"use one of {known or '(none)'}"
        )
    return fits[0]


def write_run(
    finished: Finished, folder: Path, *, host: PluginHost, job: Job, absolute_paths: bool = False
) -> list[Path]:
    """`record.json`, `result.json` and a file for each layer, plot and table. Returns what was written.

    The record names its inputs as seen from `folder`, unless `absolute_paths` are asked for.

    Raises
    ------
    WriteError : the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record = msgspec.convert(dict(finished.record), Record)
        paths = [_bytes(folder / "result.json", _json(result_json(finished.result)))]
        taken: set[str] = set()
        for output in finished.result.outputs:
            stem = unique(file_stem(output.name), taken)
            paths += _write_output(output, folder / stem, host=host, job=job)
        # Last: a folder with a record is complete.
        return [
            _bytes(
                folder / "record.json",
                to_json(record, relative_to=None if absolute_paths else folder.resolve()),
            ),
            *paths,
        ]
    except OSError as error:
        raise WriteError(
            folder, f"cannot be written to ({error.strerror or error})", "choose another folder"
        ) from error


def result_json(result: Result) -> dict[str, Any]:
    """What `result.json` holds: the result's values, its single numbers and its warnings."""
    out = dict(result.values)
    taken: set[str] = set()
    numbers = {
        unique(o.name, taken): {"value": o.value, "unit": o.unit, "error": o.error}
        for o in result.outputs
        if isinstance(o, Number)
    }
    if numbers:
        out["numbers"] = numbers
    if result.warnings:
        out["warnings"] = list(result.warnings)
    return out


def file_stem(name: str) -> str:
    """A name as a safe file stem: letters, digits, dot, dash and underscore, no longer than disks allow."""
    return re.sub(r"[^\w.-]+", "-", printable(name)).strip("-.")[:60].strip("-.") or "output"


def unique(name: str, taken: set[str]) -> str:
    """`name`, or "name-2", …: unlike all in `taken`, whatever the case; it is remembered there."""
    found, count = name, 2
    while found.casefold() in taken:
        found, count = f"{name}-{count}", count + 1
    taken.add(found.casefold())
    return found


def table_of(output: Any) -> Table | None:
    """The numbers behind a plot as a table with named, unit-bearing columns; None for layers, numbers, text."""
    if isinstance(output, ResultTable):
        return output.table
    if isinstance(output, Curve):
        return _columns(
            (output.x_label or "x", output.x, output.x_unit),
            *((name, values, output.y_unit) for name, values in output.ys.items()),
            *((f"{name}, error", values, output.y_unit) for name, values in output.ys_error.items()),
        )
    if isinstance(output, Scatter):
        columns = [
            (output.x_label or "x", output.x, output.x_unit),
            (output.y_label or "y", output.y, output.y_unit),
        ]
        if output.color is not None:
            columns.append((output.color_label or "value", output.color, ""))
        if output.labels:
            columns.append(("label", np.array(output.labels), ""))
        return _columns(*columns)
    if isinstance(output, Histogram):
        return _columns(
            ("from", output.edges[:-1], output.unit),
            ("to", output.edges[1:], output.unit),
            ("count", output.counts, ""),
        )
    if isinstance(output, Heatmap):
        n, m = output.values.shape
        names = output.column_labels or tuple(str(i) for i in range(m))
        rows = np.array(output.row_labels or [str(i) for i in range(n)])
        return _columns(
            (output.y_label or "row", rows, ""),
            *((names[j], output.values[:, j], output.unit) for j in range(m)),
        )
    return None


def _columns(*columns: tuple[str, Any, str]) -> Table:
    """A table of (name, values, unit); columns of one name are told apart, none is lost."""
    taken: set[str] = set()
    named = [(unique(name, taken), values, unit) for name, values, unit in columns]
    return Table({n: v for n, v, _ in named}, {n: u for n, _, u in named if u})


def write_table(table: Table, path: Path, separator: str = ",") -> None:
    """Write a CSV: one header line, units in parentheses, numbers at full precision."""
    header = [f"{n} ({table.units[n]})" if table.units.get(n) else n for n in table.columns]
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=separator)
        out.writerow(header)
        out.writerows(zip(*(c.tolist() for c in table.columns.values()), strict=True))


def save_table(table: Table, path: Path) -> Path:
    """`write_table`, whole or not at all; tabs between the columns for a name that ends in ".tsv".

    Raises
    ------
    WriteError : the disk refuses; what was there is untouched.
    """
    with atomic(path) as draft:
        write_table(table, draft, "\t" if path.suffix.lower() == ".tsv" else ",")
    return path


def _write_output(output: Any, stem: Path, *, host: PluginHost, job: Job) -> list[Path]:
    if isinstance(output, Layer):
        kind = kind_of(output.data)
        if kind == "table":
            return [_table(output.data, stem)]
        writers = [w for w in host.writers_for(kind) if not host.missing(w)]
        if not writers:
            return [_archive(output.data, stem)]
        path = stem.with_name(stem.name + writers[0].patterns[0].removeprefix("*"))
        return [write_object(output.data, path, host=host, job=job, writer=writers[0].id)]
    if isinstance(output, Text):
        return [_bytes(stem.with_name(stem.name + ".txt"), (output.text + "\n").encode())]
    table = table_of(output)
    return [] if table is None else [_table(table, stem)]


def _archive(data: Any, stem: Path) -> Path:
    """What no plugin writes: an NPZ of the arrays, with `tree` saying in JSON what refers to which."""
    tree, arrays = encode(data)
    path = stem.with_name(stem.name + ".npz")
    with atomic(path) as draft, open(draft, "wb") as file:
        np.savez(file, tree=json.dumps(tree), **{str(i): a for i, a in enumerate(arrays)})  # type: ignore[arg-type]
    return path


def _table(table: Table, stem: Path) -> Path:
    return save_table(table, stem.with_name(stem.name + ".csv"))


def _bytes(path: Path, content: bytes) -> Path:
    with atomic(path) as draft:
        draft.write_bytes(content)
    return path


def _json(value: Any) -> bytes:
    """Readable JSON; NaN and infinities become null, which is all that JSON has for them."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


__all__ = [
    "choose_writer",
    "file_stem",
    "result_json",
    "save_table",
    "table_of",
    "write_object",
    "write_run",
    "write_table",
]
