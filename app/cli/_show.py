"""`equiscope show`: files rendered into a picture or a movie, without a screen."""

from __future__ import annotations

from pathlib import Path

from app.cli._info import reader_arguments, reading_options
from app.cli._main import Parser, parse_size


def main(arguments: list[str]) -> int:
    """Render what the window's centre would show."""
    parser = Parser(
        prog="equiscope show", description="Render files into a picture or a movie, without a screen."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="files or sample:ID")
    parser.add_argument("--screenshot", metavar="PNG", help="the picture to write")
    kinds = "GIF, WebP or Ogg video by its suffix, a folder of pictures without one"
    parser.add_argument("--turntable", metavar="FILE", help=f"a movie of the 3-D view turning once: {kinds}")
    parser.add_argument("--movie", metavar="FILE", help="a movie of what changes with time, likewise")
    parser.add_argument("--sweep", metavar="FILE", help="a movie through the slices, likewise")
    parser.add_argument("--frames", type=int, metavar="N", help="of each movie (default: what suits it)")
    parser.add_argument("--seconds", type=float, metavar="S", help="that each movie lasts")
    parser.add_argument("--size", default="1200x900", help="of the picture, WxH (default %(default)s)")
    parser.add_argument(
        "--layout", choices=("four", "axial", "sagittal", "coronal", "3d"), help="default: what fits the data"
    )
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    reading_options(parser)
    options = parser.parse_args(arguments)
    asked = {"turntable": options.turntable, "time": options.movie, "sweep": options.sweep}
    movies = {kind: Path(path) for kind, path in asked.items() if path}
    if not options.screenshot and not movies:
        parser.error("nothing to write: add --screenshot PNG, --turntable, --movie or --sweep FILE")
    if movies:
        from app.movies.plan import LEAST_FRAMES, LEAST_SECONDS, MOST_FRAMES, MOST_SECONDS

        if options.frames is not None and not LEAST_FRAMES <= options.frames <= MOST_FRAMES:
            parser.error(f"--frames: from {LEAST_FRAMES} to {MOST_FRAMES}")
        if options.seconds is not None and not LEAST_SECONDS <= options.seconds <= MOST_SECONDS:
            parser.error(f"--seconds: from {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
    elif options.frames is not None or options.seconds is not None:
        parser.error("--frames and --seconds go with --turntable, --movie or --sweep")
    from app import window

    return window.show(
        options.files,
        Path(options.screenshot) if options.screenshot else None,
        size=parse_size(parser, options.size),
        layout=options.layout,
        theme=options.theme,
        reading=reader_arguments(options),
        movies=movies,
        frames=options.frames,
        seconds=options.seconds,
    )
