"""Alignment of volumes by motions that are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from core import running
from core.data import Transform, Transforms, Volume
from core.errors import Cancelled, Refused
from core.jobs import Job
from core.plugins import PluginHost
from core.results import Layer
from plugins.volumes.register import register

TURN = Rotation.from_euler("xyz", (8, -6, 12), degrees=True).as_matrix()
SHIFT = np.array([7.0, -12.0, 9.0])


@pytest.fixture(scope="module")
def head() -> Volume:
    """A smooth lop-sided head with some texture, off the origin."""
    rng = np.random.default_rng(0)
    shape = (56, 64, 50)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"), axis=-1)
    inside = (((grid - [0, 0.05, 0]) / [0.75, 0.85, 0.7]) ** 2).sum(axis=-1) < 1
    texture = gaussian_filter(rng.normal(size=shape), 3.0)
    array = gaussian_filter(inside * (100 + 400 * texture / texture.std() * 0.15), 0.7)
    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = [-80, -100, -60]
    return Volume(array.astype(np.float32), affine)


def moved(volume: Volume, turn: Any = TURN, shift: Any = SHIFT) -> Volume:
    """On another grid with its axes in another order: at x lies what lies at turn x + shift in the volume."""
    affine = np.diag([3.2, 3.4, 2.8, 1.0])
    affine[:3, 3] = [-92, -118, -82]
    affine = affine[:, [1, 0, 2, 3]]
    shape = (70, 62, 60)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    world = (grid @ affine[:3, :3].T + affine[:3, 3]) @ np.asarray(turn).T + shift
    index = (world - volume.affine[:3, 3]) @ np.linalg.inv(volume.affine[:3, :3]).T
    values = map_coordinates(volume.array.astype(float), np.moveaxis(index, -1, 0), order=1)
    return Volume(values.astype(np.float32), affine)


def misses(result: Any) -> tuple[float, float]:
    """(degrees, world units at the origin of the moving volume) from the truth."""
    matrix = np.array(result.values["matrix"])
    turn = matrix[:3, :3] / np.cbrt(np.linalg.det(matrix[:3, :3]))
    degrees = float(np.degrees(np.linalg.norm(Rotation.from_matrix(turn @ TURN.T).as_rotvec())))
    return degrees, float(np.linalg.norm(matrix[:3, 3] - SHIFT))


def test_a_known_motion_is_found_and_the_volume_is_not_resampled(head: Volume) -> None:
    copy = moved(head)
    result = register(head, copy, job=Job(seed=1))
    degrees, way = misses(result)
    assert degrees < 0.5 and way < 0.5 and result.values["correlation"] > 0.98
    layers = {o.name: o.data for o in result.outputs if isinstance(o, Layer)}
    matrix = np.array(result.values["matrix"])
    assert np.array_equal(layers["Moved"].array, copy.array)
    assert np.allclose(layers["Moved"].affine, matrix @ copy.affine)
    assert isinstance(layers["Transform"], Transform) and np.allclose(layers["Transform"].matrix, matrix)


def test_other_contrast_needs_mutual_information_and_gets_it(head: Volume) -> None:
    copy = moved(head)
    other = replace(copy, array=np.where(copy.array > 5, 300 - copy.array, 0).astype(np.float32))
    degrees, way = misses(register(head, other, job=Job(seed=1)))
    assert degrees < 1.0 and way < 1.0


def test_a_change_of_size(head: Volume) -> None:
    copy = moved(head, TURN * 1.1)  # what is there is smaller by a tenth
    result = register(head, copy, scaling=True, job=Job(seed=1))
    assert result.values["scale"] == pytest.approx(1.1, abs=0.01)


def test_small_corrections_from_where_it_lies_with_coarse_voxels(head: Volume) -> None:
    turn = Rotation.from_euler("z", 3, degrees=True).as_matrix()
    copy = moved(head, turn, [2, 1, -2])
    result = register(head, copy, start="as placed", measure="correlation", finest=6.0, job=Job(seed=1))
    assert result.values["angle"] == pytest.approx(3, abs=0.5)


def test_what_cannot_be_aligned_is_refused(head: Volume) -> None:
    job = Job(seed=0)
    with pytest.raises(Refused, match="classes"):
        register(
            head, replace(head, array=np.ones((5, 5, 5), np.uint8), transforms=Transforms.LABEL), job=job
        )
    with pytest.raises(Refused, match="same value"):
        register(head, replace(head, array=np.ones((5, 5, 5))), job=job)
    with pytest.raises(Refused, match="thinner"):
        register(replace(head, array=np.random.default_rng(0).random((9, 9, 2))), head, job=job)
    sheared = head.affine.copy()
    sheared[0, 1] = 1.5
    with pytest.raises(Refused, match="right angles"):
        register(replace(head, affine=sheared), head, job=job)
    film = replace(head, array=np.stack([head.array] * 2, axis=-1), last_axis="time")
    with pytest.raises(Refused, match="time points"):
        register(head, film, index=5, job=job)
    far = head.affine.copy()
    far[:3, 3] += 5000
    with pytest.raises(Refused, match="overlap"):
        register(head, replace(head, affine=far), start="as placed", job=job)


def test_it_can_be_cancelled_in_the_middle(head: Volume) -> None:
    class Stopped(Job):
        def progress(self, fraction: float, text: str = "") -> None:
            if fraction > 0.1:
                raise Cancelled

    with pytest.raises(Cancelled):
        register(head, moved(head), job=Stopped(seed=0))


def test_a_record_replays_with_equal_hashes(head: Volume) -> None:
    inputs = [running.InputRef("fixed", head), running.InputRef("moving", moved(head))]
    found = []
    for _ in range(2):
        done = running.execute(
            "volumes.register", inputs, {"steps": 20, "finest": 6.0}, job=Job(seed=3), host=PluginHost()
        )
        found.append((dict(done.record["outputs"]), done.record["values"]))
    assert found[0] == found[1]
