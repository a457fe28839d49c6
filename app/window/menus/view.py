"""The menu View: layouts, cameras, conventions, theme, panels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus

LAYOUTS = {
    "four": ("Four views", "Alt+1"),
    "axial": ("Axial", "Alt+2"),
    "coronal": ("Coronal", "Alt+3"),
    "sagittal": ("Sagittal", "Alt+4"),
    "3d": ("3-D", "Alt+5"),
    "slices": ("Three slices", "Alt+6"),
    "over": ("3-D over three slices", "Alt+7"),
}
BIG = {
    "big-axial": "Axial large",
    "big-coronal": "Coronal large",
    "big-sagittal": "Sagittal large",
    "big-3d": "3-D large",
}
SIDES = {"A": "front", "P": "back", "L": "left", "R": "right", "S": "above", "I": "below"}


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    layout = menus.submenu("View", "Layout")
    for name, (title, shortcut) in LAYOUTS.items():
        id = f"view.layout-{name}"
        add(
            id,
            title,
            partial(w.view.set_layout, name),
            group="Layout",
            shortcut=shortcut,
            checked=name == "four",
            why_not=menus.nothing_spatial,
        )
        layout.addAction(menus.commands[id])
    layout.addSeparator()
    large = layout.addMenu("One large, three small")
    large.setToolTipsVisible(True)
    for name, title in BIG.items():
        id = f"view.layout-{name}"
        add(
            id,
            title,
            partial(w.view.set_layout, name),
            group="Layout",
            words="layout big one three small",
            checked=False,
            why_not=menus.nothing_spatial,
        )
        large.addAction(menus.commands[id])
    add(
        "view.equalise",
        "Views of equal size",
        w.view.equalise,
        group="Layout",
        words="layout splitter lines reset",
        why_not=menus.nothing_spatial,
    )
    layout.addAction(menus.commands["view.equalise"])
    for title in ("Link compared views", "Mix two volumes"):
        menus.submenu("View", title)  # filled by their own modules
    menus.put("View", "-")
    add(
        "view.reset",
        "&Reset views",
        w.view.reset_views,
        group="View",
        shortcut="Ctrl+R",
        words="fit all camera",
        why_not=menus.nothing_spatial,
    )
    add(
        "view.fit",
        "&Fit selected",
        w.view.fit_selected,
        group="View",
        shortcut="Ctrl+F",
        words="zoom",
        why_not=w.view.why_no_fit,
    )
    menus.put("View", "view.reset", "view.fit")
    look = menus.submenu("View", "Look from")
    for side, words in SIDES.items():
        id = f"view.look-{side}"
        add(
            id,
            words.capitalize(),
            partial(w.view.look_from, side),
            group="Look from",
            words=f"{side} camera",
            why_not=menus.nothing_spatial,
        )
        look.addAction(menus.commands[id])
    add(
        "view.radiological",
        "Radiological (right on the left)",
        lambda: w.view.set_convention("radiological"),
        group="View",
        checked=True,
        why_not=menus.nothing_spatial,
    )
    add(
        "view.neurological",
        "Neurological (left on the left)",
        lambda: w.view.set_convention("neurological"),
        group="View",
        checked=False,
        why_not=menus.nothing_spatial,
    )
    add(
        "view.nose-left",
        "&Nose left",
        w.view.toggle_nose,
        group="View",
        checked=True,
        words="sagittal",
        why_not=menus.nothing_spatial,
    )
    add(
        "view.crosshair",
        "&Crosshair",
        w.view.toggle_crosshair,
        group="View",
        shortcut="Ctrl+Shift+X",
        checked=True,
        why_not=menus.nothing_spatial,
    )
    menus.put("View", "-", "view.crosshair")
    slices = menus.submenu("View", "Slice views")
    for id in ("view.radiological", "view.neurological", "view.nose-left"):
        slices.addAction(menus.commands[id])
    for title in ("3-D view", "Time", "Plot"):
        menus.submenu("View", title)
    menus.put("View", "-")
    menus.submenu("View", "Theme and text")
