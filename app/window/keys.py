"""What keys and the mouse do beside the commands: one table, which the help sheet and the shortcut editor read.

A part of the window that takes keys of its own (a tool, a panel) adds its rows here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyHelp:
    """One row of the sheet: what is done (`does`) by which keys or gestures, in words (`press`), in which part.

    `keys` names the plain keys among them in Qt's spelling: a shortcut of the same name would take them away.
    """

    where: str
    press: str
    does: str
    keys: tuple[str, ...] = ()


SLICES, SPACE, MARKUPS, PLOTS = "Slice views", "3-D views", "Markups in views", "Plots"
TREE, ANYWHERE = "Data", "Anywhere"

_ROWS: tuple[KeyHelp, ...] = (
    KeyHelp(SLICES, "Wheel", "Scroll through the slices"),
    KeyHelp(SLICES, "Ctrl + wheel", "Zoom at the pointer"),
    KeyHelp(SLICES, "Middle-drag, or Space + drag", "Pan", ("Space",)),
    KeyHelp(SLICES, "Right-drag", "Window (sideways) and level (up and down)"),
    KeyHelp(SLICES, "Click or left-drag", "Move the linked crosshair"),
    KeyHelp(SLICES, "Shift + move", "Move the linked crosshair without a button"),
    KeyHelp(SLICES, "Arrow keys", "One slice on or back", ("Up", "Down", "Left", "Right")),
    KeyHelp(SLICES, "Page Up, Page Down", "Ten slices on or back", ("PgUp", "PgDown")),
    KeyHelp(SLICES, "+, −", "Zoom in, zoom out", ("+", "=", "-")),
    KeyHelp(SLICES, "R", "Reset the views", ("R",)),
    KeyHelp(SLICES, "Double-click", "Maximise the view, or bring the others back"),
    KeyHelp(
        SLICES, "Click on the words at the upper right", "Flip left and right, or the nose, in that view"
    ),
    KeyHelp(SLICES, "Drag the end of a crosshair line", "Tilt the other planes; with Ctrl by whole 5°"),
    KeyHelp(
        SLICES,
        "Alt + Left, Alt + Right",
        "Tilt the other planes by 1°; with Shift by 10°",
        ("Alt+Left", "Alt+Right", "Alt+Shift+Left", "Alt+Shift+Right"),
    ),
    KeyHelp(SLICES, "Right-click, or the menu key", "The menu of the view: sides, slab, tilt"),
    KeyHelp(SPACE, "Left-drag, or arrow keys", "Turn", ("Up", "Down", "Left", "Right")),
    KeyHelp(SPACE, "Middle-drag, or Space + drag", "Pan", ("Space",)),
    KeyHelp(SPACE, "Wheel, or + and −", "Zoom", ("+", "=", "-")),
    KeyHelp(SPACE, "R", "Reset the views", ("R",)),
    KeyHelp(SPACE, "Double-click", "Maximise the view, or bring the others back"),
    KeyHelp(SPACE, "Click", "Select the object under the pointer, with a read-out"),
    KeyHelp(SPACE, "Shift + click, Shift + move", "Move the linked crosshair there"),
    KeyHelp(SPACE, "Drag the clip plane's disc, or its tip", "Move the plane, tilt it"),
    KeyHelp(
        SPACE,
        "Ctrl + arrow keys; after a click on the disc without Ctrl",
        "Move the clip plane (up, down) and tilt it (left, right); Escape gives the keys back",
        ("Ctrl+Up", "Ctrl+Down", "Ctrl+Left", "Ctrl+Right"),
    ),
    KeyHelp(MARKUPS, "Click", "Place a point while a tool is active"),
    KeyHelp(MARKUPS, "Drag a handle", "Move a point, resize, turn"),
    KeyHelp(MARKUPS, "Drag a line of the selected markup", "Move all of it; a plane along its normal"),
    KeyHelp(MARKUPS, "Ctrl + drag", "Snap the other way, for one drag"),
    KeyHelp(MARKUPS, "Ctrl + click on a curve", "Insert a point"),
    KeyHelp(
        MARKUPS,
        "Return",
        "Take hold of a point of the selected markup; finish what is being placed",
        ("Return",),
    ),
    KeyHelp(MARKUPS, "Tab, Shift + Tab", "The next point, the one before, once one is held"),
    KeyHelp(
        MARKUPS, "Arrow keys", "Move the held point by a pixel, or by a voxel while points snap to voxels"
    ),
    KeyHelp(MARKUPS, "Ctrl + arrow keys", "Move the held point by 0.1 of the unit"),
    KeyHelp(MARKUPS, "Shift + arrow keys", "Move the held point ten times as far"),
    KeyHelp(
        MARKUPS, "Insert", "While placing: a point at the crosshair; else one after the held one", ("Ins",)
    ),
    KeyHelp(MARKUPS, "Delete", "Delete the held point", ("Del",)),
    KeyHelp(MARKUPS, "Backspace", "While placing: take the last point back", ("Backspace",)),
    KeyHelp(MARKUPS, "Escape", "Let go of the point; leave the tool"),
    KeyHelp(PLOTS, "Arrow keys", "Step the cursor (with Shift ten steps), or pan"),
    KeyHelp(PLOTS, "+, −", "Zoom in, zoom out"),
    KeyHelp(PLOTS, "R, Home", "Show all", ("Home",)),
    KeyHelp(PLOTS, "X, Y", "Logarithmic axis, and back", ("X", "Y")),
    KeyHelp(PLOTS, "G", "Grid lines", ("G",)),
    KeyHelp(PLOTS, "C", "Cursors: none, one, two", ("C",)),
    KeyHelp(PLOTS, "Ctrl + C", "Copy the picture", ("Ctrl+C",)),
    KeyHelp(TREE, "Space", "Show or hide the item"),
    KeyHelp(TREE, "Return, or double-click", "Bring the item into view"),
    KeyHelp(TREE, "F2", "Rename the item"),
    KeyHelp(TREE, "Delete", "Close the item", ("Del",)),
    KeyHelp(TREE, "Drag", "Move the item to another place or group"),
    KeyHelp(ANYWHERE, "Tab, Shift + Tab", "The next field, the one before", ("Tab", "Backtab")),
    KeyHelp(ANYWHERE, "Up, Down, Page Up, Page Down", "Step the number in a field"),
    KeyHelp(ANYWHERE, "Escape", "Close the search, a card or a dialog; break off a drag", ("Esc",)),
    KeyHelp(ANYWHERE, "Drop a file", "Open it"),
    KeyHelp(ANYWHERE, "Ctrl + Return", "Run the analysis whose form is shown", ("Ctrl+Return",)),
)


def key_rows() -> tuple[KeyHelp, ...]:
    """All rows, in order."""
    return _ROWS


def taken_by_views(key: str) -> KeyHelp | None:
    """The row whose plain key a shortcut `key` (Qt's portable spelling) would take away, if there is one."""
    return next((row for row in _ROWS if key in row.keys), None)
