"""Solids in general position, as meshes, clouds and volumes, and what the tests ask of a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from core.data import Mesh, PointCloud, Volume
from core.jobs import Job
from core.results import Result
from plugins.symmetry.reflections import reflections

Array = np.ndarray


def box(*edges: float) -> trimesh.Trimesh:
    return trimesh.creation.box(edges)


def prism(sides: int, height: float = 1.0) -> trimesh.Trimesh:
    return trimesh.creation.cylinder(radius=1.0, height=height, sections=sides)


def gear(teeth: int) -> trimesh.Trimesh:
    """A disc with rectangular teeth, 8 % of its radius high."""
    n = 8 * teeth
    radius = np.where(np.arange(n) % 8 < 4, 1.0, 0.92)
    angle = 2 * np.pi * (np.arange(n) + 0.5) / n
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    points = np.concatenate([np.c_[ring, np.full(n, z)] for z in (-0.3, 0.3)] + [[[0, 0, -0.3], [0, 0, 0.3]]])
    i, j = np.arange(n), (np.arange(n) + 1) % n
    bottom, top = np.full(n, 2 * n), np.full(n, 2 * n + 1)
    faces = np.concatenate(
        [np.c_[i, j, n + j], np.c_[i, n + j, n + i], np.c_[bottom, j, i], np.c_[top, n + i, n + j]]
    )
    return trimesh.Trimesh(points, faces, process=False)


def hull(points: Any) -> trimesh.Trimesh:
    return trimesh.convex.convex_hull(np.asarray(points, dtype=float))


TETRAHEDRON = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
LOPSIDED_TETRAHEDRON = [(0, 0, 0), (1, 0, 0), (0.3, 1.4, 0), (0.5, 0.4, 2.0)]
THREE_ARMS = [((0, 0, 0), (0.5, 0.5, 1.3)), ((0, 0, 0), (1.2, 0.5, 0.4)), ((0, 0, 0), (0.4, 0.9, 0.5))]


def three_arms() -> trimesh.Trimesh:
    """Three arms of different length and thickness from one corner: no mirror at all."""
    return trimesh.util.concatenate([trimesh.creation.box(bounds=b) for b in THREE_ARMS])


class Pose:
    """A seeded similarity: x -> scale · R x + shift."""

    def __init__(self, seed: int, scale: float = 37.0) -> None:
        rng = np.random.default_rng(seed)
        self.rotation = Rotation.random(random_state=rng).as_matrix()
        self.shift = rng.normal(size=3) * 3.0 * scale
        self.scale = scale

    def __call__(self, points: Array) -> Array:
        return self.scale * np.asarray(points) @ self.rotation.T + self.shift


def as_mesh(solid: trimesh.Trimesh, pose: Pose) -> Mesh:
    return Mesh(pose(solid.vertices), solid.faces, unit="mm")


def as_cloud(solid: trimesh.Trimesh, pose: Pose, count: int, noise: float = 0.0) -> PointCloud:
    points, _ = trimesh.sample.sample_surface(solid, count, seed=3)
    points = np.asarray(points) + noise * np.random.default_rng(5).normal(size=(count, 3))
    return PointCloud(pose(points), unit="mm")


def as_volume(
    inside: Callable[[Array], Array], pose: Pose, affine: Array, *, radius: float = 1.5, cuts: int = 2
) -> Volume:
    """The indicator `inside` (n, 3) -> (n,), averaged over each voxel; `affine`: 3×3, the grid is centred."""
    unit = affine / np.linalg.norm(affine, axis=0)
    reach = np.linalg.norm(np.linalg.inv(unit), axis=1) * radius * pose.scale
    shape = np.ceil(2 * reach / np.linalg.norm(affine, axis=0)).astype(int)
    shift = pose.shift - affine @ ((shape - 1) / 2)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    steps = (np.arange(cuts) + 0.5) / cuts - 0.5
    total = np.zeros(len(grid), dtype=np.float32)
    for offset in np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3):
        world = (grid + offset) @ affine.T + shift
        total += inside((world - pose.shift) @ pose.rotation / pose.scale)
    full = np.eye(4)
    full[:3, :3], full[:3, 3] = affine, shift
    return Volume((total / cuts**3).reshape(shape), full)


def run(data: Any, seed: int = 0, **parameters: Any) -> Result:
    """The analysis with fewer samples than its default, which is for accuracy in the error's third digit."""
    return reflections(data, job=Job(seed=seed), **{"samples": 5000, **parameters})


def exact(result: Result) -> list[dict[str, Any]]:
    return [p for p in result.values["planes"] if p["score"] > 0.99]


def worst_misfit(result: Result, normals: Array, centre: Array) -> tuple[float, float]:
    """(sine of the largest angle, largest offset in sizes) between the exact planes and `normals` through `centre`."""
    angle = offset = 0.0
    for plane in exact(result):
        sines = np.linalg.norm(np.cross(normals, plane["normal"]), axis=1)
        angle = max(angle, float(sines.min()))
        gap = abs(np.dot(plane["normal"], np.asarray(plane["point"]) - centre))
        offset = max(offset, gap / result.values["size"])
    return angle, offset
