"""The 3-D camera as a value: turning, moving and zooming are functions from pose to pose. No VTK."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Vec = tuple[float, float, float]

VIEW_ANGLE = 26.0
"""Degrees, vertical: a mild perspective; wide angles make a brain look like a balloon."""

DIRECTIONS: dict[str, tuple[Vec, Vec]] = {
    "R": ((1, 0, 0), (0, 0, 1)),
    "L": ((-1, 0, 0), (0, 0, 1)),
    "A": ((0, 1, 0), (0, 0, 1)),
    "P": ((0, -1, 0), (0, 0, 1)),
    "S": ((0, 0, 1), (0, 1, 0)),
    "I": ((0, 0, -1), (0, 1, 0)),
}
"""Where the camera stands as seen from the object, and what is up."""

DIRECTIONS_Y_UP: dict[str, tuple[Vec, Vec]] = {
    "R": ((1, 0, 0), (0, 1, 0)),
    "L": ((-1, 0, 0), (0, 1, 0)),
    "A": ((0, 0, 1), (0, 1, 0)),
    "P": ((0, 0, -1), (0, 1, 0)),
    "S": ((0, 1, 0), (0, 0, -1)),
    "I": ((0, -1, 0), (0, 0, 1)),
}
"""The same where y is up: things look towards +z (glTF 2.0, 3.4: "the front of a glTF asset faces +Z")."""

HOME_ANATOMICAL: tuple[Vec, Vec] = ((-0.62, 0.66, 0.52), (0, 0, 1))
"""From the front, left and above."""
HOME_GENERIC: tuple[Vec, Vec] = ((0.55, -0.75, 0.42), (0, 0, 1))
"""z up, x to the right, seen a little from above."""
HOME_Y_UP: tuple[Vec, Vec] = ((0.55, 0.42, 0.75), (0, 1, 0))
"""y up, x to the right, seen a little from above."""


@dataclass(frozen=True)
class CameraPose:
    """Where the camera is (world coordinates), what it looks at and what is up."""

    position: Vec
    focal: Vec
    up: Vec
    angle: float = VIEW_ANGLE
    parallel: bool = False
    """Without perspective. Things at the focal point keep their size when this is switched, so zooming, which
    changes the distance, means the same in both."""

    @property
    def distance(self) -> float:
        """From the camera to the point looked at."""
        return float(np.linalg.norm(np.subtract(self.position, self.focal)))

    @property
    def height(self) -> float:
        """World length that the view's height spans at the focal point."""
        return float(2 * np.tan(np.radians(self.angle / 2)) * self.distance)

    def frame(self) -> Array:
        """(3, 3) rows: screen right, screen up, towards the viewer (unit, world)."""
        back = np.subtract(self.position, self.focal)
        back = back / max(float(np.linalg.norm(back)), 1e-300)
        right = np.cross(self.up, back)
        if np.linalg.norm(right) < 1e-9:
            right = np.cross(np.eye(3)[int(np.argmin(np.abs(back)))], back)
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back])


def look(
    box: Array, direction: Vec, up: Vec, aspect: float = 1.0, *, snug: float = 1.06, parallel: bool = False
) -> CameraPose:
    """A pose from `direction` that holds all of `box` ((3, 2) world) in a view of width/height `aspect`.

    The eight corners are projected, so a flat or long object fills the view as well as a cube does.
    """
    center = box.mean(axis=1)
    corners = np.array(np.meshgrid(*box, indexing="ij")).reshape(3, -1).T - center
    pose = CameraPose(tuple(center + np.asarray(direction, dtype=float)), tuple(center), up)  # type: ignore[arg-type]
    right, upward, back = pose.frame()
    tangent = np.tan(np.radians(VIEW_ANGLE / 2))
    # A corner at height h and depth d (towards the viewer) is inside if h <= tangent * (distance - d).
    need = np.maximum(np.abs(corners @ upward), np.abs(corners @ right) / max(aspect, 1e-3)) / tangent
    if not parallel:
        need = need + corners @ back
    distance = max(float(need.max()) * snug, 1e-6)
    position = center + back * distance
    return CameraPose(_vec(position), _vec(center), _vec(upward), parallel=parallel)


def turned(pose: CameraPose, dx: float, dy: float) -> CameraPose:
    """Turned about the focal point: `dx`, `dy` in parts of the view's smaller side, to the right and down."""
    right, up, _ = pose.frame()
    matrix = _rotation(up, -dx * np.pi) @ _rotation(right, -dy * np.pi)
    offset = matrix @ np.subtract(pose.position, pose.focal)
    return replace(pose, position=_vec(np.add(pose.focal, offset)), up=_vec(matrix @ up))


def orbited(pose: CameraPose, axis: Vec, degrees: float) -> CameraPose:
    """Turned about an axis through the focal point, right-handed: the object turns the other way in the picture."""
    matrix = _rotation(np.asarray(axis, dtype=float), np.radians(degrees))
    offset = matrix @ np.subtract(pose.position, pose.focal)
    return replace(
        pose, position=_vec(np.add(pose.focal, offset)), up=_vec(matrix @ np.asarray(pose.up, dtype=float))
    )


def moved(pose: CameraPose, dx: float, dy: float) -> CameraPose:
    """Moved so that the object follows the pointer: `dx`, `dy` in parts of the view's height, right and down."""
    right, up, _ = pose.frame()
    shift = (-dx * right + dy * up) * pose.height
    return replace(pose, position=_vec(pose.position + shift), focal=_vec(pose.focal + shift))


def zoomed(pose: CameraPose, factor: float) -> CameraPose:
    """Nearer by `factor` (> 1: the object grows)."""
    offset = np.subtract(pose.position, pose.focal) / min(max(factor, 1e-3), 1e3)
    least = 1e-9 * max(float(np.abs(pose.focal).max()), 1e-9)  # nearer, the two places would be one
    if not least < float(np.linalg.norm(offset)) < 1e15:
        return pose
    return replace(pose, position=_vec(np.add(pose.focal, offset)))


def project(pose: CameraPose, points: Array, width: float, height: float) -> Array:
    """(n, 3) world points as (n, 3): pixel x, pixel y (down), depth in front of the camera."""
    right, up, back = pose.frame()
    local = np.atleast_2d(points) - np.asarray(pose.position)
    depth = -(local @ back)
    if pose.parallel:
        scale = np.full(len(depth), height / max(pose.height, 1e-300))
    else:
        scale = (
            height / 2 / np.tan(np.radians(pose.angle / 2)) / np.where(np.abs(depth) < 1e-12, 1e-12, depth)
        )
    return np.stack([width / 2 + local @ right * scale, height / 2 - local @ up * scale, depth], axis=1)


def ray(pose: CameraPose, x: float, y: float, width: float, height: float) -> tuple[Array, Array]:
    """((3,) start, (3,) unit direction) of the line of sight through a position; `project` puts it back there."""
    right, up, back = pose.frame()
    scale = pose.height / height
    place = (x - width / 2) * scale * right + (height / 2 - y) * scale * up
    if pose.parallel:
        return np.asarray(pose.position) + place, -back
    along = place - back * pose.distance
    return np.asarray(pose.position, dtype=float), along / np.linalg.norm(along)


def pose_to_plain(pose: CameraPose) -> dict[str, Any]:
    """For a session file."""
    return {
        "position": list(pose.position),
        "focal": list(pose.focal),
        "up": list(pose.up),
        "angle": pose.angle,
        "parallel": pose.parallel,
    }


def pose_from_plain(value: Any) -> CameraPose | None:
    """The inverse; None for anything that is no usable pose (an old or damaged session)."""
    try:
        vectors = [tuple(float(c) for c in value[key]) for key in ("position", "focal", "up")]
        angle = float(value.get("angle", VIEW_ANGLE))
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        return None
    numbers = np.array([*(c for v in vectors for c in v), angle])
    if any(len(v) != 3 for v in vectors) or not (np.abs(numbers) < 1e15).all() or vectors[0] == vectors[1]:
        return None
    if not 1 <= angle <= 150:
        return None
    position, focal, up = (_vec(np.array(v)) for v in vectors)
    return CameraPose(position, focal, up, angle, value.get("parallel") is True)


def _rotation(axis: Array, angle: float) -> Array:
    """Rodrigues' formula."""
    x, y, z = axis / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def _vec(v: Array) -> Vec:
    return float(v[0]), float(v[1]), float(v[2])
