"""Viewports: linked slices and a 3-D view of what is open, drawn by VTK inside Qt.

The window needs this much::

    from app.viewports import prepare_surface_format
    prepare_surface_format()              # once, before the first window is shown (the gl backend needs it)

    from app.viewports import SceneItem, ViewportGrid

    grid = ViewportGrid(parent, backend="auto", theme=theme)   # or "gl" | "image"; EQUISCOPE_VIEWPORT overrides "auto"
    grid.set_items((SceneItem(id, name, data, transform4x4, display), …))   # drawing order; cheap to call often
    grid.set_active(item_id)              # the volume whose voxel axes the slices follow (None: the first visible)
    grid.set_layout("four")               # `layouts.LAYOUTS`, one view ("axial-2"), `layouts.compare_name("axial", 2)`
    grid.set_only("axial-2", frozenset({item_id}))    # what one view shows; None: everything; grid.only(slot) says it
    grid.show_everything()                # no such choices, slabs, tilts or mixes any more: another session has begun
    grid.views, grid.shown_slots, grid.view(slot)     # what has been made, what the layout shows, made on first use
    grid.equalise()                       # the lines between the views as they were before anybody dragged them
    grid.links.set(frozenset({"camera", "zoom"}))     # `linking.LINKS`: what compared views share
    grid.set_mix(Mix("a", "b", "difference"))         # `mixing.Mix`: two volumes in one slice
    grid.set_cursor((x, y, z)); grid.cursor_position         # world coordinates, linked in all views
    grid.set_preview(item_id, markup, view)           # a markup that is dragged, first of all in that view; None: as it is
    grid.add_tool(EditTool(host)); grid.remove_tool(tool)       # `tools.Tool`; those of markups: app.viewports.markup_tools
    grid.set_theme(theme)                 # app.theme.Theme, live
    grid.set_convention("radiological")   # or "neurological"; grid.convention
    grid.set_nose_left(True)              # sagittal views only; one view: view.flip()
    grid.set_slab(Slab("max", 10.0))      # "max" | "min" | "mean" over so many mm; None: off; (slab, view): one view
    grid.set_tilt(matrix)                 # rotate the slice planes about the crosshair (3, 3); None: straight
    grid.turn_planes(view, degrees)       # the same, as seen in one slice view
    grid.current_view                     # the view that had the keyboard last
    grid.set_crosshair(True)
    grid.set_parallel(True); grid.set_clip(ClipPlane(follow="axial"))   # 3-D views; both take a view
    grid.scene.pick_at(view, position)                # what lies there in 3-D; `app.viewports.picking.pick` without Qt
    grid.look_from("A")                   # 3-D camera from A P L R S I, or "home"
    grid.reset_views(); grid.fit(item_id)             # everything / one object in view, slices through its centre
    grid.grab_image(QSize(1600, 1000), scale=2.0)     # QImage of all views; waits until the picture is complete
    grid.scene.go(view, -1)               # the camera as it was before; 1: after that
    grid.view_state(); grid.set_view_state(d)         # plain JSON of all this (`view_state`); takes whatever a file holds
    grid.set_moment({item_id: 7}, moving=True)        # frames shown instead of those that the displays say; {} ends it
    grid.given, grid.items                # what set_items got, and the same at the moment that is shown
    grid.wait(seconds)                    # True once every visible view shows the latest state
    grid.shutdown()                       # before the window is destroyed; also called by closeEvent

Signals::

    cursorMoved(tuple xyz, str text)      # text: "RAS −12.4, 18.0, 21.5 mm   voxel 86, 152, 93   value 412"
    hovered(tuple xyz, str text)          # the same for the point under the mouse
    displayChanged(str item_id, Display display, str merge_key)   # window/level by right-drag: make it an Edit
    layoutChanged(str name)               # double-click on a view
    viewMade(Viewport)                    # a layout needed one more: connect what every view has
    onlyChanged(str slot), linksChanged(), mixChanged(Mix or None)
    menuWanted(Viewport, QPointF)         # right click or menu key: see `app.window.menus.Menus.on_view_menu`
    viewChanged()                         # a convention, a slab or a tilt: what is ticked in menus
    statusChanged(str text)               # "image · llvmpipe (…)": which backend draws
    picked(Pick)                          # a click in 3-D hit something: item, face, point or voxel, place
    problem(str text)                     # one sentence: what could not be drawn

Viewports never change the document; they show what `set_items` was given and report what the user asked for.
What has no place in space (signals, tables, checkpoints, fields without samples) is skipped without complaint.
`photographer.Photographer` draws the views at any size and scale, off screen and without waiting.
`ImageView` shows one `core.data.Image`: `view.set_image(image, display)`.

Inside: `resolve` turns a `ViewIntent` and the items into a frozen state (pure, no Qt, no VTK); a scene compares it
with the last one and changes its VTK objects by the difference; a backend gives the scene a render window. The
`image` backend owns all its VTK objects in one render thread and returns finished pictures; slices are painted there by
Qt without VTK (`painted`), from the same layers (`slice_layers`) that `slices` gives to VTK. The words and lines over a
picture are painted from the state that the picture shows, so they never disagree with it. Markups alone are painted
over slices as they are now (`Viewport.live`), and what is only painted over a slice (cuts, markups, moving points)
needs no new picture of it (`slice_layers.without_overlay`). What is kept between pictures is known by `identity.serial`.

Keys and mouse in a view: wheel = slice, Ctrl+wheel = zoom at the pointer, middle-drag or Space+drag = pan,
right-drag = window (sideways) and level (up and down), left click or drag and Shift+move = linked crosshair,
arrows = step, Page Up and Down = ten, + and - = zoom, R = reset, double-click = maximise, a click on the title = the
view's menu, one on the convention's words = flip, the end of a crosshair line = tilt (Ctrl: by fives; Alt+Left and
Alt+Right by degrees, with Shift by tens), right click or menu key = menu, Escape = leave a drag. 3-D: left-drag and
arrows = turn, middle-drag or Shift+left-drag = move, wheel and right-drag = zoom, click = pick, Shift+click and
Shift+move = crosshair; the clip plane's disc and tip are dragged, and Ctrl+arrows move and tilt it. Markups, curtains
and the handles of planes are tools, which are asked first.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "CameraPose": "camera",
    "ImageView": "image_view",
    "Resolved3D": "state",
    "ResolvedSlice": "state",
    "SceneItem": "state",
    "ViewIntent": "state",
    "ViewportGrid": "grid",
    "choose_backend": "backends",
    "prepare_surface_format": "backends",
    "resolve": "state",
}

__all__ = [
    "CameraPose",
    "ImageView",
    "Resolved3D",
    "ResolvedSlice",
    "SceneItem",
    "ViewIntent",
    "ViewportGrid",
    "choose_backend",
    "prepare_surface_format",
    "resolve",
]


def __getattr__(name: str) -> Any:
    """Import on first use: naming a `SceneItem` must not import Qt or VTK."""
    if name in _HOMES:
        return getattr(import_module(f"app.viewports.{_HOMES[name]}"), name)
    raise AttributeError(name)
