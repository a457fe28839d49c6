"""`equiscope batch`: one analysis over hundreds of inputs, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.cli import _jobs
from app.cli._batch_words import Teller, final_words, print_table
from app.cli._info import reader_arguments, reading_options
from app.cli._main import Parser, print_json
from app.cli._run import about, described, parameter_options, parameter_values, trusting, where_options, whole
from core.analyses import Description, checked
from core.batch import Batch, Case, Count, Executor, Found, LocalExecutor, Manifest, Settings, read_manifest
from core.errors import Cancelled, UserError
from core.jobs import WorkerRunner, default_threads
from core.plugins import Analysis, PluginHost

USAGE = """\
usage: equiscope batch ANALYSIS INPUT… --out DIR [--workers N | --dask ADDRESS] [--PARAMETER VALUE…]
       equiscope batch --resume DIR [--retry-failed] [--workers N | --dask ADDRESS]

`equiscope list analyses` names the analyses, `equiscope batch ANALYSIS --help` the options of one.
"""
EPILOG = """\
Each case is what `equiscope run` with the same seed, device and --threads writes, in a folder of its own:
DIR/<case>/record.json, result.json and the files. DIR/summary.csv has a row a case with every number.

Whatever interrupts it (Ctrl+C, a crash, a reboot), the same command run again, or --resume DIR, does what is
missing. Failed cases stay as they are until --retry-failed, or until their input has changed. A case whose process
dies is begun once more, after all others; if it dies again it has failed.

With --dask the workers write the results: DIR must lie on a file system that they and this machine share, under one
path, and so must the inputs; Equiscope must be installed there in the same version.

exit codes: 0 all done, 1 a case failed or the batch was refused, 2 wrong use, 130 stopped by Ctrl+C (143 by SIGTERM)
"""


def main(arguments: list[str]) -> int:
    """Run or continue a batch."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE + "\n" + EPILOG, end="")
        return 0 if arguments else 2
    if arguments[0].startswith("-"):
        return _resume(arguments)
    try:
        declared = PluginHost().get(arguments[0], Analysis)
    except UserError as error:
        print(f"equiscope: {error}", file=sys.stderr)
        return 2
    description = described(declared)
    parser = _parser(description)
    options = parser.parse_args(arguments[1:])
    if not (options.inputs or options.lists):
        parser.error("name inputs, or a list of them with --inputs")
    given = parameter_values(parser, description, options, complete=not options.lists)
    parameters = {
        p.name: checked(p, given.get(p.name, p.default), p.name in given)
        for p in description.parameters
        if p.name in given or not p.required
    }
    reading = reader_arguments(options)
    settings = Settings(
        analysis=declared.id,
        title=declared.title.rstrip("…. "),
        parameters=parameters,
        seed=options.seed,
        device=options.device,
        threads=options.threads,
        default_threads=_share(options),
        reader=reading["reader"] or "",
        kind=reading["kind"] or "",
        options=reading["options"],
    )
    with _signals() as stop:
        try:
            found = _jobs.call(
                "find_cases",
                {
                    "analysis": declared.id,
                    "inputs": options.inputs,
                    "lists": options.lists,
                    "same": _pairs(parser, options.same),
                    "out": str(Path(options.out).absolute()),
                },
                title="Look for inputs",
                stop=stop.event,
            )
        except Cancelled:
            return _code(stop)
        _jobs.close()  # the batch has workers of its own
        cases = [msgspec.convert(c, Found) for c in found["cases"]]
        with Batch(Path(options.out).absolute()) as batch:
            asked, remarks = batch.ask(settings, cases)
            return _go(batch, asked, [*found["notes"], *remarks], options, stop)


def _resume(arguments: list[str]) -> int:
    parser = Parser(
        prog="equiscope batch",
        description="Continue a batch where it was interrupted.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--resume", required=True, metavar="DIR", help="the folder that a batch writes to")
    _running_options(parser)
    options = parser.parse_args(arguments)
    folder = Path(options.resume).absolute()
    options.out = options.resume
    read_manifest(folder)  # says why not, before a folder is made
    with _signals() as stop, Batch(folder) as batch:
        assert batch.manifest is not None
        return _go(batch, batch.manifest.cases, [], options, stop)


def _go(batch: Batch, asked: Sequence[Case], remarks: list[str], options: Any, stop: _Stop) -> int:
    assert batch.manifest is not None
    chosen, more = batch.choose(asked, retry_failed=options.retry_failed)
    teller = Teller(quiet=options.json)
    for remark in (*remarks, *more):
        teller(remark)
    folder = Path(options.out)
    count = batch.count(asked)
    if chosen:
        executor = _executor(options, batch.manifest, len(chosen), batch.folder)
        try:
            count = batch.run(asked, chosen, executor, stop=stop.event, tell=teller, trusted=options.trust)
        finally:
            teller.close()
            executor.close()
    else:
        batch.write_summary()
    _say(batch, asked, count, folder, options.json)
    if stop.event.is_set() and count.done + count.failed < count.total:
        words = (
            f"{count.total - count.done - count.failed} cases are left; run the same command again to go on"
        )
        print(f"equiscope: stopped; {words}", file=sys.stderr)
        return _code(stop)
    if count.failed:
        print(f"equiscope: {final_words(count, folder)}", file=sys.stderr)
    return 1 if count.failed else 0


def _say(batch: Batch, asked: Sequence[Case], count: Count, folder: Path, as_json: bool) -> None:
    assert batch.manifest is not None
    if as_json:
        cases = {c.name: msgspec.to_builtins(batch.progress.status(c.name)) for c in asked}
        print_json({"done": count.done, "failed": count.failed, "total": count.total, "cases": cases})
        return
    print_table(asked, batch.progress, shutil.get_terminal_size().columns)
    print(f"{batch.manifest.title}: {count.done} of {count.total} cases done; {folder / 'summary.csv'}")


def _executor(options: Any, manifest: Manifest, cases: int, folder: Path) -> Executor:
    if options.dask:
        from core.batch._dask import DaskExecutor

        return DaskExecutor(options.dask, threads=manifest.threads, folder=folder)
    workers = min(options.workers or _workers(), cases)
    return LocalExecutor(WorkerRunner(workers=workers, threads=manifest.threads), workers)


def _workers() -> int:
    """Cases at once where nobody says: half of the cores, for the sake of memory and of whoever sits here."""
    return max(1, default_threads() // 2)


def _share(options: Any) -> int:
    """Threads a case where nobody says: the cores divided among the workers; on a cluster one."""
    return 1 if options.dask else max(1, default_threads() // (options.workers or _workers()))


def _pairs(parser: Parser, given: list[str]) -> dict[str, str]:
    out = {}
    for text in given:
        name, found, value = text.partition("=")
        if not found or not value:
            parser.error(f"--same is NAME=INPUT, not {text!r}")
        out[name] = value
    return out


# -- stopping ------------------------------------------------------------------------------------------------


class _Stop:
    """Whether, and by which signal, the user has asked to stop."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal = 0


@contextlib.contextmanager
def _signals() -> Iterator[_Stop]:
    """The first Ctrl+C (or SIGTERM, which clusters send) stops cleanly, the second at once."""
    stop = _Stop()

    def ask(number: int, _frame: object) -> None:
        stop.signal = number
        stop.event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    except KeyboardInterrupt:
        os._exit(130)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _code(stop: _Stop) -> int:
    return 128 + (stop.signal or signal.SIGINT)


# -- options -------------------------------------------------------------------------------------------------


def _running_options(parser: Parser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=whole(1, 1024),
        metavar="N",
        help="cases at once in processes of this machine (default: half of the cores)",
    )
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="a scheduler of dask.distributed, tcp://HOST:PORT; its workers write to DIR, on a shared file system",
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="run the failed cases again, and only those"
    )
    parser.add_argument("--json", action="store_true", help="print what became of each case as JSON")
    trusting(parser)


def _parser(description: Description) -> Parser:
    parser = Parser(
        prog=f"equiscope batch {description.id}",
        description=about(description),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    inputs = ", ".join(f"{i.name}: {i.label} ({' or '.join(i.kinds)})" for i in description.inputs)
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help=f"a case each: files, folders, patterns in quotes, FILE::2, sample:ID ({inputs})",
    )
    parser.add_argument(
        "--inputs",
        dest="lists",
        action="append",
        default=[],
        metavar="LIST",
        help="a CSV of a case a line, with a header that names inputs and parameters (and name, for the case's), "
        "or a text file of one input a line; may be repeated",
    )
    parser.add_argument(
        "--same",
        action="append",
        default=[],
        metavar="NAME=INPUT",
        help="an input that is the same in all cases",
    )
    parameter_options(parser, description)
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for the batch; new, empty or its own"
    )
    _running_options(parser)
    where_options(parser)
    parser.add_argument(
        "--threads",
        type=whole(1, 4096),
        metavar="T",
        help="CPU threads a case, kept for the whole batch (default: the cores divided among the workers; "
        "with --dask 1). Numbers may depend on it in their last digits; the record names it",
    )
    reading_options(parser)
    return parser
