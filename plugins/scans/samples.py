"""Samples: the fsaverage5 cortex from nilearn's wheel, and a solid that needs nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from core.data import Attribute, Loaded, Mesh, PointCloud, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans import gifti
from plugins.scans._build import normals

_OVERLAYS = {"sulc": ("sulc", ""), "curv": ("curv", "1/mm"), "thick": ("thickness", "mm")}


def fsaverage5(*, job: Job) -> list[Loaded]:
    """The pial surfaces of fsaverage5 with sulcal depth, curvature and thickness.

    10,242 points a hemisphere, RAS millimetres. Reference: Fischl et al. 1999, "High-resolution intersubject
    averaging and a coordinate system for the cortical surface"; the files are those of the nilearn package.
    """
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise ReadError(
            "fsaverage5", "comes with nilearn, which is not installed", "install equiscope[samples]"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data" / "fsaverage5"
    out = []
    for done, side in enumerate(("left", "right")):
        surface = gifti.read_surface(_file(folder, "pial", side))
        data = surface.data
        attributes = {}
        for stem, (name, unit) in _OVERLAYS.items():
            file = _find(folder, stem, side)
            if file is None:
                continue
            merged = gifti.read(file, surface=_file(folder, "pial", side), job=job)[0].data
            values = next(a.values for a in merged.attributes.values() if a.transforms is Transforms.SCALAR)
            attributes[name] = Attribute(values, Transforms.SCALAR, unit=unit)
        job.progress((done + 1) / 2, "Reading fsaverage5")
        out.append(
            Loaded(
                f"fsaverage5 pial {side}",
                Mesh(data.points, data.faces, attributes, "mm", "RAS"),
                metadata={"source": "nilearn", "template": "fsaverage5"},
                display={"color_by": "sulc", "colormap": "cividis"} if "sulc" in attributes else {},
            )
        )
    return out


def ring(*, job: Job) -> list[Loaded]:
    """A ring with five bumps, as a coloured surface and as a cloud of points on it.

    Its symmetry group is D5h: one fivefold axis, five twofold axes, six mirror planes. The tube of radius
    0.35 (1 + 0.3 cos 5u) winds round a circle of radius 1 in the x-y plane.
    """
    u_steps, v_steps = 240, 60
    u, v = np.meshgrid(
        np.linspace(0, 2 * np.pi, u_steps, endpoint=False),
        np.linspace(0, 2 * np.pi, v_steps, endpoint=False),
        indexing="ij",
    )
    points, directions = _ring(u.ravel(), v.ravel())
    i, j = np.meshgrid(np.arange(u_steps), np.arange(v_steps), indexing="ij")
    a, b = (i * v_steps + j).ravel(), (((i + 1) % u_steps) * v_steps + j).ravel()
    c, d = (
        (((i + 1) % u_steps) * v_steps + (j + 1) % v_steps).ravel(),
        (i * v_steps + (j + 1) % v_steps).ravel(),
    )
    faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]).astype(np.int32)
    bump = Attribute(np.cos(5 * u.ravel()).astype(np.float32), Transforms.SCALAR)
    surface = Mesh(
        points,
        faces,
        {"normals": normals(directions), "rgb": Attribute(_hues(u.ravel()), Transforms.SCALAR), "bump": bump},
    )
    job.progress(0.5, "Making a ring")
    somewhere = job.rng.uniform(0, 2 * np.pi, (20_000, 2))
    scattered, outward = _ring(somewhere[:, 0], somewhere[:, 1])
    cloud = PointCloud(
        scattered,
        {"normals": normals(outward), "rgb": Attribute(_hues(somewhere[:, 0]), Transforms.SCALAR)},
    )
    shown = {"color_by": "rgb"}
    return [
        Loaded("Ring with five bumps", surface, display=shown),
        Loaded("Ring with five bumps, points", cloud, display=shown),
    ]


def _ring(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and outward unit normals (n, 3) float64 at the angles `u` (round the ring) and `v` (round the tube)."""
    radius, slope = 0.35 * (1 + 0.3 * np.cos(5 * u)), -0.35 * 1.5 * np.sin(5 * u)
    out = 1 + radius * np.cos(v)
    points = np.stack([out * np.cos(u), out * np.sin(u), radius * np.sin(v)], axis=1)
    along = np.stack(
        [
            slope * np.cos(v) * np.cos(u) - out * np.sin(u),
            slope * np.cos(v) * np.sin(u) + out * np.cos(u),
            slope * np.sin(v),
        ],
        axis=1,
    )
    round_tube = np.stack(
        [-radius * np.sin(v) * np.cos(u), -radius * np.sin(v) * np.sin(u), radius * np.cos(v)], axis=1
    )
    normal = np.cross(along, round_tube)
    return points, normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _hues(u: np.ndarray) -> np.ndarray:
    """(n, 3) uint8 colours by the height of the bumps, so they share the ring's symmetry."""
    wave = 0.5 + 0.5 * np.cos(5 * u[:, None])
    low, high = np.array([62, 99, 221]), np.array([255, 178, 36])
    return np.rint(low + (high - low) * wave).astype(np.uint8)


def _find(folder: Path, stem: str, side: str) -> Path | None:
    """nilearn has written both `pial_left` and `pial.left`."""
    return next((f for sep in "_." if (f := folder / f"{stem}{sep}{side}.gii.gz").is_file()), None)


def _file(folder: Path, stem: str, side: str) -> Path:
    file = _find(folder, stem, side)
    if file is None:
        raise ReadError(folder, f"has no {stem} surface for the {side} hemisphere", "install a newer nilearn")
    return file
