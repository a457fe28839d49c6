"""Lists of cases: a text file of one input a line, or a CSV of inputs, parameters and names."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.analyses import Description, Parameter, ParameterError, parse
from core.errors import UserError, printable
from core.files import read_text
from core.opening import SAMPLE

NAMES = ("name", "case", "id")
FILES = ("input", "file", "path", "inputs")


@dataclass(frozen=True)
class Entry:
    """One case as a list gives it: addresses by the number of the input, parameters by name."""

    inputs: dict[int, str]
    parameters: dict[str, Any] = field(default_factory=dict)
    name: str = ""


def read_list(path: Path, description: Description) -> list[Entry]:
    """The cases in a list. Paths in it are relative to its own folder.

    A CSV (or TSV) begins with a line that names the columns: inputs and parameters by the names that `--help` shows,
    and "name" for the case's; without such a line the columns are the inputs in their order. Empty cells leave out.
    Any other file holds one input a line, several separated by tabs; lines that begin with # are comments.

    Raises
    ------
    ReadError : it cannot be read. UserError : names the line and what is wrong there.
    """
    text = read_text(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        first = text.partition("\n")[0]
        separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    else:
        rows = [line.split("\t") for line in text.splitlines()]
    lines = [
        (number, [cell.strip() for cell in row])
        for number, row in enumerate(rows, 1)
        if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#")
    ]
    if not lines:
        raise UserError(f"{printable(path.name)} lists nothing.")
    columns = _header(lines[0][1], description)
    if columns is None:
        columns = list(range(len(description.inputs)))
    else:
        del lines[0]
        unknown = [
            cell for cell, c in zip(_first(text, path, rows), columns, strict=True) if c is None and cell
        ]
        if unknown:
            known = ", ".join([i.name for i in description.inputs] + [p.name for p in description.parameters])
            raise UserError(
                f"{printable(path.name)} has a column {unknown[0]!r}, which is no input or parameter of "
                f"{description.id} (it has {known})."
            )
    return [_entry(path, number, row, columns, description) for number, row in lines]


def _first(text: str, path: Path, rows: list[list[str]]) -> list[str]:
    return next(
        [c.strip() for c in row]
        for row in rows
        if any(c.strip() for c in row) and not row[0].lstrip().startswith("#")
    )


def _header(cells: list[str], description: Description) -> list[Any] | None:
    """What each column is: the number of an input, a parameter, "name", None for the unknown; None: no header."""
    out = [_column(cell, description) for cell in cells]
    return out if any(isinstance(c, int) for c in out) else None


def _column(cell: str, description: Description) -> int | Parameter | str | None:
    word = _plain(cell)
    for number, entry in enumerate(description.inputs):
        if word in (_plain(entry.name), _plain(entry.label), f"input_{number + 1}", f"input{number + 1}"):
            return number
    for parameter in description.parameters:
        if word in (_plain(parameter.name), _plain(parameter.label)):
            return parameter
    if word in NAMES:
        return "name"
    return 0 if word in FILES else None


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _entry(path: Path, number: int, row: list[str], columns: list[Any], description: Description) -> Entry:
    where = f"{printable(path.name)}, line {number}"
    if len([c for c in row if c]) and len(row) > len(columns):
        if any(row[len(columns) :]):
            raise UserError(f"{where}: it has {len(row)} columns, more than the {len(columns)} before it.")
    inputs: dict[int, str] = {}
    parameters: dict[str, Any] = {}
    name = ""
    for cell, column in zip(row, columns, strict=False):
        if not cell or column is None:
            continue
        if isinstance(column, int):
            inputs[column] = _located(cell, path.absolute().parent)
        elif column == "name":
            name = cell
        else:
            try:
                parameters[column.name] = parse(column, cell)
            except ParameterError as error:
                raise UserError(f"{where}: {error}") from None
    return Entry(inputs, parameters, name)


def _located(cell: str, folder: Path) -> str:
    if cell.startswith(SAMPLE):
        return cell
    return str(folder / Path(cell).expanduser())
