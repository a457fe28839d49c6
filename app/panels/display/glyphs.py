"""Glyphs of an object: what is drawn as arrows, ellipsoids or spheres, how large, how many."""

from __future__ import annotations

from typing import Any

from app.panels.display.fields import DisplayFields
from core.document import Item

SHAPES = {"ellipsoid": "Ellipsoids", "superquadric": "Superquadrics"}


def add_glyphs(fields: DisplayFields, item: Item) -> None:
    """Nothing where there is nothing to draw."""
    from app.viewports.glyphs import glyph_names, kind_of_glyph

    data: Any = item.data
    names = glyph_names(data)
    if not names:
        return
    own = {
        n: n
        for n, a in getattr(data, "attributes", {}).items()
        if a.values.ndim == 1 and a.values.dtype.kind in "biuf"
    }
    fields.add_choice("glyph", "Glyphs", {"": "None", **names})
    by = {"": "Its own value", "@direction": "Direction", "@color": "One colour", **own}
    if not hasattr(item.display, "color"):
        del by["@color"]
    fields.add_choice("glyph_color_by", "Colour of glyphs", by)
    fields.add_choice("glyph_shape", "Tensors as", SHAPES)
    fields.add_number("glyph_scale", "Size of glyphs", unit="×", minimum=0.01, maximum=1000, step=0.1)
    limit = fields.add_number(
        "glyph_limit", "Glyphs at most", integer=True, minimum=1, maximum=200_000, step=500
    )
    limit.committed.disconnect()

    def commit() -> None:
        try:
            value = limit.value()
        except ValueError:
            limit.set_invalid(True)
            return
        wrong = value is None or not 1 <= value <= 200_000
        limit.set_invalid(wrong)
        current = fields.item
        if current is not None and value is not None and not wrong:
            number = int(value)
            if number != current.display.glyph_limit:  # type: ignore[attr-defined]
                fields.apply("glyph-limit", glyph_limit=number)

    limit.committed.connect(commit)

    def fill(current: Item) -> None:
        display: Any = current.display
        kind = kind_of_glyph(data, display.glyph) if display.glyph else ""
        for name in ("glyph_color_by", "glyph_scale", "glyph_limit"):
            fields.show_row(name, bool(kind))
        fields.show_row("glyph_shape", kind == "tensor")

    fields.fillers.append(fill)
