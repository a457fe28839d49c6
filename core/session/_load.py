"""Opening a session."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.document import Item
from core.errors import Cancelled, ReadError, UserError, printable
from core.files import ordinary
from core.jobs import Job
from core.opening import title
from core.plugins import PluginHost
from core.session._items import decode_item
from core.session._migrations import migrated
from core.session._session import FORMAT, SUFFIX, Session

log = logging.getLogger("equiscope.session")


def load(folder: Path, *, job: Job, host: PluginHost) -> Session:
    """Open a session: read its sources again and its own data.

    A source that is missing, unreadable or changed does not stop the rest: it is told in `problems`. An item whose
    source cannot be had stays as one without data. Where the folder has gone, its backup is opened.

    Raises
    ------
    ReadError : the folder is no session, or a newer program's.
    """
    folder = folder.absolute()
    problems: list[str] = []
    backup = folder.with_name(folder.name + ".bak")
    if (
        not folder.exists() and backup.is_dir()
    ):  # a crash between the two renames of a save, or it was deleted
        problems.append(
            f"{printable(folder.name)} is not there; what was saved before it ({printable(backup.name)}) is shown."
        )
        folder = backup
    tree, stamp = read_tree(folder)
    folder = folder if folder.is_dir() else folder.parent
    items: list[Item] = []
    changed: dict[str, str] = {}
    cache: dict[str, Any] = {}
    left_out = 0
    for n, entry in enumerate(tree["items"]):
        name = title(str(entry.get("name", ""))) if isinstance(entry, dict) else ""
        job.progress(n / max(1, len(tree["items"])), f"Opening {name}")
        try:
            item = decode_item(
                entry, folder, job=job, host=host, cache=cache, problems=problems, changed=changed
            )
            if any(item.id == other.id for other in items):
                raise ValueError("another item has its id")
            items.append(item)
            continue
        except Cancelled:
            raise
        except UserError as error:
            problems.append(f"{name or 'An item'} is left out: {error}")
        except Exception as error:  # whatever a damaged entry does must not cost the others
            log.exception("an entry of a session is damaged")
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            problems.append(
                f"{name or 'An item'} is left out: its entry in the session is damaged ({title(reason)})."
            )
        left_out += 1
    return Session(_rooted(items), tree["layout"], tuple(problems), changed, left_out, stamp)


def read_tree(folder: Path) -> tuple[dict[str, Any], str]:
    """The JSON of a session (its folder, or its `session.json`) in the present format, and its stamp.

    Raises
    ------
    ReadError : it is no session, damaged, or a newer program's.
    """
    path = folder / "session.json" if folder.is_dir() else folder
    folder = path.parent
    try:
        raw = ordinary(path).read_bytes()
        tree = json.loads(raw)
        version = int(tree["format"])
        if version > FORMAT:
            raise ReadError(
                folder, f"was saved by a newer version (session format {version})", "update Equiscope"
            )
        tree = migrated(tree, FORMAT)
        tree = {**tree, "items": list(tree["items"]), "layout": dict(tree.get("layout", {}))}
    except FileNotFoundError:
        raise ReadError(
            folder, "is no session (it has no session.json)", f"choose a folder that ends in {SUFFIX}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReadError(
            folder,
            f"has a session.json that cannot be read ({type(error).__name__}: {printable(str(error))})",
            "open the .bak beside it",
        ) from None
    return tree, hashlib.sha256(raw).hexdigest()


def _rooted(items: list[Item]) -> tuple[Item, ...]:
    """The items with parents that exist and lead to the top."""
    parents = {i.id: i.parent if isinstance(i.parent, str) else None for i in items}  # or a damaged entry's
    for id in parents:
        seen = {id}
        above = parents[id]
        while above is not None and above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        if above in seen or parents[id] not in parents:
            parents[id] = None
    return tuple(i if i.parent == parents[i.id] else replace(i, parent=parents[i.id]) for i in items)
