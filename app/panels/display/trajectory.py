"""What the display panel offers for trajectories: colours, size, trails."""

from __future__ import annotations

from app.panels.display.attributes import add_range
from app.panels.display.fields import DisplayFields
from app.panels.display.glyphs import add_glyphs
from app.panels.display.ranges import add_colormap
from core.document import Item

SHAPES = {"points": "Points", "spheres": "Spheres"}


def build(fields: DisplayFields, item: Item) -> None:
    """Colours, size, trails."""
    from app.viewports.motion import names, value_range

    data = item.data
    fields.add_choice("color_by", "Colour by", {"": "One colour", **names(data)})
    add_colormap(fields)
    add_range(fields, lambda current: value_range(current.data, current.display.color_by))  # type: ignore[attr-defined]
    fields.add_choice("shape", "Shown as", SHAPES)
    size = fields.add_number("size", "Point size", unit="px", minimum=0.5, maximum=60, step=0.5)
    radius = fields.add_number("radius", "Radius", unit=data.unit, optional=True, minimum=0)
    fields.add_check("trails", "Trails")
    fields.add_number("trail", "Trail length", unit=data.time_unit, optional=True, empty="all", minimum=0)
    fields.add_check("fade", "Fade trails")
    add_glyphs(fields, item)

    from app.viewports.glyphs import glyph_names

    arrows = glyph_names(data)
    if arrows:
        fields.add_choice("glyph", "Arrows", {"": "None", **arrows})
        fields.add_number("glyph_scale", "Arrow size", unit="×", minimum=0.01, maximum=100, step=0.1)

    def fill(current: Item) -> None:
        display = current.display
        spheres = getattr(display, "shape", "points") == "spheres"
        size.setEnabled(not spheres)
        radius.setEnabled(spheres)
        for name in ("trail", "fade"):
            fields.fields[name].setEnabled(bool(getattr(display, "trails", False)))
        if "glyph_scale" in fields.fields:
            fields.fields["glyph_scale"].setEnabled(bool(getattr(display, "glyph", "")))

    fields.fillers.append(fill)
