"""The document: items that change only through edits, with undo, redo and one stream of changes."""

from core.document._document import ONE_DRAG, Change, Document
from core.document._edits import (
    AddItems,
    Edit,
    MoveItem,
    RemoveItems,
    RenameItem,
    ReplaceItem,
    SetData,
    SetDisplay,
    SetTransform,
    Several,
)
from core.document._item import Item, Missing, Source, data_bytes, new_id
from core.document._memory import default_budget
from core.document._parking import Parked, can_be_read_again

__all__ = [
    "ONE_DRAG",
    "AddItems",
    "Change",
    "Document",
    "Edit",
    "Item",
    "Missing",
    "MoveItem",
    "Parked",
    "RemoveItems",
    "RenameItem",
    "ReplaceItem",
    "SetData",
    "SetDisplay",
    "SetTransform",
    "Several",
    "Source",
    "can_be_read_again",
    "data_bytes",
    "default_budget",
    "new_id",
]
