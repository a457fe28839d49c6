"""Geometry of markups: what is drawn, what is measured, and the changes that handles make. Pure NumPy.

All functions take a `Markup` in its own coordinates. `transform` (4, 4) is the item's, markup -> world: lengths,
areas and angles are those in the world. Changed markups carry fresh measurements: figures that an analysis gave (the
score of a mirror plane) are not true any more of a plane that was moved by hand, and are dropped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from core.data import Markup, MarkupKind

Array = NDArray[Any]

SMOOTH_STEPS = 16
"""Straight pieces between two control points of a smooth curve."""
CHAINS = (MarkupKind.LINE, MarkupKind.CURVE, MarkupKind.CLOSED_CURVE, MarkupKind.ANGLE)
"""Kinds whose control points are joined by a line."""
POINTED = (MarkupKind.POINTS, *CHAINS)
"""Kinds that are made of control points."""
LEAST = {
    MarkupKind.POINTS: 1,
    MarkupKind.LINE: 2,
    MarkupKind.ANGLE: 3,
    MarkupKind.CURVE: 2,
    MarkupKind.CLOSED_CURVE: 3,
    MarkupKind.PLANE: 1,
    MarkupKind.BOX: 1,
}
"""Control points from which on a markup is whole."""
_paths: WeakKeyDictionary[Markup, Array] = WeakKeyDictionary()
_measured: WeakKeyDictionary[Markup, tuple[bytes, dict[str, float]]] = WeakKeyDictionary()
"""Markups never change, and are drawn and measured in every view with every move of the mouse."""
_POWERS = {"area": "²", "surface": "²", "volume": "³"}


def path(markup: Markup) -> Array:
    """(m, 3) corners of the line that is drawn; a closed curve ends where it began. Empty where none is drawn.

    Smooth curves are centripetal Catmull-Rom splines (Yuksel, Schaefer and Keyser 2011, "Parameterization and
    applications of Catmull-Rom curves"): they go through every control point, without loops or overshoots within a
    piece. Each piece is drawn, and measured, as `SMOOTH_STEPS` straight parts.
    """
    known = _paths.get(markup)
    if known is None:
        known = _paths[markup] = _path(markup)
        known.flags.writeable = False
    return known


def _path(markup: Markup) -> Array:
    points = np.array(markup.points)
    if markup.kind not in CHAINS or len(points) < 2:
        return np.zeros((0, 3))
    closed = markup.kind is MarkupKind.CLOSED_CURVE and len(points) > 2
    if not is_smooth(markup):
        return np.concatenate([points, points[:1]]) if closed else points
    if closed:
        framed = np.concatenate([points[-1:], points, points[:2]])
    else:
        # End tangents point as the reflected neighbours say: a straight row of points stays straight.
        framed = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    return _catmull_rom(framed, SMOOTH_STEPS)


def is_smooth(markup: Markup) -> bool:
    """Whether a spline is drawn; two points give a straight line anyway."""
    return (
        markup.smooth
        and markup.kind in (MarkupKind.CURVE, MarkupKind.CLOSED_CURVE)
        and len(markup.points) > 2
    )


def piece_of(markup: Markup, segment: int) -> int:
    """The control point after which a new one belongs that was put on straight part `segment` of `path`."""
    return segment // SMOOTH_STEPS if is_smooth(markup) else segment


def measure(markup: Markup, transform: Array | None = None) -> dict[str, float]:
    """What can be measured, in world units, angles in degrees; {} while points are missing.

    line: length · angle: angle at the second point · curve: length of what is drawn · closed curve: length, area
    (of the projection onto the plane that fits the points best, and the root mean square distance from it, so that
    one sees how flat it is) · plane: width, height · box: the three extents, volume.
    """
    key = b"" if transform is None else np.asarray(transform, dtype=np.float64).tobytes()
    known = _measured.get(markup)
    if known is None or known[0] != key:
        known = _measured[markup] = (key, _measure(markup, transform))
    return dict(known[1])


def _measure(markup: Markup, transform: Array | None) -> dict[str, float]:
    points = world_points(markup, transform)
    if len(points) < LEAST[markup.kind]:
        return {}
    if markup.kind is MarkupKind.ANGLE:
        return {"angle": angle(points[0], points[1], points[2])}
    if markup.kind in CHAINS:
        line = _moved(path(markup), transform)
        out = {"length": float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())}
        if markup.kind is MarkupKind.CLOSED_CURVE:
            out["area"], out["flatness"] = planar_area(line[:-1])
        return out
    if markup.kind in (MarkupKind.PLANE, MarkupKind.BOX):
        linear = np.eye(3) if transform is None else np.asarray(transform)[:3, :3]
        edges = linear @ (markup.axes * markup.size)
        extents = np.linalg.norm(edges, axis=0)
        if markup.kind is MarkupKind.PLANE:
            return {"width": float(extents[0]), "height": float(extents[1])}
        names = ("width", "height", "depth")
        out = {name: float(e) for name, e in zip(names, extents, strict=True)}
        out["volume"] = float(abs(np.linalg.det(edges)))
        return out
    return {}


def unit_of(name: str, unit: str) -> str:
    """The unit of a measurement of a markup whose lengths are in `unit`."""
    if name == "angle":
        return "°"
    return unit + _POWERS.get(name, "") if unit else ""


def angle(a: Array, corner: Array, b: Array) -> float:
    """Degrees between the arms corner -> a and corner -> b; NaN where an arm has no length."""
    u, v = np.subtract(a, corner), np.subtract(b, corner)
    if not np.linalg.norm(u) or not np.linalg.norm(v):
        return float("nan")
    # Of sine and cosine: exact near 0° and 180° too.
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v)))


def planar_area(ring: Array) -> tuple[float, float]:
    """(area of a closed ring (n, 3) projected onto its best plane, RMS distance of its corners from that plane)."""
    centred = ring - ring.mean(axis=0)
    _, _, vt = np.linalg.svd(centred, full_matrices=False)
    flat, off = centred @ vt[:2].T, centred @ vt[2]
    x, y = flat.T
    area = 0.5 * abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)))
    flatness = float(np.sqrt(np.mean(off**2)))
    # Rounding is no thickness.
    return area, 0.0 if flatness < 1e-12 * max(float(np.abs(ring).max()), 1.0) else flatness


def plane_equation(markup: Markup, transform: Array | None = None) -> tuple[Array, float]:
    """(unit normal, offset) of a plane in the world: n · x = offset. A mirrored or sheared item turns n rightly."""
    linear = np.eye(3) if transform is None else np.asarray(transform, dtype=np.float64)[:3, :3]
    normal = np.linalg.solve(linear.T, markup.axes[:, 2])
    normal = normal / np.linalg.norm(normal)
    return normal, float(normal @ world_points(markup, transform)[0])


def world_points(markup: Markup, transform: Array | None = None) -> Array:
    """(n, 3) control points in the world."""
    return _moved(markup.points, transform)


# -- changes -------------------------------------------------------------------------------------------------------


def changed(markup: Markup, transform: Array | None = None, **fields: Any) -> Markup:
    """`markup` with other fields and fresh measurements."""
    made = replace(markup, measurements={}, **fields)
    return replace(made, measurements={k: v for k, v in measure(made, transform).items() if np.isfinite(v)})


def with_point(markup: Markup, index: int, point: Array, transform: Array | None = None) -> Markup:
    """Control point `index` elsewhere."""
    points = np.array(markup.points)
    points[index] = point
    return changed(markup, transform, points=points)


def with_label(markup: Markup, index: int, text: str) -> Markup:
    """Control point `index` under another name."""
    labels = list(markup.labels or [""] * len(markup.points))
    labels[index] = text
    return replace(markup, labels=tuple(labels) if any(labels) else ())


def inserted(
    markup: Markup, index: int, point: Array, label: str = "", transform: Array | None = None
) -> Markup:
    """A control point more, before the present `index`."""
    points = np.insert(markup.points, index, point, axis=0)
    labels = list(markup.labels or ([""] * len(markup.points) if label else ()))
    if labels or label:
        labels.insert(index, label)
    return changed(markup, transform, points=points, labels=tuple(labels))


def without_point(markup: Markup, index: int, transform: Array | None = None) -> Markup:
    """A control point less."""
    labels = tuple(text for k, text in enumerate(markup.labels) if k != index)
    return changed(markup, transform, points=np.delete(markup.points, index, axis=0), labels=labels)


def shifted(markup: Markup, by: Array, transform: Array | None = None) -> Markup:
    """All of it moved by a vector of the markup's own coordinates."""
    return changed(markup, transform, points=markup.points + by)


def turned(markup: Markup, rotation: Array, about: Array, transform: Array | None = None) -> Markup:
    """Turned by a (3, 3) rotation about a point, in the markup's own coordinates."""
    points = (markup.points - about) @ rotation.T + about
    axes = markup.axes
    if markup.kind not in POINTED:
        # Many small turns must not leave the right angles.
        u, _, vt = np.linalg.svd(rotation @ axes)
        axes = u @ vt
    return changed(markup, transform, points=points, axes=axes)


def resized(markup: Markup, axis: int, side: int, by: float, transform: Array | None = None) -> Markup:
    """A plane or box whose face on `side` (+1, -1) of `axis` moved outwards by `by`; the opposite face stays."""
    size = np.array(markup.size)
    grown = max(size[axis] + by, 1e-6)
    centre = markup.points[0] + markup.axes[:, axis] * side * (grown - size[axis]) / 2
    size[axis] = grown
    return changed(markup, transform, points=centre[None], size=size)


def free_label(markup: Markup | None, prefix: str = "P") -> str:
    """The name of the next control point: P1, P2, … whatever is free."""
    taken = set(markup.labels) if markup is not None else set()
    number = 1
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


# -- what clicks make ----------------------------------------------------------------------------------------------


def plane_through(a: Array, b: Array, toward: Array) -> Markup | None:
    """The square plane that stands on the line a, b, at right angles to a slice whose normal is `toward`.

    None where the line has no length. Its first axis runs along the line, its second along `toward`.
    """
    along = np.subtract(b, a)
    toward = np.asarray(toward, dtype=float) / np.linalg.norm(toward)
    along = along - (along @ toward) * toward
    length = float(np.linalg.norm(along))
    if length < 1e-9:
        return None
    u = along / length
    axes = np.stack([u, toward, np.cross(u, toward)], axis=1)
    return Markup(MarkupKind.PLANE, (np.add(a, b) / 2)[None], axes, np.array([length, length, 0.0]))


def plane_of_three(a: Array, b: Array, c: Array) -> Markup | None:
    """The plane through three points, large enough to hold them; None where they lie on a line."""
    u, w = np.subtract(b, a), np.subtract(c, a)
    normal = np.cross(u, w)
    if np.linalg.norm(normal) < 1e-9 * max(float(np.linalg.norm(u) * np.linalg.norm(w)), 1e-30):
        return None
    normal = normal / np.linalg.norm(normal)
    first = u / np.linalg.norm(u)
    axes = np.stack([first, np.cross(normal, first), normal], axis=1)
    local = np.array([a, b, c]) @ axes
    low, high = local.min(axis=0), local.max(axis=0)
    size = np.append((high - low)[:2], 0.0)
    return Markup(MarkupKind.PLANE, (axes @ ((low + high) / 2))[None], axes, size)


def box_between(a: Array, b: Array, axes: Array) -> Markup | None:
    """The box along `axes` (columns) with two opposite corners.

    An axis along which they do not differ (the one across a slice) gets the smaller of the two other extents, half
    to either side. None where they differ along fewer than two axes.
    """
    local = np.array([a, b]) @ axes
    size = np.abs(local[1] - local[0])
    flat = size < 1e-9 * max(float(size.max()), 1e-30)
    if flat.sum() > 1:
        return None
    size = np.where(flat, size[~flat].min(), size)
    return Markup(MarkupKind.BOX, (axes @ local.mean(axis=0))[None], axes, size)


# -- between two ---------------------------------------------------------------------------------------------------


def direction(markup: Markup, transform: Array | None = None) -> Array | None:
    """(3,) unit direction in the world of a line (from first to last point) or of a plane's normal; else None."""
    if markup.kind is MarkupKind.PLANE:
        return plane_equation(markup, transform)[0]
    if markup.kind is not MarkupKind.LINE or len(markup.points) < 2:
        return None
    points = world_points(markup, transform)
    way = points[-1] - points[0]
    length = float(np.linalg.norm(way))
    return None if length == 0 else way / length


def angle_between(
    a: Markup, b: Markup, transforms: tuple[Array | None, Array | None] = (None, None)
) -> float:
    """Degrees, 0 to 90, between two lines, two planes, or a line and a plane; NaN where one has no direction."""
    u, v = direction(a, transforms[0]), direction(b, transforms[1])
    if u is None or v is None:
        return float("nan")
    between = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v)), abs(float(u @ v)))))
    mixed = (a.kind is MarkupKind.PLANE) != (b.kind is MarkupKind.PLANE)
    return 90.0 - between if mixed else between


def rotation_between(a: Array, b: Array) -> Array:
    """(3, 3) smallest rotation that takes direction `a` to direction `b`."""
    u, v = np.asarray(a) / np.linalg.norm(a), np.asarray(b) / np.linalg.norm(b)
    axis, cosine = np.cross(u, v), float(u @ v)
    if cosine < -1 + 1e-12:  # opposite: half a turn about anything across
        across = np.cross(u, np.eye(3)[int(np.argmin(np.abs(u)))])
        across = across / np.linalg.norm(across)
        return 2 * np.outer(across, across) - np.eye(3)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation: Array = np.eye(3) + k + k @ k / (1 + cosine)
    return rotation


def rotation_about(axis: Array, radians: float) -> Array:
    """(3, 3) rotation about a direction (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: Array = np.eye(3) + np.sin(radians) * k + (1 - np.cos(radians)) * (k @ k)
    return rotation


def _moved(points: Array, transform: Array | None) -> Array:
    if transform is None:
        return np.asarray(points, dtype=np.float64)
    matrix = np.asarray(transform, dtype=np.float64)
    moved: Array = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _catmull_rom(framed: Array, steps: int) -> Array:
    """(m, 3) points of the pieces between framed[1] and framed[-2], ends included (Barry and Goldman's pyramid)."""
    p0, p1, p2, p3 = framed[:-3], framed[1:-2], framed[2:-1], framed[3:]

    def knot(a: Array, b: Array) -> Array:
        # Two points in one place: a step that is small but not nothing.
        gap: Array = np.maximum(np.sqrt(np.linalg.norm(b - a, axis=1)), 1e-9)[:, None, None]
        return gap

    t1 = knot(p0, p1)
    t2 = t1 + knot(p1, p2)
    t3 = t2 + knot(p2, p3)
    s = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    t = t1 + s * (t2 - t1)
    q0, q1, q2, q3 = (p[:, None] for p in (p0, p1, p2, p3))
    a1 = (t1 - t) / t1 * q0 + t / t1 * q1
    a2 = (t2 - t) / (t2 - t1) * q1 + (t - t1) / (t2 - t1) * q2
    a3 = (t3 - t) / (t3 - t2) * q2 + (t - t2) / (t3 - t2) * q3
    b1 = (t2 - t) / t2 * a1 + t / t2 * a2
    b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
    curve = (t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2
    return np.concatenate([curve.reshape(-1, 3), framed[-2:-1]])
