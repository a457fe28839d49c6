"""Finds plugins and answers from their manifests, without importing any of their code."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from core.errors import UserError
from core.plugins._manifest import (
    Analysis,
    Contribution,
    Manifest,
    Model,
    Panel,
    Reader,
    Requirement,
    Sample,
    Writer,
    contributions,
    read_manifest,
)

ENTRY_POINTS = "equiscope.plugins"
C = TypeVar("C", bound=Contribution)


@dataclass(frozen=True)
class Plugin:
    """One plugin as found. `error` says in one sentence why it cannot be used ("" = it can)."""

    id: str
    title: str
    folder: Path
    origin: str
    manifest: Manifest | None = None
    error: str = ""


def user_plugin_folder() -> Path:
    """Where a user's own plugins lie, a package each (EQUISCOPE_PLUGINS overrides it)."""
    override = os.environ.get("EQUISCOPE_PLUGINS")
    return Path(override) if override else Path(platformdirs.user_data_dir("equiscope", False)) / "plugins"


class PluginHost:
    """All plugins of this installation.

    Parameters
    ----------
    safe : leave out everything but the built-in plugins.
    folders : further folders of plugin packages (for tests); None = the user's folder.
    """

    def __init__(self, *, safe: bool = False, folders: Iterable[Path] | None = None) -> None:
        self._paths: dict[str, Path] = {}
        seen: dict[str, Plugin] = {}
        found, self.plugins = _candidates(safe, folders)
        for folder, origin in found:
            plugin = _load(folder, origin)
            if plugin.manifest is not None and plugin.id in seen:
                other = seen[plugin.id]
                plugin = Plugin(
                    plugin.id,
                    plugin.title,
                    folder,
                    origin,
                    None,
                    f"id {plugin.id!r} is taken by {other.folder.name}",
                )
            if plugin.manifest is not None:
                seen[plugin.id] = plugin
                if origin == "user folder":
                    self._paths[folder.name] = folder.parent
            self.plugins.append(plugin)
        self._by_id: dict[str, Contribution] = {}
        for plugin in seen.values():
            assert plugin.manifest is not None
            self._by_id.update((c.id, c) for c in contributions(plugin.manifest))

    # -- what there is ---------------------------------------------------------------------------------------

    def _all(self, cls: type[C]) -> list[C]:
        return [c for c in self._by_id.values() if isinstance(c, cls)]

    @property
    def readers(self) -> list[Reader]:
        return self._all(Reader)

    @property
    def writers(self) -> list[Writer]:
        return self._all(Writer)

    @property
    def analyses(self) -> list[Analysis]:
        return self._all(Analysis)

    @property
    def models(self) -> list[Model]:
        return self._all(Model)

    @property
    def samples(self) -> list[Sample]:
        return self._all(Sample)

    @property
    def panels(self) -> list[Panel]:
        return self._all(Panel)

    def get(self, id: str, cls: type[C]) -> C:
        """The contribution with this id.

        Raises
        ------
        UserError : there is none of that sort; names the closest ones.
        """
        found = self._by_id.get(id)
        if isinstance(found, cls):
            return found
        import difflib

        close = difflib.get_close_matches(id, [c.id for c in self._all(cls)], n=3, cutoff=0.6)
        noun = "analysis" if cls.__name__ == "Analysis" else cls.__name__.lower()
        plural = "analyses" if noun == "analysis" else f"{noun}s"
        ways = (
            f"did you mean {' or '.join(close)}?"
            if close
            else f"those that there are: `equiscope list {plural}`."
        )
        raise UserError(f"There is no {noun} called {id!r}; {ways}")

    def plugin_of(self, contribution: Contribution) -> Plugin:
        """The plugin that declares it."""
        owner = contribution.id.partition(".")[0]
        return next(p for p in self.plugins if p.id == owner and p.manifest is not None)

    def version_of(self, contribution: Contribution) -> str:
        """The version of the installed package that declares it; "" for built-in plugins and the user's folder."""
        kind, _, package = self.plugin_of(contribution).origin.partition(" ")
        if kind != "package":
            return ""
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return ""

    def missing(self, contribution: Contribution) -> str:
        """What has to be installed before it can be used, as a sentence; "" if nothing."""
        manifest = self.plugin_of(contribution).manifest
        assert manifest is not None
        lacking = [r for r in (*manifest.requires, *contribution.requires) if not _importable(_module(r))]
        if not lacking:
            return ""
        return f"needs {', '.join(_module(r) for r in lacking)}; install with: pip install {' '.join(map(_install, lacking))}"

    def readers_for(self, name: str, folder: bool = False) -> list[Reader]:
        """The readers whose patterns fit a file name, or those that take folders."""
        return [r for r in self.readers if (r.folders if folder else r.matches(name))]

    def writers_for(self, kind: str) -> list[Writer]:
        """The writers of a kind of data."""
        return [w for w in self.writers if kind in w.kinds]

    def analyses_for(self, kinds: list[str]) -> list[Analysis]:
        """The analyses whose inputs fit the kinds of what is selected, in order; all of them for no kinds."""
        return [
            a
            for a in self.analyses
            if len(kinds) <= len(a.inputs)
            and all(k in accepted for k, accepted in zip(kinds, a.inputs, strict=False))
        ]

    # -- code ------------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> Callable[..., Any]:
        """The function that "package.module:function" names; imports the module.

        Raises
        ------
        UserError : it cannot be imported or is not there.
        """
        module_name, _, name = reference.partition(":")
        parent = self._paths.get(module_name.partition(".")[0])
        if parent is not None and str(parent) not in sys.path:
            sys.path.append(str(parent))
        try:
            function = getattr(importlib.import_module(module_name), name)
        except Exception as error:
            raise UserError(
                f"The plugin code {reference} cannot be loaded: {type(error).__name__}: {error}"
            ) from error
        if not callable(function):
            raise UserError(f"The plugin code {reference} is not a function.")
        return function  # type: ignore[no-any-return]


def _candidates(safe: bool, folders: Iterable[Path] | None) -> tuple[list[tuple[Path, str]], list[Plugin]]:
    """The folders with a manifest and where they come from; and the entry points that lead nowhere."""
    found: list[tuple[Path, str]] = []
    lost: list[Plugin] = []
    spec = importlib.util.find_spec("plugins")
    for location in (spec.submodule_search_locations or []) if spec else []:
        found += [(p.parent, "built in") for p in sorted(Path(location).glob("*/plugin.toml"))]
    if safe:
        return found, lost
    for folder in [user_plugin_folder()] if folders is None else folders:
        if folder.is_dir():
            found += [(p.parent, "user folder") for p in sorted(folder.glob("*/plugin.toml"))]
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda e: e.name):
        origin = f"package {entry.dist.name if entry.dist else entry.value}"
        package = entry.value.partition(":")[0]
        try:
            spec = importlib.util.find_spec(package)
            locations = list((spec.submodule_search_locations or []) if spec else [])
            error = "" if locations else f"its package {package} is not there"
        except Exception as trouble:  # finding a.b imports a, which is anybody's code
            locations, error = [], f"its package {package} cannot be found: {trouble}"
        found += [(Path(location), origin) for location in locations]
        if error:
            lost.append(Plugin(entry.name, entry.name, Path(), origin, None, error))
    return found, lost


def _load(folder: Path, origin: str) -> Plugin:
    try:
        manifest = read_manifest(folder / "plugin.toml")
        if origin == "user folder" and _taken(folder):
            raise ValueError(f"the name {folder.name!r} is another package's; rename the folder")
    except ValueError as error:
        return Plugin(folder.name, folder.name, folder, origin, None, str(error))
    return Plugin(manifest.id, manifest.title, folder, origin, manifest)


def _taken(folder: Path) -> bool:
    """Whether importing a plugin folder's name would find something else."""
    try:
        spec = importlib.util.find_spec(folder.name)
    except (ImportError, ValueError):
        return folder.name in sys.modules
    if spec is None:
        return False
    return folder.resolve() not in [Path(p).resolve() for p in spec.submodule_search_locations or ()]


def _module(requirement: str | Requirement) -> str:
    return requirement if isinstance(requirement, str) else requirement.module


def _install(requirement: str | Requirement) -> str:
    return requirement if isinstance(requirement, str) else (requirement.install or requirement.module)


@lru_cache(maxsize=256)
def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except Exception:  # finding a.b imports a, which is anybody's code
        return False
