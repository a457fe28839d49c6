"""A process that makes victims: each edits, saves, checkpoints and recovers until it is killed, and says what it did.

One line of standard input is one child, forked from a process that has imported everything:

    edit SEED JOURNALS SESSION FILE    edits until it is killed
    check JOURNALS SESSION             loads what is on disk as a fresh start would, and says its digest

Lines of standard output, each written at once: `P PID` a child lives, `X PID` it is no more, `E NUMBER TIME DIGEST` an
edit is about to be handed to the journal, `A NUMBER TIME` it is on disk, `S TIME`/`T TIME` a save began/ended,
`R TIME` recovered, `C DIGEST PROBLEMS…` the answer of a check. Times are of the monotonic clock, which all processes
share.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Markup, Mesh, content_hash, encode
from core.display import Display, default_display
from core.document import Document, Item, new_id
from core.jobs import Job
from core.journal import Base, Journal, State, crashed, load, remove, take
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.session import load as load_session
from core.session import save as save_session

HOST = PluginHost()
_hashes: dict[int, tuple[Any, str]] = {}


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def digest(items: Any) -> str:
    """Of everything about some items that a user could miss."""
    told = []
    for item in items:
        known = _hashes.get(id(item.data))
        if known is None or known[0] is not item.data:
            known = _hashes[id(item.data)] = (item.data, content_hash(item.data))
        tree = encode(item.display)[0]
        told.append([item.id, item.name, item.parent, tree, item.transform.tolist(), known[1], item.edited])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def random_mesh(rng: random.Random) -> Mesh:
    n = rng.choice([4, 300, 4000, 20_000])
    points = np.random.default_rng(rng.randrange(1 << 30)).normal(size=(n, 3)).astype(np.float32)
    return Mesh(points, np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def random_markup(rng: random.Random) -> Markup:
    return Markup("points", [[rng.random() for _ in range(3)] for _ in range(rng.randrange(1, 6))])


def edit(document: Document, rng: random.Random, file: Path) -> None:
    """One change, as a user would make it."""
    items = list(document)
    what = rng.choice(
        ["add", "file", "rename", "show", "show", "move", "data", "data", "undo", "redo", "order"]
    )
    if len(items) > 30:
        document.remove(*(i.id for i in rng.sample(items, 10) if i.id in document))
    elif what == "add" or not items:
        data = rng.choice([random_mesh, random_markup])(rng)
        parent = rng.choice([None, *(i.id for i in items)])
        document.add(
            Item(new_id(), f"item {rng.randrange(1000)}", data, parent, display=default_display(data))
        )
    elif what == "file":
        document.add(*items_of(open_path(file, job=Job(), host=HOST)))
    elif what == "undo":
        document.undo()
    elif what == "redo":
        document.redo()
    else:
        item = rng.choice(items)
        if what == "rename":
            document.rename(item.id, f"nämed {rng.randrange(10_000)}")
        elif what == "show":
            display: Display = replace(item.display, opacity=rng.random())
            document.set_display(item.id, display, "opacity")
        elif what == "move":
            matrix = np.eye(4)
            matrix[:3, 3] = [rng.random() for _ in range(3)]
            document.set_transform(item.id, matrix)
        elif what == "data" and isinstance(item.data, Markup):
            document.set_data(item.id, random_markup(rng), "drag")
        elif what == "data" and isinstance(item.data, Mesh):
            mesh = item.data
            moved = mesh if rng.random() < 0.5 else random_mesh(rng)
            document.set_data(item.id, replace(moved, faces=mesh.faces[: rng.randrange(1, 3)]))
        elif what == "order":
            document.move(item.id, None, rng.randrange(len(items)))


class Victim:
    """What the window does with the journal, without a window."""

    def __init__(self, seed: int, parent: Path, session: Path, file: Path) -> None:
        self.rng, self.parent, self.session, self.file = random.Random(seed), parent, session, file
        self.number, self.base = 0, None
        self.document = Document()
        self.journal = Journal(
            parent,
            on_written=lambda n, _all: say("A", n, time.monotonic()),
            limit=self.rng.choice([1, 40_000, 1 << 24]),
        )
        self.journal.start()

    def put(self) -> None:
        self.number += 1
        say("E", self.number, time.monotonic(), digest(self.document))
        self.journal.put(
            State(tuple(self.document), self.number, self.number, self.document.is_clean, "edit", self.base)
        )

    def recover(self) -> None:
        """As a start after a crash: what was there goes only once it is in this journal."""
        found = crashed(self.parent)
        if not found:
            if self.session.exists():
                self.document = Document(load_session(self.session, job=Job(), host=HOST).items)
                self.base = Base(self.session, self.document)
            return
        taken = take(found[0].path)
        assert taken is not None
        loaded = load(taken.path, job=Job(), host=HOST)
        self.document = Document(loaded.items)
        self.document.mark_unsaved()
        self.base = Base(Path(found[0].session)) if found[0].session else None
        self.put()
        assert self.journal.settle(60)
        taken.remove()
        for other in found[1:]:
            remove(other.path)

    def save(self) -> None:
        items = list(self.document)
        say("S", time.monotonic())
        save_session(items, {}, self.session, job=Job())
        self.base = Base(self.session, items)
        self.document.mark_clean()
        self.put()
        say("T", time.monotonic())

    def live(self) -> None:
        self.recover()
        self.put()
        say("R", time.monotonic())
        while True:
            if self.rng.random() < 0.08:
                self.save()
            drag = 10 if self.rng.random() < 0.1 else 1
            for _ in range(drag):
                edit(self.document, self.rng, self.file)
                self.put()
                time.sleep(self.rng.random() * 0.012)


def check(parent: Path, session: Path) -> None:
    """What the next start would find."""
    found = crashed(parent)
    if found and found[0].fault:
        say("C", "unreadable", found[0].fault)
    elif found:
        loaded = load(found[0].path, job=Job(), host=HOST)
        say(
            "C",
            digest(loaded.items),
            json.dumps([p for p in loaded.problems if not p.startswith("The end of")]),
        )
    elif session.exists() or session.with_name(session.name + ".bak").exists():
        saved = load_session(session, job=Job(), host=HOST)
        say("C", digest(saved.items), json.dumps(list(saved.problems)))
    else:
        say("C", digest(()), "[]")


def main() -> None:
    open_path(Path(sys.argv[1]), job=Job(), host=HOST)  # so that no child has to import a reader
    for line in sys.stdin:
        kind, *rest = line.rstrip("\n").split("\t")
        pid = os.fork()
        if pid == 0:
            try:
                os.close(0)
                if kind == "edit":
                    Victim(int(rest[0]), *map(Path, rest[1:])).live()
                else:
                    check(*map(Path, rest))
            except BaseException:
                say("F", json.dumps(traceback.format_exc()))
            os._exit(0)
        say("P", pid)
        os.waitpid(pid, 0)
        say("X", pid)


if __name__ == "__main__":
    main()
