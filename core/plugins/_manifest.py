"""`plugin.toml`: what a plugin declares. plugins/README.md describes it to authors."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import msgspec

API = 1


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module that must be importable, and how to get it if it is not."""

    module: str
    install: str = ""


Requires = tuple[str | Requirement, ...]


class Reader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Opens files. `read` and `sniff` are "package.module:function"."""

    id: str
    title: str
    kind: str
    read: str
    patterns: tuple[str, ...] = ()
    sniff: str = ""
    folders: bool = False
    requires: Requires = ()

    def matches(self, name: str) -> bool:
        """Whether a file name fits one of the patterns, without regard to case."""
        return any(fnmatch.fnmatchcase(name.lower(), p.lower()) for p in self.patterns)


class Writer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Writes one object to a file; the first pattern is the default extension."""

    id: str
    title: str
    kinds: tuple[str, ...]
    patterns: tuple[str, ...]
    write: str
    requires: Requires = ()

    def matches(self, name: str) -> bool:
        """Whether a file name fits one of the patterns, without regard to case."""
        return any(fnmatch.fnmatchcase(name.lower(), p.lower()) for p in self.patterns)


class Analysis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An analysis: its function and the kinds of data that each input accepts."""

    id: str
    title: str
    function: str
    inputs: tuple[tuple[str, ...], ...]
    menu: str = ""
    tolerance: float = 1e-6
    reference: str = ""
    requires: Requires = ()


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model: configuration (a dataclass), how to build it, what it maps to what, its claimed group."""

    id: str
    title: str
    config: str
    build: str
    inputs: tuple[tuple[str, ...], ...]
    predicts: dict[str, str]
    group: str = ""
    requires: Requires = ()


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data that ships with the program or one of its libraries; `featured` ones stand first on the start page."""

    id: str
    title: str
    function: str
    requires: Requires = ()
    featured: bool = False


class Panel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A panel of a plugin's own: a function that takes the `app.api` and returns a widget."""

    id: str
    title: str
    function: str
    requires: Requires = ()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `plugin.toml`."""

    api: int
    id: str
    title: str
    requires: Requires = ()
    readers: tuple[Reader, ...] = ()
    writers: tuple[Writer, ...] = ()
    analyses: tuple[Analysis, ...] = ()
    models: tuple[Model, ...] = ()
    samples: tuple[Sample, ...] = ()
    panels: tuple[Panel, ...] = ()


Contribution = Reader | Writer | Analysis | Model | Sample | Panel


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`.

    Raises
    ------
    ValueError : one sentence that says what is wrong with it.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        manifest = msgspec.convert(table, Manifest)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"plugin.toml cannot be used: {error}") from error
    if manifest.api != API:
        raise ValueError(f"plugin.toml asks for plugin API {manifest.api}; this version has {API}")
    ids = [item.id for item in contributions(manifest)]
    for id in ids:
        if ids.count(id) > 1:
            raise ValueError(f"plugin.toml declares {id!r} more than once")
    for item in contributions(manifest):
        if item.id.partition(".")[0] != manifest.id:
            raise ValueError(f"{item.id!r} must begin with the plugin's id, {manifest.id!r}")
    return manifest


def contributions(manifest: Manifest) -> list[Contribution]:
    """Everything the manifest declares, in order."""
    return [
        *manifest.readers,
        *manifest.writers,
        *manifest.analyses,
        *manifest.models,
        *manifest.samples,
        *manifest.panels,
    ]
