"""The edits: every way in which what is open can change. Frozen, so that they can be journalled.

An edit knows how to apply and revert itself on the ordered mapping of items, its label for the menu, the key
under which consecutive edits merge ("" = never) and the bytes that keeping it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from core.data import register
from core.data._arrays import Array
from core.display import Display
from core.document._item import Item, data_bytes

Items = dict[str, Item]

_DISPLAY_WORDS = {
    "colormap": "colour map",
    "color_by": "colour",
    "color": "colour",
    "render": "3-D rendering",
    "preset": "volume preset",
    "backs": "backs of faces",
    "shade": "shading",
    "splat": "point size",
    "round": "round points",
    "glyph": "glyphs",
    "glyph_limit": "number of glyphs",
    "glyph_color_by": "colour of glyphs",
}


@dataclass(frozen=True, eq=False)
class Edit:
    """Base of all edits. `apply` and `revert` change `items` in place and return the ids they touched."""

    @property
    def label(self) -> str:
        raise TypeError(f"{type(self).__name__} has no label")

    @property
    def merge_key(self) -> str:
        return ""

    @property
    def bytes(self) -> int:
        return 0

    @property
    def held(self) -> list[Any]:
        """The data objects that keeping this edit keeps alive."""
        return []

    def apply(self, items: Items) -> set[str]:
        raise TypeError(f"{type(self).__name__} cannot be applied")

    def revert(self, items: Items) -> set[str]:
        raise TypeError(f"{type(self).__name__} cannot be reverted")

    def merged(self, later: Edit) -> Edit:
        """This edit followed by `later`, which has the same merge key, as one."""
        raise TypeError(f"{type(self).__name__} does not merge")


@register
@dataclass(frozen=True, eq=False)
class AddItems(Edit):
    """Open files, adopt a result, paste: `added` in order; parents are open or among them."""

    added: tuple[Item, ...]
    title: str = ""

    @property
    def label(self) -> str:
        return self.title or (f"Add {self.added[0].name}" if self.added else "Add")

    @property
    def bytes(self) -> int:
        return sum(data_bytes(item.data) for item in self.added)

    @property
    def held(self) -> list[Any]:
        return [item.data for item in self.added]

    def apply(self, items: Items) -> set[str]:
        for item in self.added:
            if item.id in items:
                raise ValueError(f"an item with id {item.id} is open already")
            items[item.id] = item
        for item in self.added:
            if item.parent is not None and item.parent not in items:
                raise ValueError(f"{item.name}: its parent is not open")
        return {item.id for item in self.added}

    def revert(self, items: Items) -> set[str]:
        for item in self.added:
            del items[item.id]
        return {item.id for item in self.added}


@register
@dataclass(frozen=True, eq=False)
class RemoveItems(Edit):
    """Close items with all that hangs below them. Made by `RemoveItems.of`, which remembers their places."""

    removed: tuple[Item, ...]
    places: tuple[int, ...]

    @staticmethod
    def of(items: Items, ids: set[str]) -> RemoveItems:
        """The edit that removes `ids` and their descendants from `items`."""
        doomed = set(ids)
        while True:
            more = {i.id for i in items.values() if i.parent in doomed} - doomed
            if not more:
                break
            doomed |= more
        pairs = [(place, item) for place, item in enumerate(items.values()) if item.id in doomed]
        return RemoveItems(tuple(i for _, i in pairs), tuple(p for p, _ in pairs))

    @property
    def label(self) -> str:
        return (
            f"Close {self.removed[0].name}" if len(self.removed) == 1 else f"Close {len(self.removed)} items"
        )

    @property
    def bytes(self) -> int:
        return sum(data_bytes(item.data) for item in self.removed)

    @property
    def held(self) -> list[Any]:
        return [item.data for item in self.removed]

    def apply(self, items: Items) -> set[str]:
        for item in self.removed:
            del items[item.id]
        return {item.id for item in self.removed}

    def revert(self, items: Items) -> set[str]:
        order = list(items.values())
        for place, item in zip(self.places, self.removed, strict=True):
            order.insert(place, item)
        items.clear()
        items.update((item.id, item) for item in order)
        return {item.id for item in self.removed}


@dataclass(frozen=True, eq=False)
class _Change(Edit):
    """Replace one field of one item."""

    id: str
    before: Any
    after: Any

    _field = ""
    _label = ""
    _merges = False

    @property
    def label(self) -> str:
        return self._label

    @property
    def merge_key(self) -> str:
        return f"{self._field}:{self.id}" if self._merges else ""

    def _set(self, items: Items, value: Any) -> set[str]:
        items[self.id] = replace(items[self.id], **{self._field: value})
        return {self.id}

    def apply(self, items: Items) -> set[str]:
        return self._set(items, self.after)

    def revert(self, items: Items) -> set[str]:
        return self._set(items, self.before)

    def merged(self, later: Edit) -> Edit:
        assert isinstance(later, type(self))
        return replace(self, after=later.after)


@register
@dataclass(frozen=True, eq=False)
class RenameItem(_Change):
    """Give an item another name."""

    before: str
    after: str
    _field = "name"
    _label = "Rename"


@register
@dataclass(frozen=True, eq=False)
class SetDisplay(_Change):
    """Show an item in another way. `gesture` names what is being dragged; edits of one gesture merge.

    With "#" and a number at its end it is one drag, which no pause ends; without, a pause of a second begins anew.
    """

    before: Display
    after: Display
    gesture: str = ""
    _field = "display"

    @property
    def label(self) -> str:
        """What changes, in words: "Window and level", "Colour map"."""
        changed = [
            f.name
            for f in fields(self.after)
            if getattr(self.before, f.name, None) != getattr(self.after, f.name)
        ]
        if changed == ["visible"]:
            return "Show" if self.after.visible else "Hide"
        words = list(dict.fromkeys(_DISPLAY_WORDS.get(name, name.replace("_", " ")) for name in changed))
        text = " and ".join(words) or "display"
        return text[:1].upper() + text[1:]

    @property
    def merge_key(self) -> str:
        return f"display:{self.id}:{self.gesture}" if self.gesture else ""


@register
@dataclass(frozen=True, eq=False)
class SetTransform(_Change):
    """Move an item in the world; `gesture` as for `SetDisplay`."""

    before: Array
    after: Array
    gesture: str = ""
    _field = "transform"
    _label = "Move"

    @property
    def merge_key(self) -> str:
        return f"transform:{self.id}:{self.gesture}" if self.gesture else ""


@register
@dataclass(frozen=True, eq=False)
class SetData(_Change):
    """Replace what an item is: a markup's points, an attribute's meaning; `gesture` as for `SetDisplay`."""

    before: Any
    after: Any
    gesture: str = ""
    was_edited: bool = False
    title: str = ""
    _field = "data"
    _label = "Edit"

    @property
    def label(self) -> str:
        return self.title or self._label

    def apply(self, items: Items) -> set[str]:
        items[self.id] = replace(items[self.id], data=self.after, edited=True)
        return {self.id}

    def revert(self, items: Items) -> set[str]:
        items[self.id] = replace(items[self.id], data=self.before, edited=self.was_edited)
        return {self.id}

    @property
    def merge_key(self) -> str:
        return f"data:{self.id}:{self.gesture}" if self.gesture else ""

    @property
    def bytes(self) -> int:
        return data_bytes(self.before) + data_bytes(self.after)

    @property
    def held(self) -> list[Any]:
        return [self.before, self.after]


@register
@dataclass(frozen=True, eq=False)
class ReplaceItem(Edit):
    """Put an item in the place of another with its id: a missing file was found."""

    before: Item
    after: Item
    title: str = "Locate file"

    @property
    def label(self) -> str:
        return self.title

    @property
    def bytes(self) -> int:
        return data_bytes(self.before.data) + data_bytes(self.after.data)

    @property
    def held(self) -> list[Any]:
        return [self.before.data, self.after.data]

    def apply(self, items: Items) -> set[str]:
        items[self.before.id]  # an id that is not open is an error, not a new item
        items[self.before.id] = self.after
        return {self.before.id}

    def revert(self, items: Items) -> set[str]:
        items[self.before.id] = self.before
        return {self.before.id}


@register
@dataclass(frozen=True, eq=False)
class Several(Edit):
    """Edits that are one to the user: hiding all others, closing and reopening."""

    edits: tuple[Edit, ...]
    title: str

    @property
    def label(self) -> str:
        return self.title

    @property
    def bytes(self) -> int:
        return sum(edit.bytes for edit in self.edits)

    @property
    def held(self) -> list[Any]:
        return [data for edit in self.edits for data in edit.held]

    def apply(self, items: Items) -> set[str]:
        return set().union(*(edit.apply(items) for edit in self.edits))

    def revert(self, items: Items) -> set[str]:
        return set().union(*(edit.revert(items) for edit in reversed(self.edits)))


@register
@dataclass(frozen=True, eq=False)
class MoveItem(Edit):
    """Put an item under another parent (None = top) and at another place in the order."""

    id: str
    before: tuple[str | None, int]
    after: tuple[str | None, int]

    @staticmethod
    def of(items: Items, id: str, parent: str | None, place: int) -> MoveItem:
        """The edit that moves `id`; refuses to put an item below itself."""
        above = parent
        while above is not None:
            if above == id:
                raise ValueError("an item cannot be put below itself")
            above = items[above].parent
        return MoveItem(id, (items[id].parent, list(items).index(id)), (parent, place))

    @property
    def label(self) -> str:
        return "Reorder"

    def _put(self, items: Items, where: tuple[str | None, int]) -> set[str]:
        parent, place = where
        item = replace(items.pop(self.id), parent=parent)
        order = list(items.values())
        order.insert(place, item)
        items.clear()
        items.update((i.id, i) for i in order)
        return {self.id}

    def apply(self, items: Items) -> set[str]:
        return self._put(items, self.after)

    def revert(self, items: Items) -> set[str]:
        return self._put(items, self.before)
