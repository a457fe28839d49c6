"""What an item is, in a few rows to read; all of it as JSON on the clipboard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.forms.numbers import number_words
from app.forms.widgets import Card, ColumnWidget, Readings, label, scrolled
from app.window.dialogs import Dialog
from app.window.kinds import KIND_WORDS, count, kind_of_item
from core.data import info
from core.document import Item

ROWS = 60
"""Rows of metadata that are shown; a header may hold hundreds."""


def plain_properties(item: Item) -> dict[str, Any]:
    """Everything known of an item as plain JSON: `core.data.info`, its file and its metadata."""
    plain: dict[str, Any]
    try:
        plain = info(item.data, item.name, item.warnings)
    except TypeError:  # a group, a plot
        plain = {"kind": kind_of_item(item), "name": item.name, "warnings": list(item.warnings)}
    if item.source is not None:
        plain["file"] = item.source.path
    if item.metadata:
        plain["metadata"] = {str(k): v for k, v in item.metadata.items()}
    return plain


def property_rows(plain: Mapping[str, Any]) -> dict[str, str]:
    """`plain_properties` without the metadata as words; what does not apply is left out."""
    kind = str(plain.get("kind", ""))
    unit = str(plain.get("unit") or "")
    rows = {"Name": str(plain.get("name", "")), "Kind": KIND_WORDS.get(kind, kind)}
    if plain.get("file"):
        rows["File"] = str(plain["file"])
    shape = plain.get("shape")
    if plain.get("n_points") is not None:
        rows["Nodes" if kind == "graph" else "Points"] = count(plain["n_points"])
        if plain.get("n_faces") is not None:
            rows["Faces"] = count(plain["n_faces"])
        if kind == "graph" and shape:
            rows["Edges"] = count(shape[1])
    elif shape and kind == "table":
        rows["Rows"], rows["Columns"] = count(shape[0]), count(shape[1])
    elif shape:
        rows["Voxels" if kind == "volume" else "Shape"] = " × ".join(map(count, shape))
    spacing = plain.get("spacing")
    if spacing and kind == "volume":
        rows["Voxel size"] = " × ".join(number_words(s) for s in spacing) + (f" {unit}" if unit else "")
    elif spacing and kind == "signal" and spacing[0]:
        rows["Rate"] = f"{number_words(1 / spacing[0], 6)} Hz"
    if plain.get("axis_codes"):
        rows["Axes"] = str(plain["axis_codes"])
    box = plain.get("bounds")
    if box:
        for n, axis in enumerate("xyz"[: len(box) // 2]):
            ends = f"{number_words(box[2 * n])} to {number_words(box[2 * n + 1])}"
            rows[f"Extent along {axis}"] = f"{ends} {unit}".strip()
    if kind in ("mesh", "pointcloud") and not unit:
        rows["Unit"] = "the file does not say"
    tensors = plain.get("tensors")
    if tensors:
        rows["Tensors"], rows["Parameters"] = count(tensors["count"]), count(tensors["parameters"])
    for entry in plain.get("attributes") or ():
        if kind == "volume":
            rows["Values"] = str(entry["dtype"])
        elif len(rows) < ROWS:
            title = "Column names" if kind == "table" else f"{entry['domain'].capitalize()} values"
            rows[title] = f"{rows[title]}, {entry['name']}" if title in rows else str(entry["name"])
    return rows


def properties(item: Item, parent: QWidget) -> Dialog:
    """The dialog: warnings first, then the rows, then what the file says of itself."""
    plain = plain_properties(item)
    made = Dialog(f"Properties of {item.name}", parent, 560, 480)
    body = ColumnWidget(margin=0)
    for warning in item.warnings:
        body.column.addWidget(label(warning, "warn", wrap=True))
    card = Card()
    card.column.addWidget(Readings(property_rows(plain)))
    body.column.addWidget(card)
    metadata = dict(plain.get("metadata", {}))
    if metadata:
        said = Card()
        said.column.addWidget(label("Metadata", "heading"))
        said.column.addWidget(Readings({k: _words(v) for k, v in list(metadata.items())[:ROWS]}))
        if len(metadata) > ROWS:
            said.column.addWidget(label(f"and {count(len(metadata) - ROWS)} more", "small"))
        body.column.addWidget(said)
    body.column.addStretch(1)
    made.column.addWidget(scrolled(body))
    if item.source is not None:  # to hand on; Copy path has the rest
        plain["file"] = PurePath(item.source.path).name
    text = json.dumps(plain, indent=2, ensure_ascii=False, default=str)
    made.finish(("Copy as JSON", lambda: QGuiApplication.clipboard().setText(text)))
    return made


def _words(value: Any) -> str:
    if isinstance(value, float):
        return number_words(value, 6)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
