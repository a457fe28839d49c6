"""The journal: every change of a document is on disk within a tenth of a second, and comes back after a crash.

What is larger than a few megabytes takes as long as the disk does; an array above 16 MB waits, besides, until
nothing has changed for a second, three seconds at most. Until it is written, the item it belongs to is not in
the journal (or stands there as it was before), and the states that hold it are not acknowledged as whole; other
changes pass it and are on disk at once.

One folder a window under the state folder, `recovery/ID/`:

    lock                  held for as long as the window lives; the system lets go of it with the process
    window.json           which session the window has open, for the other windows
    journal-000001.log    framed records (magic, length, CRC-32, MessagePack); the last generation counts
    blobs/000001.npy      arrays too large for a record, written once each and flushed before a record names them
    skipped               the user does not want to be asked about it any more

What is written are states, not edits: a record holds the items that have become others, the ids that are gone and
the order. The first record of a generation holds everything, so replaying needs to know no edit, old or new.
Data that an unchanged file holds are written as that file's name, data that the saved session holds as the item's
id there, small arrays in the record, the rest as blobs.

What has to be right, and is tested by killing:

1. A record is complete or is not there: its CRC covers it, and reading ends at the first that fails.
2. A new generation is written beside the old one, flushed, and renamed; only then does the old one go.
3. Nothing of a crashed window is removed before what was recovered from it is in another journal or saved.
4. The window's thread only puts a tuple of frozen items into a mailbox. Encoding, writing and flushing happen in the
   journal's own thread; while it writes, later states replace each other in the box, so a drag costs a few records.
"""

from core.journal._folders import (
    KEPT_DAYS,
    Home,
    open_elsewhere,
    recovery_folder,
    remove,
    skip,
    take,
)
from core.journal._read import Crashed, crashed, load, replay, tidy
from core.journal._state import Base, State
from core.journal._writer import Journal

__all__ = [
    "KEPT_DAYS",
    "Base",
    "Crashed",
    "Home",
    "Journal",
    "State",
    "crashed",
    "load",
    "open_elsewhere",
    "recovery_folder",
    "remove",
    "replay",
    "skip",
    "take",
    "tidy",
]
