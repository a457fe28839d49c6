"""Frames to volumes: grouped, sorted along the normal, checked for gaps and repeats, placed in RAS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.data import Volume
from core.errors import ReadError
from core.geometry import LPS_TO_RAS
from core.jobs import Job
from plugins.volumes._build import Array, LastAxis, make_volume
from plugins.volumes._dicom_frames import Frame
from plugins.volumes._dicom_pixels import pixels
from plugins.volumes._files import claim, free_memory, regular

_SAME_PLACE = 1e-3
"""mm: frames nearer than this lie at one position (coordinates are written with fewer digits than they have)."""
_SAME_TURN = 1e-3
"""Row and column cosines that differ by less belong to one orientation."""
_MOST_FILLED = 4
"""A stack is filled up over gaps to at most this many times its slices."""


def group_frames(frames: list[Frame]) -> list[tuple[str, list[Frame]]]:
    """Frames of one volume together, with a suffix that tells groups of one series apart ("echo 4.9 ms").

    Two groups share neither series, orientation, echo, kind of picture nor matrix size.
    """
    unique = {frame.uid: frame for frame in frames}
    turns: dict[str, list[np.ndarray]] = {}
    groups: dict[tuple[Any, ...], list[Frame]] = {}
    for frame in unique.values():
        number = -1
        if frame.orientation is not None:
            known = turns.setdefault(frame.series, [])
            cosines = np.array(frame.orientation)
            number = next(
                (i for i, k in enumerate(known) if np.abs(k - cosines).max() < _SAME_TURN), len(known)
            )
            if number == len(known):
                known.append(cosines)
        place = "" if frame.orientation is not None and frame.position is not None else str(frame.path.parent)
        groups.setdefault((frame.series, number, place, *frame.group), []).append(frame)
    named = []
    for key, group in groups.items():
        rivals = [k for k in groups if k[0] == key[0] and k != key]
        named.append((_suffix(key, rivals), group))
    return sorted(named, key=lambda g: (g[1][0].said.get("series_number", 0), g[1][0].series, g[0]))


def _suffix(key: tuple[Any, ...], rivals: list[tuple[Any, ...]]) -> str:
    if not rivals:
        return ""
    _, turn, _, echo, meanings, rows, columns, *_ = key
    parts = []
    if any(r[1] != turn for r in rivals):
        parts.append(f"orientation {turn + 1}")
    if any(r[3] != echo for r in rivals):
        parts.append(f"echo {echo[0]:g} ms" if echo[0] else f"echo {echo[1]:g}")
    if any(r[4] != meanings for r in rivals):
        parts.append(" ".join(meanings).lower() or "other kind")
    if any((r[5], r[6]) != (rows, columns) for r in rivals):
        parts.append(f"{columns} × {rows}")
    return ", ".join(parts)


def stack(
    path: Path, frames: list[Frame], job: Job, span: tuple[float, float] = (0.0, 1.0)
) -> tuple[Volume, list[str], dict[str, Any]]:
    """One group of frames as a volume, with warnings and metadata.

    Array axes: along rows (column index), down columns (row index), slices from the first position along the
    normal, then time where positions repeat.
    """
    warnings: list[str] = []
    positions, ordered, step, notes = _sorted(frames)
    warnings += notes
    n_times = len(ordered[0])
    affine, space, notes = _affine(frames[0], positions, step)
    warnings += notes
    slots, notes = _slots(positions, step, len(ordered))
    warnings += notes
    array = _fill(path, ordered, slots, job, span)
    first = frames[0]
    rgb = array.ndim == 5
    if first.said.get("mosaic"):
        warnings.append(
            "Each picture is a mosaic of slices that cannot be taken apart; it is shown as it is stored."
        )
    photometric = str(first.said.get("photometric", ""))
    if photometric == "MONOCHROME1":
        warnings.append(
            "The file asks for high values to be shown dark; the values are kept as they are stored."
        )
    if str(first.said.get("burned_in", "")).upper() == "YES":
        warnings.append("The pictures have text burnt in, which may name the patient.")
    # (time, slice, row, column[, sample]) -> (column, row, slice[, time or sample])
    last_axis: LastAxis = ""
    if rgb:
        if n_times > 1:
            raise ReadError(path, "is a film of colour pictures", "save one time point at a time")
        array, last_axis = array[0].transpose(2, 1, 0, 3), "channel"
    elif n_times > 1:
        array, last_axis = array.transpose(3, 2, 1, 0), "time"
    else:
        array = array[0].transpose(2, 1, 0)
    step_s = _time_step(ordered)
    volume, notes = make_volume(path, array, affine, last_axis=last_axis, step=step_s, space=space, rgb=rgb)
    metadata = {k: v for k, v in first.said.items() if k not in ("burned_in", "mosaic")}
    echo = first.group[0][0]
    if echo:
        metadata["echo_time_ms"] = echo
    metadata |= {"format": "DICOM", "n_files": len({f.path for f in frames})}
    return volume, warnings + notes, metadata


def _sorted(frames: list[Frame]) -> tuple[Array | None, list[list[Frame]], Array | None, list[str]]:
    """Positions (n, 3) along the normal or None, the frames at each (in time order), the mean step, warnings."""
    placed = all(f.position is not None and f.orientation is not None for f in frames)
    if not placed:
        ordered = [[f] for f in sorted(frames, key=lambda f: (f.order[-2], f.path.name, f.index))]
        return None, ordered, None, []
    row, column = np.array(frames[0].orientation).reshape(2, 3)
    normal = np.cross(row, column)
    where = np.array([f.position for f in frames])
    along = where @ normal
    order = sorted(range(len(frames)), key=lambda i: (along[i], frames[i].order, frames[i].path.name))
    places: list[list[int]] = []
    for i in order:
        if places and along[i] - along[places[-1][0]] < _SAME_PLACE:
            places[-1].append(i)
        else:
            places.append([i])
    warnings = []
    counts = [len(p) for p in places]
    least, most = min(counts), max(counts)
    if least != most:
        extra = sum(counts) - least * len(places)
        warnings.append(
            f"{extra} pictures were left out: {sum(c != least for c in counts)} of {len(places)} positions have "
            f"up to {most} pictures, the others {least}."
        )
    ordered = []
    for place in places:
        group = sorted((frames[i] for i in place), key=lambda f: (f.order, f.path.name))
        ordered.append(group[:least])
    positions = np.array([where[p[0]] for p in places])
    step = (positions[-1] - positions[0]) / (len(positions) - 1) if len(positions) > 1 else None
    return positions, ordered, step, warnings


def _affine(first: Frame, positions: Array | None, step: Array | None) -> tuple[Array, str, list[str]]:
    warnings = []
    spacing = first.spacing
    if spacing is None:
        warnings.append("The pictures state no pixel size; 1 mm is used.")
        spacing = (1.0, 1.0)
    affine = np.eye(4)
    if positions is None:
        warnings.append("The pictures do not say where they lie in the body: left and right are not known.")
        affine[:3, :3] = np.diag([-spacing[1], -spacing[0], first.thickness or 1.0])
        return affine, "", warnings
    row, column = np.array(first.orientation).reshape(2, 3)
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    normal = np.cross(row, column)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 3] = positions[0]
    if step is None:
        thickness = first.thickness
        if not thickness:
            warnings.append("There is a single slice and it states no thickness; 1 mm is used.")
        affine[:3, 2] = normal * (thickness or 1.0)
    else:
        affine[:3, 2] = _regular_step(positions, step)
    return LPS_TO_RAS @ affine, "RAS", warnings


def _gaps(positions: Array) -> Array:
    """(n-1,) distances between neighbouring slices in mm."""
    return np.asarray(np.linalg.norm(np.diff(positions, axis=0), axis=1))


def _multiples(positions: Array) -> Array | None:
    """(n-1,) how many regular steps lie between neighbours; None where distances are no multiples of one step."""
    gaps = _gaps(positions)
    unit = float(np.median(gaps))
    whole = np.rint(gaps / unit).astype(int)
    if whole.min() < 1 or np.abs(gaps - whole * unit).max() > 0.05 * unit:
        return None
    return whole if whole.sum() + 1 <= _MOST_FILLED * len(positions) else None


def _regular_step(positions: Array, mean: Array) -> Array:
    """The vector from slice to slice: over the counted steps where gaps are whole multiples, else the mean."""
    whole = _multiples(positions)
    return np.asarray(mean if whole is None else (positions[-1] - positions[0]) / int(whole.sum()))


def _slots(positions: Array | None, mean: Array | None, n: int) -> tuple[list[int], list[str]]:
    """The slice index each position gets (gaps leave indices free) and sentences about spacing."""
    if positions is None or mean is None:
        return list(range(n)), []
    gaps = _gaps(positions)
    whole = _multiples(positions)
    if whole is None:
        offsets = positions - (positions[0] + np.arange(n)[:, None] * mean)
        worst = float(np.linalg.norm(offsets, axis=1).max())
        return list(range(n)), [
            f"The slices are not equally spaced ({gaps.min():.2f} to {gaps.max():.2f} mm): the mean of "
            f"{np.linalg.norm(mean):.2f} mm is used, which misplaces a slice by up to {worst:.2f} mm."
        ]
    slots = [0, *np.cumsum(whole).tolist()]
    missing = int(whole.sum()) + 1 - n
    if not missing:
        unit = float(np.median(gaps))
        off = float(np.abs(gaps - unit).max())
        if off > max(0.01, 0.01 * unit):
            return slots, [f"The distance between slices varies by up to {off:.2f} mm; the mean is used."]
        return slots, []
    holes = [int(i) + 1 for i in np.flatnonzero(whole > 1)]
    text = ", ".join(map(str, holes[:5])) + ("…" if len(holes) > 5 else "")
    noun = "slice is" if missing == 1 else "slices are"
    return slots, [
        f"{missing} {noun} missing (after slice {text}); the gap is filled with zeros so that distances stay true."
    ]


def _fill(
    path: Path, ordered: list[list[Frame]], slots: list[int], job: Job, span: tuple[float, float]
) -> Array:
    """(time, slice, row, column[, sample]) values, rescaled; each file is opened once."""
    first = ordered[0][0]
    n_times, n_slots = len(ordered[0]), slots[-1] + 1
    frames = [f for group in ordered for f in group]
    slopes = {(f.slope, f.intercept) for f in frames}
    files: dict[Path, list[tuple[Frame, int, int]]] = {}
    for slot, group in zip(slots, ordered, strict=True):
        for t, frame in enumerate(group):
            files.setdefault(frame.path, []).append((frame, t, slot))
    count = n_times * n_slots * first.rows * first.columns * first.samples
    # 2 bytes a pixel is checked against all files together; compressed ones are checked again one by one.
    claim(path, count, max(free_memory() // 4, sum(regular(f) for f in files) * 4))
    out: Array | None = None
    kind: np.dtype[Any] | None = None
    for done, (file, wanted) in enumerate(sorted(files.items())):
        job.progress(span[0] + span[1] * done / len(files), f"Reading file {done + 1} of {len(files)}")
        _, block = pixels(file)
        if out is None:
            kind = _kind(block.dtype, first.bits, slopes)
            out = np.zeros((n_times, n_slots, first.rows, first.columns, *block.shape[3:]), dtype=kind)
        if wanted[0][0].tile is None and block.shape[1:] != out.shape[2:]:
            raise ReadError(file, "has pictures of another size than its series", "open it on its own")
        for frame, t, slot in wanted:
            job.check()
            picture = block[frame.index]
            if frame.tile is not None:
                top, left = frame.tile
                picture = picture[top : top + frame.rows, left : left + frame.columns]
            if (frame.slope, frame.intercept) == (1.0, 0.0):
                out[t, slot] = picture
            elif out.dtype.kind in "iu":
                out[t, slot] = picture.astype(np.int64) + int(frame.intercept)
            else:
                out[t, slot] = picture * np.float64(frame.slope) + frame.intercept
    assert out is not None
    return out


def _kind(stored: np.dtype[Any], bits: int, slopes: set[tuple[float, float]]) -> np.dtype[Any]:
    """The stored dtype without scaling; whole offsets (CT) stay integers; anything else becomes float."""
    if slopes == {(1.0, 0.0)}:
        return stored
    if stored.kind in "iu" and all(s == 1.0 and float(i).is_integer() for s, i in slopes):
        limits = np.iinfo(stored)
        low = limits.min + int(min(i for _, i in slopes))
        high = limits.max + int(max(i for _, i in slopes))
        if stored.itemsize <= 2 and -(2**31) <= low and high < 2**31:
            return np.dtype(np.int32)
    return np.dtype(np.float64 if stored.itemsize >= 4 else np.float32)


def _time_step(ordered: list[list[Frame]]) -> float:
    """Seconds between time points: the repetition time where it is stated, 0 (unknown) otherwise."""
    if len(ordered[0]) < 2:
        return 0.0
    return float(ordered[0][0].said.get("repetition_time_ms", 0.0)) / 1000.0
