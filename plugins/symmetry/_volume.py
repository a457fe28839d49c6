"""A volume as the stack of its level surfaces, compared through its intensities, in world coordinates.

With f the volume smoothed by a Gaussian of 3 % of its size and σ the mirror,

    error² = ∫ (f - f∘σ)² dx / ∫ |∇f|² dx.

Where level surfaces lie a distance δ from their mirror images, f - f∘σ ≈ δ |∇f|: the error is the RMS distance
between them, each weighed by its contrast; exact for small δ, and 20 % short at a tenth of the size. What white noise adds to the
numerator is estimated from second differences and subtracted.
Centroid and size are moments of the same measure, |∇f|² dx, which for a body of one intensity is its surface. So
a mesh and the volume made from it have the same size and nearly the same error.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates, spline_filter

from core.data import Transforms, Volume
from core.errors import Refused
from core.geometry import voxel_sizes
from core.jobs import Job
from plugins.symmetry._algebra import Array
from plugins.symmetry._shape import BLOCK, Shape

SMOOTHING = 0.03
GRID = 1.6
"""Grid cells a standard deviation of the smoothing: enough for cubic interpolation to be exact to 1e-3."""
Outside = Literal["auto", "background", "border"]


class VolumeShape(Shape):
    """The smoothed intensities of one volume on a grid of about 1.5 % of its size."""

    def __init__(
        self,
        volume: Volume,
        samples: int,
        rng: np.random.Generator,
        *,
        index: int,
        threshold: float | None,
        outside: Outside,
        job: Job,
    ) -> None:
        array, background, spread, constant, warnings = _intensities(volume, index, threshold, outside)
        affine = np.array(volume.affine, dtype=np.float64)
        job.progress(0.03, "Finding the object in the volume")
        coarse, coarse_affine = _reduced(array, affine, _extent(array, affine) / 80, background, spread)
        coarse_spacing = voxel_sizes(coarse_affine)
        smooth = float(coarse_spacing.max())
        field, weight, field_affine, _ = _field(coarse, coarse_affine, smooth, constant)
        centroid, covariance = _moments(weight, field_affine)
        size = 2.0 * float(np.sqrt(np.trace(covariance)))
        box = _object_box(field, field_affine, array.shape, affine, 4.0 * SMOOTHING * size)
        affine = affine.copy()
        affine[:3, 3] += affine[:3, :3] @ [b.start for b in box]
        array = array[box]
        job.progress(0.06, "Smoothing")
        s = max(SMOOTHING * size, 0.75 * float(voxel_sizes(affine).max()))
        reduced, affine = _reduced(array, affine, s / GRID, background, spread)
        reduced, affine = _orthogonal(reduced, affine, s / GRID, constant)
        job.check()
        field, weight, affine, spread_noise = _field(reduced, affine, s, constant)
        job.check()
        centroid, covariance = _moments(weight, affine)
        size = 2.0 * float(np.sqrt(np.trace(covariance)))
        if not size > 0:
            raise Refused("The volume has no contrast: every voxel has the same value.")

        # From here on in the object's frame: x_world = centroid + size · x.
        frame = np.eye(4)
        frame[:3, :3] *= size
        frame[:3, 3] = centroid
        self._to_index = np.linalg.inv(affine) @ frame
        cell = abs(np.linalg.det(affine[:3, :3])) / size**3
        self._field = field
        self._spline = spline_filter(field, order=3, mode="nearest", output=np.float64)
        self._gradients = [_slope(field, axis) for axis in range(3)]
        highest = float(np.abs(field).max())
        if highest < 5.5 * spread_noise:
            raise Refused("Nothing in the volume stands out of its noise, so there is no object to mirror.")
        # Where object and mirror image are both lost in the noise there is nothing to compare.
        self._support = np.abs(field) > max(0.01 * highest, 3.0 * spread_noise)
        chosen = np.flatnonzero(self._support)
        chosen = chosen[rng.permutation(len(chosen))[:samples]]
        voxels = np.stack(np.unravel_index(chosen, field.shape), axis=1)
        points = (voxels - self._to_index[:3, 3]) @ np.linalg.inv(self._to_index[:3, :3]).T
        # ∫|∇f|² in the object's frame: gradients grow by `size`, volumes shrink by its cube.
        energy = float(weight[self._support].sum(dtype=np.float64)) * size**2 * cell
        self._scale = float(np.sqrt(self._support.sum() * cell / energy))
        self._floor = 2.0 * (self._scale * spread_noise) ** 2
        self._values = self._interpolate(points)
        super().__init__(centroid, size, points, covariance / size**2)
        # Jagged voxels fit their own mirrors better than others: up to a twentieth of a voxel on voxelised solids.
        self.grain = 0.05 * float(voxel_sizes(volume.affine).max()) / size
        self.warnings.extend(warnings)
        self.smoothing = s

    def _index(self, points: Array) -> Array:
        out: Array = self._to_index[:3, :3] @ points.reshape(-1, 3).T + self._to_index[:3, 3:]
        return out

    def _interpolate(self, points: Array) -> Array:
        return np.asarray(
            map_coordinates(self._spline, self._index(points), order=3, mode="nearest", prefilter=False)
        )

    def _partners(self, index: Array) -> Array:
        """1 where the mirrored point lies in the support (its partner is sampled as well), 2 where it does not."""
        nearest = np.rint(index).astype(np.int64)
        limits = np.array(self._field.shape)[:, None]
        inside = ((nearest >= 0) & (nearest < limits)).all(axis=0)
        nearest = np.clip(nearest, 0, limits - 1)
        return np.where(inside & self._support[tuple(nearest)], 1.0, 2.0)

    def squared(self, mirrored: Array) -> Array:
        index = self._index(mirrored)
        found = map_coordinates(self._field, index, order=1, mode="nearest").reshape(mirrored.shape[:-1])
        difference = found - self._values[: mirrored.shape[-2]]
        partners = self._partners(index).reshape(difference.shape)
        out: Array = partners * (self._scale * difference) ** 2
        return out

    def rough(self, mirrored: Array) -> tuple[Array, Array, Array]:
        index = self._index(mirrored)
        found, *slopes = (
            map_coordinates(f, index, order=1, mode="nearest") for f in (self._field, *self._gradients)
        )
        weight = self._scale * np.sqrt(self._partners(index))
        residual = (weight * found).reshape(mirrored.shape[:-1])
        residual -= weight.reshape(residual.shape) * self._values[: mirrored.shape[1]]
        gradient = weight[:, None] * (np.stack(slopes, axis=1) @ self._to_index[:3, :3])
        return (
            (residual**2).mean(axis=1),
            residual[..., None],
            gradient.reshape(*residual.shape, 1, 3),
        )

    def linearise(self, mirrored: Array) -> tuple[float, Array, Array]:
        index = self._index(mirrored)
        found = map_coordinates(self._spline, index, order=3, mode="nearest", prefilter=False)
        weight = self._scale * np.sqrt(self._partners(index))
        residual = weight * (found - self._values[: len(mirrored)])
        slopes = np.stack(
            [map_coordinates(g, index, order=1, mode="nearest") for g in self._gradients], axis=1
        )
        slopes = weight[:, None] * (slopes @ self._to_index[:3, :3])
        return float((residual**2).mean()), residual[:, None], slopes[:, None]

    def error(self, normal: Array, offset: float, count: int) -> float:
        mirrored = self.reflected(normal, offset, count)
        total = 0.0
        for start in range(0, len(mirrored), BLOCK):
            self.check()
            index = self._index(mirrored[start : start + BLOCK])
            found = map_coordinates(self._spline, index, order=3, mode="nearest", prefilter=False)
            difference = found - self._values[start : start + found.size]
            total += float((self._partners(index) * ((self._scale * difference) ** 2 - self._floor)).sum())
        return float(np.sqrt(max(0.0, total / len(mirrored))))


def _intensities(
    volume: Volume, index: int, threshold: float | None, outside: Outside
) -> tuple[Array, float, tuple[float, float], bool, list[str]]:
    """(3-D array, background, (lowest, highest) value to be kept, pad with background?, warnings)."""
    array, warnings = volume.array, []
    if array.ndim == 4:
        if volume.rgb:
            array = array[..., :3].mean(axis=3)
        else:
            if not 0 <= index < array.shape[3]:
                raise Refused(
                    f"The volume has {array.shape[3]} entries on its last axis, so index {index} does not exist."
                )
            array = array[..., index]
    if array.dtype.kind == "c":
        array = np.abs(array)
    if min(array.shape) < 2:
        raise Refused(
            "Mirror planes of a volume need at least 2 voxels along each axis; this one is a single slice."
        )
    if volume.transforms is Transforms.LABEL:
        array = array != 0
        warnings.append("The labels were taken as one body.")
    if array.dtype.kind == "f":
        finite = np.isfinite(array)
        missing = int(array.size - np.count_nonzero(finite))
        if missing == array.size:
            raise Refused("The volume has no finite value.")
        if missing:
            warnings.append(f"{missing} voxels that are not finite were taken as background.")
            border = _faces(array)
            border = border[np.isfinite(border)]
            array = np.where(finite, array, array.dtype.type(np.median(border) if len(border) else 0.0))
    background = float(np.median(_faces(array)))
    step = max(1, round((array.size / 2e6) ** (1 / 3)))
    values = np.asarray(array[::step, ::step, ::step], dtype=np.float64)
    low, high = (float(q) for q in np.quantile(values, (0.0005, 0.9995)))
    if low == high:
        # A body of less than a thousandth of the voxels.
        low, high = float(array.min()), float(array.max())
    two_valued = (
        array.dtype.kind == "b" or len(np.unique(values.reshape(-1)[:: max(1, values.size // 50_000)])) <= 2
    )
    if low == high:
        if high == 0 or outside == "border":
            raise Refused("The volume has no contrast: every voxel has the same value.")
        background = 0.0  # a solid block that fills its grid
    constant = outside == "background" or (outside == "auto" and two_valued)
    if constant and two_valued and outside == "auto" and float(array.min()) == 0.0:
        background = 0.0
    if threshold is not None:
        if not high > threshold:
            raise Refused(f"No voxel lies above the threshold {threshold:g}; the highest is {high:g}.")
        array = np.where(array > threshold, array, np.asarray(background, dtype=array.dtype))
    return array, background, (min(low, background), max(high, background)), constant, warnings


def _faces(array: Array) -> Array:
    """The values of the outermost voxels."""
    sides = [np.moveaxis(array, axis, 0)[end].reshape(-1) for axis in range(3) for end in (0, -1)]
    return np.concatenate(sides).astype(np.float64)


def _extent(array: Array, affine: Array) -> float:
    return float((voxel_sizes(affine) * array.shape).max())


def _reduced(
    array: Array, affine: Array, spacing: float, background: float, spread: tuple[float, float]
) -> tuple[Array, Array]:
    """Means over blocks no larger than `spacing`, less the background, over the range; and their affine."""
    factors = np.maximum(1, np.floor(spacing / voxel_sizes(affine) + 1e-6)).astype(int)
    shape = -(-np.array(array.shape) // factors)
    total, number = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for a in range(factors[0]):
        for b in range(factors[1]):
            for c in range(factors[2]):
                part = np.asarray(array[a :: factors[0], b :: factors[1], c :: factors[2]], dtype=np.float32)
                window = tuple(slice(0, n) for n in part.shape)
                total[window] += np.clip(part, spread[0], spread[1])
                number[window] += 1
    out = affine.copy()
    out[:3, 3] = affine[:3, 3] + affine[:3, :3] @ ((factors - 1) / 2.0)
    out[:3, :3] = affine[:3, :3] * factors
    span = (spread[1] - spread[0]) or 1.0
    return (total / number - np.float32(background)) / np.float32(span), out


def _orthogonal(array: Array, affine: Array, spacing: float, constant: bool) -> tuple[Array, Array]:
    """The same on a grid with right angles, if its own are not: smoothing is done axis by axis."""
    unit = affine[:3, :3] / voxel_sizes(affine)
    if np.abs(unit.T @ unit - np.eye(3)).max() < 1e-3:
        return array, affine
    step = min(spacing, float(voxel_sizes(affine).min()))
    left, _, right = np.linalg.svd(unit)
    axes = left @ right
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in array.shape], indexing="ij")).reshape(3, -1)
    world = axes.T @ (affine[:3, :3] @ corners + affine[:3, 3:])
    low, high = world.min(axis=1), world.max(axis=1)
    shape = tuple(int(n) for n in np.ceil((high - low) / step))
    out = np.eye(4)
    out[:3, :3] = axes * step
    out[:3, 3] = axes @ (low + step / 2)
    to_old = np.linalg.inv(affine) @ out
    moved = affine_transform(
        array, to_old[:3, :3], to_old[:3, 3], shape, order=1, mode="constant" if constant else "nearest"
    )
    return moved, out


def _field(
    array: Array, affine: Array, smoothing: float, constant: bool
) -> tuple[Array, Array, Array, float]:
    """(smoothed array, |∇f|² in world units, affine, noise), with a margin: nothing ends at the border.

    The noise is the standard deviation that white noise of the voxels has after the smoothing.
    """
    sizes = voxel_sizes(affine)
    margin = [int(np.ceil(3.5 * smoothing / v)) for v in sizes]
    raw = _white_noise(array)
    # A border of nothing but background goes on as background, without its noise.
    constant = constant or float(np.mean(np.abs(_faces(array)) > max(0.05, 4.0 * raw))) < 0.02
    padded = np.pad(array, [(m, m) for m in margin], mode="constant" if constant else "edge")
    out = affine.copy()
    out[:3, 3] -= affine[:3, :3] @ np.array(margin, dtype=float)
    # A voxel is a mean over its width, which has a variance of width² / 12 already.
    sigma = np.sqrt(np.maximum(smoothing**2 - sizes**2 / 12.0, (0.3 * sizes) ** 2)) / sizes
    field = gaussian_filter(padded.astype(np.float32), sigma, mode="nearest", truncate=3.5)
    slopes = np.stack([_slope(field, axis) for axis in range(3)], axis=-1) @ np.linalg.inv(
        affine[:3, :3]
    ).astype(np.float32)
    weight = (slopes**2).sum(axis=-1)
    noise = raw * float(np.prod(1.0 / (2.0 * np.sqrt(np.pi) * np.maximum(sigma, 0.3))) ** 0.5)
    # Faint noise over a wide field of view would otherwise outweigh the object; ⟨|∇n|²⟩ = 3 n² / (2 s²).
    faint = max(0.003 * float(np.quantile(weight, 0.999)), 7.5 * noise**2 / smoothing**2)
    weight[weight < faint] = 0.0
    return field, weight, out, noise


def _white_noise(array: Array) -> float:
    """Standard deviation of the voxels' noise: the median size of second differences, which structure leaves alone."""
    found = []
    for axis in range(3):
        if array.shape[axis] >= 3:
            second = np.diff(array, n=2, axis=axis) / np.sqrt(6.0)
            found.append(float(np.median(np.abs(second))) / 0.6745)
    return min(found, default=0.0)


def _slope(field: Array, axis: int) -> Array:
    """The derivative along an array axis, per voxel, by the central difference of fourth order."""
    padded = np.pad(field, [(2, 2) if k == axis else (0, 0) for k in range(3)], mode="edge")
    n = field.shape[axis]

    def shifted(by: int) -> Array:
        return padded[tuple(slice(2 + by, 2 + by + n) if k == axis else slice(None) for k in range(3))]

    out: Array = (8.0 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / 12.0
    return out


def _moments(weight: Array, affine: Array) -> tuple[Array, Array]:
    """Centroid and covariance, in the world, of a measure on voxels."""
    total = float(weight.sum(dtype=np.float64))
    if not total > 0:
        raise Refused("The volume has no contrast: every voxel has the same value.")
    rows = np.flatnonzero(weight)
    w = weight.reshape(-1)[rows].astype(np.float64) / total
    index = np.stack(np.unravel_index(rows, weight.shape), axis=1)
    places = index @ affine[:3, :3].T + affine[:3, 3]
    centroid: Array = w @ places
    places = places - centroid
    return centroid, (places * w[:, None]).T @ places


def _object_box(
    field: Array, affine: Array, shape: tuple[int, ...], full: Array, margin: float
) -> tuple[slice, slice, slice]:
    """The part of the full array that holds all that differs from the background, with a margin (world units)."""
    used = np.argwhere(np.abs(field) > 0.03 * float(np.abs(field).max()))
    corners = np.array(np.meshgrid(*zip(used.min(axis=0), used.max(axis=0), strict=True), indexing="ij"))
    world = affine[:3, :3] @ corners.reshape(3, -1) + affine[:3, 3:]
    index = np.linalg.inv(full[:3, :3]) @ (world - full[:3, 3:])
    pad = margin / voxel_sizes(full)
    low = np.clip(np.floor(index.min(axis=1) - pad), 0, np.array(shape) - 1).astype(int)
    high = np.clip(np.ceil(index.max(axis=1) + pad), low, np.array(shape) - 1).astype(int) + 1
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
