"""Sessions: what is open, as one folder with a readable `session.json` and NPZ files for data no file holds.

An item that came from a file which is still there, unchanged, is saved as its source (relative and absolute path,
size, time and hash); everything else (results, markups, edited data) goes into `data/`. Saving writes a new folder beside the
old one, flushes it and swaps the two; the last good session stays as `NAME.equiscope.bak` until the next save.
"""

from core.session._items import decode_item, encode_item
from core.session._load import load
from core.session._migrations import MIGRATIONS
from core.session._save import save
from core.session._session import FORMAT, SUFFIX, Session

__all__ = ["FORMAT", "MIGRATIONS", "SUFFIX", "Session", "decode_item", "encode_item", "load", "save"]
