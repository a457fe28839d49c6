"""3-D views: projection, clip plane, the camera's history, how the selected volume looks; also in a view's menu."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

from core.data import Transforms, Volume
from core.display import VolumeDisplay

if TYPE_CHECKING:
    from app.window.menus import Menus

PRESETS = {
    "auto": "Surface",
    "soft": "Soft tissue",
    "bright": "Bright parts",
    "shell": "Glass",
    "mip": "Brightest (MIP)",
}
"""As in `app.viewports.opacity`, which a window without anything open need not load."""
RENDERS = {
    "auto": "Shown in 3-D as it fits",
    "volume": "Shown as volume",
    "surface": "Shown as isosurface",
    "off": "Not shown in 3-D",
}
FOLLOWS = {
    "axial": "At the axial slice",
    "coronal": "At the coronal slice",
    "sagittal": "At the sagittal slice",
}


class Scene:
    """What the commands do, and why they cannot."""

    def __init__(self, menus: Menus) -> None:
        self._menus, self._window = menus, menus.window

    # -- the view that is meant -------------------------------------------------------------------------------

    def view(self) -> Any:
        """The 3-D view that was used last, else the first that is seen; None if there is none."""
        grid = self._window.centre.grid
        if grid is None:
            return None
        if grid.current_view.intent.kind == "3d":
            return grid.current_view
        return next((grid.views[s] for s in grid.shown_slots if grid.views[s].intent.kind == "3d"), None)

    def no_view(self) -> str:
        """For commands on a 3-D view."""
        return self._menus.nothing_spatial() or ("" if self.view() is not None else "no 3-D view is shown")

    def no_clip(self) -> str:
        """For commands on the clip plane."""
        return self.no_view() or (
            "" if self.view().intent.clip is not None else "this view has no clip plane"
        )

    def no_camera(self, step: int) -> str:
        """For going back and forward."""
        if self.no_view():
            return self.no_view()
        able = self._window.centre.grid.scene.can_go(self.view(), step)  # type: ignore[union-attr]
        return "" if able else ("there is no earlier camera" if step < 0 else "there is no later camera")

    # -- projection and camera --------------------------------------------------------------------------------

    def is_parallel(self) -> bool:
        view = self.view()
        return view is not None and bool(view.intent.parallel)

    def toggle_parallel(self) -> None:
        view = self.view()
        if view is not None:
            self._window.centre.grid.set_parallel(not view.intent.parallel, view)  # type: ignore[union-attr]
            self._window._refresh_view()

    def go(self, step: int) -> None:
        view = self.view()
        if view is not None:
            self._window.centre.grid.scene.go(view, step)  # type: ignore[union-attr]
            self._window._refresh_view()

    # -- clip plane -------------------------------------------------------------------------------------------

    def has_clip(self, follow: str | None = None) -> bool:
        view = self.view()
        clip = None if view is None else view.intent.clip
        return clip is not None and (follow is None or clip.follow == follow)

    def toggle_clip(self) -> None:
        """On: through the middle of what is seen, across the line of sight as far as an axis allows; or off."""
        view = self.view()
        if view is None:
            return
        view.set_clip(None if view.intent.clip is not None else self._first_plane(view))
        self._window._refresh_view()

    def _first_plane(self, view: Any) -> Any:
        import numpy as np

        from app.viewports.clip import ClipPlane, vec
        from app.viewports.state import box_of_all

        state = view.resolved()
        back = state.camera.frame()[2]
        axis = int(np.argmax(np.abs(back)))
        box = box_of_all(state.items)
        middle = np.zeros(3) if box is None else box.mean(axis=1)
        return ClipPlane(vec(middle), vec(np.eye(3)[axis] * np.sign(back[axis]) + 0.0))

    def follow(self, kind: str) -> None:
        """Cut at a slice, wherever the crosshair goes; chosen again: no more."""
        from app.viewports.clip import ClipPlane

        view = self.view()
        if view is not None:
            clip = view.intent.clip
            view.set_clip(None if clip is not None and clip.follow == kind else ClipPlane(follow=kind))
            self._window._refresh_view()

    def flip(self) -> None:
        view = self.view()
        state = None if view is None else view.resolved()
        if state is not None and state.clip is not None:
            view.set_clip(state.clip.turned_over())
            self._window._refresh_view()

    def ask_clip(self) -> None:
        from app.window.clip_dialog import ClipDialog

        self._window.show_once(ClipDialog, lambda: ClipDialog(self, self._window))

    # -- the selected volume ----------------------------------------------------------------------------------

    def no_volume(self) -> str:
        """For commands on a volume."""
        item = self._window.workbench.current
        if item is None:
            return "select a volume first"
        if not isinstance(item.data, Volume) or not isinstance(item.display, VolumeDisplay):
            return "the selected item is no volume"
        return ""

    def no_cast(self) -> str:
        """For presets: labels and colours have none."""
        if self.no_volume():
            return self.no_volume()
        item = self._window.workbench.current
        assert item is not None and isinstance(item.data, Volume)
        if item.data.rgb:
            return "its values are colours"
        label = item.data.transforms is Transforms.LABEL or item.display.colormap == "labels"  # type: ignore[attr-defined]
        return "labels are drawn as surfaces" if label else ""

    def display(self) -> Any:
        item = self._window.workbench.current
        return item.display if item is not None and isinstance(item.display, VolumeDisplay) else None

    def change(self, **fields: Any) -> None:
        item, display = self._window.workbench.current, self.display()
        if item is not None and display is not None:
            self._window.workbench.document.set_display(item.id, replace(display, **fields))

    def preset(self, name: str) -> None:
        """A preset is a way of ray casting: it also turns that on."""
        display = self.display()
        render = display.render if display is not None and display.render in ("auto", "volume") else "volume"
        self.change(preset=name, opacity_curve=None, render=render)

    def is_preset(self, name: str) -> bool:
        display = self.display()
        return (
            display is not None
            and not self.no_cast()
            and display.render in ("auto", "volume")
            and display.opacity_curve is None
            and display.preset == name
        )

    def is_render(self, name: str) -> bool:
        display = self.display()
        return display is not None and display.render == name


def build(menus: Menus) -> None:
    """Its commands, in order."""
    scene, add = Scene(menus), menus.commands.add
    menu = menus.submenu("View", "3-D view")
    add(
        "scene.parallel",
        "&Orthographic (no perspective)",
        scene.toggle_parallel,
        group="3-D view",
        shortcut="Alt+O",
        checked=scene.is_parallel,
        words="parallel projection scale bar perspective",
        why_not=scene.no_view,
    )
    add(
        "scene.back",
        "Camera &back",
        partial(scene.go, -1),
        group="3-D view",
        shortcut="Alt+,",
        words="previous undo camera history",
        why_not=partial(scene.no_camera, -1),
    )
    add(
        "scene.forward",
        "Camera &forward",
        partial(scene.go, 1),
        group="3-D view",
        shortcut="Alt+.",
        words="next redo camera history",
        why_not=partial(scene.no_camera, 1),
    )
    add(
        "scene.clip",
        "&Clip plane",
        scene.toggle_clip,
        group="3-D view",
        shortcut="Alt+C",
        checked=scene.has_clip,
        words="cut section cross half",
        why_not=scene.no_view,
    )
    for kind, words in FOLLOWS.items():
        add(
            f"scene.clip-{kind}",
            words,
            partial(scene.follow, kind),
            group="Clip plane",
            checked=partial(scene.has_clip, kind),
            words="clip cut section crosshair follow",
            why_not=scene.no_view,
        )
    add(
        "scene.clip-flip",
        "Cut the other side",
        scene.flip,
        group="Clip plane",
        words="clip flip reverse invert",
        why_not=scene.no_clip,
    )
    add(
        "scene.clip-fields",
        "Position and direction…",
        scene.ask_clip,
        group="Clip plane",
        words="clip plane numbers normal origin offset",
        why_not=scene.no_view,
    )
    for name, words in PRESETS.items():
        add(
            f"scene.preset-{name}",
            words,
            partial(scene.preset, name),
            group="Volume looks like",
            checked=partial(scene.is_preset, name),
            words="volume rendering preset opacity transfer function",
            why_not=scene.no_cast,
        )
    for name, words in RENDERS.items():
        add(
            f"scene.render-{name}",
            words,
            partial(lambda name: scene.change(render=name), name),
            group="Volume looks like",
            checked=partial(scene.is_render, name),
            words="volume rendering 3-D isosurface",
            why_not=scene.no_volume,
        )

    def fill(into: QMenu) -> None:
        for id in ("scene.parallel", "scene.back", "scene.forward"):
            into.addAction(menus.commands[id])
        into.addSeparator()
        into.addAction(menus.commands["scene.clip"])
        clip = into.addMenu("Clip plane is")
        for kind in FOLLOWS:
            clip.addAction(menus.commands[f"scene.clip-{kind}"])
        clip.addSeparator()
        clip.addAction(menus.commands["scene.clip-flip"])
        clip.addAction(menus.commands["scene.clip-fields"])
        looks = into.addMenu("Selected volume looks like")
        looks.setToolTipsVisible(True)
        for name in PRESETS:
            looks.addAction(menus.commands[f"scene.preset-{name}"])
        looks.addSeparator()
        for name in RENDERS:
            looks.addAction(menus.commands[f"scene.render-{name}"])

    fill(menu)

    def on_view(into: QMenu, view: Any, _position: QPointF) -> None:
        if view.intent.kind == "3d":
            menus.commands.refresh()
            fill(into)

    menus.on_view_menu.append(on_view)
