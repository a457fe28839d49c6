"""Colour maps for data: perceptually uniform, colour-blind safe; categories for labels. NumPy only."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# 25 evenly spaced anchors each, as packed hexadecimal; interpolated to 256 entries (error below 3 % of a channel).
# viridis, magma: N. Smith and S. van der Walt (CC0); cividis: Nuñez, Anderton, Renslow 2018 (PLOS ONE 13, e0199239);
# diverging: Moreland 2009 (Diverging color maps for scientific visualization).
_ANCHORS = {
    "viridis": "440154471063481f70472d7b4439834046883b528b365d8d31688e2c728e287c8e24868e21918c1f9a8a20a48628ae80"
    "35b77948c16e5ec96275d05490d743addc30c8e020e5e419fde725",
    "cividis": "00224e002a5f0031701a386f2a3f6d38476c434e6c4d556c575d6d61656f6a6c717374757d7c78868379918b789b9476"
    "a59c74b0a571bcae6cc6b667d2c060dec958e9d34ef6dd3ffee838",
    "magma": "000004050416100b2d1d11472c115f3f0f7251127c601880721f81832681932b80a5317eb73779c73d73d8456ce75263"
    "f1605df8745cfc8961fd9b6bfeb078fec488fed799fdebacfcfdbf",
    "diverging": "3b4cc0465ecf5470de6282ea6f92f37ea1fa8db0fe9bbcffaac7fdb9d0f9c5d6f2d2dbe8dddcdce7d7ceefcebdf5c4ac"
    "f7b89cf7a98bf4987aef886be7745bdd5f4bd1493fc32e31b40426",
    "gray": "000000ffffff",
}
# Okabe and Ito 2008, then Paul Tol's muted scheme: told apart under the common colour deficiencies.
_CATEGORIES = "e69f0056b4e9009e73f0e4420072b2d55e00cc79a7999999332288117733882255ddcc7788ccee44aa99cc6677aa4499661100888888"

COLORMAPS = (*_ANCHORS, "labels")
ALIASES = {
    "grey": "gray",
    "grays": "gray",
    "coolwarm": "diverging",
    "rdbu": "diverging",
    "categorical": "labels",
}


@lru_cache(maxsize=32)
def table(name: str) -> Array:
    """(256, 3) uint8 colours of a map; an unknown name gives gray ("labels": the categories, repeated)."""
    key = ALIASES.get(name.lower(), name.lower())
    if key == "labels":
        colors = np.resize(_unpack(_CATEGORIES), (256, 3)).copy()
        colors[0] = 0
        return colors.astype(np.uint8)
    anchors = _unpack(_ANCHORS.get(key, _ANCHORS["gray"]))
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, c]) for c in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


def is_diverging(name: str) -> bool:
    """Whether the map has a neutral middle."""
    return ALIASES.get(name.lower(), name.lower()) == "diverging"


def category(labels: Array) -> Array:
    """(…, 3) uint8: a colour a label number; equal labels look equal in slices, on meshes and in 3-D."""
    colors = _unpack(_CATEGORIES).astype(np.uint8)
    return colors[(np.asarray(labels).astype(np.int64) - 1) % len(colors)]


def overlay_alpha(name: str) -> Array:
    """(256,) opacity of a volume laid over another: what says "nothing here" lets the scan below show through."""
    t = np.linspace(0, 1, 256)
    if is_diverging(name):
        return np.clip(np.abs(2 * t - 1) * 4, 0, 1)
    if ALIASES.get(name.lower(), name.lower()) == "gray":
        return np.ones(256)
    return np.clip(t * 12, 0, 1)


def colorize(
    values: Array,
    low: float,
    high: float,
    colormap: str = "gray",
    *,
    label: bool = False,
    over: bool = False,
) -> Array:
    """(…, 4) uint8 RGBA of `values` between `low` and `high`; what is not finite is transparent.

    `label`: values are class numbers, zero is transparent. `over`: lies over another volume (see `overlay_alpha`).
    """
    values = np.abs(values) if np.iscomplexobj(values) else np.asarray(values)
    out = np.empty((*values.shape, 4), dtype=np.uint8)
    if label:
        finite = np.isfinite(values)
        numbers = np.round(np.where(finite, values, 0)).astype(np.int64)
        out[..., :3] = category(numbers)
        out[..., 3] = np.where((numbers != 0) & finite, 255, 0)
        return out
    floats = values.astype(np.float32, copy=False)
    scale = 255.0 / max(float(high) - float(low), 1e-30)
    with np.errstate(invalid="ignore", over="ignore"):
        position = (floats - np.float32(low)) * np.float32(scale)
        index = np.clip(np.nan_to_num(position, nan=0.0, posinf=255.0, neginf=0.0), 0, 255).astype(np.uint8)
    out[..., :3] = table(colormap)[index]
    if over:
        out[..., 3] = (overlay_alpha(colormap) * 255).astype(np.uint8)[index]
    else:
        out[..., 3] = 255
    if values.dtype.kind in "fc":
        out[..., 3][~np.isfinite(floats)] = 0
    return out


def rgba_of(values: Array, low: float = 0.0, high: float = 255.0) -> Array:
    """(…, 4) uint8 from (…, 1 to 4) channels that are colours themselves, `low`..`high` -> 0..255."""
    values = np.asarray(values)
    if values.dtype != np.uint8 or (low, high) != (0.0, 255.0):
        scaled = (values.astype(np.float32) - low) * (255.0 / max(high - low, 1e-30))
        values = np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)
    out = np.full((*values.shape[:-1], 4), 255, dtype=np.uint8)
    channels = values.shape[-1]
    out[..., :3] = values[..., :3] if channels >= 3 else values[..., :1]
    if channels in (2, 4):
        out[..., 3] = values[..., -1]
    return out


def color_scale(values: Array) -> tuple[float, float]:
    """The range of stored colours: 0..1 for floats up to one, 0..65535 for 16-bit scans, else 0..255."""
    values = np.asarray(values)
    top = float(np.nanmax(values)) if values.size else 1.0
    if values.dtype.kind == "f" and top <= 1.0:
        return 0.0, 1.0
    return (0.0, 65535.0) if top > 255 else (0.0, 255.0)


def _unpack(text: str) -> Array:
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(-1, 3)
