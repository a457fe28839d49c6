"""3D Slicer's `.mrk.json`, schema 1.0.3: LPS and RAS are read, LPS is written.

Reference: markups-schema-v1.0.3.json of 3D Slicer (Modules/Loadable/Markups/Resources/Schema); where the schema is
silent (which rows of the two plane matrices change sign), what Slicer's own reader and writer do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Loaded, Markup, MarkupKind
from core.errors import Cancelled, ReadError, UserError, WriteError, printable
from core.files import atomic
from core.jobs import Job
from plugins.markups._plane import Array, plane_axes

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
LARGEST = 256 << 20
"""Bytes of the largest file that is parsed; some two million points."""

_KINDS = {
    "Fiducial": MarkupKind.POINTS,
    "Angle": MarkupKind.ANGLE,
    "Line": MarkupKind.LINE,
    "Curve": MarkupKind.CURVE,
    "ClosedCurve": MarkupKind.CLOSED_CURVE,
    "Plane": MarkupKind.PLANE,
    "ROI": MarkupKind.BOX,
}
_TYPES = {
    MarkupKind.POINTS: "Fiducial",
    MarkupKind.LINE: "Line",
    MarkupKind.ANGLE: "Angle",
    MarkupKind.CURVE: "Curve",
    MarkupKind.CLOSED_CURVE: "ClosedCurve",
    MarkupKind.PLANE: "Plane",
    MarkupKind.BOX: "ROI",
}
_CURVES = (MarkupKind.CURVE, MarkupKind.CLOSED_CURVE)
_CURVE_TYPE = "curveType"
"""Not in the schema, which allows further members: Slicer keeps a curve's type in its scene file, under this name."""
_SPLINES = ("cardinalspline", "cardinal")
_MILLIMETRES = {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "": 1.0, "cm": 10.0, "m": 1e3}
_FLIP = np.array([-1.0, -1.0, 1.0])
_SKIPPED = ("undefined", "missing", "preview")


def sniff(path: Path, head: bytes) -> int:
    """100 where Slicer's schema is named near the top, 50 for JSON that begins with markups, 0 otherwise."""
    if b"markups-schema" in head or b"markups-v" in head:
        return 100
    return 50 if b'"markups"' in head and head.lstrip()[:1] == b"{" else 0


def read(path: Path, *, job: Job) -> list[Loaded]:
    """Read every markup of a file, in RAS mm. Points without a position are skipped and counted."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ReadError(path, f"is too large for markups ({size} bytes)", "split it into several files")
        job.progress(0.1, "Reading")
        text = path.read_text(encoding="utf-8-sig")
        if not text.strip():
            raise ReadError(path, "is empty", "copy the file again")
        tree = json.loads(text)
        markups = tree.get("markups") if isinstance(tree, dict) else None
        if not isinstance(markups, list):
            raise ReadError(path, "holds no markups", "open a .mrk.json file saved by 3D Slicer")
        loaded = []
        for i, markup in enumerate(markups):
            job.progress(0.2 + 0.8 * i / len(markups), "Reading")
            with np.errstate(all="ignore"):  # what came out is looked at
                loaded.append(_loaded(path, markup, i, len(markups)))
    except (UserError, Cancelled):
        raise
    except FileNotFoundError as error:
        raise ReadError(path, "is not there", "check whether it was moved or renamed") from error
    except PermissionError as error:
        raise ReadError(path, "may not be read by you", "change its permissions or copy it") from error
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror or error})", "copy the file again") from error
    except UnicodeDecodeError as error:
        raise ReadError(path, "is no text file", "open a .mrk.json file saved by 3D Slicer") from error
    except json.JSONDecodeError as error:
        raise ReadError(
            path, f"is damaged: line {error.lineno} is no JSON", "copy the file again, it may be cut off"
        ) from error
    except (RecursionError, MemoryError) as error:
        raise ReadError(path, "is nested too deeply to be markups", "save it again from 3D Slicer") from error
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        detail = printable(str(error).partition("\n")[0])[:100]
        raise ReadError(path, f"has a damaged markup ({detail})", "save it again from 3D Slicer") from error
    if not loaded:
        raise ReadError(path, "holds no markups", "save it again from 3D Slicer")
    return loaded


def _loaded(path: Path, markup: Any, index: int, count: int) -> Loaded:
    kind_name = str(markup["type"])
    if kind_name not in _KINDS:
        raise ReadError(
            path,
            f"has a markup of an unknown type ({printable(kind_name)[:40]})",
            "save it as points or a curve",
        )
    system = str(markup.get("coordinateSystem", "LPS")).upper()
    if system not in ("LPS", "RAS"):
        # Guessing here could swap left and right.
        raise ReadError(
            path, f"has an unknown coordinate system ({printable(system)[:20]})", "save it as LPS or RAS"
        )
    flip = _FLIP if system == "LPS" else np.ones(3)
    units = markup.get("coordinateUnits", "mm")
    unit = str(units[0] if isinstance(units, list) and units else units)
    if unit not in _MILLIMETRES:
        raise ReadError(path, f"has an unknown length unit ({printable(unit)[:20]})", "save it in mm")
    scale = _MILLIMETRES[unit]
    points, labels, skipped = _points(markup.get("controlPoints") or [], flip, scale)
    warnings = [f"{skipped} points without a position were skipped."] if skipped else []
    kind = _KINDS[kind_name]
    axes, size = np.eye(3), np.zeros(3)
    if kind is MarkupKind.PLANE:
        centre, axes = plane_axes(markup, points, flip, scale)
        points, size = centre[None], _plane_size(markup, scale)
        labels = labels[:1]
    elif kind is MarkupKind.BOX:
        centre, axes = _box(markup, points, flip, scale)
        points, size = centre[None], np.abs(_vector(markup.get("size", (0.0, 0.0, 0.0)), 3)) * scale
        labels = labels[:1]
    if not (np.isfinite(points).all() and np.isfinite(size).all()):
        raise ValueError("a coordinate is beyond all numbers")
    data = Markup(
        kind,
        points,
        axes,
        size,
        labels if any(labels) else (),
        measurements=_measurements(markup),
        smooth=kind in _CURVES and str(markup.get(_CURVE_TYPE, "")).lower() in _SPLINES,
    )
    name = str(markup.get("name") or "").strip() or _stem(path) + (f" {index + 1}" if count > 1 else "")
    display: dict[str, Any] = {}
    color = (markup.get("display") or {}).get("selectedColor")
    if (
        isinstance(color, list)
        and len(color) == 3
        and all(isinstance(c, (int, float)) and 0 <= c <= 1 for c in color)
    ):
        display["color"] = tuple(float(c) for c in color)
    metadata = {"format": "3D Slicer markups", "type": kind_name, "coordinate_system": system}
    return Loaded(name, data, tuple(warnings), metadata, display=display)


def _points(control: list[Any], flip: Array, scale: float) -> tuple[Array, tuple[str, ...], int]:
    places, labels, skipped = [], [], 0
    for point in control:
        position = point.get("position")
        if position is None or str(point.get("positionStatus", "defined")) in _SKIPPED:
            skipped += 1
            continue
        places.append(_vector(position, 3) * flip * scale)
        labels.append(str(point.get("label") or ""))
    array = np.array(places).reshape(-1, 3)
    return array, tuple(labels), skipped


def _box(markup: Any, points: Array, flip: Array, scale: float) -> tuple[Array, Array]:
    if markup.get("center") is not None:
        centre = _vector(markup["center"], 3) * flip * scale
    elif len(points):
        centre = points[0]
    else:
        raise ValueError("a box without a centre")
    if markup.get("orientation") is None:
        return centre, np.eye(3)
    axes = _vector(markup["orientation"], 9).reshape(3, 3) * flip[:, None]
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
        raise ValueError("the axes of a box are not at right angles")
    u, _, vt = np.linalg.svd(axes)
    return centre, u @ vt


def _plane_size(markup: Any, scale: float) -> Array:
    """Extent along the plane's two axes: `size`, else `planeBounds`, else 100 mm to have something to show."""
    if markup.get("size") is not None:
        size = np.abs(_vector(markup["size"], 3)) * scale
    elif markup.get("planeBounds") is not None:
        bounds = _vector(markup["planeBounds"], 4) * scale
        size = np.array([abs(bounds[1] - bounds[0]), abs(bounds[3] - bounds[2]), 0.0])
    else:
        size = np.zeros(3)
    if not size[:2].all():
        size = np.array([100.0, 100.0, 0.0])
    size[2] = 0.0
    return size


def _measurements(markup: Any) -> dict[str, float]:
    out = {}
    for item in markup.get("measurements") or []:
        value = item.get("value")
        if item.get("enabled", True) and isinstance(value, (int, float)) and np.isfinite(value):
            out[str(item.get("name", "value"))] = float(value)
    return out


def _vector(values: Any, n: int) -> Array:
    vector = np.array([float(v) for v in values])
    if len(vector) != n or not np.isfinite(vector).all() or np.abs(vector).max() > 1e12:
        raise ValueError(f"{n} finite numbers were expected")
    return vector


def _stem(path: Path) -> str:
    name = path.name
    return name[: -len(".mrk.json")] if name.lower().endswith(".mrk.json") else path.stem


def write(data: Markup, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Write one markup as Slicer's JSON in LPS mm; the file appears only once it is complete.

    A plane is written as centre and normal (PointNormal) with its size; a left-handed frame is turned into the
    right-handed one of the same plane or box.

    Raises
    ------
    WriteError : another unit than a length, or the folder cannot be written.
    """
    path = Path(path)
    scale = _MILLIMETRES.get(data.unit)
    if scale is None:
        raise WriteError(
            path, f"cannot be written: markups have no unit {data.unit!r}", "convert it to mm first"
        )
    job.progress(0.1, "Writing")
    tree = {"@schema": SCHEMA, "markups": [_tree(data, str(metadata.get("name") or _stem(path)), scale)]}
    _replace(path, json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _tree(data: Markup, name: str, scale: float) -> dict[str, Any]:
    points = data.points * scale * _FLIP
    labels = data.labels or tuple(f"{name}-{i + 1}" for i in range(len(points)))
    tree: dict[str, Any] = {
        "type": _TYPES[data.kind],
        "name": name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
    }
    if data.kind in (MarkupKind.PLANE, MarkupKind.BOX):
        axes = np.array(data.axes)
        if np.linalg.det(axes) < 0:
            axes[:, 0] *= -1
        size = [float(v) for v in data.size * scale]
        tree["center"] = points[0].tolist()
        tree["orientation"] = (axes * _FLIP[:, None]).reshape(-1).tolist()
        tree["size"] = size
        if data.kind is MarkupKind.BOX:
            tree["roiType"] = "Box"
        else:
            base = np.eye(4)
            base[:3, :3], base[:3, 3] = axes, data.points[0] * scale
            rows = np.diag([-1.0, -1.0, 1.0, 1.0])
            half = [0.5 * size[0], 0.5 * size[1]]
            tree |= {
                "planeType": "PointNormal",
                "sizeMode": "absolute",
                "autoScalingSizeFactor": 1.0,
                "normal": (axes[:, 2] * _FLIP).tolist(),
                "objectToBase": rows.reshape(-1).tolist(),
                "baseToNode": (rows @ base).reshape(-1).tolist(),
                "planeBounds": [-half[0], half[0], -half[1], half[1]],
            }
    if data.smooth and data.kind in _CURVES:
        tree[_CURVE_TYPE] = "cardinalSpline"
    tree["controlPoints"] = [
        {
            "id": str(i + 1),
            "label": label,
            "description": "",
            "associatedNodeID": "",
            "position": point.tolist(),
            "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
            "selected": True,
            "locked": False,
            "visibility": True,
            "positionStatus": "defined",
        }
        for i, (point, label) in enumerate(zip(points, labels, strict=True))
    ]
    tree["measurements"] = [
        {"name": key, "enabled": True, "value": float(value), "printFormat": "%-#4.4g"}
        for key, value in data.measurements.items()
        if np.isfinite(value)
    ]
    return tree


def _replace(path: Path, text: str) -> None:
    with atomic(path) as draft:
        draft.write_text(text, encoding="utf-8")
