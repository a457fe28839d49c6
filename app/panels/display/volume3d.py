"""What the display panel offers for volumes in 3-D: rendering with an opacity curve, or an isosurface."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.forms.level_slider import LevelSlider
from app.forms.opacity_curve import OpacityCurve
from app.forms.widgets import button
from app.panels.display.colors import add_color
from app.panels.display.fields import DisplayFields
from app.panels.display.glyphs import add_glyphs
from app.panels.display.ranges import Found, Ranged
from app.theme import Metrics
from core.data import Transforms, Volume
from core.document import Item

RENDERS = {"auto": "Automatic", "volume": "Volume", "surface": "Surface", "off": "Off"}
EDITED = "@edited"
"""Entry of the choice of presets for a curve that is none of them."""
CAST = ("preset", "opacity_curve", "shade", "reset_curve")
LEVEL = ("surface_level", "level_slider", "surface_color", "make_surface")


def add_3d(fields: DisplayFields, item: Item) -> None:
    """How it looks in 3-D."""
    fields.add_choice("render", "In 3-D", RENDERS)
    data = item.data
    assert isinstance(data, Volume)
    if not data.rgb:
        _add_casting(fields, data)
        _add_level(fields, data)
    add_glyphs(fields, item)

    def fill(current: Item) -> None:
        display: Any = current.display
        label = (
            data.transforms is Transforms.LABEL
            or data.array.dtype.kind == "b"
            or display.colormap == "labels"
        )
        surface = display.render == "surface"
        for names, shown in (
            (CAST, not label and not surface and display.render != "off"),
            (LEVEL, not label and surface),
        ):
            for name in names:
                if name in fields.fields:
                    fields.show_row(name, shown)

    fields.fillers.append(fill)


def _add_casting(fields: DisplayFields, data: Volume) -> None:
    from app.viewports.opacity import curve_of, presets_for
    from app.viewports.stats import window_of

    box = fields.add_choice("preset", "Looks like", {**presets_for(data.value_unit), EDITED: "Edited curve"})
    box.activated.disconnect()

    def choose(_index: int) -> None:
        name = box.currentData()
        item = fields.item
        if item is None:
            return
        if name == EDITED:
            # Begin with what is seen now.
            fields.apply(opacity_curve=curve_of(item.data, item.display))
        else:
            fields.apply(preset=name, opacity_curve=None)

    box.activated.connect(choose)
    editor = OpacityCurve("Opacity by value")
    fields.add_wide(editor)
    fields.fields["opacity_curve"] = editor
    editor.moved.connect(lambda curve, gesture: fields.apply(gesture, opacity_curve=curve))
    row, reset = _link("Reset the curve", lambda: fields.apply(opacity_curve=None))
    fields.add_wide(row)
    fields.fields["reset_curve"] = row
    fields.add_check("shade", "Shading")

    def shown(item: Item, _automatic: tuple[float, float]) -> tuple[float, float]:
        editor.set_curve(curve_of(item.data, item.display))
        return window_of(item.data, item.display)  # type: ignore[arg-type]

    ranged = Ranged(fields, editor, _values_of, shown)  # type: ignore[arg-type]

    def fill(item: Item) -> None:
        display: Any = item.display
        ranged.fill(item)
        box.setCurrentIndex(box.findData(EDITED if display.opacity_curve is not None else display.preset))
        reset.setEnabled(display.opacity_curve is not None)

    fields.fillers.append(fill)


def _add_level(fields: DisplayFields, data: Volume) -> None:
    slider = LevelSlider("Level of the surface on the histogram of the values")
    slider.setToolTip("Drag; double-click for the automatic level")
    fields.add_wide(slider)
    fields.fields["level_slider"] = slider
    fields.add_number("surface_level", "Level", unit=data.value_unit, optional=True)
    add_color(fields, "surface_color", "Colour")
    row, _ = _link("Make a mesh of it…", lambda: _isosurface(fields))
    fields.add_wide(row)
    fields.fields["make_surface"] = row
    slider.moved.connect(lambda low, _high, key: fields.apply(key, surface_level=float(f"{low:.4g}")))
    slider.automatic.connect(lambda: fields.apply(surface_level=None))

    def shown(item: Item, _automatic: tuple[float, float]) -> tuple[float, float]:
        from app.viewports.stats import volume_stats

        level = item.display.surface_level  # type: ignore[attr-defined]
        if level is None:
            level = volume_stats(item.data, item.display.index).threshold  # type: ignore[arg-type, attr-defined]
        return level, level

    ranged = Ranged(fields, slider, _values_of, shown)
    fields.fillers.append(ranged.fill)


def _values_of(item: Item) -> tuple[Any, Any] | None:
    from app.viewports.distributions import volume_distribution
    from app.viewports.stats import volume_stats

    data: Any = item.data
    index = getattr(item.display, "index", 0)
    which = 0 if data.last_axis == "time" else index

    def work() -> Found:
        stats = volume_stats(data, index)
        found = volume_distribution(data, index)
        return found, (stats.low, stats.high)

    return (id(data), which), work


def _isosurface(fields: DisplayFields) -> None:
    fields.request("volumes.isosurface")


def _link(text: str, run: Any) -> tuple[QWidget, QWidget]:
    made = button(text, run, "link")
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addStretch(1)
    line.addWidget(made)
    row.setMinimumHeight(Metrics.of(row.font()).px(20))
    return row, made
