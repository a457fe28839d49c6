"""From a path to data objects: the choice of a reader, and reading with every failure told in one sentence."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.analyses import Description, call_arguments, describe, validate
from core.data import Loaded, register
from core.display import default_display
from core.document import Item, Source, new_id
from core.errors import LONGEST_NAME, Cancelled, ReadError, UserError, printable
from core.files import stamp
from core.jobs import Job
from core.plugins import PluginHost, Reader, Sample

HEAD = 4096
"""Bytes of a file that sniffers see."""
SURE = 90
"""A sniffer's score from which a file is taken for what it is, whatever its name says."""
SAMPLE = "sample:"
"""What stands before a sample's id where a path is expected: `sample:volumes.mni152`."""
LIMIT = 2000
"""Files that one dropped folder may open."""

LONGEST_REMARK = 600
"""Characters of a warning that comes out of a file."""

log = logging.getLogger("equiscope.opening")


class AmbiguousFile(UserError):
    """Several readers claim a file equally; `candidates` are their (id, title)."""

    def __init__(self, path: Path, candidates: list[tuple[str, str]]) -> None:
        self.path = path
        self.candidates = [list(c) for c in candidates]
        names = " or ".join(f"{title} (--reader {id})" for id, title in candidates)
        super().__init__(f"{printable(path.name)} could be opened in several ways; choose {names}.")

    def __reduce__(self) -> tuple[type, tuple[Path, list[tuple[str, str]]]]:
        return type(self), (self.path, [(c[0], c[1]) for c in self.candidates])


@register
@dataclass(frozen=True, eq=False)
class Opened:
    """What came out of one path: the reader that read it and its objects, parents before children."""

    path: str
    reader: str
    loaded: tuple[Loaded, ...]
    size: int = 0
    mtime: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)
    """`core.files.stamp` of `path`, and of the other files that objects came from, by path."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loaded", tuple(self.loaded))
        object.__setattr__(self, "stamps", MappingProxyType(dict(self.stamps)))
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))


def open_path(
    path: str | Path,
    *,
    job: Job,
    host: PluginHost,
    reader: str | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Opened:
    """Read a file (or a folder that a reader claims).

    Parameters
    ----------
    reader, kind : force a reader by id, or one that yields this kind ("Open as…").
    options : the reader's options as plain values.

    Raises
    ------
    ReadError : it cannot be read; one sentence. AmbiguousFile : the user has to choose.
    """
    if str(path).startswith(SAMPLE):
        return open_sample(str(path).removeprefix(SAMPLE), job=job, host=host)
    path = Path(path)
    head = _look(path)
    chosen, remark = choose_reader(path, head, host=host, reader=reader, kind=kind)
    values = validate(describe_reader(host, chosen), dict(options or {}))
    arguments = call_arguments(describe_reader(host, chosen), values)
    read = host.resolve(chosen.read)
    before, stat = stamp(path), _stat(path)
    try:
        loaded = read(path, job=job, **arguments)
    except (UserError, Cancelled, MemoryError):
        raise
    except Exception as error:  # a reader must not need to foresee every way in which a file can be broken
        log.exception("reader %s failed on a file", chosen.id)
        raise ReadError(
            path,
            f"cannot be read as {chosen.title} ({type(error).__name__}: {_first_line(error)})",
            "check that the file is complete, or open it with another reader (Open as…)",
        ) from error
    if not loaded:
        raise ReadError(path, f"holds nothing that {chosen.title} can show", "choose another file")
    remarks = [remark] if remark else []
    if stamp(path) != before:
        remarks.append(
            f"{printable(path.name)} was changed while it was read; open it again if something is wrong."
        )
    if remarks:
        first = loaded[0]
        loaded = [replace(first, warnings=(*remarks, *first.warnings)), *loaded[1:]]
    # As it was before: what has changed since then is not what was read.
    others = {each.source: stamp(Path(each.source)) for each in loaded if each.source}
    return Opened(
        str(path.absolute()),
        chosen.id,
        tuple(loaded),
        0 if path.is_dir() else stat.st_size,
        stat.st_mtime,
        dict(options or {}),
        {**others, str(path.absolute()): before},
    )


def open_sample(id: str, *, job: Job, host: PluginHost) -> Opened:
    """Make or find a sample by its id. Raises `UserError` if it is unknown or something is not installed."""
    declared = host.get(id, Sample)
    lacking = host.missing(declared)
    if lacking:
        raise UserError(f"{declared.title} {lacking}.")
    return Opened(SAMPLE + id, id, tuple(host.resolve(declared.function)(job=job)))


def looks_as_read(source: Source) -> bool:
    """Whether what a source names has the size and time of writing that it had; a folder need only be there."""
    if source.path.startswith(SAMPLE):
        return True
    path = Path(source.path)
    try:
        found = path.stat()
    except OSError:
        return False
    return path.is_dir() or not source.size or (found.st_size, found.st_mtime) == (source.size, source.mtime)


def is_as_read(source: Source) -> bool:
    """Whether what a source names is, as far as the disk can tell, what was read: nothing was written since.

    False, too, where only permissions or other marks of the file are different.
    """
    if source.path.startswith(SAMPLE) or not source.stamp:
        return looks_as_read(source)
    return stamp(Path(source.path)) == source.stamp


def read_again(sources: Iterable[Source], *, job: Job, host: PluginHost) -> list[Any]:
    """The data of sources, in their order; each file is read once.

    Raises
    ------
    ReadError : a file cannot be read any more, is another than it was, or holds fewer objects than it did.
    """
    read: dict[str, Opened] = {}
    out = []
    for source in sources:
        key = f"{source.path}\0{source.reader}\0{sorted(source.options.items())}"
        if Path(source.path).exists() and not looks_as_read(
            source
        ):  # of one that has gone, reading tells that
            raise ReadError(
                Path(source.path), "is not the file any more that was open", "open it again if you want it"
            )
        if key not in read:
            read[key] = open_path(
                source.path, job=job, host=host, reader=source.reader, options=source.options
            )
        loaded = read[key].loaded
        if source.index >= len(loaded):
            raise ReadError(Path(source.path), "holds fewer objects than it did", "open it again")
        out.append(loaded[source.index].data)
    return out


def address(source: Source) -> str:
    """Where an object is, as one text: its path, and "::N" (from 1) where the file holds others before it."""
    return source.path + (f"::{source.index + 1}" if source.index else "")


def split_address(text: str) -> tuple[str, int | None]:
    """The path in an address and the index (from 0) of the object, None where it names none."""
    path, found, number = text.rpartition("::")
    if not found or not number.isdigit() or int(number) < 1 or Path(text).exists():
        return text, None
    return path, int(number) - 1


def describe_reader(host: PluginHost, reader: Reader) -> Description:
    """A reader's options, from its signature. The path and the job are no options."""
    return describe(host.resolve(reader.read), id=reader.id, title=reader.title)


def choose_reader(
    path: Path, head: bytes, *, host: PluginHost, reader: str | None = None, kind: str | None = None
) -> tuple[Reader, str]:
    """The reader for a file and a remark for the user ("" or that the name misleads).

    Readers are those whose pattern fits; their sniffers decide. Where no name fits, or none of those whose
    name fits accepts the contents, every sniffer is asked and one that is sure wins.
    """
    folder = path.is_dir()
    if reader is not None:
        return host.get(reader, Reader), ""
    candidates = host.readers_for(path.name, folder)
    if kind is not None:
        candidates = [r for r in host.readers if r.kind == kind and (r.folders if folder else True)]
        if not candidates:
            raise UserError(
                f"No reader yields a {kind}; kinds are {', '.join(sorted({r.kind for r in host.readers}))}."
            )
        by_name = [r for r in candidates if folder or r.matches(path.name)]
        candidates = by_name or candidates
    unavailable = [(r, host.missing(r)) for r in candidates if host.missing(r)]
    candidates = [r for r in candidates if not host.missing(r)]
    scored = _scores(candidates, path, head, host)
    remark = ""
    if not scored and not folder:
        others = [r for r in host.readers if r not in candidates and r.sniff and not host.missing(r)]
        scored = [(s, r) for s, r in _scores(others, path, head, host) if s >= SURE]
        if scored:
            remark = (
                f"{printable(path.name)} is a {scored[0][1].title} by its contents, whatever its name says."
            )
    if not scored:
        if unavailable:
            raise ReadError(
                path,
                f"cannot be opened yet: {unavailable[0][0].title} {unavailable[0][1]}",
                "then open it again",
            )
        if folder:
            raise ReadError(path, "is a folder that no reader knows", "open the files in it")
        if candidates:
            names = " or ".join(sorted({r.title for r in candidates}))
            raise ReadError(
                path,
                f"cannot be opened: by its name it should be {names}, but its contents are not",
                "check that the file is whole, or rename it to what it is",
            )
        raise ReadError(
            path,
            "is of a type that nothing here opens",
            "`equiscope list readers` tells what does, and Open as… or --reader forces one",
        )
    best = max(s for s, _ in scored)
    first = [r for s, r in scored if s == best]
    if len(first) > 1:
        raise AmbiguousFile(path, [(r.id, r.title) for r in first])
    return first[0], remark


def expand(paths: Iterable[str | Path], *, host: PluginHost, limit: int = LIMIT) -> list[Path]:
    """The paths to open one by one: folders that a reader claims stay, others give the files that fit a reader.

    Symbolic links inside folders are not followed; hidden files are skipped.

    Raises
    ------
    ReadError : a folder holds nothing to open, or more than `limit` files.
    """
    out: list[Path] = []
    for entry in paths:
        path = Path(entry)
        if (
            str(entry).startswith(SAMPLE)
            or not path.is_dir()
            or _scores(host.readers_for(path.name, folder=True), path, b"", host)
        ):
            out.append(path)
            continue
        found: list[Path] = []
        for folder, names, files in os.walk(path):
            # What a session keeps is its own; the session itself is opened as one.
            names[:] = sorted(
                n for n in names if not n.startswith(".") and ".equiscope" not in Path(n).suffixes
            )
            here = Path(folder)
            if here != path and _scores(host.readers_for(here.name, folder=True), here, b"", host):
                found.append(here)
                names.clear()
                continue
            found += [
                here / name
                for name in sorted(files)
                if not name.startswith(".") and not (here / name).is_symlink() and host.readers_for(name)
            ]
            if len(found) > limit:
                raise ReadError(path, f"holds more than {limit} files", "open a smaller folder")
        if not found:
            raise ReadError(path, "holds no file that anything here opens", "choose another folder")
        out += found
    return list(dict.fromkeys(out))


def items_of(opened: Opened) -> tuple[Item, ...]:
    """Document items for what was read: ids given, parents linked, displays at their defaults."""
    ids = [new_id() for _ in opened.loaded]
    path = Path(opened.path)
    items: list[Item] = []
    for index, loaded in enumerate(opened.loaded):
        source = Source(
            path=loaded.source or opened.path,
            reader=opened.reader,
            index=index,
            options=opened.options,
            # Of what was asked for; another file (a header beside its image) has its own.
            size=0 if loaded.source else opened.size,
            mtime=0.0 if loaded.source else opened.mtime,
            stamp=opened.stamps.get(loaded.source or opened.path, ""),
        )
        items.append(
            Item(
                id=ids[index],
                name=title(loaded.name) or title(path.stem) or "unnamed",
                data=loaded.data,
                parent=None if loaded.parent is None else ids[loaded.parent],
                display=default_display(loaded.data, loaded.display),
                source=source,
                warnings=tuple(title(w, LONGEST_REMARK) for w in loaded.warnings),
                metadata=loaded.metadata,
            )
        )
    return tuple(items)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "look whether it is still there"
        ) from None


def title(text: str, longest: int = LONGEST_NAME) -> str:
    """`text` out of a file as one line that is safe to show: no control characters, at most `longest` characters."""
    text = printable(text).strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _look(path: Path) -> bytes:
    try:
        if path.is_dir():
            return b""
        if not path.exists():
            raise ReadError(path, "does not exist", "check the path")
        if not path.is_file():
            raise ReadError(path, "is no ordinary file", "choose a file or folder")
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except PermissionError:
        raise ReadError(
            path, "may not be read by you", "change its permissions or copy it elsewhere"
        ) from None
    except (OSError, ValueError) as error:
        raise ReadError(
            path, f"cannot be read ({_first_line(error)})", "check the disk or the path"
        ) from None
    if not head:
        raise ReadError(path, "is empty (0 bytes)", "copy the file again")
    return head


def _scores(readers: list[Reader], path: Path, head: bytes, host: PluginHost) -> list[tuple[int, Reader]]:
    out: list[tuple[int, Reader]] = []
    for reader in readers:
        score = 10 if reader.matches(path.name) else 0
        if reader.sniff:
            try:
                score = int(host.resolve(reader.sniff)(path, head))
            except Exception:
                log.exception("the sniffer of %s failed", reader.id)
                score = 0
        if score > 0:
            out.append((score, reader))
    return out


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return printable(text[0])[:200] if text else "no message"
