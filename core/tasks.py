"""The tasks of a worker process: everything the front ends ask to have done outside their own process.

Each takes the job and plain or data arguments, and returns something that `core.data.encode` carries.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from core import exports, opening, running, session
from core.data import Checkpoint, Table
from core.document import Item, Source
from core.errors import UserError
from core.jobs._job import Job
from core.plugins import Panel, PluginHost, Reader, contributions
from core.records import located, read_record


@lru_cache(maxsize=1)
def host() -> PluginHost:
    """This process's plugins (EQUISCOPE_SAFE=1: the built-in ones only)."""
    return PluginHost(safe=os.environ.get("EQUISCOPE_SAFE") == "1")


def open_path(
    job: Job,
    path: str,
    reader: str | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> opening.Opened:
    """Read one path, see `core.opening.open_path`."""
    return opening.open_path(path, job=job, host=host(), reader=reader, kind=kind, options=options)


def read_again(job: Job, sources: list[Source]) -> list[Any]:
    """The data of sources, see `core.opening.read_again`."""
    return opening.read_again(sources, job=job, host=host())


def expand(job: Job, paths: list[str]) -> list[str]:
    """The paths to open one by one, see `core.opening.expand`."""
    return [str(p) for p in opening.expand(paths, host=host())]


def describe(job: Job) -> list[dict[str, Any]]:
    """The description of every analysis whose plugin works, as plain dictionaries."""
    out = []
    for analysis in host().analyses:
        if host().missing(analysis):
            continue
        try:
            out.append(msgspec.to_builtins(running.describe_analysis(host(), analysis)))
        except (UserError, TypeError) as error:
            job.log(f"{analysis.id}: {error}")
    return out


def check_plugins(job: Job) -> dict[str, str]:
    """The traceback of every contribution whose code does not load, by its id; panels belong to the window."""
    out = {}
    plugins = [(p.title, p.manifest) for p in host().plugins if p.manifest is not None]
    entries = [(title, entry) for title, manifest in plugins for entry in contributions(manifest)]
    for n, (title, entry) in enumerate(entries):
        job.progress(n / len(entries), title)
        if isinstance(entry, Panel) or host().missing(entry):
            continue
        for field in ("read", "sniff", "write", "function", "config", "build"):
            reference = getattr(entry, field, "")
            try:
                if reference:
                    host().resolve(reference)
            except UserError as error:
                out[entry.id] = "".join(traceback.format_exception(error.__cause__ or error))
                break
    return out


def describe_reader(job: Job, reader: str) -> dict[str, Any]:
    """The options of one reader, as a plain description."""
    plain: dict[str, Any] = msgspec.to_builtins(opening.describe_reader(host(), host().get(reader, Reader)))
    return plain


def run(
    job: Job,
    analysis: str,
    inputs: list[running.InputRef],
    parameters: Mapping[str, Any],
    trusted: Sequence[str] = (),
) -> running.Finished:
    """Run an analysis on data that is open, see `core.running.execute`; `trusted` as `Job.trusted`."""
    job.trusted = frozenset(trusted)
    return running.execute(analysis, inputs, parameters, job=job, host=host())


def run_files(
    job: Job,
    analysis: str,
    paths: list[str],
    parameters: Mapping[str, Any],
    out: str,
    reader: str | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    absolute_paths: bool = False,
    trusted: Sequence[str] = (),
) -> dict[str, Any]:
    """Open files, run an analysis on them and write the results into the folder `out`.

    `trusted` are models of the user's own that this run may use, see `Job.trusted`. Returns {"record", "result", "files"}: plain values only, the arrays stay in the files.
    """
    job.trusted = frozenset(trusted)
    inputs = running.open_inputs(
        analysis, paths, job=job, host=host(), reader=reader, kind=kind, options=options
    )
    finished = running.execute(analysis, inputs, parameters, job=job, host=host())
    files = exports.write_run(finished, Path(out), host=host(), job=job, absolute_paths=absolute_paths)
    return {
        "record": dict(finished.record),
        "result": exports.result_json(finished.result),
        "files": [str(p) for p in files],
        "warnings": list(finished.result.warnings),
    }


def find_cases(
    job: Job,
    analysis: str,
    inputs: list[str],
    lists: list[str],
    same: Mapping[str, str],
    out: str,
) -> dict[str, Any]:
    """The cases of a batch, see `core.batch.find_cases`, as {"cases": plain dictionaries, "notes": sentences}."""
    from core.batch import find_cases as find

    cases, notes = find(analysis, inputs, host=host(), lists=lists, same=same, out=out)
    return {"cases": msgspec.to_builtins(cases), "notes": notes}


def read_run(job: Job, folder: str) -> running.Finished:
    """What a run wrote into a folder, see `core.batch.read_run`."""
    from core.batch import read_run as read

    return read(Path(folder), job=job, host=host())


def replay(job: Job, record: str, trusted: Sequence[str] = ()) -> dict[str, Any]:
    """Run a record again on its files. The runner has set seed and device; threads must be the record's.

    Returns {"differences": sentences, "record": the new record}.
    """
    job.trusted = frozenset(trusted)
    path = Path(record)
    old = read_record(path)
    folder = path if path.is_dir() else path.parent
    inputs = []
    for entry in old.inputs:
        if not entry.path:
            raise UserError(
                f"{entry.name} came from no file, so this run can only be repeated in its session."
            )
        opened = opening.open_path(
            located(entry.path, folder),
            job=job,
            host=host(),
            reader=entry.reader or None,
            options=entry.options,
        )
        items = opening.items_of(opened)
        if entry.index >= len(items):
            raise UserError(f"{Path(entry.path).name} holds fewer objects than when the run was made.")
        item = items[entry.index]
        inputs.append(running.InputRef(item.name, item.data, item.source))
    finished = running.execute(old.analysis, inputs, old.parameters, job=job, host=host())
    new = msgspec.convert(dict(finished.record), type(old))
    return {"differences": running.compare_records(old, new), "record": dict(finished.record)}


def write(
    job: Job, data: Any, path: str, writer: str | None = None, metadata: Mapping[str, Any] | None = None
) -> str:
    """Write one object, see `core.exports.write_object`."""
    return str(exports.write_object(data, Path(path), host=host(), job=job, writer=writer, metadata=metadata))


def write_table(job: Job, table: Table, path: str) -> str:
    """Write a table as CSV or TSV, see `core.exports.save_table`."""
    return str(exports.save_table(table, Path(path)))


def write_result(job: Job, finished: running.Finished, folder: str) -> str:
    """Write all that a run found, see `core.exports.write_run`."""
    exports.write_run(finished, Path(folder), host=host(), job=job)
    return folder


def sample(job: Job, id: str) -> opening.Opened:
    """Make or find a sample; its items' source is "sample:ID"."""
    return opening.open_sample(id, job=job, host=host())


def tensors(job: Job, checkpoint: Checkpoint, names: list[str]) -> dict[str, Any]:
    """Values of some tensors of a checkpoint."""
    from core.checkpoints import read_tensors

    return dict(read_tensors(checkpoint, names))


def save_session(
    job: Job,
    items: list[Item],
    layout: Mapping[str, Any],
    folder: str,
    expected: str | None = None,
    embed: bool = False,
    keep: bool = False,
    token: str = "",
) -> dict[str, str]:
    """Save a session, see `core.session.save`. Returns {"folder", "stamp"} of what was saved."""
    saved = session.save(
        items, layout, Path(folder), job=job, expected=expected, embed=embed, keep=keep, token=token
    )
    return {"folder": str(saved), "stamp": session.stamp(saved)}


def open_recovered(job: Job, folder: str) -> session.Session:
    """Open what a crashed window left in the folder of its journal, see `core.journal.load`."""
    from core.journal import load

    return load(Path(folder), job=job, host=host())


def open_session(job: Job, folder: str) -> session.Session:
    """Open a session, see `core.session.load`."""
    return session.load(Path(folder), job=job, host=host())


def locate_files(
    job: Job, items: list[Item], place: str, chosen: str = "", contents: Mapping[str, str] | None = None
) -> list[session.Located]:
    """Read what is missing from where it is now, see `core.session.locate`."""
    return session.locate(items, Path(place), chosen=chosen, contents=contents, job=job, host=host())


TASKS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        open_path,
        read_again,
        expand,
        describe,
        check_plugins,
        describe_reader,
        run,
        run_files,
        find_cases,
        read_run,
        replay,
        write,
        write_result,
        write_table,
        sample,
        tensors,
        save_session,
        open_recovered,
        open_session,
        locate_files,
    )
}
