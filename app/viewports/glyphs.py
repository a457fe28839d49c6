"""Glyphs: arrows for vectors, ellipsoids for tensors, deformed spheres for functions on the sphere. NumPy only.

Values are moved into the world by the action that their attribute states (`core.symmetry.act_array`) before anything
is drawn: turning an object and turning its data give the same glyphs, also for axial vectors in a mirror.

All glyphs of an object are one mesh. Sources: superquadric tensor glyphs, Kindlmann 2004 (VisSym, eqs. 3-6); lobes
of indefinite tensors, the Reynolds glyph r(u) = |uᵀTu| (Moore, Schorn, Moore 1996); fibres over an orientation grid
as in Bekkers et al. 2024 (ICLR, "Fast, expressive SE(n) equivariant networks").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.viewports.colors import colorize
from app.viewports.known import Known
from app.viewports.motion import value_range, velocities
from app.viewports.notes import Legend
from app.viewports.state import SceneItem, extent_of
from app.viewports.stats import plain_values
from core.data import Attribute, Domain, Graph, Mesh, Trajectory, Transforms, Volume
from core.display import VALUES

Array = NDArray[Any]

ORIENTATIONS = "orientations"
"""Name (or its ending) of the object's attribute (N, 3) with the directions that (n, N) values belong to."""
VELOCITY = "@velocity"
"""Of a trajectory, from its positions."""
WORDS = {
    "arrow": "arrows",
    "tensor": "tensors",
    "harmonics": "harmonics",
    "fibre": "fibres",
}
_POSITIVE, _NEGATIVE = (230, 159, 0), (0, 114, 178)
_VERTICES = 400_000
"""Of all glyphs of an object together; spheres get coarser before there are more."""
_orders: Known[Any, dict[int, Array]] = Known()


@dataclass(frozen=True, eq=False)
class GlyphMesh:
    """One mesh of `count` glyphs of `total` places: `points` (n, 3) relative to `center`, `faces`, `normals`, `colors`
    (n, 3) uint8. `chosen` says which place each glyph stands for, `words` what a viewer should know."""

    points: Array
    faces: Array
    normals: Array
    colors: Array
    center: Array
    chosen: Array
    total: int
    words: tuple[str, ...]
    legends: tuple[Legend, ...]


def kind_of_glyph(data: Any, name: str) -> str:
    """ "arrow", "tensor", "harmonics" or "fibre"; "" for what no glyph shows."""
    if isinstance(data, Volume):
        if name != VALUES or data.last_axis != "channel":
            return ""
        channels = data.array.shape[3]
        if data.transforms in (Transforms.VECTOR, Transforms.AXIAL_VECTOR) and channels == 3:
            return "arrow"
        if data.transforms is Transforms.TENSOR and channels in (6, 9):
            return "tensor"
        if data.transforms is Transforms.SPHERICAL_HARMONICS and channels % 2:
            return "harmonics"
        return ""
    if name == VELOCITY and isinstance(data, Trajectory):
        return "arrow" if len(data.times) > 1 else ""
    attribute = getattr(data, "attributes", {}).get(name)
    if attribute is None or attribute.domain not in (Domain.POINT, Domain.FACE):
        return ""
    shape = attribute.values.shape[1:]
    if attribute.values.dtype.kind not in "biuf":
        return ""
    if attribute.transforms in (Transforms.VECTOR, Transforms.AXIAL_VECTOR):
        moving = isinstance(data, Trajectory) and len(shape) == 2 and shape[0] == len(data.times)
        return "arrow" if shape == (3,) or (moving and shape[1] == 3) else ""
    if attribute.transforms is Transforms.TENSOR:
        return "tensor" if shape == (3, 3) else ""
    if attribute.transforms is Transforms.SPHERICAL_HARMONICS:
        return "harmonics" if len(shape) == 1 else ""
    if attribute.transforms is Transforms.SCALAR and len(shape) == 1 and shape[0] > 2:
        return "fibre" if orientations_of(data, name, shape[0]) is not None else ""
    return ""


def glyph_names(data: Any) -> dict[str, str]:
    """What can be drawn as glyphs: attribute name -> words."""
    if isinstance(data, Volume):
        kind = kind_of_glyph(data, VALUES)
        return {VALUES: f"Values ({WORDS[kind]})"} if kind else {}
    names = [*getattr(data, "attributes", {}), *([VELOCITY] if isinstance(data, Trajectory) else [])]
    found = {n: kind_of_glyph(data, n) for n in names}
    return {n: f"{n.removeprefix('@')} ({WORDS[k]})" for n, k in found.items() if k}


def orientations_of(data: Any, name: str, count: int) -> Attribute | None:
    """The grid of directions (count, 3) of a signal: "<name> orientations", else "orientations"."""
    attributes = getattr(data, "attributes", {})
    for known in (f"{name} {ORIENTATIONS}", ORIENTATIONS):
        grid = attributes.get(known)
        if grid is not None and grid.domain is Domain.OBJECT and grid.values.shape == (count, 3):
            return grid  # type: ignore[no-any-return]
    return None


def make_glyphs(item: SceneItem) -> GlyphMesh | None:
    """The glyphs that an item's display asks for; None where there is nothing to draw.

    Raises
    ------
    core.symmetry.NoActionError : the item's transform does not act on such values.
    """
    from core.symmetry import act_array, as_element

    data, display = item.data, item.display
    kind = kind_of_glyph(data, display.glyph)
    if not kind:
        return None
    limit = max(int(display.glyph_limit), 1)
    places, values, chosen, total, attribute = _chosen(item, kind, limit)
    if not len(places):
        return None
    matrix = np.asarray(item.transform, dtype=np.float64)
    linear = matrix[:3, :3]
    world = places @ linear.T + matrix[:3, 3]
    grid = None
    if kind == "fibre":
        found = orientations_of(data, display.glyph, values.shape[1])
        assert found is not None
        grid = np.asarray(found.values, dtype=np.float64)
    if not np.array_equal(linear, np.eye(3)):
        element = as_element(matrix)
        if grid is not None:
            grid = act_array(element, grid, Transforms.VECTOR)
        else:
            values = act_array(
                element, values, attribute.transforms, degree=attribute.degree, direction=attribute.direction
            )
    moves = isinstance(data, Trajectory)
    # Of moving points, the lengths at all times are compared: what slows down gets shorter arrows.
    spacing = _spacing(_first_places(data, chosen) if moves else world)
    center = np.round(world.mean(axis=0))
    local = world - center
    numbers = np.abs(values).max(axis=tuple(range(1, values.ndim))) if kind == "fibre" else _sizes(values)
    top = float(np.percentile(numbers, 95)) or float(numbers.max()) or 1.0
    most = None
    if moves and kind == "arrow":
        # Few points have much room; their arrows should still leave the motion in sight.
        spacing = min(spacing, 0.1 * extent_of(item))
        top = most = value_range(data, "@speed" if display.glyph == VELOCITY else display.glyph)[1] or top
    words: list[str] = []
    signed: Array | None = None
    if kind == "arrow":
        scale = 1.8 * spacing / top * display.glyph_scale
        points, faces, normals = arrows(local, values * scale)
    elif kind == "tensor":
        symmetric = (values + np.swapaxes(values, -1, -2)) / 2
        if np.abs(values - symmetric).max() > 1e-6 * max(top, 1e-300):
            words.append("only the symmetric part of the tensors is drawn")
        spectrum = np.linalg.eigvalsh(symmetric)
        top = float(np.percentile(np.abs(spectrum).max(axis=1), 95)) or 1.0
        scale = 0.55 * spacing / top * display.glyph_scale
        points, faces, normals, signed = tensors(local, symmetric * scale, display.glyph_shape)
        odd = int((spectrum[:, 0] < -1e-9 * top).sum())
        if odd:
            words.append(f"{_grouped(odd)} tensors have negative eigenvalues: lobes, blue where negative")
    else:
        sphere, _ = ball(_level(len(local), 3 if len(local) < 200 else 2))
        basis = _fibre_basis(sphere, grid) if grid is not None else _harmonics(sphere, values.shape[1])
        signal = values @ basis.T
        top = float(np.percentile(np.abs(signal).max(axis=1), 95)) or 1.0
        scale = 0.6 * spacing / top * display.glyph_scale
        points, faces, normals = spheres(local, np.abs(signal) * scale, len(sphere))
        signed = signal.reshape(-1)
    each = len(points) // len(local)
    colors, legends = _colors(item, kind, values, numbers, chosen, each, signed, attribute.unit, most)
    unit = f" {attribute.unit}" if attribute.unit else ""
    length = f"{scale:.3g}{' ' + data.unit if getattr(data, 'unit', '') else ''}"
    count = _grouped(len(local))
    kinds = WORDS[kind] if len(local) != 1 else WORDS[kind].removesuffix("s")
    lead = f"{count} {kinds}" if len(local) >= total else f"{count} of {_grouped(total)} {kinds}"
    words.insert(0, f"{lead}, 1{unit} drawn as {length}")
    return GlyphMesh(
        points.astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        colors,
        center,
        chosen,
        total,
        tuple(words),
        legends,
    )


# -- shapes -----------------------------------------------------------------------------------------------


def arrows(places: Array, vectors: Array, sides: int = 8) -> tuple[Array, Array, Array]:
    """(points, faces, normals) of arrows from `places` (k, 3) along `vectors` (k, 3), as long as these."""
    template, faces, across = _arrow(sides)
    length = np.linalg.norm(vectors, axis=1)
    forward = vectors / np.where(length > 0, length, 1)[:, None]
    helper = np.eye(3)[np.argmin(np.abs(forward), axis=1)]
    first = np.cross(forward, helper)
    first /= np.where(length > 0, np.linalg.norm(first, axis=1), 1)[:, None]
    frame = np.stack([forward, first, np.cross(forward, first)], axis=1)
    points = places[:, None] + (template @ frame) * length[:, None, None]
    return (
        points.reshape(-1, 3),
        _repeated(faces, len(template), len(places)),
        (across @ frame).reshape(-1, 3),
    )


def tensors(
    places: Array, values: Array, shape: str = "ellipsoid"
) -> tuple[Array, Array, Array, Array | None]:
    """(points, faces, normals, signs) for symmetric (k, 3, 3): semi-axes are the eigenvalues.

    One with a negative eigenvalue has no ellipsoid: it becomes lobes of radius |uᵀTu|. `signs` (points,) is negative
    where uᵀTu is; None where no tensor has such a direction.
    """
    sphere, faces = ball(_level(len(places), 2))
    if shape == "superquadric":
        sphere, faces = _grid_sphere(18 if len(places) <= 1000 else 12)
    spectrum, axes = np.linalg.eigh(values)
    axes[np.linalg.det(axes) < 0, :, 0] *= -1  # a left-handed frame would turn the faces inside out
    positive = spectrum[:, 0] >= -1e-9 * np.abs(spectrum).max()
    if shape == "superquadric":
        local = _superquadric(sphere, spectrum)
    else:
        local = np.broadcast_to(sphere, (len(places), *sphere.shape))
    points = np.einsum("kij,kj,kvj->kvi", axes, np.maximum(spectrum, 0), local)
    signs = None
    if not positive.all():
        radius = np.einsum("vi,kij,vj->kv", sphere, values[~positive], sphere)
        points[~positive] = np.abs(radius)[..., None] * sphere
        signs = np.ones(points.shape[:2])
        signs[~positive] = np.where(radius < 0, -1.0, 1.0)
    whole = _repeated(faces, len(sphere), len(places))
    flat = (points + places[:, None]).reshape(-1, 3)
    return flat, whole, _normals(points.reshape(-1, 3), whole), None if signs is None else signs.reshape(-1)


def spheres(places: Array, radii: Array, vertices: int) -> tuple[Array, Array, Array]:
    """(points, faces, normals): a sphere a place, `radii` (k, vertices) in the directions of `ball`."""
    level = next(n for n in range(6) if len(ball(n)[0]) == vertices)
    sphere, faces = ball(level)
    around = radii[..., None] * sphere
    whole = _repeated(faces, vertices, len(places))
    points = (places[:, None] + around).reshape(-1, 3)
    return points, whole, _normals(around.reshape(-1, 3), whole)


@lru_cache(maxsize=8)
def ball(level: int) -> tuple[Array, Array]:
    """(vertices, faces) of an icosahedron whose faces are split in four `level` times."""
    g = (1 + 5**0.5) / 2
    points = np.array(
        [[s, t * g, 0] for s in (-1, 1) for t in (-1, 1)]
        + [[0, s, t * g] for s in (-1, 1) for t in (-1, 1)]
        + [[t * g, 0, s] for s in (-1, 1) for t in (-1, 1)],
        dtype=np.float64,
    )
    points /= np.linalg.norm(points[0])
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    side = gaps[gaps > 1e-9].min() * 1.001
    near = (gaps < side) & (gaps > 1e-9)
    faces = np.array(
        [
            (i, j, k)
            for i in range(12)
            for j in range(i + 1, 12)
            for k in range(j + 1, 12)
            if near[i, j] and near[j, k] and near[i, k]
        ]
    )
    inward = np.einsum("ij,ij->i", np.cross(*_sides(points, faces)), points[faces[:, 0]]) < 0
    faces[inward] = faces[inward][:, ::-1]
    for _ in range(level):
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, inverse = np.unique(edges, axis=0, return_inverse=True)
        middle = points[unique].sum(axis=1)
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        ab, bc, ca = (inverse.reshape(-1, 3)[:, k] + len(points) for k in range(3))
        a, b, c = faces.T
        faces = np.concatenate(
            [np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
        points = np.concatenate([points, middle])
    points.flags.writeable = faces.flags.writeable = False
    return points, faces


@lru_cache(maxsize=4)
def _arrow(sides: int) -> tuple[Array, Array, Array]:
    """An arrow of length 1 along x: (points, faces, normals)."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack([np.zeros(sides), np.cos(angle), np.sin(angle)], axis=1)
    x = np.array([1.0, 0, 0])
    neck, thin, wide = 0.68, 0.035, 0.095
    slope = np.array([wide, 0, 0]) / (1 - neck) + ring
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    parts = [
        (thin * ring, ring),
        (neck * x + thin * ring, ring),
        (neck * x + wide * ring, -x + 0 * ring),
        (neck * x + wide * ring, slope),
        (x + 0 * ring, slope),
        (np.zeros((1, 3)), -x[None]),
        (neck * x[None], -x[None]),
    ]
    points = np.concatenate([p for p, _ in parts])
    normals = np.concatenate([n for _, n in parts])
    k = np.arange(sides)
    n = np.roll(k, -1)
    faces = [
        np.stack([k, n, sides + n], axis=1),
        np.stack([k, sides + n, sides + k], axis=1),
        np.stack([3 * sides + k, 3 * sides + n, 4 * sides + k], axis=1),
        np.stack([2 * sides + n, 2 * sides + k, np.full(sides, 5 * sides + 1)], axis=1),
        np.stack([n, k, np.full(sides, 5 * sides)], axis=1),
    ]
    return points, np.concatenate(faces), normals


@lru_cache(maxsize=4)
def _grid_sphere(n: int) -> tuple[Array, Array]:
    """Latitudes and longitudes, poles on z: superquadrics have their edges along them."""
    u, v = np.meshgrid(
        np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, 2 * n, endpoint=False), indexing="ij"
    )
    points = np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], axis=-1).reshape(-1, 3)
    k = np.arange(2 * n * n).reshape(n, 2 * n)
    a, b, c, d = k[:-1], np.roll(k, -1, 1)[:-1], k[1:], np.roll(k, -1, 1)[1:]
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return points, faces


def _superquadric(sphere: Array, spectrum: Array, sharpness: float = 3.0) -> Array:
    """(k, v, 3) Kindlmann's superquadrics before scaling, in the frame of rising eigenvalues."""
    low, middle, high = np.maximum(spectrum, 0).T
    total = np.maximum(low + middle + high, 1e-300)
    linear, planar = (high - middle) / total, 2 * (middle - low) / total
    theta = np.arctan2(sphere[:, 1], sphere[:, 0])
    phi = np.arccos(np.clip(sphere[:, 2], -1, 1))

    def power(x: Array, e: Array) -> Array:
        return np.sign(x) * np.abs(np.where(np.abs(x) < 1e-9, 0, x)) ** e[:, None]

    long = linear >= planar
    a = np.where(long, (1 - planar) ** sharpness, (1 - linear) ** sharpness)
    b = np.where(long, (1 - linear) ** sharpness, (1 - planar) ** sharpness)
    ct, st, cp, sp = np.cos(theta)[None], np.sin(theta)[None], np.cos(phi)[None], np.sin(phi)[None]
    across1, across2 = power(ct, a) * power(sp, b), power(st, a) * power(sp, b)
    along = power(cp, b)
    # Poles along the largest axis of a long one, along the smallest of a flat one.
    whole = np.stack([across2, across1, along], axis=-1)
    flat = np.stack([along, across1, across2], axis=-1)
    return np.where(long[:, None, None], whole, flat)


# -- what is drawn where ----------------------------------------------------------------------------------


def _chosen(item: SceneItem, kind: str, limit: int) -> tuple[Array, Array, Array, int, Attribute]:
    """(places (k, 3), values (k, …) float64, their numbers, how many there are, their attribute)."""
    data = item.data
    if isinstance(data, Volume):
        return _of_volume(data, kind, limit)
    if item.display.glyph == VELOCITY:
        speeds = velocities(data, int(getattr(item.display, "index", 0)))
        unit = f"{data.unit}/{data.time_unit}" if data.unit and data.time_unit else ""
        attribute = Attribute(speeds, Transforms.VECTOR, unit=unit)
    else:
        attribute = data.attributes[item.display.glyph]
    values = attribute.values
    if isinstance(data, Trajectory) and values.ndim == 3 and kind == "arrow":
        values = values[:, min(max(int(getattr(item.display, "index", 0)), 0), values.shape[1] - 1)]
    order = stable_order(data, len(values))
    chosen = order[:limit] if len(values) > limit else np.arange(len(values))
    taken = np.asarray(values[chosen], dtype=np.float64)
    places = places_of(item, attribute.domain, chosen)
    good = np.isfinite(taken.reshape(len(taken), -1)).all(axis=1) & np.isfinite(places).all(axis=1)
    good &= np.abs(taken.reshape(len(taken), -1)).max(axis=1, initial=0) > 0
    return places[good], taken[good], chosen[good], len(values), attribute


def places_of(item: SceneItem, domain: Domain, chosen: Array) -> Array:
    """(k, 3) float64 local coordinates of points or of the middles of faces."""
    data = item.data
    if isinstance(data, Trajectory):
        index = min(max(int(getattr(item.display, "index", 0)), 0), len(data.positions) - 1)
        points: Array = data.positions[index]
    elif isinstance(data, Graph):
        assert data.positions is not None
        points = data.positions
    else:
        points = data.points
    if domain is Domain.FACE and isinstance(data, Mesh):
        return np.asarray(points[data.faces[chosen]], dtype=np.float64).mean(axis=1)
    return np.asarray(points[chosen], dtype=np.float64)


def stable_order(data: Any, n: int) -> Array:
    """A fixed permutation of n places: more glyphs only add to those that are there."""
    known = _orders.setdefault(data, {})
    if n not in known:
        known[n] = np.random.default_rng(0).permutation(n)
    return known[n]


def _of_volume(volume: Volume, kind: str, limit: int) -> tuple[Array, Array, Array, int, Attribute]:
    shape = volume.array.shape[:3]
    step = 1
    while True:
        part = tuple(slice(min(step // 2, n - 1), None, step) for n in shape)
        values = np.asarray(volume.array[part], dtype=np.float64)
        flat = values.reshape(-1, values.shape[-1])
        good = np.isfinite(flat).all(axis=1) & (np.abs(flat).max(axis=1) > 0)
        count = int(good.sum())
        if count <= limit or step >= max(shape):
            break
        step = max(step + 1, int(step * (count / limit) ** (1 / 3)))
    axes = [np.arange(n)[s] for n, s in zip(shape, part, strict=True)]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)[good]
    places = voxels @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    taken = flat[good]
    degree = (volume.array.shape[3] - 1) // 2 if kind == "harmonics" else None
    if kind == "tensor":
        taken = unpacked(taken)
    attribute = Attribute(
        np.zeros((1, 2 * degree + 1)) if degree is not None else np.zeros(1),
        volume.transforms,
        Domain.OBJECT,
        degree,
        volume.value_unit,
    )
    total = int(np.prod(shape)) if step > 1 else count
    return places, taken, np.ravel_multi_index(tuple(voxels.T), shape), total, attribute


def unpacked(rows: Array) -> Array:
    """(k, 3, 3) from 9 entries row by row, or 6 as xx, xy, xz, yy, yz, zz: the upper triangle, the order
    of FSL's dtifit and of most diffusion files."""
    if rows.shape[1] == 9:
        return rows.reshape(-1, 3, 3)
    return rows[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)


def _sizes(values: Array) -> Array:
    return np.linalg.norm(values.reshape(len(values), -1), axis=1)


def _first_places(data: Trajectory, chosen: Array) -> Array:
    places = np.asarray(data.positions[0], dtype=np.float64)[chosen]
    return places[np.isfinite(places).all(axis=1)]


def _spacing(world: Array) -> float:
    """Median distance to the nearest neighbour; what a glyph has room for."""
    if len(world) < 2:
        return max(float(np.abs(world).max()) * 0.2, 1e-6) if len(world) else 1.0
    from scipy.spatial import cKDTree

    gaps = cKDTree(world).query(world, k=2)[0][:, 1]
    gaps = gaps[gaps > 0]
    extent = float(np.linalg.norm(np.ptp(world, axis=0)))
    typical = float(np.median(gaps)) if len(gaps) else 0.0
    # Random places have close pairs; the mean room a surface or a solid gives is a better measure.
    room = extent / max(len(world), 1) ** 0.5 / 1.6
    return max(typical, min(room, 2.2 * typical), 1e-12)


def _level(count: int, wanted: int) -> int:
    while wanted > 1 and count * len(ball(wanted)[0]) > _VERTICES:
        wanted -= 1
    return wanted


def _fibre_basis(sphere: Array, grid: Array) -> Array:
    """(v, N) weights of the grid's directions at each vertex: a smooth blend, as wide as the grid is coarse."""
    unit = grid / np.maximum(np.linalg.norm(grid, axis=1, keepdims=True), 1e-300)
    closeness = sphere @ unit.T
    weights = np.exp(0.75 * len(grid) * (closeness - closeness.max(axis=1, keepdims=True)))
    return weights / weights.sum(axis=1, keepdims=True)


def _harmonics(sphere: Array, size: int) -> Array:
    from core.symmetry import real_spherical_harmonics

    return np.asarray(real_spherical_harmonics((size - 1) // 2, sphere))


def _colors(
    item: SceneItem,
    kind: str,
    values: Array,
    numbers: Array,
    chosen: Array,
    each: int,
    signed: Array | None,
    unit: str,
    most: float | None = None,
) -> tuple[Array, tuple[Legend, ...]]:
    """(points, 3) uint8 and what explains them; `most`: the end of the colours, None = the largest number."""
    data, display, by = item.data, item.display, item.display.glyph_color_by
    name = item.name if display.glyph == VALUES else display.glyph.removeprefix("@")
    attributes = getattr(data, "attributes", {})
    colormap = getattr(display, "colormap", "viridis")
    colormap = "viridis" if colormap in ("gray", "labels") else colormap
    if by == "@color":
        one = np.round(255 * np.asarray(getattr(display, "color", (0.85, 0.86, 0.88)))).astype(np.uint8)
        return np.broadcast_to(one, (each * len(values), 3)).copy(), ()
    if by == "@direction":
        axis = (
            np.linalg.eigh((values + np.swapaxes(values, 1, 2)) / 2)[1][..., -1]
            if kind == "tensor"
            else values
        )
        if axis.ndim == 2 and axis.shape[1] == 3:
            unit_axis = np.abs(axis) / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-300)
            return np.repeat(np.round(255 * unit_axis).astype(np.uint8), each, axis=0), ()
    other = attributes.get(by)
    if (
        other is not None
        and len(other.values) > int(chosen.max(initial=0))
        and other.values.dtype.kind in "biuf"
    ):
        shades = plain_values(other.values[chosen])
        low, high = _ends(plain_values(other.values))
        rgba = colorize(shades, low, high, colormap)
        return np.repeat(rgba[:, :3], each, axis=0), (Legend(by, other.unit, colormap, low, high),)
    if kind in ("harmonics", "fibre"):
        assert signed is not None
        if kind == "harmonics" or signed.min() < 0:
            high = float(np.percentile(np.abs(signed), 99.5)) or 1.0
            return colorize(signed, -high, high, "diverging")[:, :3], (
                Legend(name, unit, "diverging", -high, high),
            )
        low, high = _ends(signed)
        return colorize(signed, low, high, colormap)[:, :3], (Legend(name, unit, colormap, low, high),)
    low, high = 0.0, (float(numbers.max()) if most is None else most) or 1.0
    rgb = np.repeat(colorize(numbers, low, high, colormap)[:, :3], each, axis=0)
    if signed is not None:
        odd = (signed.reshape(-1, each) < 0).any(axis=1).repeat(each)
        rgb[odd] = np.where(signed[odd, None] < 0, _NEGATIVE, _POSITIVE)
    return rgb, (Legend(f"|{name}|", unit, colormap, low, high),)


def _ends(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _repeated(faces: Array, vertices: int, count: int) -> Array:
    return (faces[None] + vertices * np.arange(count)[:, None, None]).reshape(-1, 3)


def _sides(points: Array, faces: Array) -> tuple[Array, Array]:
    a = points[faces[:, 0]]
    return points[faces[:, 1]] - a, points[faces[:, 2]] - a


def _normals(points: Array, faces: Array) -> Array:
    """(n, 3) area-weighted means of the faces around each point."""
    across = np.cross(*_sides(points, faces))
    out = np.stack(
        [
            np.bincount(faces.reshape(-1), weights=np.repeat(across[:, k], 3), minlength=len(points))
            for k in range(3)
        ],
        axis=1,
    )
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-300)


def _grouped(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")
