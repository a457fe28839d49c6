"""`equiscope run` and `equiscope replay`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from app.cli import _jobs
from app.cli._info import reader_arguments, reading_options
from app.cli._main import Parser, print_json
from core.analyses import Description, ParameterError, flag, parse
from core.errors import UserError
from core.jobs import default_threads
from core.plugins import Analysis, PluginHost
from core.records import names_only, read_record


def main(arguments: list[str]) -> int:
    """Run one analysis on files; its parameters are options made from its signature."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: equiscope run ANALYSIS INPUT… [--PARAMETER VALUE…] --out DIR\n")
        print(
            "`equiscope list analyses` names the analyses, `equiscope run ANALYSIS --help` the parameters of one."
        )
        return 0 if arguments else 2
    try:
        declared = PluginHost().get(arguments[0], Analysis)
    except UserError as error:
        print(f"equiscope: {error}", file=sys.stderr)
        return 2
    description = described(declared)
    parser = _parser(description)
    options = parser.parse_args(arguments[1:])
    values = parameter_values(parser, description, options)
    least = sum(not i.optional for i in description.inputs)
    if not least <= len(options.inputs) <= len(description.inputs):
        wanted = ", ".join(f"{i.label} ({' or '.join(i.kinds)})" for i in description.inputs)
        parser.error(f"it takes {len(description.inputs)} inputs: {wanted}")
    done = _jobs.call(
        "run_files",
        {
            "analysis": declared.id,
            "paths": options.inputs,
            "parameters": values,
            "out": str(Path(options.out).absolute()),
            "absolute_paths": options.absolute_paths,
            "trusted": options.trust,
            **reader_arguments(options),
        },
        title=declared.title,
        device=options.device,
        seed=options.seed,
        threads=options.threads,
    )
    for warning in done["warnings"]:
        print(f"note: {warning}", file=sys.stderr)
    if options.json:
        print_json(done["result"])
    else:
        print(
            f"{declared.title.rstrip('…')}: {done['record']['seconds']:.2f} s; {len(done['files'])} files in {options.out}"
        )
    return 0


def replay(arguments: list[str]) -> int:
    """Run a record again with its seed, device and thread count; exit 1 if anything came out otherwise."""
    parser = Parser(
        prog="equiscope replay", description="Run a record again and compare the hashes of all outputs."
    )
    parser.add_argument("record", help="a record.json, or the folder that a run wrote")
    parser.add_argument("--json", action="store_true", help="print the new record")
    trusting(parser)
    options = parser.parse_args(arguments)
    path = Path(options.record).absolute()
    old = read_record(path)
    done = _jobs.call(
        "replay",
        {"record": str(path), "trusted": options.trust},
        title=f"Replay {old.analysis}",
        device=old.device,
        seed=old.seed,
        threads=old.threads,
    )
    if options.json:
        print_json(names_only(done["record"]))
    if done["differences"]:
        new = done["record"]
        changed = [n for n in old.versions if new["versions"].get(n) != old.versions[n]]
        why = f" (versions differ: {', '.join(changed)})" if changed else ""
        print(f"equiscope: not the same: {'; '.join(done['differences'])}{why}.", file=sys.stderr)
        return 1
    if not options.json:
        print(f"{old.analysis}: the same; {len(old.outputs)} outputs and all numbers have equal hashes.")
    return 0


def trusting(parser: Parser) -> None:
    """Models of the user's own that may run."""
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="HASH",
        help="let this version of a model of your own run, this once; a refusal names the hash",
    )


def described(declared: Analysis) -> Description:
    """What a worker says of an analysis. Raises `UserError` where its plugin lacks something or does not load."""
    descriptions = {d["id"]: d for d in _jobs.call("describe", {}, quiet=True)}
    if declared.id not in descriptions:
        raise UserError(
            f"{declared.title} {PluginHost().missing(declared) or 'cannot be loaded; see `equiscope list plugins`'}."
        )
    return msgspec.convert(descriptions[declared.id], Description)


def parameter_values(
    parser: Parser, description: Description, options: Any, *, complete: bool = True
) -> dict[str, Any]:
    """The parameters that were given, by name; wrong use where one does not do, or is needed and not given."""
    values: dict[str, Any] = {}
    for p in description.parameters:
        text = getattr(options, f"parameter_{p.name}")
        if text is None:
            if p.required and complete:
                parser.error(f"{flag(p)} is needed")
            continue
        try:
            values[p.name] = parse(p, absolute(text) if p.type == "path" else text)
        except ParameterError as error:
            parser.error(str(error).rstrip("."))
    return values


def absolute(text: str) -> str:
    """A path that is there as it can be found from anywhere; what is behind its last colon may name a part of it."""
    there = any(t and os.path.exists(os.path.expanduser(t)) for t in (text, text.rpartition(":")[0]))
    return os.path.abspath(os.path.expanduser(text)) if there else text


def _device(text: str) -> str:
    if not re.fullmatch(r"cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"it is cpu or cuda:N, not {text!r}")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"it is a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return number


def about(description: Description) -> str:
    """What `--help` says of an analysis."""
    told = not description.reference or "Reference:" in description.help
    reference = "" if told else f"\n\nReference: {description.reference}"
    return description.help + reference


def _parser(description: Description) -> Parser:
    parser = Parser(
        prog=f"equiscope run {description.id}",
        description=about(description),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    inputs = ", ".join(f"{i.label} ({' or '.join(i.kinds)})" for i in description.inputs)
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help=f"files or sample:ID: {inputs}")
    parameter_options(parser, description)
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for record.json, result.json and the files"
    )
    where_options(parser)
    parser.add_argument(
        "--threads", type=whole(1, 4096), default=default_threads(), help="CPU threads (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print result.json")
    parser.add_argument(
        "--absolute-paths",
        action="store_true",
        help="name inputs in record.json by their absolute paths (default: as seen from DIR, or from ~)",
    )
    trusting(parser)
    reading_options(parser)
    return parser


def where_options(parser: Parser) -> None:
    """Device and seed."""
    parser.add_argument("--device", type=_device, default="cpu", help="cpu or cuda:N (default %(default)s)")
    parser.add_argument(
        "--seed", type=whole(0, 2**63 - 1), default=0, help="of everything random (default %(default)s)"
    )


def parameter_options(parser: Parser, description: Description) -> None:
    """An option for each parameter of an analysis."""
    group = parser.add_argument_group("parameters")
    for p in description.parameters:
        metavar = (
            "|".join(map(str, p.choices))
            if p.choices
            else {"bool": "on|off", "vector": "X,Y,Z"}.get(p.type, p.type.upper())
        )
        bounds = ""
        if p.minimum is not None or p.maximum is not None:
            low = "" if p.minimum is None else f"{p.minimum:g}"
            high = "" if p.maximum is None else f"{p.maximum:g}"
            bounds = f" [{low} … {high}{' ' + p.unit if p.unit else ''}]"
        elif p.unit:
            bounds = f" [{p.unit}]"
        default = " (needed)" if p.required else f" (default: {'none' if p.default is None else p.default})"
        group.add_argument(
            flag(p),
            dest=f"parameter_{p.name}",
            metavar=metavar,
            help=(p.help + bounds + default).replace("%", "%%"),
        )
