"""Sessions: what is open, as one folder with a readable `session.json` and NPZ files for data no file holds.

An item that came from a file which is still there, unchanged, is saved as its source (where it lies, size, time and
hash); everything else (results, markups, edited data) goes into `data/`. Saving writes a new folder beside the
old one, flushes it and swaps the two; the last good session stays as `NAME.equiscope.bak` until the next save.
"""

from core.session._items import decode_item, encode_item
from core.session._load import load, read_tree
from core.session._locate import Located, as_located, find_files, locate, still_missing
from core.session._migrations import MIGRATIONS, migrated
from core.session._paths import pure
from core.session._save import save
from core.session._session import FORMAT, SUFFIX, Session, SessionChanged, stamp, token_of

__all__ = [
    "FORMAT",
    "MIGRATIONS",
    "SUFFIX",
    "Located",
    "Session",
    "SessionChanged",
    "as_located",
    "decode_item",
    "encode_item",
    "find_files",
    "load",
    "locate",
    "migrated",
    "read_tree",
    "pure",
    "save",
    "stamp",
    "token_of",
    "still_missing",
]
