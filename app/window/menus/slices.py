"""Commands on slice views: convention, slabs, tilted planes; and what a right click in a view offers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QInputDialog, QMenu

if TYPE_CHECKING:
    from app.window.menus import Menus

SLABS = {
    "max": "Maximum intensity (MIP)",
    "min": "Minimum intensity (MinIP)",
    "mean": "Mean",
}
THICKNESSES = (5, 10, 20, 40)
FIRST_THICKNESS = 10.0


def build(menus: Menus) -> None:
    """Its commands; what a right click offers."""
    w, add = menus.window, menus.commands.add

    def grid() -> Any:
        return w.centre.grid

    def current() -> Any:
        return None if grid() is None else grid().current_view

    def slab_of_all() -> Any:
        found = {v.intent.slab for v in grid().views.values() if v.intent.kind != "3d"} if grid() else {None}
        return found.pop() if len(found) == 1 else False

    def no_slice() -> str:
        view = current()
        flat = view is not None and view.intent.kind != "3d"
        return menus.nothing_spatial() or ("" if flat else "choose a slice view first: click into it")

    add(
        "view.flip",
        "Flip left and right in this view",
        lambda: current().flip(),
        group="View",
        words="convention radiological neurological nose mirror",
        why_not=no_slice,
    )
    add(
        "view.maximize",
        "Maximise or restore this view",
        lambda: grid().maximize(current()),
        group="Layout",
        words="full layout double click",
        why_not=menus.nothing_spatial,
    )
    below = menus.submenu("View", "Slice views")
    below.addAction(menus.commands["view.flip"])
    menus.submenu("View", "Layout").addAction(menus.commands["view.maximize"])
    below.addSeparator()
    slabs = QMenu("Slab", below)
    for mode, words in ((None, "Off (single slices)"), *SLABS.items()):
        id = f"view.slab-{mode or 'off'}"
        add(
            id,
            words,
            partial(_set_mode, menus, mode, None),
            group="Slab in all slice views",
            words="slab projection thick MIP",
            checked=partial(_has_mode, slab_of_all, mode),
            why_not=menus.nothing_spatial,
        )
        slabs.addAction(menus.commands[id])
    slabs.addSeparator()
    add(
        "view.slab-thickness",
        "Thickness…",
        partial(_ask_thickness, menus, None),
        group="Slab in all slice views",
        words="slab projection mm",
        why_not=menus.nothing_spatial,
    )
    slabs.addAction(menus.commands["view.slab-thickness"])
    tilts = QMenu("Tilt", below)
    for id, words, degrees, key in (
        ("view.turn-left", "Turn the other planes left by 1°", 1.0, "Alt+Left"),
        ("view.turn-right", "Turn the other planes right by 1°", -1.0, "Alt+Right"),
    ):
        # The key is the view's own, so that it turns what is seen there; here it is only named.
        add(
            id,
            words,
            partial(_turn, menus, degrees),
            group="Tilt slices",
            words="oblique rotate reformat",
            tip=f"{key} in a slice view; with Shift by 10°",
            why_not=no_slice,
        )
    add(
        "view.turn-by",
        "Turn the other planes by…",
        lambda: _ask_turn(menus),
        group="Tilt slices",
        words="oblique rotate reformat degrees",
        why_not=no_slice,
    )
    add(
        "view.straighten",
        "Straighten slices",
        lambda: grid().set_tilt(None),
        group="Tilt slices",
        words="oblique reset rotate",
        why_not=lambda: menus.nothing_spatial() or ("" if grid() and grid().tilt else "no slice is tilted"),
    )
    for id in ("view.turn-left", "view.turn-right", "view.turn-by", "view.straighten"):
        tilts.addAction(menus.commands[id])
    for submenu in (slabs, tilts):
        submenu.setToolTipsVisible(True)
        below.addMenu(submenu)
    menus.on_view_menu.append(partial(_fill, menus))


# -- what the commands do -------------------------------------------------------------------------------------


def _has_mode(found: Callable[[], Any], mode: str | None) -> bool:
    slab = found()
    return slab is not False and (slab.mode if slab else None) == mode


def _set_mode(menus: Menus, mode: str | None, view: Any) -> None:
    """`view` None: in all slice views."""
    from app.viewports.planes import Slab

    grid = menus.window.centre.grid
    if grid is None:
        return
    shown = [view] if view is not None else list(grid.views.values())
    before = next((v.intent.slab for v in shown if v.intent.slab), None)
    last = _last_thickness(menus)
    thickness = before.thickness if before is not None else last
    grid.set_slab(None if mode is None else Slab(mode, thickness), view)


def _last_thickness(menus: Menus) -> float:
    from app.viewports.planes import THICKEST

    return menus.window.workbench.settings.number("slab-thickness", FIRST_THICKNESS, 0.1, THICKEST)


def _set_thickness(menus: Menus, view: Any, thickness: float) -> None:
    from app.viewports.planes import Slab

    grid = menus.window.centre.grid
    if grid is None:
        return
    menus.window.workbench.settings.set("slab-thickness", thickness)
    shown = [view] if view is not None else list(grid.views.values())
    before = next((v.intent.slab for v in shown if v.intent.slab), None)
    grid.set_slab(Slab(before.mode if before else "max", thickness), view)


def _ask_thickness(menus: Menus, view: Any) -> QInputDialog | None:
    from app.viewports.planes import THICKEST

    grid = menus.window.centre.grid
    if grid is None:
        return None
    shown = [view] if view is not None else list(grid.views.values())
    before = next((v.intent.slab.thickness for v in shown if v.intent.slab), None)
    start = before or _last_thickness(menus)
    dialog = _ask(menus, "Slab", "Thickness of the slab, in the unit of the data:", start, (0.1, THICKEST))
    dialog.doubleValueSelected.connect(lambda value: _set_thickness(menus, view, value))
    return dialog


def _turn(menus: Menus, degrees: float) -> None:
    grid = menus.window.centre.grid
    if grid is not None:
        grid.turn_planes(grid.current_view, degrees)


def _ask_turn(menus: Menus) -> QInputDialog | None:
    grid = menus.window.centre.grid
    if grid is None:
        return None
    view = grid.current_view
    words = f"Degrees to the left, as seen in the {view.intent.kind} view:"
    dialog = _ask(menus, "Tilt slices", words, 0.0, (-180.0, 180.0))
    dialog.doubleValueSelected.connect(lambda value: grid.turn_planes(view, value))
    return dialog


def _ask(menus: Menus, title: str, words: str, start: float, ends: tuple[float, float]) -> QInputDialog:
    """A number in a window of its own, which does not hold up anything else."""
    from PySide6.QtCore import Qt

    dialog = QInputDialog(menus.window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
    dialog.setWindowTitle(title)
    dialog.setLabelText(words)
    dialog.setDoubleDecimals(1)
    dialog.setDoubleRange(*ends)
    dialog.setDoubleValue(start)
    dialog.open()
    return dialog


# -- a right click --------------------------------------------------------------------------------------------


def _fill(menus: Menus, menu: QMenu, view: Any, position: QPointF) -> None:
    grid = menus.window.centre.grid
    if grid is None:
        return
    commands = menus.commands
    if view.intent.kind == "3d":
        look = menu.addMenu("Look from")
        for side in "APLRSI":
            look.addAction(commands[f"view.look-{side}"])
    else:
        _fill_sides(menu, view)
        slab = view.intent.slab
        slabs = menu.addMenu("Slab in this view")
        for mode, words in ((None, "Off (single slices)"), *SLABS.items()):
            _switch(
                slabs, words, (slab.mode if slab else None) == mode, partial(_set_mode, menus, mode, view)
            )
        slabs.addSeparator()
        unit = getattr(view.resolved(), "unit", "")
        for thickness in THICKNESSES:
            words = f"{thickness} {unit}".strip()
            on = slab is not None and slab.thickness == thickness
            _switch(slabs, words, on, partial(_set_thickness, menus, view, float(thickness)))
        slabs.addAction("Other thickness…", lambda: _ask_thickness(menus, view))
        tilts = menu.addMenu("Tilt slices")
        tilts.setToolTipsVisible(True)
        for id in ("view.turn-left", "view.turn-right", "view.turn-by", "view.straighten"):
            tilts.addAction(commands[id])
        every = menu.addMenu("In all views")
        for id in ("view.radiological", "view.neurological", "view.nose-left", "view.crosshair"):
            every.addAction(commands[id])
        every.addSeparator()
        for id in ("off", *SLABS, "thickness"):
            every.addAction(commands[f"view.slab-{id}"])
    menu.addSeparator()
    whole = grid.layout_name == view.slot
    menu.addAction("Back to the views before" if whole else "Maximise", partial(grid.maximize, view))
    menu.addAction("Reset this view", view.reset)
    menu.addAction(commands["view.reset"])


def _fill_sides(menu: QMenu, view: Any) -> None:
    if view.intent.kind == "sagittal":
        for left, words in ((True, "Nose left"), (False, "Nose right")):
            _switch(menu, words, view.intent.nose_left is left, partial(_set_nose, view, left))
    else:
        for name, side in (("radiological", "right"), ("neurological", "left")):
            words = f"{name.capitalize()} ({side} on the left)"
            _switch(menu, words, view.intent.convention == name, partial(_set_convention, view, name))
    menu.addSeparator()


def _switch(menu: QMenu, words: str, on: bool, run: Callable[[], object]) -> None:
    action = menu.addAction(words)
    action.setCheckable(True)
    action.setChecked(on)
    action.triggered.connect(lambda _checked=False: run())


def _set_convention(view: Any, name: str) -> None:
    if view.intent.convention != name:
        view.flip()


def _set_nose(view: Any, left: bool) -> None:
    if view.intent.nose_left is not left:
        view.flip()
