"""CSV and its relatives: the delimiter, header, decimal comma and units found out, numbers read fast."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from core.analyses import Help
from core.data import Loaded, Signal, Table
from core.errors import LONGEST_NAME, ReadError, printable
from core.files import read_text
from core.jobs import Job

DELIMITERS = ",;\t|"
MOST_COLUMNS = 10_000
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "?", "missing"))
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(inf|nan)\s*", re.IGNORECASE)
_TIME = re.compile(r"(time|times|t|timestamp|seconds?|sec|msec|millis|zeit|elapsed)([ _-].*)?", re.IGNORECASE)
SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}  # fmt: skip
_LONGEST_CELL = 200


@dataclass(frozen=True)
class Layout:
    """How a file is written."""

    delimiter: str
    decimal: str
    header: bool


def sniff(path: Path, head: bytes) -> int:
    """70 for columns of which the first is called time, 50 for other columns, 40 for one, 5 for no text."""
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return 5
    text = head.decode("utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin-1", "ignore")
    lines = text.splitlines()
    rows = lines[: max(1, len(lines) - 1)]
    if rows and _TIME.fullmatch(re.split(r"[,;\t|(\[]", rows[0].lstrip("ï»¿"), maxsplit=1)[0].strip(' "')):
        return 70
    return 50 if any(any(d in line for d in DELIMITERS) for line in rows) else 40


def read(
    path: Path,
    *,
    form: Annotated[
        Literal["auto", "table", "signal"], Help("A signal has its times in the first column.")
    ] = "auto",
    delimiter: Annotated[
        Literal["auto", "comma", "semicolon", "tab", "space", "bar"], Help("Between the columns.")
    ] = "auto",
    decimal: Annotated[Literal["auto", "point", "comma"], Help("Decimal sign.")] = "auto",
    job: Job,
) -> list[Loaded]:
    """A text file of columns as a `Table`, or as a `Signal` where its first column is time.

    A first row without numbers is the header; units stand in brackets: "time (s)", "force [N]". With
    `auto`, a file is a signal if the first column is called time (or t, seconds, …), rises strictly and all
    others are numbers; times are converted to seconds. Empty cells and NA become NaN. Rows that are too short
    are filled and reported; rows that are too long raise `ReadError`, as does a file without rows.
    """
    path = Path(path)
    notes: list[str] = []
    job.progress(0.0, "Reading the text")
    text = read_text(path, notes)
    layout = _layout(path, text, delimiter, decimal)
    names, columns = _columns(path, text, layout, notes, job)
    names, units = _names(names)
    job.progress(1.0)
    metadata = {
        "delimiter": {"\t": "tab", " ": "space"}.get(layout.delimiter, layout.delimiter),
        "decimal": layout.decimal,
    }
    signal = _signal(path, names, columns, units, form, notes)
    if signal is not None:
        return [Loaded(path.stem, signal, tuple(notes), metadata)]
    table = Table(
        dict(zip(names, columns, strict=True)), {n: u for n, u in zip(names, units, strict=True) if u}
    )
    return [Loaded(path.stem, table, tuple(notes), metadata)]


def _layout(path: Path, text: str, delimiter: str, decimal: str) -> Layout:
    sample = [line for line in text[:65536].splitlines()[:200] if line.strip() and not line.startswith("#")]
    if len(text) > 65536 and len(sample) > 1:
        sample.pop()  # it may be cut
    if not sample:
        raise ReadError(path, "holds only remarks", "check where it comes from")
    named = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "bar": "|"}
    sign = named[delimiter] if delimiter != "auto" else _delimiter(sample)
    rows = [cells for cells in csv.reader(sample, delimiter=sign, skipinitialspace=sign == " ") if cells]
    point = {"point": ".", "comma": ","}.get(decimal, "")
    if not point:
        # A comma inside cells that are numbers otherwise; with "," between the columns it cannot be one.
        cells = [c for row in rows[1:] or rows for c in row]
        commas = sum(1 for c in cells if "," in c and _NUMBER.fullmatch(c))
        points = sum(1 for c in cells if "." in c and _NUMBER.fullmatch(c))
        point = "," if sign != "," and commas > points else "."
    first = rows[0]
    header = not any(_NUMBER.fullmatch(c) and c.strip() for c in first) and any(c.strip() for c in first)
    if header and len(rows) > 1:
        # Texts all the way down: the first row is a header only if it looks unlike the rest.
        rest = rows[1:]
        numeric = any(_NUMBER.fullmatch(c) for row in rest for c in row)
        header = numeric or len(set(first)) == len(first)
    return Layout(sign, point, header)


def _delimiter(sample: list[str]) -> str:
    """The sign that splits the most lines into one number (> 1) of cells, of which the most are numbers.

    Quotes are respected. "1,5;2,5" is split by the semicolon, because the comma leaves "5;2".
    """
    best, chosen = 0.0, ","
    for sign in DELIMITERS + " ":
        try:
            rows = [row for row in csv.reader(sample, delimiter=sign, skipinitialspace=sign == " ") if row]
        except csv.Error:
            continue
        if not rows:
            continue
        width, times = Counter(len(row) for row in rows).most_common(1)[0]
        if width < 2:
            continue
        cells = [c for row in rows[1:] or rows for c in row]
        numbers = sum(1 for c in cells if not c.strip() or _NUMBER.fullmatch(c)) / max(1, len(cells))
        # Spaces also stand within texts and dates: they count only if nothing else does.
        score = times / len(rows) + 0.5 * numbers - (0.6 if sign == " " else 0.0)
        if score > best + 1e-9:
            best, chosen = score, sign
    return chosen


def _columns(
    path: Path, text: str, layout: Layout, notes: list[str], job: Job
) -> tuple[list[str], list[np.ndarray[Any, Any]]]:
    lines = text.splitlines() if '"' not in text else None
    rows = _rows(path, text, lines, layout)
    first = next(rows, None)
    if first is None:
        raise ReadError(path, "holds no rows", "check where it comes from")
    width = len(first)
    if width > MOST_COLUMNS:
        raise ReadError(path, f"has {width} columns, more than the {MOST_COLUMNS} accepted", "transpose it")
    names = [c.strip() for c in first] if layout.header else [f"column {i + 1}" for i in range(width)]
    if lines is not None:
        fast = _fast(lines, layout, width)
        if fast is not None:
            return names, [np.ascontiguousarray(c) for c in fast.T]
    cells: list[list[str]] = [[] for _ in range(width)]
    short = 0
    body: Iterator[list[str]] = rows if layout.header else _chain(first, rows)
    for n, row in enumerate(body):
        if n & 0x3FFF == 0:
            job.progress(min(0.9, n / max(1, text.count("\n"))), "Reading rows")
        if len(row) > width:
            if any(c.strip() for c in row[width:]):
                what = "header" if layout.header else "first row"
                raise ReadError(
                    path,
                    f"has {len(row)} cells in row {n + 1} of values and {width} in its {what}",
                    "mend that row",
                )
            row = row[:width]
        elif len(row) < width:
            short += 1
            row = [*row, *[""] * (width - len(row))]
        for column, cell in zip(cells, row, strict=True):
            column.append(cell)
    if not cells[0]:
        raise ReadError(path, "has a header and no rows", "check where it comes from")
    if short:
        notes.append(f"{short} rows have fewer cells than the others; the rest was left empty.")
    return names, [
        _column(names[i], column, layout.decimal, len(text), notes) for i, column in enumerate(cells)
    ]


def _chain(first: list[str], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rest


def _rows(path: Path, text: str, lines: list[str] | None, layout: Layout) -> Iterator[list[str]]:
    source = iter(lines) if lines is not None else io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=layout.delimiter, skipinitialspace=True)
    try:
        started = False
        for row in reader:
            if not row or (len(row) == 1 and not row[0].strip()) or (not started and row[0].startswith("#")):
                continue
            started = True
            if layout.delimiter == " ":
                row = [c for c in row if c]
            yield row
    except csv.Error as error:
        raise ReadError(path, f"cannot be read as columns ({error})", "save it again as CSV") from None


def _fast(lines: list[str], layout: Layout, width: int) -> np.ndarray[Any, Any] | None:
    """All cells as one float64 array by NumPy's own parser, or None if some cell is no number."""
    at = 0
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith("#")):
        at += 1
    body = lines[at + layout.header :]
    if not body:
        return None
    if layout.decimal == ",":
        body = [line.replace(",", ".") for line in body]
    separator = None if layout.delimiter == " " else layout.delimiter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = np.loadtxt(body, dtype=np.float64, delimiter=separator, comments=None, ndmin=2)
    except (ValueError, UserWarning, DeprecationWarning):
        return None
    if values.shape[1] != width:
        return None
    return values


def _column(name: str, cells: list[str], decimal: str, total: int, notes: list[str]) -> np.ndarray[Any, Any]:
    """float64 if all cells are numbers or missing, otherwise text."""
    try:
        plain = [c.replace(",", ".") for c in cells] if decimal == "," else cells
        return np.array(plain, dtype=np.float64)
    except ValueError:
        pass
    stripped = [c.strip() for c in cells]
    lower = {c.lower() for c in set(stripped)}
    # A comma in a file whose decimal sign is the point is no number's.
    commas = decimal != "," and any("," in c for c in lower)
    if lower - MISSING and not commas and all(c in MISSING or _NUMBER.fullmatch(c) for c in lower):
        return np.array(
            [
                np.nan if c.lower() in MISSING else float(c.replace(",", ".") if decimal == "," else c)
                for c in stripped
            ]
        )
    if lower <= {"true", "false"}:
        return np.array([c.lower() == "true" for c in stripped])
    longest = max(map(len, stripped))
    # NumPy gives every text the room of the longest: one long cell must not take more than the file justifies.
    if longest > _LONGEST_CELL and longest * len(cells) * 4 > 8 * total + 1_000_000:
        notes.append(f"Texts in column {printable(name)!r} were cut to {_LONGEST_CELL} characters.")
        stripped = [c[:_LONGEST_CELL] for c in stripped]
    return np.array(stripped, dtype=np.str_)


def _names(names: list[str]) -> tuple[list[str], list[str]]:
    """Names without their units, made unique; and the units."""
    plain, units = [], []
    taken: set[str] = set()
    for i, name in enumerate(names):
        name = name[: LONGEST_NAME + 40]
        match = re.fullmatch(r"(.*\S)\s*[(\[]([^()\[\]]{0,30})[)\]]", name)
        base, unit = (match[1], match[2].strip()) if match else (name or f"column {i + 1}", "")
        base = base[:LONGEST_NAME]
        unique, n = base, 1
        while unique in taken:
            n += 1
            unique = f"{base} {n}"
        taken.add(unique)
        plain.append(unique)
        units.append(unit)
    return plain, units


def _signal(
    path: Path,
    names: list[str],
    columns: list[np.ndarray[Any, Any]],
    units: list[str],
    form: str,
    notes: list[str],
) -> Signal | None:
    if form == "table":
        return None
    times = columns[0]
    wanted = form == "signal"
    if not wanted and not _TIME.fullmatch(names[0]):
        return None
    rising = (
        times.dtype.kind == "f"
        and len(times) > 1
        and bool(np.isfinite(times).all())
        and bool((np.diff(times) > 0).all())
    )
    numbers = len(columns) > 1 and all(c.dtype.kind in "fb" for c in columns[1:])
    unit = units[0].lower() or ("ms" if names[0].lower() in ("msec", "millis") else "")
    if not (rising and numbers and unit in SECONDS):
        if wanted:
            what = (
                "are not times that rise"
                if not rising
                else "are not followed by numbers only"
                if not numbers
                else "have an unknown unit"
            )
            raise ReadError(
                path, f"is no signal: the values of its first column {what}", "open it as a table"
            )
        return None
    seconds = times * SECONDS[unit]
    values = np.stack([c.astype(np.float64) for c in columns[1:]], axis=1)
    shared = units[1] if len(set(units[1:])) == 1 else ""
    channels = [n if shared or not u else f"{n} ({u})" for n, u in zip(names[1:], units[1:], strict=True)]
    step = float(seconds[-1] - seconds[0]) / (len(seconds) - 1)
    even = bool(np.allclose(seconds, seconds[0] + step * np.arange(len(seconds)), rtol=0, atol=1e-6 * step))
    if even and seconds[0] == 0:
        return Signal(values, rate=1.0 / step, channels=tuple(channels), unit=shared)
    if not even:
        notes.append("Its samples are not evenly spaced in time.")
    return Signal(values, rate=1.0 / step, times=seconds, channels=tuple(channels), unit=shared)
