"""`batch.json`: what a batch runs, on what. Written once, and again when cases are added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from core import records
from core.errors import UserError
from core.files import replacing
from core.opening import SAMPLE, split_address

NAME = "batch.json"
FORMAT = 1


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run of a batch.

    `inputs` are addresses (`core.opening.address`) in the analysis's order, absolute in memory and relative to the
    batch's folder on disk; `parameters` are those that differ from the batch's.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: dict[str, Any] = {}


class Manifest(msgspec.Struct, frozen=True):
    """What is the same for all cases, and the cases. `threads` are CPU threads a case."""

    analysis: str
    title: str
    parameters: dict[str, Any]
    seed: int
    device: str
    threads: int
    versions: dict[str, str]
    machine: str
    created: str
    cases: tuple[Case, ...]
    reader: str = ""
    kind: str = ""
    options: dict[str, Any] = {}
    format: int = FORMAT


@dataclass(frozen=True)
class Settings:
    """What somebody asks of a batch, apart from its cases; `threads` None: whatever it began with, or `default`."""

    analysis: str
    title: str
    parameters: Mapping[str, Any]
    seed: int = 0
    device: str = "cpu"
    threads: int | None = None
    default_threads: int = 1
    reader: str = ""
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def new_manifest(settings: Settings, cases: tuple[Case, ...]) -> Manifest:
    """The manifest of a batch that begins now."""
    return Manifest(
        analysis=settings.analysis,
        title=settings.title,
        parameters=dict(settings.parameters),
        seed=settings.seed,
        device=settings.device,
        threads=settings.threads or settings.default_threads,
        versions=records.versions(),
        machine=records.machine(),
        created=records.now(),
        cases=cases,
        reader=settings.reader,
        kind=settings.kind,
        options=dict(settings.options),
    )


def differences(there: Manifest, settings: Settings) -> list[str]:
    """What keeps a batch from going on with other settings, a phrase each; nothing where they agree."""
    if there.analysis != settings.analysis:
        return [f"the analysis {there.analysis}, not {settings.analysis}"]
    out = []
    for name in sorted(there.parameters.keys() | settings.parameters.keys()):
        old, new = there.parameters.get(name), settings.parameters.get(name)
        if old != new:
            out.append(f"{name} {_words(old)}, not {_words(new)}")
    for name in ("seed", "device", "reader", "kind"):
        old, new = getattr(there, name), getattr(settings, name)
        if old != new:
            out.append(f"{name} {_words(old)}, not {_words(new)}")
    if dict(there.options) != dict(settings.options):
        out.append("other options of the reader")
    if settings.threads is not None and settings.threads != there.threads:
        out.append(f"{there.threads} threads a case, not {settings.threads}")
    return out


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the batch in `folder`, its inputs absolute.

    Raises
    ------
    UserError : there is none, or it is damaged or newer than this program.
    """
    path = folder / NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{folder.name or folder} holds no batch that can be read ({error.strerror}); "
            "choose the folder that `equiscope batch --out` named."
        ) from None
    try:
        plain = json.loads(raw)
        if isinstance(plain, dict) and isinstance(plain.get("format"), int) and plain["format"] > FORMAT:
            raise UserError(
                f"The batch in {folder.name} was made by a newer version (format {plain['format']}); update Equiscope."
            )
        found = msgspec.convert(plain, Manifest)
        if found.seed < 0 or found.threads < 1:
            raise ValueError("its seed or thread count is none")
        if len({c.name for c in found.cases}) < len(found.cases):
            raise ValueError("two of its cases have one name")
        if any(c.name in ("", ".", "..") or "/" in c.name or "\\" in c.name for c in found.cases):
            raise ValueError("the name of a case is no name of a folder")
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UserError(
            f"{NAME} in {folder.name} is damaged ({error}); run the batch anew into another folder."
        ) from None
    base = folder.resolve()
    cases = tuple(Case(c.name, tuple(_located(a, base) for a in c.inputs), c.parameters) for c in found.cases)
    return msgspec.structs.replace(found, cases=cases)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all. Raises `WriteError`."""
    base = folder.resolve()
    cases = tuple(
        Case(c.name, tuple(_relative(a, base) for a in c.inputs), c.parameters) for c in manifest.cases
    )
    plain = msgspec.to_builtins(msgspec.structs.replace(manifest, cases=cases))
    with replacing(folder / NAME) as file:
        # The escapes of JSON can spell a file name that is no Unicode.
        file.write(json.dumps(plain, indent=1).encode() + b"\n")


def _relative(address: str, base: Path) -> str:
    if address.startswith(SAMPLE):
        return address
    path, index = split_address(address)
    place = records.relative_path(Path(path), base)
    return place if index is None else f"{place}::{index + 1}"


def _located(address: str, base: Path) -> str:
    if address.startswith(SAMPLE):
        return address
    path, index = split_address(str(base / address))
    place = str(Path(path).resolve() if ".." in Path(path).parts else path)
    return place if index is None else f"{place}::{index + 1}"


def _words(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)
