"""Mirror planes: time and accuracy, beside a plain peer that does what a short script does.

The peer mirrors samples of the surface in the three principal planes and aligns each image with the object by
point-to-point ICP (40 steps) over a k-d tree; the plane is read off the fitted map. It finds at most three planes,
and none where the principal axes are not unique. It gets 20 000 samples of the surface, as many as ours takes.
The two are not the same work: ours also searches all directions, which is what the ratio pays for.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from core.data import Mesh, PointCloud, Volume
from core.jobs import Job
from plugins.symmetry.reflections import reflections
from tests.plugins.symmetry.shapes import Pose, box, gear, prism

Array = np.ndarray
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def peer(points: Array, steps: int = 40) -> list[tuple[Array, Array, float]]:
    """(normal, point, RMS distance) for each principal axis, refined by point-to-point ICP."""
    centre = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - centre).T))
    tree = cKDTree(points)
    out = []
    for axis in axes.T:
        image = points - 2 * ((points - centre) @ axis)[:, None] * axis
        linear, shift = np.eye(3) - 2 * np.outer(axis, axis), 2 * (centre @ axis) * axis
        for _ in range(steps):
            distance, near = tree.query(image)
            target = points[near]
            a, b = image.mean(axis=0), target.mean(axis=0)
            u, _, v = np.linalg.svd((image - a).T @ (target - b))
            turn = v.T @ np.diag([1, 1, np.sign(np.linalg.det(v.T @ u.T))]) @ u.T
            image = (image - a) @ turn.T + b
            linear, shift = turn @ linear, turn @ (shift - a) + b
        _, vectors = np.linalg.eigh((linear + linear.T) / 2)
        out.append((vectors[:, 0], shift / 2, float(np.sqrt(np.mean(distance**2)))))
    return out


def angle(normal: Array, true: Array) -> float:
    """Degrees between a normal and the nearest of the true ones (rows), up to sign."""
    sine = np.linalg.norm(np.cross(true, normal), axis=1).min()
    return float(np.degrees(np.arcsin(min(1.0, sine))))


def cases() -> list[tuple[str, Any, int | None, Array | None]]:
    """(name, data, true number of planes, true normals where they are the axes of the pose)."""
    pose = Pose(7)
    solids = [
        ("brick", box(1, 1.5, 2.3), 3, pose.rotation.T),
        ("cube", box(1, 1, 1), 9, None),
        ("icosahedron", trimesh.creation.icosahedron(), 15, None),
        ("24-sided prism", prism(24), 25, None),
        ("gear, 18 teeth", gear(18), 19, None),
    ]
    out: list[tuple[str, Any, int | None, Array | None]] = []
    for name, solid, count, normals in solids:
        out.append((name, Mesh(pose(solid.vertices), solid.faces), count, normals))
    cloud, _ = trimesh.sample.sample_surface(box(1, 1.5, 2.3), 100_000, seed=1)
    out.append(("brick, 100 000 points", PointCloud(pose(np.asarray(cloud))), 3, pose.rotation.T))
    for name in ("meshes/ycb/035_power_drill.ply", "meshes/spot.obj"):
        if (SHARED / name).exists():
            scan = trimesh.load(SHARED / name, force="mesh", process=False, skip_materials=True)
            out.append((Path(name).stem, Mesh(np.asarray(scan.vertices), np.asarray(scan.faces)), 1, None))
    try:
        from nilearn.datasets import load_mni152_template
    except ImportError:
        return out
    image = load_mni152_template(resolution=1)
    brain = np.asarray(image.dataobj, dtype=np.float32)
    moved = np.eye(4)
    moved[:3, :3] = pose.rotation
    out.append(("MNI152, 1 mm", Volume(brain, moved @ image.affine), 1, pose.rotation[:, :1].T))
    return out


def measured(name: str, data: Any, count: int | None, normals: Array | None) -> dict[str, Any]:
    """One row: what ours and, for surfaces, the peer find and take."""
    start = time.perf_counter()
    values = reflections(data, job=Job(seed=0)).values
    row: dict[str, Any] = {"case": name, "true": count, "seconds": time.perf_counter() - start}
    found = [p for p in values["planes"] if p["score"] > 0.99]
    row["planes"] = len(found)
    if normals is not None:
        row["degrees"] = max((angle(np.array(p["normal"]), normals) for p in found), default=None)
    if isinstance(data, Volume):
        return row
    points = np.asarray(data.points, dtype=float)
    if isinstance(data, Mesh):
        points = np.asarray(
            trimesh.sample.sample_surface(trimesh.Trimesh(points, data.faces), 20_000, seed=2)[0]
        )
    points = points[:20_000]
    start = time.perf_counter()
    others = peer(points)
    row["peer seconds"] = time.perf_counter() - start
    row["time ratio"] = row["seconds"] / row["peer seconds"]
    # Two random samples of one surface are a spacing apart: within twice of that it counts as found.
    spacing = float(np.sqrt(np.mean(cKDTree(points).query(points, k=2)[0][:, 1] ** 2)))
    good = [o for o in others if o[2] < 2 * spacing]
    row["peer planes"] = len(good)
    if normals is not None:
        row["peer degrees"] = max((angle(o[0], normals) for o in good), default=None)
    return row


def main() -> dict[str, Any]:
    """Measure every case and print one table."""
    rows = [measured(*case) for case in cases()]
    keys = (
        "case",
        "true",
        "planes",
        "degrees",
        "seconds",
        "peer planes",
        "peer degrees",
        "peer seconds",
        "time ratio",
    )
    print("| " + " | ".join(keys) + " |")
    print("|" + "---|" * len(keys))
    for row in rows:
        cells = [row.get(k) for k in keys]
        text = ("–" if c is None else f"{c:.3g}" if isinstance(c, float) else str(c) for c in cells)
        print("| " + " | ".join(text) + " |")
    return {"rows": rows}


if __name__ == "__main__":
    main()
