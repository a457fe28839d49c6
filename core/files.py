"""Files written whole or not at all, and text read whatever its encoding. Every writer goes through here."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.drafts import draft_beside, noted
from core.errors import ReadError, WriteError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A draft beside `path` to write to; on success it is flushed to disk and takes `path`'s place.

    The suffixes are kept, because some libraries choose their format by them. Whatever happens, `path` holds
    either what it held or the whole new file, and no draft stays behind.

    Raises
    ------
    WriteError : the disk or folder refuses.
    """
    path = Path(path)
    suffix = "".join(path.suffixes[-2:])[-40:]
    draft = draft_beside(path, suffix or ".tmp")
    with noted(draft):
        try:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            yield draft
            with open(draft, "rb+") as file:
                os.fsync(file.fileno())
            os.chmod(draft, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            os.replace(draft, path)
            sync_folder(path.parent)
        except OSError as error:
            reason = error.strerror or str(error)
            raise WriteError(
                path, f"cannot be written ({reason})", "choose another folder or free some space"
            ) from error
        finally:
            with contextlib.suppress(
                OSError
            ):  # it has its name; or the disk has become read-only, which is told
                draft.unlink()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """`atomic` as an open binary file."""
    with atomic(path) as draft, open(draft, "wb") as file:
        yield file


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk: a file that was made or renamed is not, before its folder is flushed."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows cannot open folders; its rename is durable without
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network folders cannot be flushed
            raise
    finally:
        os.close(handle)


def stamp(path: Path) -> str:
    """What the disk says of a file, or of all files in a folder: another text if anything was written since.

    Unlike size and time of writing this also tells what was put in place with both as they were; and it differs, too,
    where only the file's permissions have changed. "" where nothing is there.
    """
    if not path.exists():
        return ""
    digest = hashlib.sha256()
    names = [""]
    if path.is_dir():
        walk = sorted(os.walk(path))
        names = [os.path.relpath(os.path.join(at, n), path) for at, _, files in walk for n in sorted(files)]
    for name in names:
        digest.update(os.fsencode(name))
        with contextlib.suppress(OSError):  # gone, or a link to nowhere
            info = os.stat(path / name)
            digest.update(f"\0{info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}\n".encode())
    return digest.hexdigest()[:32]


def ordinary(path: Path) -> Path:
    """`path` as it is, unless it is a pipe, socket or device: reading one may never end.

    Raises
    ------
    ReadError : it is one.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ReadError(path, "is no ordinary file", "choose a file or folder")
    return path


def read_bytes(path: Path) -> bytes:
    """The whole of a small file. Raises `ReadError` if it cannot be read or is empty."""
    try:
        data = ordinary(path).read_bytes()
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check the name and its permissions"
        ) from None
    if not data.strip():
        raise ReadError(path, "is empty", "copy or download the file again")
    return data


def read_text(path: Path, notes: list[str] | None = None) -> str:
    """A text file: UTF-8 (with or without a mark), UTF-16 with its mark, otherwise Windows-1252.

    `notes` receives a sentence where the encoding had to be assumed.

    Raises
    ------
    ReadError : it cannot be read, is empty, or is no text.
    """
    data = read_bytes(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise ReadError(path, "starts like UTF-16 and is not", "save it as UTF-8") from None
    if b"\0" in data[:100_000]:
        raise ReadError(path, "is no text file", "open it as what it is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if notes is not None:
            notes.append("It is not UTF-8: Western European letters (Windows-1252) were assumed.")
        return data.decode("cp1252", "replace")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
