"""3D Slicer's markups: read as RAS, written as LPS, and nothing but a `ReadError` for damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.data import Markup, MarkupKind
from core.errors import ReadError, WriteError
from core.jobs import Job
from plugins.markups.slicer import SCHEMA, read, sniff, write

FLIP = np.array([-1.0, -1.0, 1.0])


def _rotation(seed: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q if np.linalg.det(q) > 0 else q * [-1.0, 1.0, 1.0]


def _file(tmp_path: Path, *markups: dict, name: str = "a.mrk.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({"@schema": SCHEMA, "markups": list(markups)}))
    return path


@pytest.mark.parametrize(
    "kind", [MarkupKind.POINTS, MarkupKind.LINE, MarkupKind.CURVE, MarkupKind.CLOSED_CURVE]
)
def test_points_survive_a_round_trip(tmp_path: Path, kind: MarkupKind) -> None:
    points = np.random.default_rng(1).normal(size=(2, 3)) * 40
    path = tmp_path / "größe ✓.mrk.json"
    write(Markup(kind, points, labels=("AC", "")), path, job=Job(), metadata={})
    tree = json.loads(path.read_text(encoding="utf-8"))
    stored = tree["markups"][0]
    assert tree["@schema"] == SCHEMA and stored["coordinateSystem"] == "LPS"
    np.testing.assert_allclose([p["position"] for p in stored["controlPoints"]], points * FLIP)
    assert {p["positionStatus"] for p in stored["controlPoints"]} == {"defined"}
    (back,) = read(path, job=Job())
    assert back.data.kind is kind and back.data.labels == ("AC", "") and back.name == "größe ✓"
    np.testing.assert_array_equal(back.data.points, points)


@pytest.mark.parametrize("smooth", [False, True])
def test_curves_stay_smooth_or_straight_and_angles_stay_angles(tmp_path: Path, smooth: bool) -> None:
    path = tmp_path / "c.mrk.json"
    write(Markup(MarkupKind.CURVE, np.eye(3), smooth=smooth), path, job=Job(), metadata={})
    (back,) = read(path, job=Job())
    assert back.data.kind is MarkupKind.CURVE and back.data.smooth is smooth
    # Straight curves are written as before there were smooth ones.
    assert ("curveType" in json.loads(path.read_text())["markups"][0]) is smooth
    write(Markup(MarkupKind.ANGLE, np.eye(3), smooth=smooth), path, job=Job(), metadata={})
    (back,) = read(path, job=Job())
    assert back.data.kind is MarkupKind.ANGLE and not back.data.smooth


@pytest.mark.parametrize("kind", [MarkupKind.PLANE, MarkupKind.BOX])
@pytest.mark.parametrize("seed", range(4))
def test_planes_and_boxes_survive_a_round_trip(tmp_path: Path, kind: MarkupKind, seed: int) -> None:
    axes = _rotation(seed)
    size = np.array([120.0, 80.0, 0.0 if kind is MarkupKind.PLANE else 30.0])
    before = Markup(kind, [[3.0, -20.0, 15.0]], axes, size, measurements={"score": 0.93})
    path = tmp_path / "plane.mrk.json"
    write(before, path, job=Job(), metadata={"name": "Midsagittal"})
    (back,) = read(path, job=Job())
    assert back.name == "Midsagittal" and back.data.kind is kind
    np.testing.assert_allclose(back.data.points, before.points, atol=1e-12)
    np.testing.assert_allclose(back.data.axes, axes, atol=1e-12)
    np.testing.assert_allclose(back.data.size, size)
    assert dict(back.data.measurements) == {"score": 0.93}


def test_a_left_handed_frame_is_written_as_the_right_handed_one_of_the_same_plane(tmp_path: Path) -> None:
    axes = _rotation(5) * [-1.0, 1.0, 1.0]
    path = tmp_path / "p.mrk.json"
    write(Markup(MarkupKind.PLANE, [[1, 2, 3]], axes, [10, 20, 0]), path, job=Job(), metadata={})
    (back,) = read(path, job=Job())
    assert np.linalg.det(back.data.axes) > 0
    np.testing.assert_allclose(back.data.axes[:, 2], axes[:, 2], atol=1e-12)


def test_what_slicer_reads_of_our_plane_is_our_plane(tmp_path: Path) -> None:
    """Slicer takes baseToNode @ objectToBase after negating the first two rows of each."""
    axes, centre = _rotation(8), np.array([4.0, 5.0, -6.0])
    path = tmp_path / "p.mrk.json"
    write(Markup(MarkupKind.PLANE, [centre], axes, [10, 20, 0]), path, job=Job(), metadata={})
    stored = json.loads(path.read_text())["markups"][0]
    base, within = (np.array(stored[k]).reshape(4, 4) for k in ("baseToNode", "objectToBase"))
    base[:2] *= -1
    within[:2] *= -1
    world = base @ within
    np.testing.assert_allclose(world[:3, :3], axes, atol=1e-12)
    np.testing.assert_allclose(world[:3, 3], centre, atol=1e-12)
    np.testing.assert_allclose(stored["normal"], axes[:, 2] * FLIP, atol=1e-12)
    assert stored["planeType"] == "PointNormal" and stored["sizeMode"] == "absolute"


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_both_coordinate_systems_give_the_same_world(tmp_path: Path, system: str) -> None:
    flip = FLIP if system == "LPS" else np.ones(3)
    right = np.array([40.0, 10.0, 5.0])
    point = {"label": "right", "position": (right * flip).tolist()}
    (back,) = read(
        _file(tmp_path, {"type": "Fiducial", "coordinateSystem": system, "controlPoints": [point]}), job=Job()
    )
    np.testing.assert_allclose(back.data.points, [right])


def test_lps_is_the_default_and_unknown_systems_are_refused(tmp_path: Path) -> None:
    points = [{"position": [1, 2, 3]}]
    (back,) = read(_file(tmp_path, {"type": "Fiducial", "controlPoints": points}), job=Job())
    np.testing.assert_allclose(back.data.points, [[-1, -2, 3]])
    with pytest.raises(ReadError, match="unknown coordinate system"):
        read(
            _file(tmp_path, {"type": "Fiducial", "coordinateSystem": "LAS", "controlPoints": points}),
            job=Job(),
        )


@pytest.mark.parametrize("form", ["matrices", "orientation", "normal", "3Points", "Fit"])
@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_every_way_to_state_a_plane(tmp_path: Path, form: str, system: str) -> None:
    axes, centre = _rotation(3), np.array([5.0, -8.0, 12.0])
    flip = FLIP if system == "LPS" else np.ones(3)
    rows = np.diag([*flip, 1.0])
    markup: dict = {
        "type": "Plane",
        "coordinateSystem": system,
        "size": [40, 30, 0],
        "planeType": "PointNormal",
    }
    points = [centre]
    if form == "matrices":
        turn = np.eye(4)
        turn[:3, :3] = _rotation(9)
        world = np.eye(4)
        world[:3, :3], world[:3, 3] = axes, centre
        base, within = world @ np.linalg.inv(turn), turn
        markup |= {
            "baseToNode": (rows @ base).ravel().tolist(),
            "objectToBase": (rows @ within).ravel().tolist(),
        }
    elif form == "orientation":
        markup |= {"orientation": (axes * flip[:, None]).ravel().tolist(), "center": (centre * flip).tolist()}
    elif form == "normal":
        markup |= {"normal": (axes[:, 2] * flip).tolist()}
    else:
        markup["planeType"] = form
        corners = np.array(
            [[0, 0, 0], [10, 0, 0], [0, 7, 0], [9, 9, 0], [3, 1, 0]][: 3 if form == "3Points" else 5]
        )
        points = list((corners - corners.mean(axis=0)) @ axes.T + centre)
    markup["controlPoints"] = [{"position": (p * flip).tolist()} for p in points]
    (back,) = read(_file(tmp_path, markup), job=Job())
    np.testing.assert_allclose(back.data.points, [centre], atol=1e-9)
    assert abs(back.data.axes[:, 2] @ axes[:, 2]) == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(back.data.size, [40, 30, 0])


def test_points_without_position_are_skipped_and_counted(tmp_path: Path) -> None:
    points = [
        {"position": [1, 2, 3]},
        {"position": [9, 9, 9], "positionStatus": "undefined"},
        {"position": None, "positionStatus": "missing"},
    ]
    (back,) = read(
        _file(tmp_path, {"type": "Angle", "controlPoints": points, "coordinateUnits": ["um", "UCUM", "µ"]}),
        job=Job(),
    )
    assert back.data.kind is MarkupKind.ANGLE and back.metadata["type"] == "Angle"
    np.testing.assert_allclose(back.data.points, [[-0.001, -0.002, 0.003]])
    assert back.warnings == ("2 points without a position were skipped.",)


def test_several_markups_come_with_their_names_and_colours(tmp_path: Path) -> None:
    first = {
        "type": "Line",
        "name": "AC-PC",
        "controlPoints": [{"position": [0, 0, 0]}, {"position": [0, 25, 0]}],
    }
    first["display"] = {"selectedColor": [1.0, 0.5, 0.25]}
    second = {"type": "Curve", "controlPoints": []}
    back = read(_file(tmp_path, first, second), job=Job())
    assert [b.name for b in back] == ["AC-PC", "a 2"]
    assert back[0].display["color"] == (1.0, 0.5, 0.25)
    assert len(back[1].data.points) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"markups": []}',
        '{"markups": [1]}',
        '{"markups": [{"type": "Blob"}]}',
        '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1, 2]}]}]}',
        '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1, 2, NaN]}]}]}',
        '{"markups": [{"type": "Plane"}]}',
        '{"markups": [{"type": "Plane", "normal": [0, 0, 0], "center": [0, 0, 0]}]}',
        '{"markups": [{"type": "ROI", "center": [0, 0, 0], "orientation": [1, 0, 0, 1, 0, 0, 0, 0, 1]}]}',
        '{"markups": [{"type": "Line", "coordinateUnits": "inch"}]}',
        '{"markups":' * 5000,
        '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1, 2, 3]}',
    ],
)
def test_damaged_files_give_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.mrk.json"
    path.write_text(text)
    with pytest.raises(ReadError) as caught:
        read(path, job=Job())
    message = str(caught.value)
    assert message.startswith("broken.mrk.json ") and "\n" not in message and len(message) < 300


def test_missing_binary_and_folder_are_read_errors(tmp_path: Path) -> None:
    binary = tmp_path / "b.mrk.json"
    binary.write_bytes(b"\xff\xfe\x00\x81" * 10)
    for path in (tmp_path / "none.mrk.json", binary, tmp_path):
        with pytest.raises(ReadError):
            read(path, job=Job())


def test_random_damage_only_ever_raises_read_errors(tmp_path: Path) -> None:
    source = tmp_path / "p.mrk.json"
    write(Markup(MarkupKind.PLANE, [[1, 2, 3]], _rotation(1), [10, 20, 0]), source, job=Job(), metadata={})
    whole = source.read_bytes()
    rng = np.random.default_rng(7)
    path = tmp_path / "m.mrk.json"
    for _ in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.3 else whole)
        for at in rng.integers(0, len(data), size=rng.integers(1, 6)):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            read(path, job=Job())
        except ReadError as error:
            assert "\n" not in str(error)


def test_a_unit_that_is_no_length_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="no unit"):
        write(
            Markup(MarkupKind.POINTS, [[0, 0, 0]], unit="Å²"), tmp_path / "a.mrk.json", job=Job(), metadata={}
        )
    with pytest.raises(WriteError):
        write(Markup(MarkupKind.POINTS, [[0, 0, 0]]), tmp_path / "no" / "a.mrk.json", job=Job(), metadata={})
    assert not list(tmp_path.iterdir())


def test_sniffing(tmp_path: Path) -> None:
    assert sniff(tmp_path / "a.mrk.json", json.dumps({"@schema": SCHEMA}).encode()) == 100
    assert sniff(tmp_path / "a.mrk.json", b'{"markups": [') == 50
    assert sniff(tmp_path / "a.mrk.json", b'{"model": 1}') == 0


@pytest.mark.shared
def test_slicers_own_test_files(shared_data: Path) -> None:
    folder = shared_data / "mri" / "markups"
    (line,) = read(folder / "ACPC.mrk.json", job=Job())
    assert line.data.kind is MarkupKind.LINE and line.data.labels == ("ACPC0", "ACPC1")
    np.testing.assert_allclose(line.data.points, [[0.5, -21.5, -9.5], [-2.5, 4.5, -16.5]])
    (clicks,) = read(folder / "midsag.mrk.json", job=Job())
    assert clicks.data.kind is MarkupKind.POINTS and clicks.data.points.shape == (56, 3)
    np.testing.assert_allclose(clicks.data.points[0], [12.5, -93.5, 7.5])
