"""The analysis `volumes.register`: one volume moved onto another, by SimpleITK."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np

from core.analyses import Help, Label, Range, Unit
from core.data import Transform, Transforms, Volume
from core.errors import Refused
from core.jobs import Job
from core.results import Curve, Layer, Number, Output, Result

LEVELS = ((4, 2.0), (2, 1.0), (1, 0.0))
"""How much smaller and smoother (in voxels) the volumes are in each round."""
SAMPLES = 60_000
"""Voxels that the measure is taken from, in each round."""


def register(
    fixed: Volume,
    moving: Volume,
    *,
    measure: Annotated[
        Literal["mutual information", "correlation", "difference"],
        Help(
            "mutual information: also of different contrasts; correlation and difference: of the same kind of scan."
        ),
    ] = "mutual information",
    start: Annotated[
        Literal["centres", "as placed"],
        Help("centres: the centres of mass are brought together first; as placed: from where they lie."),
    ] = "centres",
    scaling: Annotated[bool, Help("The size may change too (a similarity).")] = False,
    index: Annotated[
        int, Range(0, None), Label("Time point"), Help("Entry of a fourth axis to be used, from 0.")
    ] = 0,
    steps: Annotated[
        int, Range(1, 2000), Label("Most steps"), Help("Iterations in each of the three rounds.")
    ] = 200,
    finest: Annotated[
        float | None,
        Unit("mm"),
        Range(0.1, 50.0),
        Help("Voxels of the last round are no smaller; empty: as they are."),
    ] = None,
    job: Job,
) -> Result:
    """Move one volume onto another: a rotation and a shift, if wanted a size.

    The first volume stays. The measure of agreement is improved by gradient descent in three rounds, from small
    smoothed copies of both to themselves; it finds solutions that lie within some 30° of the start. The moved volume
    is not resampled: its voxels stay as they are and its affine says where they lie. The transform maps world
    coordinates of the moving volume to those of the fixed one. One thread and a fixed seed: the result can be
    repeated.

    Reference: Mattes, Haynor, Vesselle, Lewellen and Eubank, PET-CT image registration in the chest using free-form
    deformations, 2003 (mutual information); Lowekamp, Chen, Ibáñez and Blezek, The design of SimpleITK, 2013.
    """
    import SimpleITK

    sitk: Any = SimpleITK
    job.progress(0.01, "Preparing the volumes")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    still, moved = (
        _image(sitk, v, index, finest, name) for v, name in ((fixed, "fixed"), (moving, "moving"))
    )
    kind = sitk.Similarity3DTransform() if scaling else sitk.Euler3DTransform()
    if start == "centres":
        first = sitk.CenteredTransformInitializer(
            still, moved, kind, sitk.CenteredTransformInitializerFilter.MOMENTS
        )
    else:
        kind.SetCenter(_middle(still))
        first = kind
    method = sitk.ImageRegistrationMethod()
    if measure == "mutual information":
        method.SetMetricAsMattesMutualInformation(32)
    elif measure == "correlation":
        method.SetMetricAsCorrelation()
    else:
        method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.RANDOM)
    counts = [still.GetNumberOfPixels() / shrink**3 for shrink, _ in LEVELS]
    method.SetMetricSamplingPercentagePerLevel(
        [min(1.0, max(0.01, SAMPLES / n)) for n in counts], max(1, job.seed)
    )
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-4, numberOfIterations=steps, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([s for s, _ in LEVELS])
    method.SetSmoothingSigmasPerLevel([s for _, s in LEVELS])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetInitialTransform(first, inPlace=False)
    course: list[float] = []
    stopped: list[BaseException] = []

    def step() -> None:
        course.append(float(method.GetMetricValue()))
        try:
            part = method.GetCurrentLevel() + min(method.GetOptimizerIteration() / steps, 1.0)
            job.progress(
                0.05 + 0.85 * part / len(LEVELS), f"Round {method.GetCurrentLevel() + 1} of {len(LEVELS)}"
            )
        except BaseException as error:  # an exception must not cross C++: it is raised again below
            stopped.append(error)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, step)
    try:
        found = method.Execute(still, moved)
    except RuntimeError as error:
        if stopped:
            raise stopped[0] from None
        raise Refused(f"The volumes do not overlap enough to be aligned ({_last_line(error)}).") from None
    if stopped:
        raise stopped[0]
    job.progress(0.93, "Measuring what was found")
    inverse = _matrix(found)
    matrix = np.linalg.inv(inverse)
    agreement, overlap = _agreement(sitk, still, moved, found)
    return _report(fixed, moving, matrix, agreement, overlap, course, measure)


def _image(sitk: Any, volume: Volume, index: int, finest: float | None, name: str) -> Any:
    """A volume for SimpleITK, in the world that the volume is in (RAS stays RAS)."""
    if volume.rgb or volume.transforms is Transforms.LABEL:
        raise Refused(f"The {name} volume holds colours or classes; alignment needs values.")
    array = volume.array
    if array.ndim == 4:
        if volume.last_axis == "channel":
            raise Refused(f"The {name} volume has channels; alignment needs one value a voxel.")
        if index >= array.shape[3]:
            raise Refused(f"The {name} volume has {array.shape[3]} time points; there is no number {index}.")
        array = array[..., index]
    if min(array.shape) < 4:
        raise Refused(f"The {name} volume is thinner than 4 voxels.")
    array = np.abs(array) if np.iscomplexobj(array) else array
    values = np.nan_to_num(np.asarray(array, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if not np.ptp(values) > 0:
        raise Refused(f"The {name} volume has the same value everywhere.")
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    direction = volume.affine[:3, :3] / spacing
    if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-4:
        raise Refused(f"The axes of the {name} volume are not at right angles.")
    u, _, v = np.linalg.svd(direction)
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((u @ v).reshape(-1).tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    if finest is not None:
        factors = [max(1, int(finest / s + 1e-6)) for s in spacing]
        if max(factors) > 1:
            sigma = [0.4 * f * s if f > 1 else 1e-3 * s for f, s in zip(factors, spacing, strict=True)]
            image = sitk.Shrink(sitk.SmoothingRecursiveGaussian(image, sigma), factors)
    return image


def _middle(image: Any) -> list[float]:
    size = image.GetSize()
    return list(image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size]))


def _matrix(transform: Any) -> Any:
    """(4, 4) of an affine SimpleITK transform, from where it takes four points."""
    zero = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    out = np.eye(4)
    for axis in range(3):
        # Far apart: the difference of near points would lose digits.
        at = [1000.0 * (axis == k) for k in range(3)]
        out[:3, axis] = (np.array(transform.TransformPoint(at)) - zero) / 1000.0
    out[:3, 3] = zero
    return out


def _agreement(sitk: Any, still: Any, moved: Any, found: Any) -> tuple[float, float]:
    """(correlation where both are, part of the fixed volume that the moved one covers)."""
    few = [max(1, n // 64) for n in still.GetSize()]
    small = sitk.Shrink(still, few)
    there = sitk.GetArrayFromImage(
        sitk.Resample(moved, small, found, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    )
    here = sitk.GetArrayFromImage(small)
    both = np.isfinite(there)
    if both.sum() < 10 or not np.ptp(there[both]) > 0 or not np.ptp(here[both]) > 0:
        return 0.0, float(both.mean())
    return float(np.corrcoef(here[both], there[both])[0, 1]), float(both.mean())


def _report(
    fixed: Volume,
    moving: Volume,
    matrix: Any,
    agreement: float,
    overlap: float,
    course: list[float],
    measure: str,
) -> Result:
    linear = matrix[:3, :3]
    scale = float(np.cbrt(np.linalg.det(linear)))
    turn = linear / scale
    angle = float(np.degrees(np.arctan2(np.linalg.norm(_axis(turn)), (np.trace(turn) - 1) / 2)))
    middle = moving.affine @ [*((n - 1) / 2 for n in moving.array.shape[:3]), 1.0]
    way = float(np.linalg.norm((matrix @ middle - middle)[:3]))
    warnings = []
    if overlap < 0.3:
        warnings.append(f"The volumes share only {100 * overlap:.0f} % of the fixed one; look at the result.")
    if agreement < 0.3 and measure != "mutual information":
        warnings.append("The volumes hardly agree after alignment; another start or measure may do better.")
    layer = replace(moving, affine=matrix @ moving.affine, unit=fixed.unit, space=fixed.space)
    outputs: list[Output] = [
        Layer("Moved", layer, {"instead_of": (1,)}),
        Layer("Transform", Transform(matrix, moving.space, fixed.space, fixed.unit)),
        Number("Correlation", agreement),
        Number("Overlap", 100 * overlap, "%"),
        Number("Rotation", angle, "°"),
        Number("Way of the centre", way, fixed.unit),
    ]
    if abs(scale - 1) > 1e-9:
        outputs.append(Number("Scale", scale))
    outputs.append(Number("Steps", len(course)))
    if course:
        number = np.arange(1.0, len(course) + 1)
        outputs.append(Curve("Course", number, {measure: np.array(course)}, x_label="Step", y_label=measure))
    values = {
        "matrix": matrix,
        "scale": scale,
        "angle": angle,
        "way": way,
        "correlation": agreement,
        "overlap": overlap,
        "steps": len(course),
        "measure": course[-1] if course else None,
        "unit": fixed.unit,
    }
    return Result(values, tuple(outputs), tuple(warnings))


def _axis(turn: Any) -> Any:
    return np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]) / 2


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
