"""`equiscope show`: files rendered into a picture, without a screen."""

from __future__ import annotations

from pathlib import Path

from app.cli._info import reader_arguments, reading_options
from app.cli._main import Parser, parse_size


def main(arguments: list[str]) -> int:
    """Render what the window's centre would show."""
    parser = Parser(prog="equiscope show", description="Render files into a picture, without a screen.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="files or sample:ID")
    parser.add_argument("--screenshot", required=True, metavar="PNG", help="the picture to write")
    parser.add_argument("--size", default="1200x900", help="of the picture, WxH (default %(default)s)")
    parser.add_argument(
        "--layout", choices=("four", "axial", "sagittal", "coronal", "3d"), help="default: what fits the data"
    )
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    reading_options(parser)
    options = parser.parse_args(arguments)
    from app import window

    return window.show(
        options.files,
        Path(options.screenshot),
        size=parse_size(parser, options.size),
        layout=options.layout,
        theme=options.theme,
        reading=reader_arguments(options),
    )
