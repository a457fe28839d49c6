"""What a crashed window left: looking at it, and building its items again."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.document import Item, Missing
from core.errors import Cancelled, ReadError, UserError, printable
from core.jobs import Job
from core.journal._entries import data_of, item_of, session_id
from core.journal._folders import (
    KEPT_DAYS,
    folders,
    is_live,
    is_skipped,
    last_touched,
    remove,
    tidy_drafts,
)
from core.journal._frames import read_frames
from core.journal._writer import FORMAT
from core.opening import SAMPLE, looks_as_read
from core.plugins import PluginHost
from core.session import Session, stamp
from core.session import load as load_session
from core.session._items import read_again

CUT = (
    "The end of the journal was damaged and is left out: what was done in the last moments, or since the damage, "
    "is missing."
)
log = logging.getLogger("equiscope.journal")


@dataclass(frozen=True, eq=False)
class Replayed:
    """The last good state in a journal. `behind`: bytes after it that could not be read."""

    entries: Mapping[str, dict[str, Any]]
    order: tuple[str, ...]
    layout: Mapping[str, Any]
    last: Mapping[str, Any]
    session: str
    base: str
    behind: int

    @property
    def entries_in_order(self) -> list[dict[str, Any]]:
        """The entries as they stand in the document."""
        rest = [id for id in self.entries if id not in set(self.order)]
        return [self.entries[id] for id in (*self.order, *rest) if id in self.entries]


@dataclass(frozen=True)
class Crashed:
    """A window that is no more, as the dialog tells it.

    Attributes
    ----------
    names : of the items at the top, in order; count : of all items.
    unsaved : edits since the last save; label : the last one; time : of the last record (seconds since 1970).
    session : the saved session that it belongs to, "" if none (or none that is still there).
    skipped : the user does not want to be asked; fault : why nothing can be recovered, "" if it can.
    """

    path: Path
    names: tuple[str, ...] = ()
    count: int = 0
    unsaved: int = 0
    label: str = ""
    time: float = 0.0
    session: str = ""
    skipped: bool = False
    fault: str = ""
    cut: bool = False


def replay(folder: Path) -> Replayed:
    """The last good state in the newest generation that can be read.

    Raises
    ------
    ReadError : there is none, or a newer program wrote it.
    """
    behind = 0
    for path in sorted(folder.glob("journal-*.log"), reverse=True):
        with contextlib.suppress(OSError):
            records, torn = read_frames(path)
            if records and records[0].get("kind") == "begin":
                return _played(folder, records, torn + behind)
            behind += torn
    raise ReadError(folder, "has no record that can be read", "delete it (File, Recover…)")


def _played(folder: Path, records: list[dict[str, Any]], behind: int) -> Replayed:
    first, last = records[0], records[0]
    if first.get("format", 0) > FORMAT:
        raise ReadError(folder, "was written by a newer version", "update Equiscope")
    entries: dict[str, dict[str, Any]] = {}
    order: list[str] = []
    layout: dict[str, Any] = {}
    try:
        for record in records:
            for id in record.get("gone", ()):
                entries.pop(id, None)
            entries.update(record["set"])
            order = record.get("order", order)
            layout = record.get("layout", layout)
            last = record
    except (KeyError, TypeError, ValueError, AttributeError):  # not ours, though its CRC is right
        behind += 1
    kept = {k: last.get(k) for k in ("time", "number", "unsaved", "clean", "label", "origin")}
    return Replayed(
        entries, tuple(order), layout, kept, str(first.get("session", "")), str(first.get("base", "")), behind
    )


def crashed(parent: Path) -> list[Crashed]:
    """Every window of `parent` that died with something unsaved, the last one first. Live windows are left alone."""
    return [c for c in (_look(p) for p in folders(parent) if not is_live(p)) if c is not None]


def tidy(parent: Path, *, now: float | None = None) -> None:
    """Remove what nobody will ask for: skipped long ago, or with nothing in it that was not saved."""
    now = time.time() if now is None else now
    tidy_drafts(parent, now)
    for path in folders(parent):
        age = now - last_touched(path)
        if age > 60 and not is_live(path):
            if (is_skipped(path) and age > KEPT_DAYS * 86400) or _look(path) is None:
                remove(path)


def _look(path: Path) -> Crashed | None:
    try:
        found = replay(path)
        last = found.last
        if last["clean"] or not (found.entries or found.session):
            return None
        if last["origin"] and (path.parent / str(last["origin"])).is_dir():
            return None  # it died while it recovered that one, and holds nothing more
        tops = [e["tree"] for e in found.entries_in_order if e["tree"].get("parent") is None]
        session = found.session if found.session and Path(found.session).exists() else ""
        return Crashed(
            path,
            tuple(printable(str(t.get("name", ""))) for t in tops),
            len(found.entries),
            int(last["unsaved"]),
            str(last["label"]),
            float(last["time"]),
            session,
            is_skipped(path),
            cut=found.behind > 0,
        )
    except ReadError as error:
        if not any(path.glob("journal-*.log")):
            return None  # it died before anything was open
        return Crashed(path, skipped=is_skipped(path), time=path.stat().st_mtime, fault=error.fault)
    except (TypeError, ValueError, KeyError, AttributeError, OSError):
        log.exception("a journal is damaged")
        return Crashed(path, skipped=is_skipped(path), fault="is damaged")


def load(folder: Path, *, job: Job, host: PluginHost) -> Session:
    """What a crashed window had open, as a session: its sources are read again, whatever is missing is told.

    `Session.left_out` counts what did not come back (a missing file does: its item waits for it); a damaged end of the
    journal counts as one. `Session.stamp` is "" if its session has been saved since by another window.

    Raises
    ------
    ReadError : nothing can be read.
    """
    found = replay(folder)
    loading = _Loading(folder, found, job, host)
    problems: list[str] = []
    if found.behind:
        problems.append(CUT)
    items: list[Item] = []
    entries = found.entries_in_order
    left_out = int(found.behind > 0)
    for n, entry in enumerate(entries):
        name = ""
        try:
            item = item_of(entry, folder)
            name = printable(item.name)
            job.progress(n / max(1, len(entries)), f"Recovering {name}")
            item = loading.filled(item, entry["data"], problems)
            items.append(item)
        except Cancelled:
            raise
        except UserError as error:
            problems.append(f"{name or 'An item'} is left out: {error}")
            left_out += 1
        except Exception as error:  # whatever a damaged entry does must not cost the others
            log.exception("an entry of a journal is damaged")
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            problems.append(
                f"{name or 'An item'} is left out: its entry in the journal is damaged ({reason})."
            )
            left_out += 1
    known = {item.id for item in items}
    rooted = [i if i.parent in known or i.parent is None else replace(i, parent=None) for i in items]
    # Only what the window knew may be replaced in silence: the user, or somebody else, may have gone on with it since.
    place = Path(found.session) if found.session else None
    here = stamp(place) if place is not None and session_id(place) == found.base else ""
    return Session(tuple(rooted), found.layout, tuple(problems), left_out=left_out, stamp=here)


class _Loading:
    """The files and the saved session that the data of items come from, each read once."""

    def __init__(self, folder: Path, found: Replayed, job: Job, host: PluginHost) -> None:
        self._folder, self._found, self._job, self._host = folder, found, job, host
        self._read: dict[str, Any] = {}
        self._saved: dict[str, Item] | None = None

    def filled(self, item: Item, part: dict[str, Any] | None, problems: list[str]) -> Item:
        """The item with its data."""
        if part is None:
            return item
        if "source" in part:
            return self._from_source(item, problems)
        if "base" in part:
            return self._from_session(item, str(part["base"]))
        return replace(item, data=data_of(part, self._folder))

    def _from_source(self, item: Item, problems: list[str]) -> Item:
        source = item.source
        if source is None:
            raise ValueError("it names no file")
        path = Path(source.path)
        try:
            if not source.path.startswith(SAMPLE) and not path.exists():
                raise ReadError(
                    path, "is not where it was", "put it back, or locate it (Data, Locate files…)"
                )
            data, fresh = read_again(source, job=self._job, host=self._host, cache=self._read)
        except (UserError, OSError, MemoryError) as error:
            reason = str(error) or "There is not enough memory to read it; close something first."
            problems.append(f"{item.name} has no data: {reason}")
            saved = {"relative": "", "content": "", "sha256": source.sha256}
            return replace(item, missing=Missing(reason, "", saved))
        if not looks_as_read(source):
            problems.append(
                f"{printable(item.name)} has changed: {printable(path.name)} is not the file it was."
            )
        return replace(item, data=data, source=fresh)

    def _from_session(self, item: Item, id: str) -> Item:
        if self._saved is None:
            folder = Path(self._found.session)
            places = (folder, folder.with_name(folder.name + ".bak"))
            place = next((p for p in places if session_id(p) == self._found.base), None)
            if place is None:
                raise ReadError(
                    folder,
                    "is not where it was, or was saved again since, and holds the data",
                    "put it back as it was and recover again",
                )
            self._saved = {i.id: i for i in load_session(place, job=self._job, host=self._host).items}
        if id not in self._saved:
            raise ReadError(
                Path(self._found.session), "does not hold it any more", "open the session instead"
            )
        return replace(item, data=self._saved[id].data)
