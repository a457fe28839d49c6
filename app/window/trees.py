"""Trees of groups and rows, as several dialogs have them: making, walking, searching."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem


def group_row(tree: QTreeWidget, title: str) -> QTreeWidgetItem:
    """A heading at the top level, in bold."""
    row = QTreeWidgetItem([title])
    font = row.font(0)
    font.setBold(True)
    row.setFont(0, font)
    tree.addTopLevelItem(row)
    return row


def groups(tree: QTreeWidget) -> list[QTreeWidgetItem]:
    """The rows of the top level."""
    found = (tree.topLevelItem(n) for n in range(tree.topLevelItemCount()))
    return [row for row in found if row is not None]


def children(row: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    """The rows below one."""
    return [child for child in map(row.child, range(row.childCount())) if child is not None]


def show_only(tree: QTreeWidget, fits: Callable[[QTreeWidgetItem, QTreeWidgetItem], bool]) -> int:
    """Hide the rows for which `fits(group, row)` is false, and groups without any left; the number that stay."""
    total = 0
    for group in groups(tree):
        shown = 0
        for row in children(group):
            found = fits(group, row)
            row.setHidden(not found)
            shown += found
        group.setHidden(not shown)
        total += shown
    return total
