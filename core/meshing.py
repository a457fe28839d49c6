"""Surfaces of sampled functions, and the numbers of a triangle mesh: area, volume, components, Euler characteristic.

What several plugins need: `isosurface` turns an array and its affine into an outward-facing triangle mesh in world
coordinates; the rest works on any points (n, 3) and faces (m, 3).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Surface(NamedTuple):
    """`points` (n, 3) float64 world coordinates, `faces` (m, 3) int32 counter-clockwise seen from outside."""

    points: Array
    faces: Array


def isosurface(
    array: Array,
    affine: Array,
    level: float,
    *,
    cap: bool = False,
    step: int = 1,
    method: Literal["lewiner", "lorensen"] = "lewiner",
) -> Surface:
    """The surface where a sampled function passes `level`; "inside" is where values are higher.

    Parameters
    ----------
    array : (i, j, k); NaN and -inf count as outside, +inf as inside.
    affine : (4, 4) voxel centre index -> world. A reflection (negative determinant) turns the faces round, so
        they face outward in the world too.
    cap : close the surface at the outer faces of the grid (half a voxel beyond the last centres).
    step : use every step-th sample.

    Raises
    ------
    ValueError : no value lies on one of the two sides of `level`, or the array has fewer than two samples along an axis
        (and `cap` is False).

    Reference: Lorensen and Cline 1987 (doi 10.1145/37402.37422); Lewiner et al. 2003
    (doi 10.1080/10867651.2003.10487582), which has no holes in ambiguous cubes.
    """
    from skimage.measure import marching_cubes

    samples = np.array(array[::step, ::step, ::step], dtype=np.float32, order="C")
    affine = np.asarray(affine, dtype=np.float64)
    finite = np.isfinite(samples)
    if not finite.any():
        raise ValueError("the array has no finite value")
    low, high = float(samples[finite].min()), float(samples[finite].max())
    if not low < level <= high:
        raise ValueError(f"the level {level:g} lies outside the values ({low:g} to {high:g})")
    if not finite.all():
        np.nan_to_num(samples, copy=False, nan=low, neginf=low, posinf=high)
    level = _between_samples(samples, level, low, high)
    shift = 0.0
    if cap:
        samples, shift = _capped(samples, level, low), 1.0
    points, faces, _, _ = marching_cubes(samples, level, method=method, gradient_direction="descent")  # type: ignore[no-untyped-call]
    index = (points.astype(np.float64) - shift) * step
    world = index @ affine[:3, :3].T + affine[:3, 3]
    triangles = faces.astype(np.int32)
    # skimage's "descent" lists corners clockwise seen from outside in index coordinates; a reflection undoes that
    if np.linalg.det(affine[:3, :3]) > 0:
        triangles = triangles[:, ::-1]
    return Surface(np.ascontiguousarray(world), np.ascontiguousarray(triangles))


def _between_samples(samples: Array, level: float, low: float, high: float) -> float:
    """`level` moved by a ten-thousandth of the range off the values that equal it.

    A sample exactly on the level makes triangles without area. Moving down keeps it inside.
    """
    if not bool((samples == np.float32(level)).any()):
        return level
    below = samples[samples < np.float32(level)]
    gap = level - float(below.max()) if below.size else high - low
    return level - min(1e-4 * (high - low), 0.5 * gap)


def _capped(samples: Array, level: float, low: float) -> Array:
    """One more layer on each side, such that the level is passed half-way to it wherever the edge is inside."""
    for axis in range(3):
        first = samples[tuple(slice(0, 1) if a == axis else slice(None) for a in range(3))]
        last = samples[tuple(slice(-1, None) if a == axis else slice(None) for a in range(3))]
        # mirrored about the level: the linear crossing then lies in the middle, on the outer voxel face
        ends = [np.where(e > level, 2 * np.float32(level) - e, e) for e in (first, last)]
        samples = np.concatenate([ends[0], samples, ends[1]], axis=axis)
    return np.ascontiguousarray(samples, dtype=np.float32)


def otsu(values: Array, bins: int = 256) -> float:
    """The threshold that best parts the finite values into two classes; the middle of the best plateau.

    Raises
    ------
    ValueError : fewer than two different finite values.

    Reference: Otsu 1979 (doi 10.1109/TSMC.1979.4310076), eq. 18 (between-class variance).
    """
    flat = np.asarray(values).reshape(-1)
    if flat.dtype == bool:
        flat = flat.astype(np.uint8)
    if flat.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    if not flat.size or flat.min() == flat.max():
        raise ValueError("a threshold needs at least two different values")
    counts, edges = np.histogram(flat.astype(np.float64, copy=False), bins=bins)
    centres = (edges[:-1] + edges[1:]) / 2
    weight = np.cumsum(counts)[:-1] / flat.size
    mean = np.cumsum(counts * centres)[:-1] / flat.size
    total = float((counts * centres).sum() / flat.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (total * weight - mean) ** 2 / (weight * (1 - weight))
    between = np.nan_to_num(between, nan=0.0, posinf=0.0)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[1:-1][best].mean())


def areas(points: Array, faces: Array) -> Array:
    """(m,) area of each triangle."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    norms: Array = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return norms


def enclosed_volume(points: Array, faces: Array) -> float:
    """Signed volume inside a closed mesh, positive where its faces look outward (divergence theorem)."""
    centre = points.mean(axis=0) if len(points) else 0.0
    a, b, c = (points[faces[:, i]] - centre for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def vertex_normals(points: Array, faces: Array) -> Array:
    """(n, 3) float32 unit normals, each the area-weighted mean of its faces' normals; (0, 0, 1) where there is none."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros((len(points), 3))
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(faces[:, corner], weights=face[:, axis], minlength=len(points))
    lengths = np.linalg.norm(normals, axis=1)
    empty = lengths == 0
    normals[empty] = (0.0, 0.0, 1.0)
    lengths[empty] = 1.0
    unit: Array = (normals / lengths[:, None]).astype(np.float32)
    return unit


def unique_edges(faces: Array) -> tuple[Array, Array]:
    """(e, 2) undirected edges, each once, and (e,) how many faces share it."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1).astype(
        np.int64
    )
    span = int(faces.max()) + 1 if faces.size else 1
    keys, counts = np.unique(pairs[:, 0] * span + pairs[:, 1], return_counts=True)
    return np.stack([keys // span, keys % span], axis=1), counts


def components(faces: Array, n_points: int) -> tuple[int, Array]:
    """Number of parts that hang together by edges, and (m,) the part of each face, largest part first (by faces)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(faces):
        return 0, np.zeros(0, dtype=np.int32)
    rows = np.concatenate([faces[:, 0], faces[:, 1]])
    columns = np.concatenate([faces[:, 1], faces[:, 2]])
    graph = coo_matrix((np.ones(len(rows), dtype=np.uint8), (rows, columns)), shape=(n_points, n_points))
    _, labels = connected_components(graph, directed=False)
    of_face = labels[faces[:, 0]]
    names, inverse, counts = np.unique(of_face, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return len(names), rank[inverse]


def euler_characteristic(faces: Array) -> int:
    """V - E + F over the points that faces use: 2 a sphere, 0 a torus, summed over components."""
    if not len(faces):
        return 0
    edges, _ = unique_edges(faces)
    return len(np.unique(faces)) - len(edges) + len(faces)


def is_closed(faces: Array) -> bool:
    """Whether no edge is a rim: each has two faces, or four where two sheets touch along it."""
    if not len(faces):
        return False
    _, counts = unique_edges(faces)
    return bool((counts % 2 == 0).all())


def keep_faces(points: Array, faces: Array, keep: Array) -> Surface:
    """The faces marked in `keep` (m,) with the points they use, renumbered."""
    kept = faces[keep]
    used = np.unique(kept)
    number = np.full(len(points), -1, dtype=np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return Surface(points[used], number[kept])


def taubin(points: Array, faces: Array, passes: int, *, shrink: float = 0.5, inflate: float = -0.53) -> Array:
    """Points smoothed without shrinking: each pass moves to the neighbours' mean by `shrink`, then back by `inflate`.

    Reference: Taubin 1995 (doi 10.1145/218380.218473), with a pass band of 1/shrink + 1/inflate ≈ 0.11.
    """
    from scipy.sparse import coo_matrix

    if passes <= 0 or not len(faces):
        return points
    edges, _ = unique_edges(faces)
    rows = np.concatenate([edges[:, 0], edges[:, 1]])
    columns = np.concatenate([edges[:, 1], edges[:, 0]])
    n = len(points)
    degree = np.maximum(np.bincount(rows, minlength=n), 1)
    mean = coo_matrix((1.0 / degree[rows], (rows, columns)), shape=(n, n)).tocsr()
    lonely = np.bincount(rows, minlength=n) == 0
    out = np.array(points, dtype=np.float64)
    for _ in range(passes):
        for factor in (shrink, inflate):
            offset = mean @ out - out
            offset[lonely] = 0.0
            out = out + factor * offset
    return out
