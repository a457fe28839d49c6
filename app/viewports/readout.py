"""What is under the pointer: world position, voxel and value, by NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.viewports.camera import Vec
from app.viewports.state import SceneItem, reference_of
from core.data import Transforms, Volume


def voxel_at(item: SceneItem, point: Vec) -> tuple[int, int, int] | None:
    """Index, in the file's own order, of the voxel that holds a world point; None outside the volume."""
    index = np.floor(np.linalg.solve(item.affine, [*point, 1.0])[:3] + 0.5)
    if not np.isfinite(index).all() or (index < 0).any() or (index >= item.data.array.shape[:3]).any():
        return None
    return int(index[0]), int(index[1]), int(index[2])


def value_at(item: SceneItem, point: Vec) -> Any:
    """The value (a number, or an array of channels) of the voxel there; None outside."""
    voxel = voxel_at(item, point)
    if voxel is None:
        return None
    value = item.data.array[voxel]
    if item.data.last_axis == "time":
        value = value[min(max(getattr(item.display, "index", 0), 0), len(value) - 1)]
    return value


def readout(items: tuple[SceneItem, ...], point: Vec, active: str | None = None) -> str:
    """One line: "RAS −12.4, 18.0, 21.5 mm   voxel 86, 152, 93   value 412", further volumes by name."""
    shown = tuple(i for i in items if i.display.visible and i.spatial)
    reference = reference_of(shown, active)
    lead = reference or next(iter(shown), None)
    space = getattr(lead.data, "space", "") if lead else ""
    unit = getattr(lead.data, "unit", "") if lead else ""
    parts = [f"{space or 'position'} {format_coordinates(point)}{' ' + unit if unit else ''}"]
    if reference is not None:
        voxel = voxel_at(reference, point)
        parts.append("outside" if voxel is None else f"voxel {voxel[0]}, {voxel[1]}, {voxel[2]}")
        if voxel is not None:
            parts.append(f"value {format_value(value_at(reference, point), reference.data)}")
        for item in shown:
            if item is not reference and isinstance(item.data, Volume):
                value = value_at(item, point)
                if value is not None:
                    parts.append(f"{item.name} {format_value(value, item.data)}")
    return "   ".join(parts)


def format_coordinates(point: Vec) -> str:
    """ "−12.4, 18.0, 21.5": as many digits as a place of that size needs."""
    return ", ".join(_fixed(c, point) for c in point)


def format_value(value: Any, volume: Volume) -> str:
    """A voxel's value for people."""
    if np.ndim(value):
        flat = np.asarray(value).reshape(-1)
        text = ", ".join(_short(v) for v in flat[:4]) + (", …" if flat.size > 4 else "")
    else:
        text = _short(value)
    label = volume.transforms is Transforms.LABEL
    return f"{text} {volume.value_unit}" if volume.value_unit and not label else text


def _short(value: Any) -> str:
    if np.iscomplexobj(value):
        return f"{complex(value):.3g}"
    if np.asarray(value).dtype.kind in "iub":
        return str(int(value)).replace("-", "−")
    number = float(value)
    return f"{number:.4g}".replace("-", "−") if np.isfinite(number) else "not a number"


def _fixed(value: float, point: Vec) -> str:
    """One decimal for millimetres of a head, more for small things."""
    largest = max(abs(c) for c in point)
    digits = 1 if largest >= 10 else 2 if largest >= 1 else 4
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
