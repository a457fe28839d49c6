"""The analysis: numbers against closed forms, refusals, options, equal results from equal inputs."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from core.data import Mesh, Volume, content_hash
from core.errors import Cancelled, Refused
from core.jobs import Job
from core.results import Layer, Number
from plugins.volumes import isosurface as module
from plugins.volumes.isosurface import isosurface
from plugins.volumes.samples import LEFT_MARK, RIGHT_MARK, phantom

N = 40


def _ball(radius: float = 12.0, reflect: bool = False, dtype: str = "f4") -> Volume:
    affine = np.diag([-1.0 if reflect else 1.0, 1.0, 1.0, 1.0])
    index = np.stack(np.meshgrid(*[np.arange(N)] * 3, indexing="ij"), axis=-1) - (N - 1) / 2
    return Volume((radius - np.linalg.norm(index, axis=-1)).astype(dtype), affine)


@pytest.mark.parametrize("reflect", [False, True])
def test_a_ball(reflect: bool) -> None:
    result = isosurface(_ball(reflect=reflect), level=0.0, job=Job())
    values = result.values
    assert values["area"] == pytest.approx(4 * np.pi * 144, rel=0.005)
    assert values["volume"] == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.005)
    assert (values["components"], values["euler_characteristic"], values["closed"]) == (1, 2, True)
    layer = next(o for o in result.outputs if isinstance(o, Layer))
    mesh = layer.data
    assert isinstance(mesh, Mesh) and mesh.space == "RAS" and mesh.unit == "mm"
    assert mesh.attributes["normals"].direction
    units = {o.name: o.unit for o in result.outputs if isinstance(o, Number)}
    assert units["Area"] == "mm²" and units["Enclosed volume"] == "mm³"
    assert not result.warnings


def test_equal_inputs_give_equal_hashes() -> None:
    runs = [isosurface(_ball(), smooth=5, keep=40.0, job=Job()) for _ in range(2)]
    assert content_hash(runs[0]) == content_hash(runs[1])


def test_options() -> None:
    ball = _ball()
    full = isosurface(ball, level=0.0, job=Job()).values
    half = isosurface(ball, level=0.0, keep=25.0, job=Job()).values
    assert half["n_faces"] < 0.3 * full["n_faces"] and half["closed"]
    assert half["volume"] == pytest.approx(full["volume"], rel=0.02)
    coarse = isosurface(ball, level=0.0, step=3, job=Job()).values
    assert coarse["n_faces"] < full["n_faces"] / 5 and coarse["volume"] == pytest.approx(
        full["volume"], rel=0.05
    )
    two = ball.array.copy()
    two[2:5, 2:5, 2:5] = 5.0
    pair = Volume(two, ball.affine)
    assert isosurface(pair, level=0.0, job=Job()).values["components"] == 2
    one = isosurface(pair, level=0.0, largest=True, job=Job())
    assert one.values["components"] == 1 and "1 smaller parts were dropped" in one.warnings[0]


def test_a_surface_that_leaves_the_grid_is_closed_or_said_to_be_open() -> None:
    cut = Volume(_ball(30.0).array, np.eye(4))
    assert isosurface(cut, level=0.0, job=Job()).values["closed"]
    opened = isosurface(cut, level=0.0, cap=False, job=Job())
    assert not opened.values["closed"] and "open" in opened.warnings[0]


def test_four_axes_and_masks() -> None:
    film = np.stack([_ball(8.0).array, _ball(12.0).array], axis=-1)
    volume = Volume(film, np.eye(4), last_axis="time")
    for index, radius in enumerate((8.0, 12.0)):
        got = isosurface(volume, level=0.0, index=index, job=Job()).values["volume"]
        assert got == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    with pytest.raises(Refused, match="there is no 2"):
        isosurface(volume, index=2, job=Job())
    mask = Volume(_ball().array > 0, np.eye(4))
    result = isosurface(mask, job=Job()).values
    assert result["level"] == pytest.approx(0.5) and result["components"] == 1


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="same value"):
        isosurface(Volume(np.zeros((4, 4, 4)), np.eye(4)), job=Job())
    with pytest.raises(Refused, match="outside the values"):
        isosurface(_ball(), level=1e6, job=Job())
    with pytest.raises(Refused, match="single slice"):
        isosurface(Volume(np.arange(16.0).reshape(4, 4, 1), np.eye(4)), cap=False, job=Job())
    monkeypatch.setattr(module, "free_memory", lambda: 1 << 20)
    with pytest.raises(
        Refused, match=r"needs about .* MB of memory and 1.0 MB are free; choose a larger step"
    ):
        isosurface(_ball(), job=Job())


def test_cancel() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        isosurface(_ball(), job=Job(cancelled=stop))


def test_the_phantom_has_its_marks_where_it_says() -> None:
    (loaded,) = phantom(job=Job())
    volume = loaded.data
    inverse = np.linalg.inv(volume.affine)

    def at(point: tuple[float, float, float]) -> int:
        return int(volume.array[tuple(np.rint(inverse[:3, :3] @ point + inverse[:3, 3]).astype(int))])

    right, left = at(RIGHT_MARK), at(LEFT_MARK)
    mirrored_right = at((-RIGHT_MARK[0], *RIGHT_MARK[1:]))
    assert right > 230 and left < 15 and 100 < mirrored_right < 200
    # otherwise it is its own mirror image about x = 0
    flipped = volume.array[::-1].astype(int)
    different = np.argwhere(np.abs(flipped - volume.array) > 0)
    world = different @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    near = [np.linalg.norm(np.abs(world) - np.abs(np.array(m)), axis=1) < 14 for m in (RIGHT_MARK, LEFT_MARK)]
    assert (near[0] | near[1]).all()


def test_mni152_comes_from_the_wheel() -> None:
    pytest.importorskip("nilearn")
    from plugins.volumes.samples import mni152

    (loaded,) = mni152(job=Job())
    assert loaded.data.array.shape == (197, 233, 189)
    np.testing.assert_allclose(loaded.data.affine[:3, 3], [-98, -134, -72])
