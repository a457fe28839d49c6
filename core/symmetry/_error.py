"""How far a model is from equivariance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from core.data import Attribute, Domain, Transforms, is_data
from core.symmetry._action import act
from core.symmetry._backend import to_numpy
from core.symmetry._discrete import Reflections
from core.symmetry._group import Elements, Group
from core.symmetry._parts import Part, parts_of, value_part
from core.symmetry._values import act_array, act_points

Kind = Transforms | Literal["point"]
Action = Callable[[Elements, Any], Any]
_SAY = "say how the model's output transforms: output='scalar', 'vector', 'point', …"


@dataclass(frozen=True, eq=False)
class EquivarianceError:
    """Errors of f(g·x) against g·f(x) over sampled g, see `equivariance_error`.

    Attributes
    ----------
    group : name of the group.
    elements : the n sampled elements.
    errors : (n,) relative error of each element, RMS over inputs; the worst part where an output has several.
        Labels: the fraction that disagrees. NaN where undefined.
    parts : part name -> (n,) errors, e.g. {"points": …, "normals": …}.
    spreads : part name -> RMS spread of the output, the unit of its errors (1 for labels).
    noise : error of running the same input twice, in the same unit; what repeats cannot beat.
    floor : error after g⁻¹·g instead of nothing: what rounding and resampling of inputs cost.
    undefined : "" or the reason why no error can be stated.
    notes : what the reader should know.
    """

    group: str
    elements: Elements
    errors: Any
    parts: Mapping[str, Any]
    spreads: Mapping[str, float]
    noise: float
    floor: float
    n_inputs: int
    undefined: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))
        object.__setattr__(self, "spreads", MappingProxyType(dict(self.spreads)))

    @property
    def defined(self) -> bool:
        """An error can be stated."""
        return not self.undefined

    @property
    def mean(self) -> float:
        """Mean error over the sampled elements; NaN where undefined."""
        return float(np.mean(self.errors))

    @property
    def maximum(self) -> float:
        """Largest error; NaN where undefined."""
        return float(np.max(self.errors))

    @property
    def worst(self) -> Elements:
        """The element with the largest error. Raises `ValueError` where undefined."""
        if self.undefined:
            raise ValueError(self.undefined)
        return self.elements[int(np.argmax(self.errors))]

    def quantiles(self, levels: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> Any:
        """Quantiles of the errors; NaN where undefined."""
        return np.quantile(self.errors, levels)

    def __str__(self) -> str:
        if self.undefined:
            return f"{self.group}: undefined: {self.undefined}"
        return (
            f"{self.group}: mean {self.mean:.3g}, largest {self.maximum:.3g} of the output's spread over "
            f"{len(self.errors)} elements and {self.n_inputs} input(s); noise {self.noise:.3g}, floor {self.floor:.3g}"
        )


def equivariance_error(
    model: Callable[[Any], Any],
    data: Any,
    group: Group | Reflections | Elements,
    *,
    n: int = 32,
    rng: np.random.Generator | int = 0,
    output: Kind | str | None = None,
    degree: int | None = None,
    domain: Domain | str = Domain.POINT,
    input: Kind | str = "point",
    act_input: Action | None = None,
    act_output: Action | None = None,
    progress: Callable[[float], None] | None = None,
) -> EquivarianceError:
    """Compare f(g·x) with g·f(x) for random g.

    The error of an element is ‖f(g·x) - g·f(x)‖ (RMS over values and inputs) divided by the spread of f: the
    RMS distance of its values from their mean over inputs, points and poses (positions: over inputs and points
    only, so that far translations do not flatter). A model whose output does not vary, or varies no more than
    between repeated runs, has no spread: the result says "undefined", never 0.

    Parameters
    ----------
    model : data -> a data object, an `Attribute`, an array or a number.
    data : one input, or a list or tuple of inputs: data objects, attributes or arrays. A model with one
        invariant number as output needs several inputs, as its values do not vary over poses.
    group : elements are sampled from it (`n`, `rng`), or the elements to use.
    output : for arrays and numbers: how they transform, or "point" for positions. Needed for these.
    degree : of spherical-harmonic output.
    domain : what array output belongs to: "point" (first axis = points; permutations rearrange it) or "object".
    input : for array inputs: "point" (default) or how they transform.
    act_input, act_output : actions (g, x) -> x' in place of the built-in ones, e.g. `on_grid()` for a model
        that reads voxel arrays.
    progress : called with the fraction done before each element, e.g. `job.progress`; may raise to cancel.

    Raises
    ------
    NoActionError : g does not act on the input or the output.
    ValueError : array output without `output`; outputs whose shapes differ between runs.
    """
    domain = Domain(domain)
    inputs = list(data) if isinstance(data, (list, tuple)) else [data]
    if not inputs:
        raise ValueError("there is no input")
    elements = group if isinstance(group, Elements) else group.sample(n, rng)
    if len(elements.shape) != 1 or not len(elements):
        raise ValueError("a list of at least one group element is needed")
    kind: Kind | None = None
    if output is not None:
        kind = "point" if output == "point" else Transforms(output)
    into = act_input or _input_action("point" if input == "point" else Transforms(input))
    onto = act_output or _output_action(kind, degree, domain)
    take = _Reader(kind, domain)

    tally = _Tally(len(elements), len(inputs))
    for k, x in enumerate(inputs):
        y = model(x)
        tally.reference(take(y), parts_of(x) if _is_data(x) and _is_data(y) else {})
        tally.repeat(take(y), take(model(x)))
        for i, g in enumerate(elements):
            if progress:
                progress((k + i / len(elements)) / len(inputs))
            there = into(g, x)
            tally.element(i, take(model(there)), take(onto(g, y)))
            if i < 4:
                tally.round_trip(take(y), take(model(into(g.inverse(), there))))
    return tally.result(elements)


def _is_data(value: Any) -> bool:
    return is_data(value) or isinstance(value, Attribute)


def _input_action(kind: Kind) -> Action:
    def action(g: Elements, x: Any) -> Any:
        if not (isinstance(x, np.ndarray) or type(x).__module__.split(".")[0] == "torch"):
            return act(g, x)
        return act_points(g, x) if kind == "point" else act_array(g, x, kind)

    return action


def _output_action(kind: Kind | None, degree: int | None, domain: Domain) -> Action:
    def action(g: Elements, y: Any) -> Any:
        if _is_data(y):
            return act(g, y)
        if kind is None:
            raise ValueError(_SAY)
        y = to_numpy(y)
        if y.dtype.kind == "f" and y.dtype != np.float64:
            y = y.astype(np.float64)
        g = g.like(np.float64)
        where = Domain.OBJECT if y.ndim == 0 else domain
        return act_points(g, y) if kind == "point" else act_array(g, y, kind, degree=degree, domain=where)

    return action


class _Reader:
    """Takes outputs apart."""

    def __init__(self, kind: Kind | None, domain: Domain) -> None:
        self.kind, self.domain = kind, domain

    def __call__(self, y: Any) -> dict[str, Part]:
        if _is_data(y):
            return parts_of(y)
        values = to_numpy(y)
        if values.dtype.kind not in "biufUS":
            raise TypeError(f"a model's output must be numbers or labels, not {type(y).__name__}")
        if self.kind is None:
            raise ValueError(_SAY)
        if not isinstance(self.kind, Transforms):
            return {"output": Part(values, 1, position=True)}
        domain = Domain.OBJECT if values.ndim == 0 else self.domain
        return {"output": value_part(values, self.kind, domain)}


@dataclass
class _Spread:
    """Running mean and sum of squared deviations per component (Chan, Golub and LeVeque 1983)."""

    count: int = 0
    mean: Any = 0.0
    m2: Any = 0.0
    size: float = 0.0
    labels: set[Any] = field(default_factory=set)

    def add(self, part: Part) -> None:
        rows = part.matrix()
        if part.label:
            if len(self.labels) < 2:
                self.labels.update(np.unique(rows).tolist())
            return
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        m2 = ((rows - mean) ** 2).sum(axis=0)
        gap, total = mean - self.mean, self.count + len(rows)
        self.m2 = self.m2 + m2 + gap**2 * self.count * len(rows) / total
        self.mean = self.mean + gap * len(rows) / total
        self.count = total
        self.size = max(self.size, float(np.abs(rows).max()))

    def value(self) -> float:
        return float(np.sqrt(np.sum(self.m2) / self.count)) if self.count else 0.0


def _equal(a: Part, b: Part, tolerance: float = 0.0) -> bool:
    if a.values.shape != b.values.shape:
        return False
    if a.label:
        return bool((a.values == b.values).all())
    return bool(np.allclose(a.values, b.values, rtol=tolerance, atol=0, equal_nan=True))


class _Tally:
    """Squared differences by part, and what they are measured in."""

    def __init__(self, n: int, n_inputs: int) -> None:
        self.n, self.n_inputs = n, n_inputs
        self.squares: dict[str, Any] = {}
        self.noise: dict[str, list[float]] = {}
        self.trips: dict[str, list[float]] = {}
        self.spreads: dict[str, _Spread] = {}
        self.first: dict[str, Part] = {}
        self.varies: set[str] = set()
        self.passed: set[str] = set()
        self.finite = True

    def reference(self, y: dict[str, Part], x: dict[str, Part]) -> None:
        same = {name for name, part in y.items() if name in x and _equal(part, x[name])}
        self.passed = same if not self.first else self.passed & same
        for name, part in y.items():
            self.squares.setdefault(name, np.zeros(self.n))
            self.spreads.setdefault(name, _Spread()).add(part)
            if not _equal(self.first.setdefault(name, part), part, 1e-6):
                self.varies.add(name)

    def repeat(self, y: dict[str, Part], again: dict[str, Part]) -> None:
        for name, square in self._squares(y, again).items():
            self.noise.setdefault(name, []).append(square)

    def round_trip(self, y: dict[str, Part], again: dict[str, Part]) -> None:
        for name, square in self._squares(y, again).items():
            self.trips.setdefault(name, []).append(square)

    def element(self, i: int, moved: dict[str, Part], expected: dict[str, Part]) -> None:
        for name, square in self._squares(moved, expected).items():
            self.squares[name][i] += square / self.n_inputs
            if not moved[name].position:
                self.spreads[name].add(moved[name])

    def _squares(self, a: dict[str, Part], b: dict[str, Part]) -> dict[str, float]:
        if a.keys() != b.keys():
            raise ValueError("the model's outputs have different parts for different poses")
        squares = {}
        for name, part in a.items():
            if part.values.shape != b[name].values.shape:
                raise ValueError(
                    f"the model's output {name!r} has shape {part.values.shape} in one pose and "
                    f"{b[name].values.shape} in another"
                )
            left, right = part.matrix(), b[name].matrix()
            if part.label:
                squares[name] = float((left != right).mean()) if left.size else 0.0
                continue
            square = float(((left - right) ** 2).sum(axis=1).mean()) if left.size else 0.0
            self.finite &= bool(np.isfinite(square))
            squares[name] = square
        return squares

    def result(self, elements: Elements) -> EquivarianceError:
        parts: dict[str, Any] = {}
        spreads: dict[str, float] = {}
        reasons: dict[str, str] = {}
        noises, floors = [0.0], [0.0]
        # what a model hands on says nothing of it, unless it does nothing else
        passed = self.passed if len(self.passed) < len(self.squares) else set()
        for name, squares in self.squares.items():
            if name in passed:
                continue
            unit, reason = self._unit(name)
            if not self.finite:
                reason = "the model's output has values that are not finite"
            if reason:
                reasons[name] = reason
                continue
            label = self.first[name].label
            noise, trip = np.mean(self.noise[name]), np.mean(self.trips[name])
            spreads[name] = unit
            parts[name] = squares if label else np.sqrt(squares) / unit
            noises.append(float(noise if label else np.sqrt(noise) / unit))
            floors.append(float(trip if label else np.sqrt(trip) / unit))
        notes = [f"{name}: left out, {reason}" for name, reason in reasons.items()] if parts else []
        notes += [f"{name}: left out, the model passes it on" for name in sorted(passed)]
        if self.n_inputs == 1 and parts:
            notes.append("one input only: a model that ignores its input can look invariant; give several")
        undefined = "" if parts else "; ".join(dict.fromkeys(reasons.values())) or "the output is empty"
        worst = np.max(list(parts.values()), axis=0) if parts else np.full(self.n, np.nan)
        return EquivarianceError(
            group=elements.group.name,
            elements=elements,
            errors=worst,
            parts=parts,
            spreads=spreads,
            noise=max(noises) if parts else float("nan"),
            floor=max(floors) if parts else float("nan"),
            n_inputs=self.n_inputs,
            undefined=undefined,
            notes=tuple(notes),
        )

    def _unit(self, name: str) -> tuple[float, str]:
        """The spread of a part, and why it has none."""
        first, spread = self.first[name], self.spreads[name]
        if first.label:
            return 1.0, "" if len(spread.labels) > 1 else "the output is the same label everywhere"
        value = spread.value()
        dtype = first.values.dtype
        rounding = float(np.finfo(dtype).eps) if dtype.kind == "f" else 1e-15
        if value <= 100 * rounding * spread.size:
            return value, "the output does not vary over inputs and poses"
        # two runs differ by √2 times the noise of one
        if value <= 2 * float(np.sqrt(np.mean(self.noise[name]) / 2)):
            return value, "the output varies no more than between repeated runs"
        if self.n_inputs > 1 and name not in self.varies:
            return value, "the output is the same for all inputs"
        return value, ""
