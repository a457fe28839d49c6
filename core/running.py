"""Runs analyses: checks the inputs, calls the function, and writes the record. The same code serves the
window's workers, the command line, `replay` and scripts."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from core import records
from core.analyses import Description, ParameterError, call_arguments, describe, validate
from core.data import a_kind, content_hash, kind_of, kind_words, register
from core.document import Source
from core.errors import UserError
from core.jobs import Job, default_threads
from core.plugins import Analysis, PluginHost
from core.results import Output, Result


@register
@dataclass(frozen=True, eq=False)
class InputRef:
    """An input of a run: the data, its name, and the file it came from, if any."""

    name: str
    data: Any
    source: Source | None = None


@register
@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run: what it found and its record (plain JSON of `core.records.Record`)."""

    result: Result
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "record", MappingProxyType(dict(self.record)))


def describe_analysis(host: PluginHost, analysis: Analysis) -> Description:
    """The description of a declared analysis; imports the module that holds it, nothing heavier."""
    return describe(
        host.resolve(analysis.function),
        id=analysis.id,
        title=analysis.title,
        input_kinds=analysis.inputs,
        menu=analysis.menu,
        reference=analysis.reference,
        tolerance=analysis.tolerance,
    )


def execute(
    analysis: str,
    inputs: Sequence[InputRef],
    parameters: Mapping[str, Any],
    *,
    job: Job,
    host: PluginHost,
) -> Finished:
    """Run an analysis on data objects.

    Raises
    ------
    UserError : unknown analysis, inputs of the wrong number or kind, a parameter out of bounds, a refusal.
    """
    declared = host.get(analysis, Analysis)
    lacking = host.missing(declared)
    if lacking:
        raise UserError(f"{declared.title.rstrip('…')} {lacking}.")
    description = describe_analysis(host, declared)
    check_inputs(description, [kind_of(i.data) for i in inputs])
    values = validate(description, parameters)
    function = host.resolve(declared.function)
    started, clock = records.now(), time.perf_counter()
    with _limited_threads(job.threads):
        result = function(*(i.data for i in inputs), job=job, **call_arguments(description, values))
    seconds = time.perf_counter() - clock
    if not isinstance(result, Result):
        raise UserError(f"{declared.title} returned no result; its plugin is at fault.")
    job.progress(1.0, "Writing the record")
    record = records.Record(
        analysis=analysis,
        inputs=tuple(_input_record(i) for i in inputs),
        parameters=values,
        seed=job.seed,
        device=job.device,
        threads=job.threads,
        versions={**records.versions(host.version_of(declared)), **job.versions},
        machine=records.machine(),
        started=started,
        seconds=round(seconds, 3),
        outputs=output_hashes(result),
        values=content_hash(dict(result.values)),
        tolerance=declared.tolerance,
        warnings=result.warnings,
    )
    return Finished(result, msgspec.to_builtins(record))


def check_inputs(description: Description, kinds: Sequence[str]) -> None:
    """Raise `UserError` unless data of these kinds, in this order, fit the analysis."""
    least = sum(not i.optional for i in description.inputs)
    most = len(description.inputs)
    if not least <= len(kinds) <= most:
        number = str(most) if least == most else f"{least} to {most}"
        wanted = "; ".join(f"{i.label}: {kind_words(*i.kinds)}" for i in description.inputs)
        raise UserError(
            f"{description.title.rstrip('…')} takes {number} input{'s' * (most != 1)} ({wanted}), not {len(kinds)}."
        )
    for entry, kind in zip(description.inputs, kinds, strict=False):
        if kind not in entry.kinds:
            raise UserError(
                f"{description.title.rstrip('…')} takes {a_kind(*entry.kinds)} as {entry.label}, not {a_kind(kind)}."
            )


def output_name(output: Output, taken: set[str]) -> str:
    """A unique name of an output within its result, e.g. "plane 2", and remember it in `taken`."""
    name, count = output.name, 2
    while name in taken:
        name, count = f"{output.name} ({count})", count + 1
    taken.add(name)
    return name


def output_hashes(result: Result) -> dict[str, str]:
    """Content hash of every output, by unique name."""
    taken: set[str] = set()
    return {output_name(o, taken): content_hash(o) for o in result.outputs}


def run(
    analysis: str,
    paths: Sequence[str],
    *,
    seed: int = 0,
    device: str = "cpu",
    reader: str | None = None,
    options: Mapping[str, Any] | None = None,
    trusted: Collection[str] = (),
    **parameters: Any,
) -> tuple[Result, Mapping[str, Any]]:
    """Open files and run an analysis on them in this process; for scripts ("copy as Python").

    `trusted` are hashes of models of the user's own that may run (`core.trust`).

    Returns the result and its record.
    """
    host = PluginHost()
    job = Job(seed=seed, device=device, threads=default_threads())
    job.trusted = frozenset(trusted)
    inputs = open_inputs(analysis, paths, job=job, host=host, reader=reader, options=options)
    finished = execute(analysis, inputs, parameters, job=job, host=host)
    return finished.result, finished.record


def open_inputs(
    analysis: str,
    addresses: Sequence[str],
    *,
    job: Job,
    host: PluginHost,
    reader: str | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[InputRef]:
    """The inputs of an analysis from addresses (`core.opening.address`).

    An address without "::N" means the first object of the file that fits.

    Raises
    ------
    UserError : a file cannot be read, or holds nothing of the right kind there.
    """
    from core.opening import open_path, split_address

    declared = host.get(analysis, Analysis)
    inputs = []
    for position, text in enumerate(addresses):
        path, index = split_address(text)
        opened = open_path(path, job=job, host=host, reader=reader, kind=kind, options=options)
        inputs.append(_input(opened, declared, position, index))
    return inputs


def _input(opened: Any, analysis: Analysis, position: int, index: int | None) -> InputRef:
    from core.opening import items_of

    title, file = analysis.title.rstrip("…"), Path(opened.path).name
    many = len(analysis.inputs)
    if position >= many:
        raise UserError(f"{title} takes {many} input{'s' * (many != 1)}; {file} is one too many.")
    accepted = analysis.inputs[position]
    items = list(items_of(opened))
    if index is not None:
        if index >= len(items):
            raise UserError(f"{file} holds {len(items)} objects; there is no number {index + 1}.")
        items = [items[index]]
    items = [i for i in items if i.data is not None]
    for item in items:
        if kind_of(item.data) in accepted:
            return InputRef(item.name, item.data, item.source)
    kinds = sorted({kind_of(i.data) for i in items})
    held = " and ".join(a_kind(kind) for kind in kinds) or "nothing of that sort"
    raise UserError(f"{title} takes {a_kind(*accepted)}; {file} holds {held}.")


def compare_records(old: records.Record, new: records.Record) -> list[str]:
    """What differs between a record and its replay, a sentence each; nothing if every hash is equal."""
    out: list[str] = []
    for i, (a, b) in enumerate(zip(old.inputs, new.inputs, strict=True)):
        if a.content != b.content:
            out.append(f"input {i + 1} ({a.name}) has changed since")
    if old.values != new.values:
        out.append("the numbers differ")
    names = sorted(old.outputs.keys() | new.outputs.keys())
    out += [f"{name} differs" for name in names if old.outputs.get(name) != new.outputs.get(name)]
    return out


def _input_record(ref: InputRef) -> records.InputRecord:
    source = ref.source
    return records.InputRecord(
        name=ref.name,
        kind=kind_of(ref.data),
        content=records.input_hash(ref.data),
        path=source.path if source else "",
        reader=source.reader if source else "",
        index=source.index if source else 0,
        options=dict(source.options) if source else {},
        sha256=records.file_hash(Path(source.path)) if source else "",
    )


def _limited_threads(threads: int) -> Any:
    """The BLAS and OpenMP pools held at `threads`, so that a record says what really ran."""
    import sys

    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    return threadpool_limits(limits=threads)


__all__ = [
    "Finished",
    "InputRef",
    "ParameterError",
    "check_inputs",
    "compare_records",
    "describe_analysis",
    "execute",
    "open_inputs",
    "output_hashes",
    "output_name",
    "run",
]
