"""How objects are shown: user intent, kept apart from what the objects are. Plain frozen values only."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

from core.data import (
    Attribute,
    Graph,
    Image,
    Markup,
    Mesh,
    PointCloud,
    Trajectory,
    Transforms,
    Volume,
    register,
)

VALUES = "@values"
"""What `glyph` may name beside attributes: the vectors or tensors that a volume consists of."""
COORDINATES = {"@x": 0, "@y": 1, "@z": 2}
"""What `color_by` may name beside attributes: a coordinate of the points."""
_coordinates: WeakKeyDictionary[Any, dict[str, Attribute]] = WeakKeyDictionary()


def attribute_of(data: Any, name: str) -> Attribute | None:
    """The attribute that `color_by` names, a part of it ("force@x"), or a coordinate; None if there is none."""
    if name in COORDINATES and isinstance(data, (Mesh, PointCloud)):
        made = _coordinates.setdefault(data, {})
        if name not in made:
            values = data.points[:, COORDINATES[name]]
            made[name] = Attribute(values, Transforms.UNKNOWN, unit=data.unit)
        return made[name]
    found: Attribute | None = getattr(data, "attributes", {}).get(name)
    if found is None and "@" in name[1:]:
        whole, _, part = name.rpartition("@")
        parent = getattr(data, "attributes", {}).get(whole)
        if parent is not None and part in parts_of(parent):
            made = _coordinates.setdefault(data, {})
            if name not in made:
                made[name] = replace(
                    parent,
                    values=_part(parent.values, part),
                    transforms=Transforms.SCALAR if part == "trace" else Transforms.UNKNOWN,
                    direction=False,
                )
            return made[name]
    return found


def are_colors(name: str, values: Any) -> bool:
    """Whether an attribute `values` (n, 3 or 4) of this name holds colours, which no colour map turns into others."""
    return (
        name.lower() in ("rgb", "rgba", "color", "colors") and values.ndim == 2 and values.shape[1] in (3, 4)
    )


def parts_of(attribute: Attribute) -> tuple[str, ...]:
    """What `color_by` may name after "name@": components of vectors, the trace of tensors; of single values only."""
    shape = attribute.values.shape[1:]
    if attribute.transforms in (Transforms.VECTOR, Transforms.AXIAL_VECTOR) and shape == (3,):
        return ("x", "y", "z")
    return ("trace",) if attribute.transforms is Transforms.TENSOR and shape == (3, 3) else ()


def _part(values: Any, part: str) -> Any:
    return values.trace(axis1=1, axis2=2) if part == "trace" else values[:, "xyz".index(part)]


@register
@dataclass(frozen=True)
class Display:
    """What every object has."""

    visible: bool = True
    opacity: float = 1.0


@register
@dataclass(frozen=True)
class GlyphDisplay(Display):
    """What objects with vectors, tensors or functions on the sphere have: small shapes at their places."""

    glyph: str = ""
    """Name of an attribute drawn as arrows, ellipsoids or spheres; `VALUES` = a volume's own; "" = none."""
    glyph_shape: Literal["ellipsoid", "superquadric"] = "ellipsoid"
    """Of tensors."""
    glyph_scale: float = 1.0
    """Times the automatic size."""
    glyph_limit: int = 2000
    """At most so many, chosen once and for all; more only adds to them."""
    glyph_color_by: str = ""
    """Empty = by the glyph's own value; "@color" = one colour; else the name of an attribute."""


@register
@dataclass(frozen=True)
class VolumeDisplay(GlyphDisplay):
    """Slices and volume rendering. `window`/`level` None = automatic (2nd to 99.5th percentile of non-zero)."""

    window: float | None = None
    level: float | None = None
    colormap: str = "gray"
    interpolate: bool = True
    hide: Literal["", "below", "above", "outside"] = ""
    """In slices: values below the window, above it or both are not shown, so that a scan below is seen."""
    floor: float = 0.0
    """In slices: values nearer to zero are not shown."""
    outline: float = 0.0
    """In slices: labels as outlines of this width in pixels at 100 % scale; 0 = filled."""
    index: int = 0
    """Which entry of a fourth axis is shown."""
    render: Literal["auto", "volume", "surface", "off"] = "auto"
    """In 3-D views; "auto" is "volume" unless a surface or cloud is shown, which the volume would hide."""
    preset: str = "auto"
    """Opacity curve of the volume rendering."""
    opacity_curve: tuple[tuple[float, float], ...] | None = None
    """An edited curve instead: corners (value, opacity 0..1) with rising values."""
    shade: bool = True
    """Whether a light shapes the volume rendering."""
    surface_level: float | None = None
    """Value of the isosurface; None = Otsu's threshold."""
    surface_color: tuple[float, float, float] = (0.83, 0.81, 0.79)

    def __post_init__(self) -> None:
        if self.opacity_curve is not None:  # a file gives lists, which would differ from what was saved
            corners = tuple((float(v), float(a)) for v, a in self.opacity_curve)
            object.__setattr__(self, "opacity_curve", corners)


@register
@dataclass(frozen=True)
class SurfaceDisplay(GlyphDisplay):
    """Meshes and graphs with positions."""

    color: tuple[float, float, float] = (0.78, 0.80, 0.84)
    color_by: str = ""
    """Name of an attribute; "" = `color`."""
    colormap: str = "viridis"
    range: tuple[float, float] | None = None
    """None = the attribute's finite minimum and maximum."""
    representation: Literal["surface", "wireframe", "edges", "points"] = "surface"
    shading: Literal["smooth", "flat"] = "smooth"
    backs: Literal["same", "marked", "hidden"] = "same"
    """How the inner side of faces looks: like the outer one, in a warning colour, or not at all."""
    cut: bool = True
    """Show its cut line in slice views."""
    up: Literal["z", "y"] = "z"
    """Which axis points upwards at first sight, by the custom of the file's format; in RAS it is always S."""


@register
@dataclass(frozen=True)
class PointsDisplay(GlyphDisplay):
    """Point clouds."""

    color: tuple[float, float, float] = (0.85, 0.86, 0.88)
    color_by: str = ""
    colormap: str = "viridis"
    range: tuple[float, float] | None = None
    size: float = 2.0
    """Pixels at 100 % scale."""
    splat: float | None = None
    """Diameter in world units instead; None = `size`."""
    round: bool = False
    """Discs instead of squares."""
    up: Literal["z", "y"] = "z"
    """As for surfaces."""


@register
@dataclass(frozen=True)
class TrajectoryDisplay(PointsDisplay):
    """Moving points and the trails they leave."""

    size: float = 7.0
    index: int = 0
    """Which moment is shown."""
    shape: Literal["points", "spheres"] = "points"
    """Points have a `size` on the screen, spheres a `radius` in space."""
    radius: float | None = None
    """Of spheres, world units; None = a hundredth of the extent."""
    trails: bool = True
    trail: float | None = None
    """How far back the trails reach, in the unit of the times; None = to the first moment."""
    fade: bool = True
    """Whether trails grow fainter towards their ends."""


@register
@dataclass(frozen=True)
class MarkupDisplay(Display):
    """Points, lines, curves, planes and boxes."""

    color: tuple[float, float, float] = (0.357, 0.616, 1.0)
    size: float = 8.0
    """Handle size in pixels at 100 % scale."""
    labels: bool = True
    measurements: bool = True
    """Length, angle, area beside the markup."""
    locked: bool = False
    """Handles do nothing. What an analysis found is locked at first."""


LABEL_OPACITY = 0.5
"""Of a segmentation that was just opened, as in ITK-SNAP and 3D Slicer."""


def default_display(data: Any, hints: Any = None) -> Display:
    """The display a freshly opened object starts with; `hints` (a mapping) overrides known fields."""
    cls: type[Display] = Display
    if isinstance(data, (Volume, Image)):
        cls = VolumeDisplay
    elif isinstance(data, (Mesh, Graph)):
        cls = SurfaceDisplay
    elif isinstance(data, Trajectory):
        cls = TrajectoryDisplay
    elif isinstance(data, PointCloud):
        cls = PointsDisplay
    elif isinstance(data, Markup):
        cls = MarkupDisplay
    known = {f.name for f in fields(cls)}
    chosen = {k: v for k, v in dict(hints or {}).items() if k in known}
    if isinstance(data, PointCloud) and "color_by" not in chosen and "color" not in chosen:
        chosen["color_by"] = "@z"  # thousands of dots in one colour show no shape
    if isinstance(data, Volume) and "colormap" not in chosen and _is_mask(data):
        chosen["colormap"] = "labels"
    if isinstance(data, Volume) and chosen.get("colormap") == "labels" and "outline" not in chosen:
        chosen.setdefault("opacity", LABEL_OPACITY)  # the scan it belongs to is seen through it
    return cls(**chosen)


def _is_mask(volume: Volume) -> bool:
    """Whether whole numbers from 0 to 32, most of them 0, look like a segmentation; from 64³ values at most.

    Many programs write segmentations without saying so.
    """
    array = volume.array
    if array.ndim != 3 or array.dtype.kind not in "iu" or volume.transforms is not Transforms.SCALAR:
        return False
    sample = array[tuple(slice(None, None, -(-n // 64)) for n in array.shape)]
    if not sample.size or not 0 <= int(sample.min()) < int(sample.max()) <= 32:
        return False
    return bool(2 * int((sample == 0).sum()) > sample.size)
