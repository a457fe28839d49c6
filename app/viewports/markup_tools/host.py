"""What the tools need of whoever owns the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.viewports.state import SceneItem
from core.data import Markup

if TYPE_CHECKING:
    from app.viewports.viewport import Viewport


@dataclass
class Snapping:
    """Where placed and dragged points are drawn to."""

    voxels: bool = False
    """Centres of voxels."""
    objects: bool = True
    """Points of other markups and, in slices, cut lines of surfaces; in 3-D surfaces and their corners."""

    def inverted(self) -> Snapping:
        """For one drag: off where anything is on, else everything."""
        return Snapping(False, False) if self.voxels or self.objects else Snapping(True, True)


class MarkupHost(Protocol):
    """Makes edits of what the tools ask for."""

    snapping: Snapping

    @property
    def selected(self) -> str | None:
        """Id of the current item."""

    def item(self, id: str) -> SceneItem | None:
        """A markup as the document has it, without previews; None if it is not open (any more)."""

    def select(self, id: str) -> None:
        """Make an item the current one."""

    def preview(self, id: str, markup: Markup | None, view: Viewport | None = None) -> None:
        """Show a markup in another way for now, first of all in `view`; None ends that."""

    def commit(self, id: str, before: Markup, markup: Markup, title: str, gesture: str = "") -> bool:
        """One edit; consecutive ones of one `gesture` are one to undo.

        False, and nothing happens, if the item is not `before` any more: it was closed or undone meanwhile.
        """

    def add(self, markup: Markup, name: str) -> str:
        """A new item, selected: "Line 1", "Line 2", … for the name "Line"; its id."""

    def remove(self, id: str) -> None:
        """Close an item, undoably."""

    def finished(self) -> None:
        """A tool has placed what it was to place."""

    def say(self, text: str) -> None:
        """A word to the user in the status line."""
