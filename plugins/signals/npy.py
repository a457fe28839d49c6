"""NPY: one array, as a signal (rows are time) or a table."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from core.analyses import Help, Range
from core.checkpoints import read_npy_header
from core.data import Loaded, Signal, Table
from core.errors import ReadError
from core.jobs import Job

DAMAGED = "copy or download the file again"
MOST_CHANNELS = 64
MOST_COLUMNS = 4096


def sniff(path: Path, head: bytes) -> int:
    """80 for one or two axes, but 50 for (n, 3) and (n, 6), which may be points; 10 for what is refused."""
    try:
        shape, _, dtype = read_npy_header(io.BytesIO(head))
    except ValueError:
        return 10
    if dtype.hasobject or len(shape) not in (1, 2):
        return 10
    return 50 if len(shape) == 2 and shape[1] in (3, 6) else 80


def read(
    path: Path,
    *,
    form: Annotated[Literal["auto", "signal", "table"], Help("What the columns are.")] = "auto",
    rate: Annotated[float, Range(0), Help("Samples a second; 0: not known.")] = 0.0,
    job: Job,
) -> list[Loaded]:
    """One axis: a `Signal` of one channel. Two: a `Signal` of at most 64 channels, otherwise a `Table`.

    Records (structured types) and texts become a `Table`. Raises `ReadError`, for more axes too.
    """
    path = Path(path)
    job.progress(0.0, "Reading the array")
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            if not size:
                raise ReadError(path, "is empty", DAMAGED)
            shape, fortran, dtype = read_npy_header(file)
            start = file.tell()
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check the name and its permissions"
        ) from None
    except ValueError:
        raise ReadError(path, "is no NPY file, or its header is damaged", DAMAGED) from None
    if dtype.hasobject:
        raise ReadError(
            path, "holds pickled Python objects, which are not opened", "save an array of numbers instead"
        )
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > size - start:
        raise ReadError(path, f"claims {claimed} bytes of values and holds {size - start}", DAMAGED)
    if not claimed:
        raise ReadError(path, f"holds an array without values, of shape {shape}", "check where it comes from")
    if len(shape) not in (1, 2):
        raise ReadError(
            path,
            f"holds an array of {len(shape)} axes {shape}, and a signal or table has one or two",
            "save the part you want, or a volume as NIfTI",
        )
    flat = np.fromfile(path, dtype, math.prod(shape), offset=start)
    array = flat.reshape(shape, order="F" if fortran else "C")
    job.progress(1.0)
    notes = (
        () if claimed == size - start else (f"{size - start - claimed} bytes after the array were not read.",)
    )
    if dtype.names:
        if len(shape) != 1 or any(dtype[n].kind not in "biufcSU" or dtype[n].shape for n in dtype.names):
            raise ReadError(
                path,
                f"holds records of type {str(dtype)[:80]}, which no table can hold",
                "save plain columns",
            )
        return [Loaded(path.stem, Table({n: _plain(array[n]) for n in dtype.names}), notes)]
    if dtype.kind not in "biufcSU":
        raise ReadError(
            path, f"holds values of type {dtype}, which are not supported", "save numbers instead"
        )
    columns = array.reshape(len(array), -1)
    signal = dtype.kind in "biuf" and (
        form == "signal" or (form == "auto" and columns.shape[1] <= MOST_CHANNELS)
    )
    if signal:
        values = _plain(columns)
        if rate > 0:
            return [Loaded(path.stem, Signal(values, rate=rate), notes)]
        return [Loaded(path.stem, Signal(values, rate=1.0, time_unit="sample"), notes)]
    if columns.shape[1] > MOST_COLUMNS:
        raise ReadError(
            path,
            f"has {columns.shape[1]} columns, more than the {MOST_COLUMNS} of a table",
            "save its transpose or a part",
        )
    table = Table({f"column {i + 1}": _plain(columns[:, i]) for i in range(columns.shape[1])})
    return [Loaded(path.stem, table, notes)]


def _plain(array: np.ndarray) -> np.ndarray:
    """Native byte order, texts as Unicode, contiguous."""
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
