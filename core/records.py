"""Records: what has to be known of a run to do it again and to see that it came out the same."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import msgspec

from core import __version__
from core.data import Checkpoint, content_hash
from core.errors import UserError
from core.files import ordinary

FORMAT = 1
PATH = "$path"
"""Marks a parameter that is a path as seen from the record's folder."""
_PACKAGES = ("numpy", "scipy", "torch", "vtk", "scikit-image", "scikit-learn", "nibabel", "trimesh")


class InputRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input: the hash of its content (data arrays and structure), and the file it came from, if any."""

    name: str
    kind: str
    content: str
    path: str = ""
    reader: str = ""
    index: int = 0
    options: dict[str, Any] = {}
    sha256: str = ""


class Record(msgspec.Struct, frozen=True):
    """One run.

    `outputs` holds the content hash of every output by name, `values` that of `result.json`'s content.
    `seconds` is wall time; `tolerance` the relative agreement of numbers that the analysis promises between
    machines (on the same machine the hashes are equal).
    """

    analysis: str
    inputs: tuple[InputRecord, ...]
    parameters: dict[str, Any]
    seed: int
    device: str
    threads: int
    versions: dict[str, str]
    machine: str
    started: str
    seconds: float
    outputs: dict[str, str]
    values: str
    tolerance: float = 1e-6
    warnings: tuple[str, ...] = ()
    format: int = FORMAT


def versions(plugin: str = "") -> dict[str, str]:
    """Versions of Equiscope, Python and the libraries that compute (installed ones only; none is imported)."""
    out = {"equiscope": __version__, "python": platform.python_version()}
    if plugin:
        out["plugin"] = plugin
    for name in _PACKAGES:
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def machine() -> str:
    """The sort of machine, without its name: "Linux x86_64"."""
    return f"{platform.system()} {platform.machine()}"


def now() -> str:
    """The time of a record: UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()


def file_hash(path: Path) -> str:
    """SHA-256 (hex) of a file; of a folder: of its files' names and hashes in order. "" if it is gone."""
    try:
        if path.is_dir():
            digest = hashlib.sha256()
            for part in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
                name = part.relative_to(path).as_posix()  # which may be no Unicode
                digest.update(f"{name}\0{file_hash(part)}\n".encode("utf-8", "surrogateescape"))
            return digest.hexdigest()
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def input_hash(data: Any) -> str:
    """What names the content of an input: of a checkpoint, which is but an index, that of its files' bytes too.

    The place of a checkpoint does not count, so that it may be moved.
    """
    if not isinstance(data, Checkpoint):
        return content_hash(data)
    path = Path(data.path)
    shards = sorted({t.file for t in data.tensors if t.file})
    files = [file_hash(path), *(file_hash(path.parent / shard) for shard in shards)]
    return content_hash({"index": replace(data, path=""), "files": files})


def to_json(record: Record, *, relative_to: Path | None = None) -> bytes:
    """The record as readable JSON; input paths are written as seen from the folder `relative_to` where given.

    They are then `portable_path`s: no absolute path, and no name of whoever works here, goes out with a record.
    """
    plain = msgspec.to_builtins(record)
    if relative_to is not None:
        for entry in plain["inputs"]:
            if entry.get("path") and Path(entry["path"]).is_absolute():
                entry["path"] = portable_path(Path(entry["path"]), relative_to)
        change = partial(_portable, relative_to)
        plain["parameters"] = {n: _with_path(v, change) for n, v in plain["parameters"].items()}
        plain["parameters"] = texts_with(plain["parameters"], tilde)  # of what is not there any more
    try:
        return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"
    except UnicodeEncodeError:  # a path that is no Unicode; the escapes of JSON can spell it
        return json.dumps(plain, indent=2).encode() + b"\n"


def _portable(start: Path, path: str) -> str:
    return portable_path(Path(path), start)


def _with_path(value: Any, change: Callable[[str], str]) -> Any:
    """A parameter with its path changed, if it is one: the path of something that is there, perhaps with ":name" behind.

    An absolute path stands as it is, any other as {"$path": …}: so it is told from a text that only looks like one.
    """
    if isinstance(value, Mapping) and value.keys() == {PATH} and isinstance(value[PATH], str):
        path = value[PATH]
    elif isinstance(value, str) and value.startswith(os.sep) and _is_there(value):
        path = value
    else:
        return value
    changed = change(path)
    return changed if not changed or os.path.isabs(changed) else {PATH: changed}


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path) or os.path.exists(path.rpartition(":")[0])
    except ValueError:  # of a name that no file can have
        return False


def portable_path(path: Path, start: Path) -> str:
    """`path` as seen from the folder `start`; one that leads into the user's home from outside begins with "~".

    So that it tells her name to nobody, as the way up to the root and down again would.
    """
    if any(path.is_relative_to(home) and not start.is_relative_to(home) for home in _homes()):
        return from_home(path)
    return relative_path(path, start)


def with_paths(record: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A plain record whose inputs and parameters have their paths changed; anything damaged stays as it is."""
    out = dict(record)
    parameters = out.get("parameters")
    if isinstance(parameters, Mapping):
        out["parameters"] = {n: _with_path(v, change) for n, v in parameters.items()}
    inputs = out.get("inputs")
    if isinstance(inputs, (list, tuple)):
        out["inputs"] = [
            {**e, "path": change(e["path"])}
            if isinstance(e, Mapping) and isinstance(e.get("path"), str)
            else e
            for e in inputs
        ]
    return out


def names_only(record: Mapping[str, Any]) -> dict[str, Any]:
    """A plain record to hand on: of its inputs' files the names, which their hashes go with."""
    named = {**record, "parameters": texts_with(record.get("parameters", {}), name_of)}
    return with_paths(named, lambda path: path if path.startswith("sample:") else Path(path).name)


def texts_with(value: Any, change: Callable[[str], str]) -> Any:
    """Plain JSON with every text in it changed, but for the keys."""
    if isinstance(value, Mapping):
        return {k: texts_with(v, change) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [texts_with(v, change) for v in value]
    return change(value) if isinstance(value, str) else value


def tilde(text: str) -> str:
    """A text that is a path in the user's home folder, from "~"; any other as it is."""
    home = next((h for h in _homes() if text.startswith(f"{h}{os.sep}")), None)
    return text if home is None else f"~/{text[len(str(home)) + 1 :]}"


def name_of(text: str) -> str:
    """The name alone of a text that is an absolute path, or one from "~"; any other as it is."""
    return Path(text).name or text if os.path.isabs(text) or text.startswith("~/") else text


def located(path: str, folder: Path) -> str:
    """The place of a path of a record or a session that lies in `folder`; samples and absolute paths are themselves."""
    if path.startswith("~/"):
        return os.path.expanduser(path)
    return path if path.startswith("sample:") else str(folder / path)


def _meant(path: str, folder: Path) -> str:
    return os.path.normpath(located(path, folder)) if path else ""


def from_home(path: PurePath) -> str:
    """An absolute path; one in the user's home folder begins with "~", which leaves her name out."""
    for home in _homes():
        if path.is_relative_to(home):
            return f"~/{path.relative_to(home).as_posix()}"
    return path.as_posix()


def without_home(text: str) -> str:
    """A text (a log, a report to send to somebody) with the user's home folder written "~"."""
    for home in _homes():
        text = re.sub(rf"{re.escape(str(home))}(?=[/\\\s\"':;,.)\]]|$)", "~", text)
    return text


def _homes() -> list[Path]:
    """The home folder, as named and with links followed; none where there is none worth the name."""
    try:
        home = Path.home()
    except RuntimeError:
        return []
    return [h for h in dict.fromkeys((home, home.resolve())) if len(h.parts) > 1]


def relative_path(path: Path, start: Path) -> str:
    """`path` as seen from the folder `start`; absolute where there is no way (another drive)."""
    if ".." in path.parts:  # after a link, ".." is not what the text says
        path = path.resolve()
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:
        return path.as_posix()


def read_record(path: Path) -> Record:
    """The record in a `record.json` or in the folder of a run.

    Raises
    ------
    UserError : it is not there or is no record.
    """
    if path.is_dir():
        path = path / "record.json"
    try:
        raw = ordinary(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read ({error.strerror}); give a record.json or the folder of a run."
        ) from None
    try:
        record = msgspec.convert(json.loads(raw), Record)
        if record.seed < 0 or record.threads < 1:
            raise ValueError("its seed or thread count is none")
        home = Path(os.path.abspath(path)).parent
        found = {n: _with_path(v, lambda p: _meant(p, home)) for n, v in record.parameters.items()}
        record = msgspec.structs.replace(record, parameters=found)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UserError(
            f"{path.name} is not a record of a run ({error}); give the record.json that a run wrote."
        ) from None
    if record.format > FORMAT:
        raise UserError(
            f"{path.name} was written by a newer version (record format {record.format}); update Equiscope."
        )
    return record
