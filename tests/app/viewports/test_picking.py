"""Picking against exact geometry."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from app.viewports import search
from app.viewports.camera import CameraPose, look, project, ray, zoomed
from app.viewports.clip import ClipPlane
from app.viewports.picking import pick, prepare
from app.viewports.search import PointCells
from core.data import Graph, Markup, MarkupKind, Mesh, PointCloud, Trajectory, Transforms, Volume
from tests.app.viewports.conftest import MARKER, head, make_item

SIZE = (400, 300)


def camera(direction=(0.3, -0.8, 0.5), parallel=False, half=1.5) -> CameraPose:
    return look(np.array([[-half, half]] * 3), direction, (0, 0, 1), SIZE[0] / SIZE[1], parallel=parallel)


def sphere(n: int = 24) -> Mesh:
    """A unit sphere with outward faces, poles on z."""
    theta, phi = np.meshgrid(
        np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, 2 * n, endpoint=False), indexing="ij"
    )
    points = np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1
    ).reshape(-1, 3)
    faces = []
    for i in range(n - 1):
        for j in range(2 * n):
            a, b = i * 2 * n + j, i * 2 * n + (j + 1) % (2 * n)
            c, d = a + 2 * n, b + 2 * n
            faces += [(a, c, b), (b, c, d)]
    return Mesh(points, np.array(faces))


@pytest.mark.parametrize("parallel", [False, True])
def test_a_ray_goes_through_the_pixel_it_was_asked_for(parallel: bool) -> None:
    pose = camera(parallel=parallel)
    for x, y in [(0, 0), (200, 150), (399, 12)]:
        start, direction = ray(pose, x, y, *SIZE)
        back = project(pose, start + np.outer([0.7, 5.0], direction), *SIZE)
        assert back[:, :2] == pytest.approx(np.array([[x, y]] * 2), abs=1e-6)


@pytest.mark.parametrize("parallel", [False, True])
def test_faces_are_hit_where_the_triangle_is(parallel: bool) -> None:
    pose = camera(parallel=parallel)
    mesh = Mesh(np.array([[-1, -1, 0.2], [1, -1, 0.2], [0, 1, -0.4]], float), np.array([[0, 1, 2]]))
    for weights in [(0.2, 0.3, 0.5), (0.6, 0.2, 0.2), (0.05, 0.9, 0.05)]:
        target = np.array(weights) @ mesh.points
        x, y, _ = project(pose, target, *SIZE)[0]
        hit = pick((make_item(mesh),), pose, x, y, SIZE)
        assert hit is not None and (hit.kind, hit.index) == ("face", 0)
        assert hit.position == pytest.approx(target, abs=1e-9)
        assert hit.weights == pytest.approx(weights, abs=1e-9)
        normal = np.cross(mesh.points[1] - mesh.points[0], mesh.points[2] - mesh.points[0])
        assert hit.normal == pytest.approx(normal / np.linalg.norm(normal), abs=1e-12)
    assert pick((make_item(mesh),), pose, 1, 1, SIZE) is None


def test_the_near_side_of_a_moved_sphere_is_hit_far_from_the_origin() -> None:
    turn = np.eye(4)
    turn[:3, :3] = [[0, -2, 0], [2, 0, 0], [0, 0, 2]]
    turn[:3, 3] = (4.2e5, 5.6e6, 90)
    centre = turn[:3, 3]
    pose = look(np.stack([centre - 3, centre + 3], axis=1), (0.2, -1, 0.3), (0, 0, 1), 4 / 3)
    hit = pick((make_item(sphere(), transform=turn),), pose, 200, 150, SIZE)
    assert hit is not None
    towards = np.subtract(pose.position, centre)
    expected = centre + 2 * towards / np.linalg.norm(towards)
    assert np.linalg.norm(np.subtract(hit.position, expected)) < 0.02  # the sphere is made of flat faces
    assert np.dot(hit.normal, towards) > 0


def test_the_nearest_object_wins_and_hidden_ones_do_not_count() -> None:
    pose = camera((0, -1, 0))
    near = Mesh(np.array([[-1, -0.5, -1], [1, -0.5, -1], [0, -0.5, 1]], float), np.array([[0, 1, 2]]))
    far = Mesh(near.points + np.array([0, 1, 0]), near.faces)
    items = (make_item(far, "far"), make_item(near, "near"))
    assert pick(items, pose, 200, 150, SIZE).item.id == "near"
    assert pick((items[0], make_item(near, "near", visible=False)), pose, 200, 150, SIZE).item.id == "far"


def test_a_clip_plane_opens_the_view_to_what_lies_behind() -> None:
    pose = camera((0, -1, 0))
    hit = pick((make_item(sphere()),), pose, 200, 150, SIZE, clip=ClipPlane((0, 0.2, 0), (0, -1, 0)))
    assert hit is not None and hit.position[1] == pytest.approx(1, abs=0.02)
    assert pick((make_item(sphere()),), pose, 200, 150, SIZE, clip=ClipPlane((0, 2, 0), (0, -1, 0))) is None


def test_points_of_a_large_cloud_are_found_like_by_looking_at_each() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(160_000, 3)).astype(np.float32)
    points[7] = np.nan
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    cloud = PointCloud(points)
    pose = camera()
    for x, y in [(200, 150), (160.5, 120.25), (250, 190), (3, 3)]:
        hit = pick((make_item(cloud),), pose, x, y, SIZE)
        flat = project(pose, points, *SIZE)
        off = np.hypot(flat[:, 0] - x, flat[:, 1] - y)
        near = np.flatnonzero(off <= 5)
        if not len(near):
            assert hit is None
            continue
        depth = (points[near] - pose.position) @ ray(pose, x, y, *SIZE)[1]
        assert hit is not None and hit.kind == "point"
        assert off[hit.index] <= 5
        assert np.allclose(hit.position, points[hit.index])
        # on the near side, as near as any up to the depth of the disc
        assert (np.subtract(hit.position, pose.position) @ ray(pose, x, y, *SIZE)[1]) < depth.min() + 0.06


def test_cells_never_miss_a_point_near_a_segment() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (3000, 3))
    cells = PointCells.of(points)
    for _ in range(20):
        a, b = rng.normal(size=(2, 3)) * 2
        radius = rng.uniform(0.005, 0.2)
        t = np.clip(((points - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
        inside = np.flatnonzero(np.linalg.norm(points - a - t[:, None] * (b - a), axis=1) <= radius)
        assert set(inside) <= set(cells.near(a, b, radius).tolist())


def test_a_trajectory_is_picked_where_it_is_shown() -> None:
    positions = np.array([[[0.0, 0, 0], [0.5, 0, 0]], [[0, 0, 0.8], [0.5, 0, 0.8]]])
    item = make_item(Trajectory(positions, np.arange(2.0)))
    pose = camera()
    x, y, _ = project(pose, positions[0, 1], *SIZE)[0]
    hit = pick((item,), pose, x, y, SIZE)
    assert hit is not None and hit.index == 1 and hit.position == pytest.approx(positions[0, 1])


def test_nodes_edges_and_markups() -> None:
    pose = camera()
    graph = Graph(2, [[0, 1]], positions=np.array([[-1.0, 0, 0], [1, 0, 0.5]]))
    x, y, _ = project(pose, graph.positions[1], *SIZE)[0]
    assert pick((make_item(graph),), pose, x + 2, y, SIZE).kind == "point"
    x, y, _ = project(pose, graph.positions.mean(axis=0), *SIZE)[0]
    hit = pick((make_item(graph),), pose, x, y + 1, SIZE)
    assert (hit.kind, hit.index) == ("edge", 0)
    assert np.linalg.norm(np.subtract(hit.position, graph.positions.mean(axis=0))) < 0.03
    # a landmark on a surface is meant rather than the surface
    landmark = Markup(MarkupKind.POINTS, np.array([[0.0, 0.0, 1.0]]))
    x, y, _ = project(pose, landmark.points[0], *SIZE)[0]
    found = pick((make_item(sphere(), "s"), make_item(landmark, "m")), pose, x + 1, y, SIZE)
    assert found.item.id == "m" and found.index == 0
    # one on the far side is not
    behind = Markup(MarkupKind.POINTS, np.array([[0.0, 0.0, -1.0]]))
    x, y, _ = project(pose, behind.points[0], *SIZE)[0]
    assert pick((make_item(sphere(), "s"), make_item(behind, "m")), pose, x, y, SIZE).item.id == "s"


@pytest.mark.parametrize("parallel", [False, True])
def test_the_first_solid_voxel_of_a_volume(parallel: bool) -> None:
    volume = head()
    item = make_item(volume, render="volume")
    box = np.array([[-40.0, 40], [-48, 48], [-32, 32]])
    pose = look(box, (1, 0.2, -0.1), (0, 0, 1), 4 / 3, parallel=parallel)
    hit = pick((item,), pose, *project(pose, MARKER, *SIZE)[0, :2], SIZE)
    assert hit is not None and hit.kind == "voxel"
    assert volume.array[hit.index] > 0
    nearest = np.linalg.inv(volume.affine) @ [*hit.position, 1]
    assert np.abs(nearest[:3] - hit.index).max() <= 0.5 + 1e-6
    # the surface of the ellipsoid, to a voxel
    assert np.sqrt(((np.array(hit.position) / [34, 42, 27]) ** 2).sum()) == pytest.approx(1, abs=0.12)
    # the brightest along the ray is the spot inside
    inside = pick(
        (replace(item, display=replace(item.display, preset="mip")),),
        pose,
        *project(pose, MARKER, *SIZE)[0, :2],
        SIZE,
    )
    assert volume.array[inside.index] == 255
    assert pick((replace(item, display=replace(item.display, render="off")),), pose, 200, 150, SIZE) is None


def test_labels_and_levels() -> None:
    array = np.zeros((20, 20, 20), dtype=np.int16)
    array[5:15, 5:15, 5:15] = 3
    labels = make_item(Volume(array, np.diag([1.0, 1, 1, 1]), transforms=Transforms.LABEL), render="volume")
    pose = look(np.array([[0.0, 19]] * 3), (1, 0, 0), (0, 0, 1), 4 / 3)
    hit = pick((labels,), pose, 200, 150, SIZE)
    assert hit is not None and hit.index[0] == 14 and array[hit.index] == 3


def test_a_cloud_far_away_is_a_few_points_to_look_at() -> None:
    points = np.random.default_rng(3).uniform(-1, 1, (1_000_000, 3))
    cells = PointCells.of(points)
    start, end = np.array([0.3, 0.2, -90.0]), np.array([0.3, 0.2, 90.0])
    found = cells.near(start, end, 0.5)
    assert 50_000 < len(found) < 400_000 and len(np.unique(found)) == len(found)
    off = np.hypot(points[found, 0] - 0.3, points[found, 1] - 0.2)
    assert off.max() < 0.5 + 2 * cells.size and (off < 0.05).any(), "the middle of the ray is among them"
    whole = cells.near(start, end, 30.0)  # thicker than the cloud: everywhere some
    assert len(whole) < 400_000 and np.ptp(points[whole], axis=0).min() > 1.9


def test_small_meshes_are_prepared_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    class Tree:
        def __init__(self, mesh: Mesh) -> None:
            threads.append(threading.current_thread())

    monkeypatch.setattr(search, "FaceTree", Tree)
    mesh = sphere()
    prepare([make_item(mesh)])
    assert search.face_tree(mesh, wait=True) is not None
    assert threads and threads[0] is not threading.current_thread()


def test_a_markup_before_a_clip_plane_is_seen_and_so_it_is_hit() -> None:
    pose = camera()
    back = pose.frame()[2]
    mark = make_item(Markup("points", [back.tolist()]), "m")
    plane = ClipPlane((0, 0, 0), tuple(back.tolist()))  # type: ignore[arg-type]
    x, y, _ = project(pose, back, *SIZE)[0]
    hit = pick((make_item(sphere()), mark), pose, x, y, SIZE, clip=plane)
    assert hit is not None and hit.item is mark
    everything = ClipPlane((0, 0, -1000), (0, 0, 1))
    hit = pick((make_item(sphere()), mark), pose, x, y, SIZE, clip=everything)
    assert hit is not None and hit.item is mark


def test_no_zoom_brings_the_camera_into_what_it_looks_at() -> None:
    pose = camera()
    for _ in range(400):
        pose = zoomed(pose, 1.3)
    assert pose.distance > 0 and np.isfinite(pose.frame()).all()
    for _ in range(900):
        pose = zoomed(pose, 1 / 1.3)
    assert np.isfinite(pose.distance) and np.isfinite(pose.frame()).all()


def test_what_cannot_be_prepared_is_passed_over_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(mesh: Mesh) -> None:
        raise ValueError("no tree grows here")

    monkeypatch.setattr(search, "FaceTree", broken)
    items = (make_item(sphere()),)
    for _ in range(3):
        assert pick(items, camera(), SIZE[0] / 2, SIZE[1] / 2, SIZE) is None
    assert [r.message for r in caplog.records].count("making what picking needs") == 1
