"""Colour maps for data: perceptually uniform, colour-blind safe; categories for labels. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# 25 evenly spaced anchors each, as packed hexadecimal; interpolated to 256 entries (error below 3 % of a channel).
# viridis, magma, inferno, plasma: N. Smith and S. van der Walt (CC0); cividis: Nuñez, Anderton, Renslow 2018 (PLOS ONE
# 13, e0199239; CC0 as data); diverging: Moreland 2009 (Diverging color maps for scientific visualization). Our own,
# computed in Oklab (Ottosson 2020) with lightness rising evenly and the most chroma that sRGB holds: hot (hue 22° to
# 108°), activation (the same beside its cold counterpart, dark in the middle), phase (cyclic: lightness a cosine, one
# half blue, the other orange, told apart under the common colour deficiencies).
_ANCHORS = {
    "gray": "000000ffffff",
    "viridis": "440154471063481f70472d7b4439834046883b528b365d8d31688e2c728e287c8e24868e21918c1f9a8a20a48628ae80"
    "35b77948c16e5ec96275d05490d743addc30c8e020e5e419fde725",
    "cividis": "00224e002a5f0031701a386f2a3f6d38476c434e6c4d556c575d6d61656f6a6c717374757d7c78868379918b789b9476"
    "a59c74b0a571bcae6cc6b667d2c060dec958e9d34ef6dd3ffee838",
    "magma": "000004050416100b2d1d11472c115f3f0f7251127c601880721f81832681932b80a5317eb73779c73d73d8456ce75263"
    "f1605df8745cfc8961fd9b6bfeb078fec488fed799fdebacfcfdbf",
    "inferno": "000004050418110a30200c49320a5e450a69560f6d67166e781c6d89226a9a2864aa2e5ebb3654ca4049d74b3ee35932"
    "ed6925f47a17f98c09fca007fbb418f9c932f4de52f1f17afcffa4",
    "plasma": "0d08872705913a049a4b02a15d01a66e00a87d03a88d0ba49c179ea92295b52f8bc03a82cb4678d5536edd5e65e56b5c"
    "ed7953f3864af89440fba238fdb22ffdc327fbd424f6e626f0f921",
    "hot": "0000000400000e00001c00012b00023b00034c00045e0004700004810a008d2100993200a54100b14f00bd5e00c76e00"
    "ce8000d59100dba300dfb500e2c800e7d83bebe68df2f2c7fcfcfc",
    "diverging": "3b4cc0465ecf5470de6282ea6f92f37ea1fa8db0fe9bbcffaac7fdb9d0f9c5d6f2d2dbe8dddcdce7d7ceefcebdf5c4ac"
    "f7b89cf7a98bf4987aef886be7745bdd5f4bd1493fc32e31b40426",
    "activation": "00f4fe00dcf600c5eb00aee10097d60080cc006abd0054af003aa80400ae0615760a163f0d0d0d3704075400066f0006"
    "8909009c2a00ae4100c15700ce7000db8a00e6a300efbd00f4d900",
    "phase": "e4e4e4d3e2fbc0d7ffa5c5ff81adff6292ed4777d2305cb220469017346e15294f1822351f1f1f321b14481a0b631d04"
    "812805a23a17c25430de714ff48f70ffad93ffc7b5f9d9cfe4e4e4",
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


def split(name: str) -> tuple[str, bool]:
    """(name of the map as `COLORMAPS` has it, whether it is turned round): "viridis_r" is viridis turned round."""
    key = name.lower()
    turned = key.endswith("_r")
    key = key.removesuffix("_r")
    return ALIASES.get(key, key), turned


@lru_cache(maxsize=64)
def table(name: str) -> Array:
    """(256, 3) uint8 colours of a map; an unknown name gives gray ("labels": the categories, repeated)."""
    key, turned = split(name)
    if key == "labels":
        colors = np.resize(_unpack(_CATEGORIES), (256, 3)).copy()
        colors[0] = 0
        return colors.astype(np.uint8)
    anchors = _unpack(_ANCHORS.get(key, _ANCHORS["gray"]))
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, c]) for c in range(3)]
    made = np.round(np.stack(channels, axis=1)).astype(np.uint8)
    return made[::-1].copy() if turned else made


def is_diverging(name: str) -> bool:
    """Whether the map has a neutral middle."""
    return split(name)[0] in ("diverging", "activation")


def category(labels: Array) -> Array:
    """(…, 3) uint8: a colour a label number; equal labels look equal in slices, on meshes and in 3-D."""
    colors = _unpack(_CATEGORIES).astype(np.uint8)
    return colors[(np.asarray(labels).astype(np.int64) - 1) % len(colors)]


def overlay_alpha(name: str) -> Array:
    """(256,) opacity of a volume laid over another: what says "nothing here" lets the scan below show through."""
    t = np.linspace(0, 1, 256)
    key, turned = split(name)
    if is_diverging(key):
        return np.clip(np.abs(2 * t - 1) * 4, 0, 1)
    if key in ("gray", "phase"):
        return np.ones(256)
    return np.clip((1 - t if turned else t) * 12, 0, 1)


@dataclass(frozen=True)
class Look:
    """How values become colours.

    `label`: values are class numbers, zero is transparent. `over`: lies over another volume (see `overlay_alpha`).
    `hide`: what lies "below" the window, "above" it or "outside" is transparent. `floor`: so are values nearer to zero.
    """

    low: float = 0.0
    high: float = 1.0
    colormap: str = "gray"
    label: bool = False
    over: bool = False
    hide: str = ""
    floor: float = 0.0


def colorize(
    values: Array,
    low: float,
    high: float,
    colormap: str = "gray",
    *,
    label: bool = False,
    over: bool = False,
    hide: str = "",
    floor: float = 0.0,
) -> Array:
    """(…, 4) uint8 RGBA of `values`, in C order, by a `Look` of these; what is not finite is transparent."""
    look = Look(float(low), float(high), colormap, label, over, hide, float(floor))
    values = np.abs(values) if np.iscomplexobj(values) else np.asarray(values)
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "b":
        values, kind = values.view(np.uint8), "u"
    if kind in "iu" and size <= 2 and values.size > 4096:
        # Few different numbers: each gets its colour once.
        native = values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
        found = np.take(_table_of(native.dtype.str, look), native.view(f"u{size}"))
    else:
        found = _packed(values, look)
    return found.reshape(values.shape).view(np.uint8).reshape(*values.shape, 4)


@lru_cache(maxsize=12)
def _table_of(dtype: str, look: Look) -> Array:
    """The packed colours of every number that a small whole type has, by its bits."""
    size = np.dtype(dtype).itemsize
    return _packed(np.arange(256**size, dtype=f"u{size}").view(dtype), look)


def _packed(values: Array, look: Look) -> Array:
    """uint32, the four bytes of each colour, in C order."""
    finite = np.isfinite(values) if values.dtype.kind == "f" else None
    if look.label:
        numbers = np.round(values if finite is None else np.where(finite, values, 0)).astype(np.int64)
        found = _categories_packed()[(numbers - 1) % len(_categories_packed())]
        found = np.ascontiguousarray(np.where(numbers != 0, found, np.uint32(0)))
    else:
        scale = 255.0 / max(float(look.high) - float(look.low), 1e-30)
        with np.errstate(invalid="ignore", over="ignore"):
            position = np.subtract(values, np.float32(look.low), dtype=np.float32, order="C")
            position *= np.float32(scale)
            np.clip(position, 0, 255, out=position)
            found = np.take(_colors_packed(look.colormap, look.over), position.astype(np.uint8))
            hidden = _hidden(values, look)
        # Transparent, but in its colour: between it and its neighbour a picture is interpolated.
        if hidden is not None:
            found.view(np.uint8).reshape(*found.shape, 4)[..., 3][hidden] = 0
    if finite is not None and not finite.all():
        found.view(np.uint8).reshape(*found.shape, 4)[..., 3][~finite] = 0
    return found


def _hidden(values: Array, look: Look) -> Array | None:
    hidden: Any = None
    if look.hide in ("below", "outside"):
        hidden = values < look.low
    if look.hide in ("above", "outside"):
        above = values > look.high
        hidden = above if hidden is None else hidden | above
    if look.floor > 0:
        near = (values < look.floor) & (values > -look.floor)
        hidden = near if hidden is None else hidden | near
    return None if hidden is None else np.asarray(hidden)


@lru_cache(maxsize=64)
def _colors_packed(colormap: str, over: bool) -> Array:
    colors = np.full((256, 4), 255, dtype=np.uint8)
    colors[:, :3] = table(colormap)
    if over:
        colors[:, 3] = (overlay_alpha(colormap) * 255).astype(np.uint8)
    return colors.view(np.uint32).reshape(-1)


@lru_cache(maxsize=1)
def _categories_packed() -> Array:
    colors = _unpack(_CATEGORIES).astype(np.uint8)
    return np.column_stack([colors, np.full(len(colors), 255, np.uint8)]).view(np.uint32).reshape(-1)


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
