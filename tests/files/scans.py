"""A small sound file of every surface and cloud format."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from core.data import Mesh
from core.jobs import Job
from plugins.scans import writers
from tests.plugins.scans.helpers import CUBE
from tests.plugins.scans.test_anatomy import gii, legacy, volume_info
from tests.plugins.scans.test_clouds import las, pcd
from tests.plugins.scans.test_surfaces import TRIANGLES, gltf, mujoco, obj, ply, stl, threemf

FORMATS = (
    *(
        "ply-ascii",
        "ply-little",
        "ply-big",
        "ply-mixed",
        "stl",
        "stl-ascii",
        "obj",
        "off",
        "glb",
        "gltf",
        "msh",
        "3mf",
    ),
    *("vtk", "vtk-binary", "vtp", "gii", "gii-overlay", "fs", "fs-curv", "fs-annot"),
    *("pcd-ascii", "pcd-binary", "pcd-compressed", "xyz", "las", "laz", "npy", "npz"),
)


def made(folder: Path, form: str) -> tuple[str, Path]:
    """A sound file of one format, and the reader for it."""
    cube = Mesh(CUBE, TRIANGLES)
    name, _, variant = form.partition("-")
    path = folder / f"cube.{name}"
    if name == "ply":
        encodings = {"ascii": "ascii", "little": "binary_little_endian", "big": "binary_big_endian"}
        mixed = [(0, 1, 3, 2), (0, 1, 2), (4, 6, 7, 5)]
        path.write_bytes(
            ply("binary_little_endian", mixed) if variant == "mixed" else ply(encodings[variant])
        )
    elif form == "stl":
        path.write_bytes(stl(CUBE[TRIANGLES]))
    elif form == "stl-ascii":
        text = "".join(
            "facet normal 0 0 0\nouter loop\n"
            + "".join(f"vertex {p[0]} {p[1]} {p[2]}\n" for p in t)
            + "endloop\nendfacet\n"
            for t in CUBE[TRIANGLES]
        )
        path.write_text(f"solid cube\n{text}endsolid cube\n")
    elif name == "obj":
        path.write_text(
            obj(["f " + " ".join(f"{i + 1}//{i + 1}" for i in t) for t in TRIANGLES], before="vn 0 0 1\n" * 8)
        )
    elif name == "off":
        rows = "".join(f"{x:g} {y:g} {z:g}\n" for x, y, z in CUBE)
        path.write_text("OFF\n8 12 0\n" + rows + "".join(f"3 {a} {b} {c}\n" for a, b, c in TRIANGLES))
    elif name in ("glb", "gltf"):
        path.write_bytes(gltf(binary=name == "glb"))
    elif name == "msh":
        path.write_bytes(mujoco(8))
    elif name == "3mf":
        threemf(path)
    elif name == "vtk":
        path.write_bytes(legacy("BINARY" if variant else "ASCII"))
    elif name == "vtp":
        writers.write_vtp(cube, path, job=Job(), metadata={})
    elif form == "gii":
        gii(path)
    elif form == "gii-overlay":
        gii(folder / "lh.pial.gii")
        path = folder / "lh.sulc.gii"
        gii(path, points=None, arrays=[(np.arange(8), "NIFTI_INTENT_SHAPE")])
    elif name == "fs":
        nib.freesurfer.write_geometry(folder / "lh.pial", CUBE, TRIANGLES, volume_info=volume_info((1, 2, 3)))
        path = folder / ({"": "lh.pial", "curv": "lh.curv", "annot": "lh.a.annot"}[variant])
        if variant == "curv":
            nib.freesurfer.write_morph_data(path, np.arange(8, dtype=np.float32))
        if variant == "annot":
            table = np.array([[25, 5, 25, 0, 0], [220, 20, 10, 0, 0]], np.int32)
            table[:, 4] = table[:, :3] @ [1, 256, 65536]
            nib.freesurfer.write_annot(path, np.arange(8) % 2, table, ["a", "b"], fill_ctab=False)
    elif name == "pcd":
        path.write_bytes(pcd("binary_compressed" if variant == "compressed" else variant)[0])
    elif name == "xyz":
        np.savetxt(path, CUBE + 0.5, "%.3f")
    elif name in ("las", "laz"):
        las().write(str(path))
    elif name == "npy":
        np.save(path, CUBE)
    else:
        writers.write_npz(cube, path, job=Job(), metadata={})
    keys = {
        "glb": "gltf",
        "msh": "mujoco",
        "3mf": "threemf",
        "vtp": "vtk",
        "gii": "gifti",
        "fs": "freesurfer",
    }
    keys |= {"laz": "las", "npz": "npy"}
    return f"scans.{keys.get(name, name)}", path
