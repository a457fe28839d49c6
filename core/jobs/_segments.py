"""Arrays in shared memory: one file a message in a private folder of the RAM disk, mapped by the receiver.

Plain files are used rather than `multiprocessing.shared_memory`: its resource tracker unlinks segments that
another process still needs (Python < 3.13), and writing a file reports a full RAM disk as an error where a
mapping would kill the process with SIGBUS. The receiver owns a file: it is removed once the last array that
lies in it is gone, so a volume read by a worker can be handed to the next worker without a copy.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import stat
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drafts import remove_drafts

Array = NDArray[Any]
ALIGN = 64
INLINE = 16 << 10
"""Bytes up to which an array travels in the message itself: a mapped file costs a descriptor for as long as it lives."""
_PREFIX = "equiscope-"


class Segment(mmap.mmap):
    """A mapped file of arrays; `path` is "" once the file has been removed or handed over."""

    path: str
    address: int
    owner: Owner | None = None
    """Of a file that we have made for a result and not handed over yet."""


class Owner:
    """A file that is still being filled: its descriptor and what removes it if nobody ever takes it."""

    def __init__(self, file: int, path: str) -> None:
        self.file = file
        self.reserved = 0
        self.let_go = weakref.finalize(self, _abandon, file, path)

    def reserve(self, upto: int) -> None:
        """Make sure of memory for the first `upto` bytes. Raises `OSError` where there is none."""
        if upto > self.reserved:
            os.posix_fallocate(self.file, self.reserved, upto - self.reserved)
            self.reserved = upto

    def hand_over(self) -> None:
        """The file belongs to somebody else now."""
        if self.let_go.detach() is not None:
            os.close(self.file)


class Segments:
    """Writes arrays into files of `folder` and maps those that others wrote.

    Parameters
    ----------
    folder : the private folder, shared by the processes of one runner. Made by `make_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        self._alive: weakref.WeakValueDictionary[str, Segment] = weakref.WeakValueDictionary()

    def write(self, arrays: list[Array]) -> dict[str, Any]:
        """Describe `arrays` for another process; those that already lie in a segment of ours are not copied.

        Raises
        ------
        OSError : neither the RAM disk nor the temporary folder has room.
        """
        entries: list[dict[str, Any]] = []
        fresh: list[tuple[dict[str, Any], Array]] = []
        handed: set[Segment] = set()
        offset = 0
        for array in arrays:
            order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
            entry: dict[str, Any] = {"dtype": array.dtype.str, "shape": list(array.shape), "order": order}
            entries.append(entry)
            if array.nbytes <= INLINE:
                entry["bytes"] = _flat_bytes(array, order).tobytes()
                continue
            segment = _segment_of(array)
            if (
                segment is not None
                and segment.path
                and (array.flags.c_contiguous or array.flags.f_contiguous)
            ):
                entry["file"] = segment.path
                entry["offset"] = array.__array_interface__["data"][0] - segment.address
                if segment.owner is None:
                    entry["kept"] = True
                else:
                    handed.add(segment)
                continue
            entry["offset"] = offset
            fresh.append((entry, array))
            offset += -(-array.nbytes // ALIGN) * ALIGN
        if offset:
            path = self._write_file(fresh, offset)
            for entry, _ in fresh:
                entry["file"] = path
        for (
            segment
        ) in handed:  # a second message has to copy: the first one's reader may have dropped the file
            assert segment.owner is not None
            segment.owner.hand_over()
            segment.owner, segment.path = None, ""
        return {"arrays": entries}

    def room(self, size: int, *, reserve: bool = True) -> Array:
        """(size,) uint8, writable, in a file that `write` will hand over without a copy.

        `reserve`: make sure of the memory now; else `reserve` has to do so before bytes are written, for a full RAM
        disk kills who writes to it.

        Raises
        ------
        OSError : there is no room.
        """
        path = self._new_path(size)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        owner = Owner(file, str(path))
        os.ftruncate(file, size)
        if reserve:
            owner.reserve(size)
        segment = Segment(file, size, access=mmap.ACCESS_WRITE)
        segment.path, segment.owner = str(path), owner
        made = np.frombuffer(segment, dtype=np.uint8)
        segment.address = made.__array_interface__["data"][0]
        return made

    @staticmethod
    def reserve(array: Array, upto: int) -> None:
        """Make sure of memory for the first `upto` bytes of what `room` has made; nothing for any other array."""
        segment = _segment_of(array)
        if segment is not None and segment.owner is not None:
            segment.owner.reserve(upto)

    def _new_path(self, size: int) -> Path:
        self._count += 1
        folder = self.folder
        with contextlib.suppress(AttributeError):  # no statvfs on Windows
            room = os.statvfs(folder)
            if room.f_bavail * room.f_frsize < size + (64 << 20):
                folder = Path(tempfile.gettempdir())
        return folder / f"{_PREFIX}{os.getpid()}-{self._count}-{os.urandom(4).hex()}"

    def _write_file(self, fresh: list[tuple[dict[str, Any], Array]], size: int) -> str:
        path = self._new_path(size)
        try:
            with open(path, "xb", opener=_private) as file:
                for entry, array in fresh:
                    file.write(b"\0" * (entry["offset"] - file.tell()))
                    file.write(_flat_bytes(array, entry["order"]).data)
                file.write(b"\0" * (size - file.tell()))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return str(path)

    def read(self, message: dict[str, Any], *, pass_on: bool) -> list[Array]:
        """The arrays that `write` described, read-only. Fresh files now belong to this process.

        `pass_on` : keep each file until its last array is gone, so that `write` can hand it on without a copy;
        else remove its name at once (a worker does, so that no death of a worker leaves a file behind).
        """
        out: list[Array] = []
        mapped: dict[str, Segment] = {}
        for entry in message["arrays"]:
            shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
            if "bytes" in entry:
                values = np.frombuffer(entry["bytes"], dtype) if entry["bytes"] else np.zeros(0, dtype)
                values.flags.writeable = False
                out.append(values.reshape(shape, order=entry["order"]))
                continue
            path = entry["file"]
            segment = mapped.get(path) or self._alive.get(path)
            if segment is None:
                segment = self._map(path, kept=bool(entry.get("kept")), pass_on=pass_on)
            mapped[path] = segment
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(segment, dtype=dtype, count=count, offset=entry["offset"])
            out.append(flat.reshape(shape, order=entry["order"]))
        return out

    def _map(self, path: str, *, kept: bool, pass_on: bool) -> Segment:
        with open(path, "rb") as file:
            segment = Segment(file.fileno(), 0, access=mmap.ACCESS_READ)
        segment.path = path
        segment.address = np.frombuffer(segment, dtype=np.uint8, count=1).__array_interface__["data"][0]
        if not kept and not pass_on:
            _remove(path)
            segment.path = ""
        elif not kept:
            weakref.finalize(segment, _remove, path)
        if segment.path:
            self._alive[path] = segment
        return segment

    def sweep(self, pid: int) -> None:
        """Remove what a dead process wrote and nobody took. Files that were taken stay while their arrays live."""
        for folder in {self.folder, Path(tempfile.gettempdir())}:
            for path in folder.glob(f"{_PREFIX}{pid}-*"):
                if str(path) not in self._alive:
                    _remove(str(path))


def _flat_bytes(array: Array, order: Any) -> Array:
    """The bytes of `array` in its memory order, whatever its dtype (a memoryview knows neither dates nor byte orders)."""
    flat = np.ascontiguousarray(array.reshape(-1, order=order))
    return flat.view(np.uint8) if flat.size else np.zeros(0, np.uint8)


def _abandon(file: int, path: str) -> None:
    os.close(file)
    _remove(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def take_over(message: dict[str, Any]) -> None:
    """Remove the fresh files of a message that nobody will read (its job was cancelled)."""
    for entry in message.get("arrays", ()):
        if "file" in entry and not entry.get("kept"):
            _remove(entry["file"])


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _segment_of(array: Array) -> Segment | None:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, Segment) else None


def make_folder() -> Path:
    """A private folder for segments, on the RAM disk where there is one; folders of dead processes are removed."""
    shm = Path("/dev/shm")
    parent = shm if shm.is_dir() and os.access(shm, os.W_OK) else Path(tempfile.gettempdir())
    for old in parent.glob(f"{_PREFIX}*-run-*"):
        pid = old.name.split("-")[1]
        if pid.isdigit() and not _alive(int(pid)) and _is_mine(old):
            remove_drafts(old)
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-run-", dir=parent))


def _is_mine(folder: Path) -> bool:
    """Whether this user made it: what others write there is not to be followed."""
    with contextlib.suppress(OSError, AttributeError):
        info = folder.lstat()
        return stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()
    return os.name != "posix"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
