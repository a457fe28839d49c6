"""Every file under ../shared/data: opened as the expected kind, or refused for a stated reason.

Shapes, bounds and counts stand in the plugins' own tables (tests/plugins/*); this one holds that no file is
forgotten, that the choice of the reader is never a tie, and that a refusal is one sentence.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from core.data import bounds, kind_of
from core.errors import ReadError
from core.jobs import Job
from core.opening import open_path
from core.plugins import PluginHost

OPENS = {
    "articulated/mesh2motion/[!r]*.glb": "mesh",
    "articulated/posed_clouds.npz": "checkpoint",
    "checkpoints/**/*.pt": "checkpoint",
    "checkpoints/**/*.th": "checkpoint",
    "checkpoints/**/*.ckpt": "checkpoint",
    "checkpoints/**/*.pkl": "checkpoint",
    "checkpoints/**/*.safetensors": "checkpoint",
    "graphs/dgcnn_txt/*.txt": "table",
    "images/mnist/*-images-*": "volume",
    "images/mnist/*-labels-*": "table",
    "meshes/formats/points_bin.ply": "pointcloud",
    "meshes/**/*.[ops]*": "mesh",
    "meshes/**/*.STL": "mesh",
    "meshes/**/*.glb": "mesh",
    "meshes/**/*.vt[kp]": "mesh",
    "meshes/**/*.3MF": "mesh",
    "meshes/**/*.msh": "mesh",
    "molecules/qm7/*.npz": "checkpoint",
    "mri/**/*.nii.gz": "volume",
    "mri/**/*.vtk": "mesh",
    "mri/**/*.nrrd": "volume",
    "mri/**/*.mha": "volume",
    "mri/**/*.dcm": "volume",
    "mri/markups/*.mrk.json": "markup",
    "nbody/*.npz": "checkpoint",
    "pointclouds/**/*.la[sz]": "pointcloud",
    "pointclouds/**/*.pcd": "pointcloud",
    "pointclouds/pcl/triangles.txt": "pointcloud",
}
KINDS = {"meshes/ycb/035_power_drill.png": "image"}
REFUSED = {
    "*LICENSE*": "prose",
    "*.md": "prose",
    "checkpoints/**/*.json": "a description that belongs to a model, not data",
    "checkpoints/**/*.yml": "a training configuration",
    "articulated/mesh2motion/rig-*.glb": "a skeleton without a mesh; motion comes with the plugin particles",
    "meshes/formats/machinist.3DXML": "a CAD assembly format that no library at hand reads",
    "meshes/ycb/035_power_drill.mtl": "materials, which belong to the OBJ beside it",
    "molecules/**/*.xyz": "molecules, which come with the plugin particles",
    "molecules/cgnet_ala2/*.npy": "trajectories (t, n, 3), which come with the plugin particles",
    "molecules/qm7/*.zip": "an archive of molecules",
    "molecules/qm7/LICENSE-qml": "prose",
    "mri/dicom_t1_child_sagittal.tar.xz": "an archive; unpack it and open the folder",
    "nbody/jpl_horizons_barystate/*.txt": "ephemerides, which come with the plugin particles",
    "spd/*.mat": "MATLAB files of EEG trials, which come with the method that needs them",
    "timeseries/*.zip": "an archive of recordings",
    "timeseries/mocap/*": "motion capture, which comes with the plugin particles",
    "zoos/*.tar.gz": "an archive of pickles",
}


def _expected(name: str) -> str | None:
    if name in KINDS:
        return KINDS[name]
    if any(fnmatch.fnmatch(name, pattern.replace("**/", "*")) for pattern in REFUSED):
        return None
    for pattern, kind in OPENS.items():
        if fnmatch.fnmatchcase(name, pattern.replace("**/", "*")):
            return kind
    pytest.fail(f"{name} is neither expected to open nor on the list of refusals")


@pytest.mark.shared
def test_every_file_opens_as_expected_or_is_refused_in_one_sentence(shared_data: Path) -> None:
    host = PluginHost(folders=[])
    wrong: list[str] = []
    opened = refused = 0
    for path in sorted(p for p in shared_data.rglob("*") if p.is_file()):
        name = path.relative_to(shared_data).as_posix()
        kind = _expected(name)
        try:
            first = open_path(path, job=Job(), host=host).loaded[0]
        except ReadError as error:
            refused += 1
            text = str(error)
            if kind is not None or "\n" in text or not text.startswith(path.name) or "internal" in text:
                wrong.append(f"{name}: {text}")
            continue
        opened += 1
        if kind_of(first.data) != kind:
            wrong.append(f"{name}: a {kind_of(first.data)}, expected {kind or 'a refusal'}")
        if kind in ("mesh", "pointcloud", "volume", "markup") and bounds(first.data) is None:
            wrong.append(f"{name}: no bounds")
    assert wrong == []
    assert opened > 100 and refused > 20
