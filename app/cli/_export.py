"""`equiscope export`: what a file holds, written in another format."""

from __future__ import annotations

from pathlib import Path

from app.cli import _jobs
from app.cli._info import reader_arguments, reading_options
from app.cli._main import Parser
from core.data import kind_of
from core.errors import UserError


def main(arguments: list[str]) -> int:
    """Read one file and write one of its objects; never onto the file itself."""
    parser = Parser(prog="equiscope export", description="Write what a file holds in another format.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("out", metavar="OUT", help="the new file; its ending chooses the format")
    parser.add_argument(
        "--item", type=int, default=1, metavar="N", help="which object of the file (default 1)"
    )
    parser.add_argument("--writer", metavar="ID", help="write with this writer (`equiscope list writers`)")
    reading_options(parser)
    options = parser.parse_args(arguments)
    out = Path(options.out).absolute()
    if out.exists() and Path(options.file).exists() and out.samefile(options.file):
        raise UserError(f"{out.name} is the original; write to another file.")
    opened = _jobs.call("open_path", {"path": options.file, **reader_arguments(options)})
    objects = [i for i in opened.loaded if i.data is not None]
    if not 1 <= options.item <= len(objects):
        parser.error(f"--item is 1 to {len(objects)} here")
    chosen = objects[options.item - 1]
    _jobs.call(
        "write",
        {"data": chosen.data, "path": str(out), "writer": options.writer, "metadata": dict(chosen.metadata)},
        title=f"Write {out.name}",
    )
    print(f"{chosen.name} ({kind_of(chosen.data)}) written to {options.out}")
    return 0
