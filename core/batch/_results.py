"""What a run wrote into its folder, read back: layers, tables, numbers and texts, under their names."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec

from core.data import kind_of
from core.errors import ReadError, UserError, printable
from core.exports import file_stem
from core.jobs import Job
from core.opening import open_path
from core.plugins import PluginHost
from core.records import read_record
from core.results import Layer, Number, Output, Result, ResultTable, Text
from core.running import Finished

OWN = ("record.json", "result.json")


def read_run(folder: Path, *, job: Job, host: PluginHost) -> Finished:
    """The run in `folder`. Plots come back as tables of their numbers: that is how they are written.

    Raises
    ------
    UserError : there is no record, or a file cannot be read.
    """
    record = read_record(folder)
    values = _values(folder / "result.json")
    names = {file_stem(n).casefold(): n for n in record.outputs}
    outputs: list[Output] = [
        Number(name, _float(entry.get("value")), str(entry.get("unit") or ""), entry.get("error"))
        for name, entry in values.pop("numbers", {}).items()
        if isinstance(entry, dict)
    ]
    values.pop("warnings", None)
    paths = sorted(p for p in folder.iterdir() if p.name not in OWN and not p.name.startswith("."))
    for n, path in enumerate(paths):
        job.progress(n / len(paths), f"Reading {printable(path.name)}")
        stem = path.name.partition(".")[0] if path.name.endswith(".mrk.json") else path.stem
        name = names.get(stem.casefold(), stem)
        if path.suffix == ".txt":
            outputs.append(Text(name, path.read_text(encoding="utf-8", errors="replace").strip()))
            continue
        try:
            # What looks like coordinates was written as a table.
            kind = "table" if path.suffix == ".csv" else None
            loaded = open_path(path, job=job, host=host, kind=kind).loaded
        except UserError as error:
            job.log(str(error))  # the others are worth seeing all the same
            continue
        for each in loaded:
            if kind_of(each.data) == "table":
                outputs.append(ResultTable(name, each.data))
            elif each.data is not None:
                outputs.append(Layer(name, each.data, dict(each.display)))
    return Finished(Result(values, tuple(outputs), record.warnings), msgspec.to_builtins(record))


def _values(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror})", "run the case again") from None
    except (ValueError, RecursionError):
        raise ReadError(path, "is damaged", "run the case again") from None
    return found if isinstance(found, dict) else {}


def _float(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
