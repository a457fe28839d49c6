"""Values without a surface of their own: finding the surface that they lie on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from core.analyses import Help
from core.data import Attribute, Loaded, Mesh
from core.errors import ReadError

_SHAPES = (
    "pial",
    "midthickness",
    "white",
    "graymid",
    "smoothwm",
    "inflated",
    "infl",
    "orig",
    "sphere",
    "surf",
)
_SIDES = {"lh": "L", "l": "L", "left": "L", "rh": "R", "r": "R", "right": "R"}

SurfaceFile = Annotated[
    Path | None, Help("The surface that values lie on; empty: one of the same hemisphere in the same folder.")
]
ReadSurface = Callable[[Path], Loaded]


def on_surface(
    path: Path,
    values: dict[str, Attribute],
    count: int,
    option: Path | None,
    read_surface: ReadSurface,
    is_surface: Callable[[Path], bool],
) -> Loaded:
    """The surface that fits `values` (with `count` entries), with them as attributes.

    Parameters
    ----------
    option : the surface that the user named, or None: then the same folder is searched for a surface of the
        same hemisphere (pial, midthickness, white, inflated, …) with as many points.
    read_surface, is_surface : how to read a candidate, and whether a file is one.

    Raises
    ------
    ReadError : no surface is there, or the one that was named has another number of points.
    """
    if option is not None:
        chosen = read_surface(option)
        n = len(chosen.data.points)
        if n != count:
            raise ReadError(
                path,
                f"has {count:,} values, but {option.name} has {n:,} points",
                "choose the surface it belongs to",
            )
        return _joined(path, values, chosen, option)
    for candidate in _candidates(path):
        if not is_surface(candidate):
            continue
        try:
            found = read_surface(candidate)
        except ReadError:
            continue
        if isinstance(found.data, Mesh) and len(found.data.points) == count:
            return _joined(path, values, found, candidate)
    raise ReadError(
        path,
        f"holds {count:,} values for a surface, but no surface with as many points lies beside it",
        "name one with the option 'surface'",
    )


def _joined(path: Path, values: dict[str, Attribute], surface: Loaded, file: Path) -> Loaded:
    data = surface.data
    attributes = {**data.attributes, **values}
    merged = Mesh(data.points, data.faces, attributes, data.unit, data.space)
    return Loaded(
        path.name,
        merged,
        surface.warnings,
        {**surface.metadata, "surface": file.name},
        display={"color_by": next(iter(values))} if values else {},
    )


def _candidates(path: Path) -> list[Path]:
    """Files beside `path` that look like surfaces of the same hemisphere, the most alike first; at most 12."""
    mine = _words(path.name)
    found: list[tuple[int, int, str, Path]] = []
    for file in path.parent.iterdir():
        if file == path or not file.is_file():
            continue
        words = _words(file.name)
        shape = next((i for i, s in enumerate(_SHAPES) if s in words), None)
        if shape is None or _side(words) != _side(mine) or {"shape", "func", "label", "annot"} & set(words):
            continue
        apart = len(set(words) ^ set(mine))
        found.append((shape, apart, file.name, file))
    return [file for *_, file in sorted(found)][:12]


def _words(name: str) -> list[str]:
    return [w for w in re.split(r"[._\-]+", name.lower()) if w]


def _side(words: list[str]) -> str:
    return next((_SIDES[w] for w in words if w in _SIDES), "")
