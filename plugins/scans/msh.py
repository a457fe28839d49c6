"""MSH: MuJoCo's binary mesh. (Gmsh's volume meshes share the suffix and are refused by name.)

The file is four int32 counts (points, normals, texture coordinates, faces) and the arrays in that order,
float32 and int32, so its size follows from its header. Source: the MuJoCo manual, "XML reference, mesh".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.data import Attribute, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, mesh, normals, placed
from plugins.scans._errors import AGAIN, guarded, read_bytes


def sniff(path: Path, head: bytes) -> int:
    """100 where the four counts give the file's size, 50 for Gmsh (whose refusal says why)."""
    if head[:11] == b"$MeshFormat":
        return 50
    if len(head) < 16:
        return 0
    try:
        return 100 if _expected(head) == path.stat().st_size else 0
    except OSError:
        return 0


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A MuJoCo mesh, in metres. Normals and texture coordinates are kept where there is one a point."""
    with guarded(path, "a MuJoCo mesh"):
        data = read_bytes(path)
        if data[:11] == b"$MeshFormat":
            raise ReadError(
                path,
                "is a Gmsh volume mesh, which is not supported",
                "save its surface as STL or VTK from Gmsh",
            )
        if len(data) < 16:
            raise ReadError(path, "is too short to be a MuJoCo mesh", AGAIN)
        n, n_normals, n_uv, m = (int(c) for c in np.frombuffer(data, "<i4", 4))
        expected = _expected(data)
        if expected != len(data):
            raise ReadError(
                path,
                f"is not a complete MuJoCo mesh ({len(data):,} bytes where its counts ask for {expected:,})",
                AGAIN,
            )
        job.progress(0.3, "Reading mesh")
        floats = np.frombuffer(data, "<f4", 3 * n + 3 * n_normals + 2 * n_uv, 16)
        faces = np.frombuffer(data, "<i4", 3 * m, 16 + 4 * len(floats)).reshape(m, 3)
        attributes: dict[str, Attribute] = {}
        if n_normals == n:
            attributes["normals"] = normals(floats[3 * n : 6 * n].reshape(n, 3).astype(np.float32))
        if n_uv == n:
            attributes["uv"] = Attribute(
                floats[3 * n + 3 * n_normals :].reshape(n, 2).astype(np.float32), Transforms.SCALAR
            )
        points = floats[: 3 * n].reshape(n, 3).astype(np.float32)
        points, attributes, where, said = placed(points, attributes, space)
        return [
            mesh(path, points, faces, attributes, unit="mm" if where else "m", space=where, warnings=said)
        ]


def _expected(head: bytes) -> int:
    counts = np.frombuffer(head, "<i4", 4).astype(np.int64)
    if (counts < 0).any() or counts[0] == 0:
        return -1
    n, n_normals, n_uv, m = (int(c) for c in counts)
    return 16 + 12 * n + 12 * n_normals + 8 * n_uv + 12 * m
