"""Mirror planes of voxel grids: oblique, anisotropic, sheared, noisy, with any background."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from core.data import Transforms, Volume
from core.errors import Refused
from tests.plugins.symmetry.shapes import THREE_ARMS, Pose, as_volume, exact, run, three_arms, worst_misfit
from tests.plugins.symmetry.shapes import as_mesh as posed_mesh

Array = np.ndarray
OBLIQUE = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix()
ISOTROPIC = OBLIQUE @ np.diag((1.0, 1.0, 1.0))
THICK = OBLIQUE @ np.diag((-0.8, 1.0, 2.5))
SHEARED = OBLIQUE @ np.array([(1, 0.3, 0), (0, 1, 0.2), (0, 0, 0.9)])


def block(*half: float) -> Callable[[Array], Array]:
    return lambda x: (np.abs(x) <= np.array(half)).all(axis=1)


def ngon(sides: int) -> Callable[[Array], Array]:
    angle = 2 * np.pi * np.arange(sides) / sides
    normals = np.stack([np.cos(angle), np.sin(angle)])
    return lambda x: ((x[:, :2] @ normals).max(axis=1) < 0.85) & (np.abs(x[:, 2]) < 0.8)


def arms(x: Array) -> Array:
    return np.any([((x >= low) & (x <= high)).all(axis=1) for low, high in THREE_ARMS], axis=0)


SOLIDS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "cube": (block(0.8, 0.8, 0.8), 9),
    "brick": (block(0.6, 0.8, 1.0), 3),
    "hexagonal prism": (ngon(6), 7),
    "prism 12": (ngon(12), 13),
}


@pytest.mark.parametrize(
    ("name", "affine"),
    [
        ("cube", ISOTROPIC),
        ("cube", THICK),
        ("brick", ISOTROPIC),
        ("brick", THICK),
        ("brick", SHEARED),
        ("hexagonal prism", SHEARED),
        ("prism 12", ISOTROPIC),
    ],
    ids=["cube", "cube thick", "brick", "brick thick", "brick sheared", "hexagon sheared", "prism 12"],
)
def test_voxelised_solids(name: str, affine: Array) -> None:
    inside, count = SOLIDS[name]
    pose = Pose(31, scale=25.0)
    result = run(as_volume(inside, pose, affine))
    assert len(exact(result)) == count
    assert result.values["continuous"] == []
    if name == "brick":
        angle, offset = worst_misfit(result, pose.rotation.T, pose.shift)
        assert angle < 2e-3 and offset < 1e-3


@pytest.mark.parametrize(
    ("inside", "kind", "planes"),
    [
        (lambda x: (x**2).sum(axis=1) < 1, "sphere", 0),
        (lambda x: (np.hypot(x[:, 0], x[:, 1]) < 0.8) & (np.abs(x[:, 2]) < 1), "axial", 1),
    ],
    ids=["ball", "cylinder"],
)
@pytest.mark.parametrize("affine", [ISOTROPIC, THICK], ids=["isotropic", "thick"])
def test_round_bodies(inside: Callable[[Array], Array], kind: str, planes: int, affine: Array) -> None:
    pose = Pose(32, scale=22.0)
    values = run(as_volume(inside, pose, affine)).values
    assert [c["kind"] for c in values["continuous"]] == [kind]
    assert len(values["planes"]) == planes
    if kind == "axial":
        assert np.linalg.norm(np.cross(values["continuous"][0]["direction"], pose.rotation[:, 2])) < (
            2e-3 if affine is ISOTROPIC else 6e-3
        )


def test_an_asymmetric_body_has_no_mirror_and_the_error_of_its_mesh() -> None:
    pose = Pose(33, scale=24.0)
    volume = run(as_volume(arms, pose, ISOTROPIC)).values
    assert volume["planes"][0]["score"] < 0.99
    # The mesh of the arms has faces inside the body; its outer surface dominates.
    mesh = run(posed_mesh(three_arms(), pose)).values
    assert volume["planes"][0]["error"] == pytest.approx(mesh["planes"][0]["error"], rel=0.3)


def brick(affine: Array = ISOTROPIC) -> Volume:
    return as_volume(block(0.6, 0.8, 1.0), Pose(34, scale=20.0), affine)


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_noise_over_a_background_that_is_not_zero(noise: float) -> None:
    clean = brick()
    array = (
        clean.array + 5 + noise * np.random.default_rng(1).normal(size=clean.array.shape).astype(np.float32)
    )
    assert len(exact(run(Volume(array, clean.affine)))) == 3


def test_ct_numbers_masks_labels_and_a_fourth_axis() -> None:
    clean = brick()
    hounsfield = (clean.array * 1100 - 1024).astype(np.int16)
    assert len(exact(run(Volume(hounsfield, clean.affine)))) == 3
    mask = clean.array > 0.5
    assert len(exact(run(Volume(mask, clean.affine)))) == 3
    labels = Volume(mask.astype(np.uint8) * 7, clean.affine, transforms=Transforms.LABEL)
    assert run(labels).warnings == ("The labels were taken as one body.",)
    series = Volume(
        np.stack([np.zeros_like(clean.array), clean.array], axis=3), clean.affine, last_axis="time"
    )
    assert len(exact(run(series, index=1))) == 3


def test_voxels_that_are_not_finite_become_background() -> None:
    clean = brick()
    array = np.where(clean.array == 0, np.nan, clean.array)
    result = run(Volume(array, clean.affine))
    assert len(exact(result)) == 3
    assert "not finite" in result.warnings[0]


def test_threshold_hides_what_lies_below() -> None:
    clean = brick()
    array = np.array(clean.array)
    slab = slice(0, array.shape[0] // 3)
    array[slab] = np.maximum(array[slab], 0.3)
    volume = Volume(array, clean.affine)
    assert exact(run(volume)) == []
    assert len(exact(run(volume, threshold=0.5))) == 3
    with pytest.raises(Refused, match="No voxel lies above"):
        run(volume, threshold=10.0)


def test_a_block_that_fills_its_grid() -> None:
    result = run(Volume(np.ones((20, 24, 30), dtype=bool), np.eye(4)))
    assert len(exact(result)) == 3
    assert sorted(np.abs(p["normal"]).argmax() for p in exact(result)) == [0, 1, 2]
    assert all(np.allclose(p["point"], (9.5, 11.5, 14.5), atol=1e-3) for p in exact(result))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((9, 9, 9)), "no contrast"),
        (np.full((9, 9, 9), np.nan), "no finite value"),
        (np.ones((9, 9, 1)), "single slice"),
        (np.random.default_rng(0).normal(size=(48, 48, 48)), "stands out of its noise"),
    ],
    ids=["empty", "nan", "slice", "noise"],
)
def test_refusals(array: Array, message: str) -> None:
    with pytest.raises(Refused, match=message):
        run(Volume(array, np.eye(4)))
    with pytest.raises(Refused, match="index 3 does not exist"):
        run(Volume(np.zeros((4, 4, 4, 2)), np.eye(4), last_axis="channel"), index=3)


@pytest.fixture(scope="module")
def mni() -> Volume:
    datasets = pytest.importorskip("nilearn.datasets")
    image = datasets.load_mni152_template(resolution=1)
    return Volume(np.asarray(image.dataobj, dtype=np.float32), image.affine)


def motion(seed: int) -> Array:
    rng = np.random.default_rng(seed)
    out = np.eye(4)
    out[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    out[:3, 3] = rng.uniform(-40, 40, 3)
    return out


def misfit(result: object, moved: Array) -> tuple[float, float]:
    """(degrees, millimetres) between the best plane and the template's x = 0 after the motion."""
    best = result.values["planes"][0]  # type: ignore[attr-defined]
    normal = np.array(best["normal"])
    sine = np.linalg.norm(np.cross(normal, moved[:3, 0]))
    origin = moved[:3, 3]
    return float(np.degrees(np.arcsin(min(1.0, sine)))), float(
        abs(normal @ (np.array(best["point"]) - origin))
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_midsagittal_plane_of_a_moved_brain(mni: Volume, seed: int) -> None:
    moved = motion(seed)
    result = run(Volume(mni.array, moved @ mni.affine))
    angle, distance = misfit(result, moved)
    assert angle < 0.02 and distance < 0.02
    assert result.values["planes"][0]["score"] > 0.999
    assert len(result.values["planes"]) == 1


@pytest.mark.parametrize("seed", [4, 5])
def test_midsagittal_plane_of_a_resampled_brain(mni: Volume, seed: int) -> None:
    """Really interpolated onto a rotated grid of thick slices, with noise and a background of 100."""
    moved = motion(seed)
    grid = np.diag((1.3, 1.1, 2.2, 1.0))
    centre = moved[:3, :3] @ (0, -18, 10) + moved[:3, 3]
    shape = (170, 200, 100)
    grid[:3, 3] = centre - grid[:3, :3] @ (np.array(shape) / 2)
    back = np.linalg.inv(mni.affine) @ np.linalg.inv(moved) @ grid
    array = affine_transform(mni.array, back[:3, :3], back[:3, 3], shape, order=1)
    array = array / mni.array.max() * 500 + 100
    array += 15 * np.random.default_rng(seed).normal(size=shape)
    result = run(Volume(array.astype(np.int16), grid))
    angle, distance = misfit(result, moved)
    assert angle < 0.1 and distance < 0.1
    assert result.values["planes"][0]["score"] > 0.99


def test_same_seed_same_numbers() -> None:
    volume = brick()
    assert run(volume, seed=5).values == run(volume, seed=5).values
