"""What keys and the mouse do beside the commands: one table, which the help sheet and the shortcut editor read.

A part of the window that takes keys of its own (a tool, a panel) adds its rows here or, where it is made later, with
`add_keys`.
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

_rows: list[KeyHelp] = [
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
    KeyHelp(MARKUPS, "Return", "Finish; without a tool: hold the first point", ("Return",)),
    KeyHelp(MARKUPS, "Backspace", "Take the last point back", ("Backspace",)),
    KeyHelp(MARKUPS, "Escape", "Put the tool away; let go of a point"),
    KeyHelp(MARKUPS, "Drag a handle", "Move a point, or all of it by its line"),
    KeyHelp(MARKUPS, "Arrow keys", "Move the point that is held"),
    KeyHelp(MARKUPS, "Tab, Shift + Tab", "The next point, the one before"),
    KeyHelp(MARKUPS, "Insert, Delete", "Add a point after it, remove it", ("Ins", "Del")),
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
]


def add_keys(*rows: KeyHelp) -> None:
    """Further rows; those that are there already are not added twice."""
    _rows.extend(row for row in rows if row not in _rows)


def key_rows() -> tuple[KeyHelp, ...]:
    """All rows, in order."""
    return tuple(_rows)


def taken_by_views(key: str) -> KeyHelp | None:
    """The row whose plain key a shortcut `key` (Qt's portable spelling) would take away, if there is one."""
    return next((row for row in _rows if key in row.keys), None)
