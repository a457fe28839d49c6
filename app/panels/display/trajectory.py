"""What the display panel offers for trajectories: colours, size, trails."""

from __future__ import annotations

from typing import Any

from app.panels.display.attributes import add_range
from app.panels.display.colors import add_color
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
    add_color(fields, "color", "Colour")
    fields.add_choice("shape", "Shown as", SHAPES)
    fields.add_number("size", "Point size", unit="px", minimum=0.5, maximum=60, step=0.5)
    fields.add_number("radius", "Radius", unit=data.unit, optional=True, minimum=0)
    fields.add_check("trails", "Trails")
    fields.add_number("trail", "Trail length", unit=data.time_unit, optional=True, empty="all", minimum=0)
    fields.add_check("fade", "Fade trails")
    add_glyphs(fields, item)

    def fill(current: Item) -> None:
        display: Any = current.display
        spheres, trails = display.shape == "spheres", bool(display.trails)
        rows = {"color": not display.color_by, "size": not spheres, "radius": spheres}
        for name, shown in {**rows, "trail": trails, "fade": trails}.items():
            fields.show_row(name, shown)

    fields.fillers.append(fill)
