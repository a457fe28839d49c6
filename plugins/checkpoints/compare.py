"""How two checkpoints differ, tensor by tensor."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from core import targets
from core.analyses import Help, Label
from core.checkpoints import Tensors, open_tensors
from core.data import Checkpoint, Table
from core.errors import Refused
from core.jobs import Job
from core.results import Curve, Histogram, Number, Result, ResultTable, Scatter, Text

PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "state_dict.",
    "model_state_dict.",
    "network.",
    "net.",
    "params.",
)
TABLE = "Tensors"
CHUNK = 1 << 20
"""Values that are in memory at a time."""


@dataclass
class Difference:
    """One line of the comparison. Sums run over the entries that are finite in both tensors."""

    name: str
    status: str
    shapes: tuple[str, str] = ("", "")
    dtypes: tuple[str, str] = ("", "")
    size: int = 0
    nonfinite: tuple[int, int] = (0, 0)
    compared: int = 0
    maximum: float = math.nan
    total: float = 0.0
    squares: float = 0.0
    first: float = 0.0
    second: float = 0.0
    product: float = 0.0
    names: tuple[str, str] = field(default=("", ""))

    @property
    def mean(self) -> float:
        """Mean |a − b|."""
        return self.total / self.compared if self.compared else math.nan

    @property
    def relative(self) -> float:
        """‖a − b‖ / ‖b‖; 0 for equal tensors even if b = 0, infinite if only b is 0."""
        return _ratio(self.squares, self.second) if self.compared else math.nan

    @property
    def cosine(self) -> float:
        """⟨a, b⟩ / (‖a‖ ‖b‖); undefined (NaN) if one of them is 0."""
        scale = math.sqrt(self.first) * math.sqrt(self.second)
        return max(-1.0, min(1.0, self.product / scale)) if scale > 0 else math.nan


def compare(
    first: Checkpoint,
    second: Checkpoint,
    *,
    strip_prefixes: Annotated[
        bool, Label("Ignore wrappers"), Help("Match “module.conv1.weight” with “conv1.weight”.")
    ] = True,
    only: Annotated[str, Label("Only names with"), Help("Part of a tensor's name; empty: all.")] = "",
    job: Job,
) -> Result:
    """How two sets of weights differ, tensor by tensor.

    Tensors are matched by name (with “Ignore wrappers”, leading `module.`, `model.`, `state_dict.` and the
    like do not count, unless two tensors of one file would then share a name). For each pair a, b of equal
    shape: largest and mean |a − b|, relative difference ‖a − b‖ / ‖b‖ (Frobenius norm, second checkpoint
    below the line) and cosine ⟨a, b⟩ / (‖a‖ ‖b‖). The global relative difference takes all matched
    tensors as one long vector.

    What is exact: names, shapes, types, the counts and “identical” (every value equal, NaN equal to NaN in
    the same place; the types may differ). Differences are taken in float64, so they are exact for values of
    up to 52 bits; sums are rounded like any float64 sum. Integers beyond 2⁵³ are rounded before they are
    compared by size, not for “identical”. Entries that are infinite or NaN in either tensor are counted
    and left out of the measures. Complex values are compared by modulus; the cosine uses the real part of
    the inner product.

    Tensors are streamed: memory does not grow with the size of the files.
    """
    left, right = _keys(first, strip_prefixes), _keys(second, strip_prefixes)
    names = [k for k in left if only in k] + [k for k in right if k not in left and only in k]
    if not names:
        raise Refused(
            f"No tensor's name has {only!r} in it." if only else "Neither checkpoint holds a tensor."
        )
    sizes = {t.name: max(1, math.prod(t.shape)) for t in first.tensors}
    work, done = sum(sizes[left[k]] for k in names if k in left and k in right) or 1, 0
    found: list[Difference] = []
    with open_tensors(first, check=job.check) as a, open_tensors(second, check=job.check) as b:
        infos = ({t.name: t for t in first.tensors}, {t.name: t for t in second.tensors})
        for name in names:
            job.progress(done / work, name)
            one, two = left.get(name), right.get(name)
            infos_here = (infos[0].get(one or ""), infos[1].get(two or ""))
            line = Difference(
                name,
                "",
                tuple(_shape(i.shape) if i else "" for i in infos_here),  # type: ignore[arg-type]
                tuple(i.dtype if i else "" for i in infos_here),  # type: ignore[arg-type]
                names=(one or "", two or ""),
            )
            if one is None or two is None:
                line.status = "only in second" if one is None else "only in first"
                present = infos_here[0] or infos_here[1]
                line.size = math.prod(present.shape) if present else 0
            elif line.shapes[0] != line.shapes[1]:
                line.status = "shape differs"
                line.size = sizes[one]
            else:
                _measure(line, a, b, one, two, job, done / work, work)
                done += sizes[one]
                a.release()
                b.release()
            found.append(line)
    job.progress(1.0)
    return _result(found, first, second, strip_prefixes)


def _measure(
    line: Difference, a: Tensors, b: Tensors, one: str, two: str, job: Job, start: float, work: int
) -> None:
    x, y = a.view(one).reshape(-1), b.view(two).reshape(-1)
    line.size = x.size
    same, odd = True, [0, 0]
    for at in range(0, x.size, CHUNK):
        job.progress(start + at / work, line.name)
        p, q = x[at : at + CHUNK], y[at : at + CHUNK]
        # "iub" cannot hold NaN, and equal_nan would turn large integers into floats.
        floats = p.dtype.kind in "fc" or q.dtype.kind in "fc"
        same = same and bool(np.array_equal(p, q, equal_nan=floats))
        kind = np.complex128 if "c" in (p.dtype.kind, q.dtype.kind) else np.float64
        u, v = p.astype(kind), q.astype(kind)
        finite_u, finite_v = np.isfinite(u), np.isfinite(v)
        odd[0] += int((~finite_u).sum())
        odd[1] += int((~finite_v).sum())
        both = finite_u & finite_v
        if not both.all():
            u, v = u[both], v[both]
        if not u.size:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            gap = np.abs(u - v)
            line.maximum = float(np.fmax(line.maximum, gap.max()))
            line.total += float(gap.sum())
            line.squares += float(np.square(gap).sum())
            line.first += float(np.square(np.abs(u)).sum())
            line.second += float(np.square(np.abs(v)).sum())
            line.product += float(np.real(np.vdot(u, v)))
        line.compared += u.size
    line.nonfinite = (odd[0], odd[1])
    line.status = "identical" if same else "different"


def _result(found: list[Difference], first: Checkpoint, second: Checkpoint, stripped: bool) -> Result:
    count = Counter(d.status for d in found)
    pairs = [d for d in found if d.status in ("identical", "different")]
    measured = [d for d in pairs if d.compared]
    relative = (
        _ratio(sum(d.squares for d in measured), sum(d.second for d in measured)) if measured else math.nan
    )
    scale = math.sqrt(sum(d.first for d in measured)) * math.sqrt(sum(d.second for d in measured))
    cosine = sum(d.product for d in measured) / scale if scale > 0 else math.nan
    biggest = max(measured, key=lambda d: d.maximum, default=None)
    nonfinite = (sum(d.nonfinite[0] for d in pairs), sum(d.nonfinite[1] for d in pairs))
    numbers = {
        "global relative difference": relative,
        "global cosine": max(-1.0, min(1.0, cosine)) if math.isfinite(cosine) else cosine,
        "largest difference": biggest.maximum if biggest else math.nan,
        "identical tensors": count["identical"],
        "different tensors": count["different"],
        "tensors of different shape": count["shape differs"],
        "tensors only in first": count["only in first"],
        "tensors only in second": count["only in second"],
        "values compared": sum(d.compared for d in measured),
        "values not finite in first": nonfinite[0],
        "values not finite in second": nonfinite[1],
    }
    outputs: list[Any] = [Text("Comparison", _sentence(numbers, count, pairs))]
    outputs += [Number(name.capitalize(), float(value)) for name, value in numbers.items()]
    # A row leads to its tensor in the first file, or in the second if only that has it.
    ways = tuple(
        targets.tensor(0, d.names[0]) if d.names[0] else targets.tensor(1, d.names[1]) for d in found
    )
    outputs.append(ResultTable(TABLE, _table(found), ways))
    if measured:
        ratios = np.array([d.relative for d in measured])
        compared = {id(d) for d in measured}
        rows = np.array([n for n, d in enumerate(found) if id(d) in compared])
        outputs.append(
            Curve(
                "Relative difference by tensor",
                np.arange(1, len(measured) + 1),
                {"‖a − b‖ / ‖b‖": np.where(np.isfinite(ratios), ratios, np.nan)},
                x_label="Tensor, in the order of the first file",
                y_label="Relative difference",
                table=TABLE,
                rows=rows,
            )
        )
        both = [d for d in measured if d.relative > 0 and math.isfinite(d.relative)]
        if len(both) > 1:
            outputs.append(_scatter(both, found))
        finite = ratios[np.isfinite(ratios)]
        if finite.size and float(finite.max()) > float(finite.min()):
            counts, edges = np.histogram(finite, bins=min(40, max(5, int(math.sqrt(finite.size)) * 2)))
            outputs.append(
                Histogram(
                    "Relative differences",
                    edges,
                    counts,
                    "Relative difference",
                    table=TABLE,
                    column="relative",
                )
            )
    values = {
        "global": {name.replace(" ", "_"): _json(value) for name, value in numbers.items()},
        "tensors": {d.name: _values(d) for d in found},
        "files": {"first": first.format, "second": second.format},
    }
    warnings = []
    if any(nonfinite):
        where = [d.name for d in pairs if any(d.nonfinite)]
        warnings.append(
            f"{nonfinite[0]} values of the first and {nonfinite[1]} of the second are infinite or NaN and were left "
            f"out of the measures ({', '.join(where[:3])}{' …' if len(where) > 3 else ''})."
        )
    if not pairs:
        warnings.append("No tensor of one has a partner of the same name and shape in the other.")
    if any(d.dtypes[0] != d.dtypes[1] for d in pairs):
        warnings.append("Some tensors have different types in the two files; their values were compared.")
    renamed = sum(d.names[0] != d.names[1] for d in pairs)
    if stripped and renamed:
        warnings.append(f"{renamed} tensors were matched after ignoring wrappers in their names.")
    return Result(values, tuple(outputs), tuple(warnings))


def _scatter(shown: list[Difference], found: list[Difference]) -> Scatter:
    """Size against change: which tensors moved, and whether the large ones did. A point leads to its tensor."""
    places = {id(d): n for n, d in enumerate(found)}
    return Scatter(
        "Change by size of the tensor",
        np.array([d.size for d in shown]),
        np.array([d.relative for d in shown]),
        color=np.array([d.cosine for d in shown]),
        labels=tuple(d.name for d in shown),
        x_label="Values in the tensor",
        y_label="Relative difference",
        color_label="Cosine",
        targets=tuple(targets.tensor(0, d.names[0]) for d in shown),
        table=TABLE,
        rows=np.array([places[id(d)] for d in shown]),
    )


def _table(found: list[Difference]) -> Table:
    columns: dict[str, Any] = {
        "tensor": np.array([d.name for d in found]),
        "status": np.array([d.status for d in found]),
        "shape": np.array([_both(d.shapes) for d in found]),
        "type": np.array([_both(d.dtypes) for d in found]),
        "values": np.array([d.size for d in found], dtype=np.int64),
        "max |Δ|": np.array([d.maximum for d in found]),
        "mean |Δ|": np.array([d.mean for d in found]),
        "relative": np.array([d.relative for d in found]),
        "cosine": np.array([d.cosine for d in found]),
        "not finite, first": np.array([d.nonfinite[0] for d in found], dtype=np.int64),
        "not finite, second": np.array([d.nonfinite[1] for d in found], dtype=np.int64),
    }
    return Table(columns)


def _values(d: Difference) -> dict[str, Any]:
    out: dict[str, Any] = {"status": d.status, "shape": _both(d.shapes), "dtype": _both(d.dtypes)}
    if d.status in ("identical", "different"):
        out |= {
            "max_abs": _json(d.maximum),
            "mean_abs": _json(d.mean),
            "relative": _json(d.relative),
            "cosine": _json(d.cosine),
            "nonfinite_first": d.nonfinite[0],
            "nonfinite_second": d.nonfinite[1],
        }
    return out


def _sentence(numbers: dict[str, Any], count: Counter[str], pairs: list[Difference]) -> str:
    if pairs and len(pairs) == count["identical"] == sum(count.values()):
        return f"All {len(pairs)} tensors are identical."
    parts = [f"{count['identical']} tensors identical", f"{count['different']} different"]
    words = {
        "shape differs": "of another shape",
        "only in first": "only in first",
        "only in second": "only in second",
    }
    parts += [f"{count[status]} {text}" for status, text in words.items() if count[status]]
    relative = numbers["global relative difference"]
    tail = f"; the global relative difference is {relative:.4g}" if math.isfinite(relative) else ""
    return ", ".join(parts) + tail + "."


def _keys(checkpoint: Checkpoint, strip: bool) -> dict[str, str]:
    """Name to match by -> name in the file, in the file's order."""
    names = [t.name for t in checkpoint.tensors]
    short = [_stripped(n) if strip else n for n in names]
    twice = {n for n, k in Counter(short).items() if k > 1}
    keys = {n if s in twice else s: n for n, s in zip(names, short, strict=True)}
    # A name kept whole may still be another one's short name.
    return keys if len(keys) == len(names) else {n: n for n in names}


def _stripped(name: str) -> str:
    while True:
        for prefix in PREFIXES:
            if name.startswith(prefix) and len(name) > len(prefix):
                name = name[len(prefix) :]
                break
        else:
            return name


def _ratio(numerator: float, denominator: float) -> float:
    if numerator == 0:
        return 0.0
    return math.sqrt(numerator) / math.sqrt(denominator) if denominator > 0 else math.inf


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(str(n) for n in shape) or "scalar"


def _both(pair: tuple[str, str]) -> str:
    one, two = pair
    return one if one == two else f"{one or '–'} / {two or '–'}"


def _json(value: float) -> Any:
    """JSON has no NaN and no infinity: those become null."""
    return value if not isinstance(value, float) or math.isfinite(value) else None
