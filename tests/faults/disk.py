"""A disk that loses what was not flushed.

`Disk(root)` watches every change that Python code makes below `root` while it works (the change is really made,
too). Afterwards `crashes` gives, for every moment, the states in which the disk may be found after the power went:

- what an `fsync` of a file has passed is there; writes since then are there, missing, or torn, in any combination,
  and a file may have grown without its content (zeros);
- what an `fsync` of a folder has passed is there; entries made, renamed or removed since then are or are not,
  each by itself. A rename within the folder or between folders happens whole or not at all.

That is what POSIX permits (ALICE, Pillai et al. 2014; CrashMonkey, Mohan et al. 2018), and more than any one file
system does. Where there are too many combinations, the telling ones are taken and some by chance (seeded).

Code in C (Pillow, VTK, `os.sendfile`) writes past Python: what a file holds is looked at again at each `fsync`, rename
and close, and what came unseen counts as one write.
"""

from __future__ import annotations

import builtins
import errno
import io
import itertools
import os
import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.session import _disk

ROOT = 0


@dataclass(frozen=True)
class Op:
    """One change. `node` is the file or the folder whose `fsync` makes it last; `what` one of write, size, entry, sync, ack."""

    what: str
    node: int = 0
    at: int = 0
    data: bytes = b""
    entries: tuple[tuple[int, str, int | None], ...] = ()
    """(folder, name, node or None) that hold afterwards."""
    label: Any = None


@dataclass
class State:
    """What a disk holds: files and folders by number; 0 is the root."""

    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    links: dict[int, str] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict, repr=False)
    """When files were written, in nanoseconds, where that was flushed; not a part of what is told apart."""

    def copy(self) -> State:
        folders = {n: dict(e) for n, e in self.folders.items()}
        return State(dict(self.files), folders, dict(self.links), self.times)

    def apply(self, op: Op) -> None:
        if op.what == "write":
            old = self.files.get(op.node, b"")
            padded = old.ljust(op.at, b"\0")
            self.files[op.node] = padded[: op.at] + op.data + padded[op.at + len(op.data) :]
        elif op.what == "size":
            self.files[op.node] = self.files.get(op.node, b"")[: op.at].ljust(op.at, b"\0")
        elif op.what == "entry":
            for folder, name, node in op.entries:
                there = self.folders.setdefault(folder, {})
                if node is None:
                    there.pop(name, None)
                else:
                    there[name] = node

    def tree(self) -> tuple[tuple[str, bytes | None], ...]:
        """Paths and contents (None = a folder), the same for the same state."""
        return tuple((place, content) for place, content, _ in self._all())

    def _all(self) -> list[tuple[str, bytes | None, int]]:
        out: list[tuple[str, bytes | None, int]] = []
        self._walk(ROOT, "", out, ())
        return sorted(out, key=lambda e: e[0])

    def _walk(
        self, node: int, path: str, out: list[tuple[str, bytes | None, int]], above: tuple[int, ...]
    ) -> None:
        for name, inner in self.folders.get(node, {}).items():
            if inner in above:
                continue
            place = f"{path}/{name}" if path else name
            if inner in self.folders:
                out.append((place, None, inner))
                self._walk(inner, place, out, (*above, inner))
            elif inner in self.links:
                out.append((place, b"\0link " + os.fsencode(self.links[inner]), inner))
            else:
                out.append((place, self.files.get(inner, b""), inner))

    def write_to(self, root: Path) -> None:
        """Make real files of it in an empty folder."""
        for place, content, node in self._all():
            path = root / place
            if content is None:
                path.mkdir()
            elif content.startswith(b"\0link "):
                path.symlink_to(os.fsdecode(content[6:]))
            else:
                path.write_bytes(content)
                if node in self.times:
                    os.utime(path, ns=(self.times[node], self.times[node]))


@dataclass(frozen=True)
class Crash:
    """A state that may be found after a power cut behind operation `moment`; `acks` are the labels told by then."""

    moment: int
    acks: tuple[Any, ...]
    how: str
    state: State = field(repr=False)


class Disk:
    """See the module. A context manager; only one at a time."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.ops: list[Op] = []
        self.before = State()
        self._known: dict[tuple[int, int], int] = {}
        self._count = itertools.count(1)
        self._now = State()
        self._saved: dict[str, Any] = {}
        self._busy = False
        self._scan(self.root, ROOT)
        self.before = self._now.copy()

    def may(self, what: str) -> None:
        """Called before each change, with the name of the call; raises where the disk is to refuse."""

    def ack(self, label: Any) -> None:
        """The program has told its user that something is safe."""
        self.ops.append(Op("ack", label=label))

    # -- what may be found -----------------------------------------------------------------------------------

    def crashes(self, *, most: int = 40, seed: int = 0, torn: bool = True) -> Iterator[Crash]:
        """States after each operation, each state once; at most `most` combinations a moment."""
        dice = random.Random(seed)
        seen: set[Any] = set()
        for moment in range(len(self.ops) + 1):
            past = self.ops[:moment]
            acks = tuple(op.label for op in past if op.what == "ack")
            sure, loose = _split(past)
            for how, kept in _choices(loose, most, dice):
                for words, state in self._states(past, sure, kept, loose, torn, dice):
                    key = (acks, state.tree())
                    if key not in seen:
                        seen.add(key)
                        yield Crash(moment, acks, f"{how}{words}", state)

    def _states(
        self,
        past: list[Op],
        sure: set[int],
        kept: frozenset[int],
        loose: list[int],
        torn: bool,
        dice: random.Random,
    ) -> Iterator[tuple[str, State]]:
        lasting = sure | kept
        yield "", self._built(past, lasting, {})
        if not torn:
            return
        writes = [n for n in loose if n in kept and past[n].what == "write" and past[n].data]
        for number in writes[-2:]:
            op = past[number]
            cuts = {0, 1, len(op.data) // 2, len(op.data) - 1, dice.randrange(len(op.data))}
            for cut in sorted(cuts):
                for zeros in (False, True):
                    half = op.data[:cut] + (b"\0" * (len(op.data) - cut) if zeros else b"")
                    words = f", write {number} torn at {cut}{' with zeros' if zeros else ''}"
                    yield words, self._built(past, lasting, {number: Op("write", op.node, op.at, half)})

    def _built(self, past: list[Op], lasting: set[int] | frozenset[int], other: dict[int, Op]) -> State:
        state = self.before.copy()
        state.links.update(self._now.links)
        for folder in self._now.folders:  # one whose entry lasted is there, though what was in it may not be
            state.folders.setdefault(folder, {})
        for number, op in enumerate(past):
            if number in lasting:
                state.apply(other.get(number, op))
        return state

    # -- watching --------------------------------------------------------------------------------------------

    def __enter__(self) -> Disk:
        save = self._saved
        for module, name in (
            (builtins, "open"),
            (io, "open"),
            *((os, n) for n in _CALLS if hasattr(os, n)),
        ):
            save[f"{module.__name__}.{name}"] = (module, name, getattr(module, name))
        save["exchange"] = (_disk, "exchange", _disk.exchange)
        _disk.exchange = self._exchange
        builtins.open = io.open = self._open  # type: ignore[assignment]
        for name in _CALLS:
            if hasattr(os, name):
                setattr(os, name, self._open_handle if name == "open" else getattr(self, f"_{name}"))
        return self

    def __exit__(self, *_: object) -> None:
        for module, name, old in self._saved.values():
            setattr(module, name, old)

    def _real(self, name: str) -> Any:
        return self._saved[f"os.{name}"][2]

    def _place(self, path: Any, dir_fd: int | None = None) -> tuple[int, str] | None:
        """(folder's node, name) of a path below the root, else None."""
        if isinstance(path, int):
            return None
        text = os.fsdecode(path)
        if dir_fd is not None and not os.path.isabs(text):
            text = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), text)
        text = os.path.abspath(text)
        folder = os.path.realpath(os.path.dirname(text))
        if folder != str(self.root) and not folder.startswith(f"{self.root}/"):
            return None
        return self._node_of(os.stat(folder)), os.path.basename(text)

    def _node_of(self, info: os.stat_result) -> int:
        return self._known[(info.st_dev, info.st_ino)]

    def _scan(self, path: Path, node: int) -> None:
        info = os.lstat(path)
        self._known[(info.st_dev, info.st_ino)] = node
        if stat.S_ISDIR(info.st_mode):
            self._now.folders.setdefault(node, {})
            for inner in sorted(path.iterdir()):
                number = next(self._count)
                self._now.folders[node][inner.name] = number
                self._scan(inner, number)
        elif stat.S_ISLNK(info.st_mode):
            self._now.links[node] = os.readlink(path)
        else:
            self._now.files[node] = path.read_bytes()
            self._now.times[node] = info.st_mtime_ns

    def _do(self, op: Op) -> None:
        self.ops.append(op)
        self._now.apply(op)

    def _made(self, path: Any, dir_fd: int | None = None) -> int:
        """A new node for what has just been made."""
        place = self._place(path, dir_fd)
        assert place is not None
        info = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
        node = next(self._count)
        self._known[(info.st_dev, info.st_ino)] = node
        if stat.S_ISDIR(info.st_mode):
            self._now.folders[node] = {}
        elif stat.S_ISLNK(info.st_mode):
            self._now.links[node] = os.readlink(path, dir_fd=dir_fd)
        else:
            self._now.files[node] = b""
        self._do(Op("entry", place[0], entries=((place[0], place[1], node),)))
        return node

    def _look(self, node: int, content: bytes) -> None:
        """Record what came into a file unseen."""
        known = self._now.files.get(node, b"")
        if content != known:
            if len(content) < len(known):
                self._do(Op("size", node, len(content)))
            self._do(Op("write", node, 0, content))

    def _look_at(self, path: Any, dir_fd: int | None = None) -> None:
        try:
            info = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
        except OSError:
            return
        if stat.S_ISREG(info.st_mode) and (info.st_dev, info.st_ino) in self._known:
            handle = self._real("open")(path, os.O_RDONLY, dir_fd=dir_fd)
            try:
                self._look(self._node_of(info), _content(handle))
            finally:
                os.close(handle)

    def wrote(self, handle: int, at: int, data: bytes) -> None:
        info = os.fstat(handle)
        node = self._known.get((info.st_dev, info.st_ino))
        if node is not None and data:
            self._do(Op("write", node, at, data))

    def sized(self, handle: int, size: int) -> None:
        info = os.fstat(handle)
        node = self._known.get((info.st_dev, info.st_ino))
        if node is not None and len(self._now.files.get(node, b"")) != size:
            self._do(Op("size", node, size))

    # -- in place of Python's own ----------------------------------------------------------------------------

    def _open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        real = self._saved["io.open"][2]
        handle = file if isinstance(file, int) else None
        watched = (handle is not None and self._watches(handle)) or (
            handle is None and self._place(file) is not None
        )
        if not watched or not set("wax+") & set(mode):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        plain = mode.replace("b", "").replace("t", "")
        raw = _Raw(self, file, plain, closefd, opener or (None if handle is not None else self._opener))
        if buffering == 0:
            return raw
        size = io.DEFAULT_BUFFER_SIZE if buffering in (-1, 1) else buffering
        buffered: Any
        if "+" in plain:
            buffered = io.BufferedRandom(raw, size)
        else:
            buffered = io.BufferedWriter(raw, size)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)

    def _opener(self, path: str, flags: int) -> int:
        return os.open(path, flags, 0o666)

    def _watches(self, handle: int) -> bool:
        info = os.fstat(handle)
        return (info.st_dev, info.st_ino) in self._known

    def _open_handle(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        place = self._place(path, dir_fd)
        if place is None:
            return int(self._real("open")(path, flags, mode, dir_fd=dir_fd))
        there = place[1] in self._now.folders.get(place[0], {})
        if flags & (os.O_WRONLY | os.O_RDWR):
            self.may("open" if there else "create")
        handle = int(self._real("open")(path, flags, mode, dir_fd=dir_fd))
        if not there and flags & os.O_CREAT:
            self._made(path, dir_fd)
        if flags & os.O_TRUNC and there:
            self.sized(handle, 0)
        return handle

    def _write(self, handle: int, data: Any) -> int:
        at = -1
        if self._watches(handle):
            self.may("write")
            at = _position(handle)
        count = int(self._real("write")(handle, data))
        if at >= 0:
            self.wrote(handle, at, bytes(data)[:count])
        return count

    def _pwrite(self, handle: int, data: Any, offset: int) -> int:
        if self._watches(handle):
            self.may("write")
        count = int(self._real("pwrite")(handle, data, offset))
        self.wrote(handle, offset, bytes(data)[:count])
        return count

    def _ftruncate(self, handle: int, size: int) -> None:
        self._real("ftruncate")(handle, size)
        self.sized(handle, size)

    def _truncate(self, path: Any, size: int) -> None:
        self._real("truncate")(path, size)
        self._look_at(path)

    def _fsync(self, handle: int) -> None:
        info = os.fstat(handle)
        node = self._known.get((info.st_dev, info.st_ino))
        if node is None:
            return
        self.may("fsync")
        if stat.S_ISREG(info.st_mode):
            self.before.times[node] = info.st_mtime_ns
            again = self._real("open")(f"/proc/self/fd/{handle}", os.O_RDONLY)
            try:
                self._look(node, _content(again))
            finally:
                os.close(again)
        self.ops.append(Op("sync", node))

    def _fdatasync(self, handle: int) -> None:
        self._fsync(handle)

    def _sync(self) -> None:
        for node in (*self._now.files, *self._now.folders):
            self.ops.append(Op("sync", node))

    def _rename(
        self, source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        a, b = self._place(source, src_dir_fd), self._place(target, dst_dir_fd)
        self._look_at(source, src_dir_fd)
        if a is not None:
            self.may("rename")
        self._real("rename")(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        if a is None or b is None:
            assert a is None and b is None, "a rename into or out of the watched folder"
            return
        node = self._now.folders[a[0]][a[1]]
        self._do(Op("entry", b[0], entries=((a[0], a[1], None), (b[0], b[1], node))))

    _replace = _rename

    def _exchange(self, one: Any, other: Any) -> bool:
        """`renameat2` with RENAME_EXCHANGE, which Python does not have: both names change, or none."""
        a, b = self._place(one), self._place(other)
        if a is not None:
            self.may("rename")
        done = bool(self._saved["exchange"][2](one, other))
        if done:
            assert a is not None and b is not None
            first, second = self._now.folders[a[0]][a[1]], self._now.folders[b[0]][b[1]]
            self._do(Op("entry", a[0], entries=((a[0], a[1], second), (b[0], b[1], first))))
        return done

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd)
        if place is not None:
            self.may("unlink")
        self._real("unlink")(path, dir_fd=dir_fd)
        if place is not None:
            self._do(Op("entry", place[0], entries=((place[0], place[1], None),)))

    _remove = _unlink

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd)
        if place is not None:
            self.may("rmdir")
        self._real("rmdir")(path, dir_fd=dir_fd)
        if place is not None:
            self._do(Op("entry", place[0], entries=((place[0], place[1], None),)))

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        watched = self._place(path, dir_fd) is not None
        if watched and not os.path.lexists(path):
            self.may("mkdir")
        self._real("mkdir")(path, mode, dir_fd=dir_fd)
        if watched:
            self._made(path, dir_fd)

    def _symlink(
        self, source: Any, path: Any, target_is_directory: bool = False, *, dir_fd: Any = None
    ) -> None:
        self._real("symlink")(source, path, target_is_directory, dir_fd=dir_fd)
        if self._place(path, dir_fd) is not None:
            self._made(path, dir_fd)

    def _link(self, source: Any, path: Any, **how: Any) -> None:
        self._look_at(source)
        self._real("link")(source, path, **how)
        place = self._place(path)
        if place is not None:
            node = self._node_of(os.stat(path))
            self._do(Op("entry", place[0], entries=((place[0], place[1], node),)))


_CALLS = (
    *("open", "write", "pwrite", "ftruncate", "truncate", "fsync", "fdatasync", "sync", "rename", "replace"),
    *("unlink", "remove", "rmdir", "mkdir", "symlink", "link"),
)


class Refusing(Disk):
    """A disk that refuses from its `number`th change on: full (ENOSPC, EDQUOT) or read-only (EROFS, EACCES)."""

    def __init__(self, root: Path, number: int, error: int) -> None:
        super().__init__(root)
        self._left = number
        self._error = error
        self.refused: list[str] = []

    def may(self, what: str) -> None:
        full = self._error in (errno.ENOSPC, errno.EDQUOT)
        if full and what in ("unlink", "rmdir", "open"):
            return  # a full disk lets things go
        self._left -= 1
        if self._left < 0:
            self.refused.append(what)
            raise OSError(self._error, os.strerror(self._error))


class _Raw(io.FileIO):
    """A file whose writes are told."""

    def __init__(self, disk: Disk, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        self._disk = disk
        self._adds = "a" in mode
        super().__init__(file, mode, closefd, opener)

    def write(self, data: Any) -> int:  # type: ignore[override]
        handle = self.fileno()
        self._disk.may("write")
        at = os.fstat(handle).st_size if self._adds else self.tell()
        count = super().write(data)
        self._disk.wrote(handle, at, bytes(data)[:count])
        return count

    def truncate(self, size: int | None = None) -> int:
        new = super().truncate(size)
        self._disk.sized(self.fileno(), new)
        return new


def _position(handle: int) -> int:
    import fcntl

    if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_APPEND:
        return os.fstat(handle).st_size
    return os.lseek(handle, 0, os.SEEK_CUR)


def _content(handle: int) -> bytes:
    parts = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _split(past: list[Op]) -> tuple[set[int], list[int]]:
    """The numbers of the operations that last for sure, and those of which nobody knows."""
    sure: set[int] = set()
    pending: dict[int, list[int]] = {}
    for number, op in enumerate(past):
        if op.what in ("write", "size"):
            pending.setdefault(op.node, []).append(number)
        elif op.what == "entry":
            pending.setdefault(op.node, []).append(number)
        elif op.what == "sync":
            sure.update(pending.pop(op.node, ()))
    return sure, [n for numbers in pending.values() for n in numbers]


def _choices(loose: list[int], most: int, dice: random.Random) -> Iterator[tuple[str, frozenset[int]]]:
    """Which of the unsure operations lasted."""
    loose = sorted(loose)
    if 2 ** len(loose) <= most:
        for bits in range(2 ** len(loose)):
            kept = frozenset(n for i, n in enumerate(loose) if bits >> i & 1)
            yield f"of {loose} {sorted(kept)}", kept
        return
    chosen: dict[frozenset[int], str] = {}
    for count in range(len(loose) + 1):  # in order, cut off somewhere
        chosen.setdefault(frozenset(loose[:count]), f"the first {count} of {loose}")
    for n in loose:
        chosen.setdefault(frozenset(loose) - {n}, f"all of {loose} but {n}")
        chosen.setdefault(frozenset({n}), f"only {n} of {loose}")
    all_first = list(chosen.items())
    if len(all_first) > most:
        ends = all_first[:1], [(frozenset(loose), "all")]
        all_first = [*ends[0], *ends[1], *dice.sample(all_first, most - 2)]
    for kept, how in all_first:
        yield how, kept
    for _ in range(max(0, most - len(all_first))):
        kept = frozenset(n for n in loose if dice.random() < 0.5)
        yield f"of {loose} {sorted(kept)}", kept
