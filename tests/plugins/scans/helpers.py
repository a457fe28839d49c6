"""What the tests of this plugin share."""

from __future__ import annotations

import fnmatch
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Loaded
from core.jobs import Job
from core.plugins import Reader, read_manifest

MANIFEST = read_manifest(Path(__file__).resolve().parents[3] / "plugins" / "scans" / "plugin.toml")

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def function(target: str) -> Callable[..., Any]:
    """`package.module:name` as what it names."""
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def score(reader: Reader, path: Path) -> int:
    """How sure a reader is of a file whose name fits, 0 where the name does not fit."""
    name = path.name.lower()
    if not any(fnmatch.fnmatch(name, p.lower()) for p in reader.patterns):
        return 0
    with path.open("rb") as file:
        return int(function(str(reader.sniff))(path, file.read(4096)))


def chosen(path: Path) -> Reader | None:
    """The reader of this plugin that claims `path` most surely."""
    scores = [(score(r, path), r) for r in MANIFEST.readers]
    best = max(s for s, _ in scores)
    return next(r for s, r in scores if s == best) if best else None


def opened(path: Path, **options: Any) -> list[Loaded]:
    """`path` through the reader that claims it."""
    reader = chosen(path)
    assert reader is not None, f"no reader claims {path.name}"
    loaded: list[Loaded] = function(reader.read)(path, job=Job(), **options)
    return loaded


def one(path: Path, **options: Any) -> Any:
    """The data of a file that holds one object."""
    (loaded,) = opened(path, **options)
    return loaded.data


def area(mesh: Any) -> float:
    """Surface area of a mesh."""
    a, b, c = (mesh.points[mesh.faces[:, i]].astype(float) for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def volume(mesh: Any) -> float:
    """Signed volume: positive where the faces are counter-clockwise seen from outside."""
    a, b, c = (mesh.points[mesh.faces[:, i]].astype(float) for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
