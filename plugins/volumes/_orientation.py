"""Which of its two matrices places a NIfTI volume in the world, and what to say about it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadError
from plugins.volumes._build import usable

Array = NDArray[Any]
Orientation = Literal["auto", "sform", "qform"]


class Placed(NamedTuple):
    """The matrix (voxel centre -> RAS, file units), its origin, whether left and right are known, warnings."""

    affine: Array
    used: Literal["sform", "qform", "pixdim"]
    known: bool
    warnings: list[str]


def place(path: Path, header: Any, shape: tuple[int, ...], orientation: Orientation, unit: float) -> Placed:
    """Choose by the NIfTI rules: sform if its code is positive, else qform, else voxel sizes alone.

    Parameters
    ----------
    header : a nibabel NIfTI-1 or -2 header.
    shape : (3,) of the grid.
    unit : millimetres per unit of the header; the returned matrix is in millimetres.

    Reference: nifti1.h, section "3D image (volume) orientation and location in space".
    """
    codes = {"sform": int(header["sform_code"]), "qform": int(header["qform_code"])}
    forms = {n: m for n, m in (("sform", _sform(header)), ("qform", _qform(header))) if m is not None}
    warnings: list[str] = []
    for name, code in codes.items():
        if code > 0 and name not in forms:
            warnings.append(f"The {name} (code {code}) is damaged and was not used.")
    good = [n for n in ("sform", "qform") if codes[n] > 0 and n in forms]
    if orientation != "auto":
        if orientation not in forms:
            raise ReadError(
                path, f"has no usable {orientation}", "open it with the orientation left on automatic"
            )
        if orientation not in good:
            warnings.append(
                f"The {orientation} was asked for; its code is 0, which says that it means nothing."
            )
        used: str = orientation
    elif good:
        used = good[0]
    else:
        used = "pixdim"
    if len(good) == 2:
        warnings += _disagreement(forms["sform"], forms["qform"], shape, unit, used)
    if used == "pixdim":
        affine, notes = _pixdim(header, shape)
        warnings += notes
        warnings.append(
            "The header states no orientation (sform and qform codes are 0 or unusable): only the voxel sizes "
            "are used, the origin is the centre, and left and right are not known."
        )
    else:
        affine = forms[used]
    scale = np.diag([unit, unit, unit, 1.0])
    return Placed(scale @ affine, used, used != "pixdim", warnings)  # type: ignore[arg-type]


def _sform(header: Any) -> Array | None:
    affine = np.eye(4)
    affine[:3] = [header["srow_x"], header["srow_y"], header["srow_z"]]
    return affine if usable(affine) else None


def _qform(header: Any) -> Array | None:
    """The quaternion form; b, c, d give a since the quaternion has length 1 (nifti1.h, METHOD 2)."""
    b, c, d = (float(header[f"quatern_{k}"]) for k in "bcd")
    square = 1.0 - (b * b + c * c + d * d)
    # float32 fields: a rotation by 180° may overshoot the unit length by a few ulp
    if not np.isfinite(square) or square < -1e-4:
        return None
    if square <= 1e-7:
        length = float(np.sqrt(b * b + c * c + d * d))
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = float(np.sqrt(square))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    sizes = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    qfac = -1.0 if float(header["pixdim"][0]) < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * (sizes * [1.0, 1.0, qfac])
    affine[:3, 3] = [float(header[f"qoffset_{k}"]) for k in "xyz"]
    return affine if usable(affine) else None


def _pixdim(header: Any, shape: tuple[int, ...]) -> tuple[Array, list[str]]:
    """Voxel sizes on the diagonal, first axis to the left as in ANALYZE files, the grid's centre at the origin."""
    sizes = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    bad = ~(np.isfinite(sizes) & (sizes > 1e-9) & (sizes < 1e9))
    notes = ["A voxel size in the header is 0 or no number; 1 is used for it."] if bad.any() else []
    sizes[bad] = 1.0
    affine = np.diag([-sizes[0], sizes[1], sizes[2], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[:3]) - 1) / 2.0)
    return affine, notes


def _disagreement(sform: Array, qform: Array, shape: tuple[int, ...], unit: float, used: str) -> list[str]:
    """A sentence where the two forms place a corner more than 0.1 mm or turn an axis more than 0.5° apart."""
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in shape[:3]], (1,)))).T
    distance = float(np.linalg.norm(((sform - qform) @ corners)[:3], axis=0).max()) * unit
    axes = [m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in (sform, qform)]
    cosines = np.clip((axes[0] * axes[1]).sum(axis=0), -1.0, 1.0)
    angle = float(np.degrees(np.arccos(cosines.min())))
    if distance <= 0.1 and angle <= 0.5:
        return []
    other = "qform" if used == "sform" else "sform"
    return [
        f"The header's sform and qform disagree by up to {distance:.2f} mm and {angle:.2f}°; the {used} is used. "
        f"Open it with the orientation set to {other} to use the other."
    ]
