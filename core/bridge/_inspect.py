"""What a user names as her model: found, told apart and hashed, without running any of it."""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.checkpoints import program_kind
from core.errors import UserError, printable
from core.trust import Version

MOST_FILES = 5000
MOST_BYTES = 1 << 29
MOST_ENTRIES = 200_000
MOST_WEIGHTS = 1 << 33
SUFFIXES = tuple(importlib.machinery.all_suffixes())
"""What Python imports: sources, compiled files without a source, extension modules."""
_LIBRARIES = (".so", ".dylib", ".dll", ".pyd")
_TORCH = (".pt", ".pth", ".pt2", ".ts", ".ptl", ".ckpt")
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?\Z")


@dataclass(frozen=True)
class Reference:
    """A model as the user names it.

    Attributes
    ----------
    model : "path/net.py:predict" (a function, a class or an instance; "make()" with parentheses: what it returns),
        "package.module:name" in `folder`, or a file of TorchScript, torch.export or a pickled module.
    folder : what stands first on her interpreter's path; None = the folder of the file, or that of its package.
    python : her interpreter, or the folder of its environment; None = ours.
    weights : a file of tensors for `load_state_dict` of what the model's class or function makes.
    """

    model: str
    folder: Path | None = None
    python: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True, eq=False)
class Inspected:
    """A model found and hashed; nothing of it has run.

    Attributes
    ----------
    title : short, e.g. "net.py:predict".
    kind : "file", "module", "torchscript", "export" or "pickled".
    version : what the user trusts: the hash with all that it covers (`core.trust.Version`).
    content : SHA-256 of the model alone, without the interpreter: the same on every machine.
    message, data : what the bridge's other end is told; the bytes of a file of torch are those that were hashed.
    """

    title: str
    kind: str
    version: Version
    content: str
    python: Path | None
    folder: Path | None
    message: Mapping[str, Any]
    data: bytes | None = None
    read_once: Mapping[str, str] = field(default_factory=dict)
    """Of `version.files` those that `data` holds: they cannot change any more."""


def hash_again(inspected: Inspected, check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """What `version.files` would be by now."""
    files = dict(inspected.read_once)
    if inspected.folder is not None:
        files |= hash_folder(inspected.folder, check)
    if inspected.python is not None:
        files[_interpreter_name(inspected.python)] = _hash_file(inspected.python.resolve())
    return files


def inspect(reference: Reference, check: Callable[[], None] = lambda: None) -> Inspected:
    """Find and hash a model.

    Hashed are the files that Python could import from the folder (`SUFFIXES`, and shared libraries), at any depth,
    but for hidden folders, caches and virtual environments; the weights or the file of torch; the name that is called;
    and, for the trust, path and contents of an interpreter that is not ours. Not covered, and said so wherever the
    hash is shown: packages installed in the interpreter, and other files that the model reads.

    Raises
    ------
    UserError : it is not there, or is too large to be hashed.
    """
    head, name = _split(reference.model)
    python = _interpreter(reference.python)
    data: bytes | None = None
    files: dict[str, str] = {}
    folder = _folder(reference.folder)
    message: dict[str, Any]
    suffix = Path(head).suffix.lower()
    if suffix in _TORCH:
        path = _file(head)
        if name:
            raise UserError(f"{printable(path.name)} is a model by itself: leave out “:{name}”.")
        if reference.weights is not None:
            raise UserError(f"{printable(path.name)} holds its weights itself; give none beside it.")
        data = _read(path)
        kind, title, entry = _torch_kind(path, data), path.name, path.name
        files[path.name] = hashlib.sha256(data).hexdigest()
        folder = (folder or path.parent) if kind == "pickled" else None
        message = {"kind": kind}
    else:
        if suffix == ".py":
            path = _file(head)
            folder = folder or _root_of(path)
            if not path.is_relative_to(folder):
                raise UserError(f"{printable(path.name)} does not lie in the folder {folder}.")
            entry = path.relative_to(folder).as_posix()
            module = entry.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            kind, title = "file", f"{path.name}:{name}"
            message = {"kind": kind, "module": module, "file": str(path)}
            if not name:
                raise UserError(_choices(path))
        else:
            if not name or not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", head):
                raise UserError(
                    "Name the model as path/net.py:function, package.module:name with its folder, or a .pt or .pt2 file."
                )
            if folder is None:
                raise UserError(f"Say in which folder {head} lies.")
            kind, title, entry = "module", f"{head}:{name}", head
            message = {"kind": kind, "module": head}
        message |= {"name": name.removesuffix("()"), "make": name.endswith("()")}
        entry = f"{entry}:{name}"
        if reference.weights is not None:
            weights = _file(str(reference.weights))
            data = _read(weights)
            files[f"weights {weights.name}"] = hashlib.sha256(data).hexdigest()
            message["weights"] = weights.name
    read_once = dict(files)
    if folder is not None:
        files |= hash_folder(folder, check)
        message |= {"paths": [str(folder)], "roots": [str(folder)]}
    content = _hash({"kind": kind, "entry": entry, "files": files})
    covered, trusted = dict(files), content
    if python is not None:
        interpreter = _interpreter_name(python)
        covered[interpreter] = _hash_file(python.resolve())
        trusted = _hash({"content": content, "interpreter": covered[interpreter], "at": str(python)})
    version = Version(
        hash=trusted,
        title=printable(title),
        place=printable(str(folder if folder is not None else path.parent)),
        python=printable(str(python or "")),
        files=covered,
    )
    return Inspected(printable(title), kind, version, content, python, folder, message, data, read_once)


def hash_folder(folder: Path, check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """SHA-256 of every file below a folder that Python could import, by its path in it.

    Raises
    ------
    UserError : there are too many, or one cannot be read.
    """
    found: list[Path] = []
    seen: set[str] = set()
    entries = size = 0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        check()
        try:
            listed = sorted(os.scandir(here), key=lambda e: e.name)
        except OSError as error:
            raise UserError(f"{printable(str(here))} cannot be looked into ({error.strerror}).") from None
        names = {e.name for e in listed}
        if here != folder and names & {"pyvenv.cfg", "conda-meta"}:
            continue
        entries += len(listed)
        for entry in listed:
            if entry.is_dir():
                if not entry.name.startswith(".") and entry.name not in ("__pycache__", "node_modules"):
                    waiting.append(Path(entry.path))
            elif entry.name.endswith((*SUFFIXES, *_LIBRARIES)) and entry.is_file():
                found.append(Path(entry.path))
                size += entry.stat().st_size
        if len(found) > MOST_FILES or entries > MOST_ENTRIES or size > MOST_BYTES:
            raise UserError(
                f"{printable(str(folder))} holds too much to be checked (more than {MOST_FILES:,} files of Python, "
                f"{MOST_ENTRIES:,} entries or {MOST_BYTES >> 20} MB); put the model in a folder of its own, or name that."
            )
    out = {}
    for path in sorted(found):
        check()
        out[printable(path.relative_to(folder).as_posix())] = _hash_file(path)
    return out


def _split(text: str) -> tuple[str, str]:
    head, _, tail = text.strip().rpartition(":")
    if head and _NAME.match(tail):
        return head, tail
    return text.strip(), ""


def _file(text: str) -> Path:
    path = Path(os.path.abspath(Path(text).expanduser()))
    if not path.is_file():
        raise UserError(f"There is no file {printable(str(path))}.")
    return path


def _folder(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    folder = Path(os.path.abspath(folder.expanduser()))
    if not folder.is_dir():
        raise UserError(f"There is no folder {printable(str(folder))}.")
    return folder


def _root_of(path: Path) -> Path:
    """The folder from which a file is imported: above the outermost package that it belongs to."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def _interpreter(python: Path | None) -> Path | None:
    """The interpreter's path, unresolved (a virtual environment is known by its link); None for ours."""
    if python is None or not str(python).strip():
        return None
    path = Path(os.path.abspath(python.expanduser()))
    if path.is_dir():
        path = next((p for p in (path / "bin" / "python", path / "bin" / "python3") if p.exists()), path)
    if path == Path(sys.executable):
        return None
    if not path.is_file() or not os.access(path, os.X_OK):
        raise UserError(f"There is no Python interpreter at {printable(str(path))}.")
    return path


def _interpreter_name(python: Path) -> str:
    return f"interpreter {printable(str(python))}"


def _torch_kind(path: Path, data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return program_kind(archive.namelist()) or "pickled"
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        if data[:1] == b"\x80":
            return "pickled"
        raise UserError(f"{printable(path.name)} is no file of torch.") from None


def _choices(path: Path) -> str:
    """What a file offers to be called, from its syntax: nothing of it runs."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = str(getattr(error, "msg", "") or error)
        return f"{printable(path.name)} is no Python that can be read ({printable(reason)})."
    names = [
        n.name
        for n in tree.body
        if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")
    ]
    offered = f"; it has {', '.join(names[:8])}" if names else "; it has none at its top level"
    return f"Say which function or class of {printable(path.name)}, as {printable(path.name)}:NAME{offered}."


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_WEIGHTS:
            raise UserError(f"{printable(path.name)} is larger than {MOST_WEIGHTS >> 30} GB.")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{printable(path.name)} cannot be read ({error.strerror}).") from None


def _hash_file(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{printable(str(path))} cannot be read ({error.strerror}).") from None


def _hash(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
