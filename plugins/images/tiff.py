"""TIFF by tifffile: one picture, a stack of equal pages as a volume, or several pictures."""

from __future__ import annotations

import itertools
import logging
import math
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from core.analyses import Help, Range
from core.data import Image, Loaded, Volume
from core.errors import ReadError, printable
from core.jobs import Job
from plugins.images.picture import DAMAGED, MOST_PIXELS, decode, head_and_size

if TYPE_CHECKING:
    import tifffile

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FAULTS = (
    *(OSError, ValueError, TypeError, IndexError, KeyError, RuntimeError, AttributeError, OverflowError),
    *(
        MemoryError,
        ZeroDivisionError,
        EOFError,
        struct.error,
        zlib.error,
        AssertionError,
        NotImplementedError,
    ),
)
_FAX = (2, 3, 4)
"""CCITT compressions: one bit a sample."""
# Bytes that one packed byte can at most become; CCITT and JPEG 2000 can say "all white" in next to nothing.
_BEST = 5000


def sniff(path: Path, head: bytes) -> int:
    """90 for the magic number (raw camera files have it too), 10 for the name alone."""
    return 90 if head.startswith(_MAGIC) else 10


def read(
    path: Path,
    *,
    most: Annotated[int, Range(1), Help("Pages of different size to open at most.")] = 32,
    job: Job,
) -> list[Loaded]:
    """One page: an `Image`. Several equal pages: a `Volume` (columns, rows, pages). Others: one image a page.

    The resolution tags give the pixel size in millimetres (ImageJ's and OME's own notes first); without
    them a pixel is 1 px. In a volume, row 0 is at the top: the second axis points down; pages go along
    the third, one pixel width apart unless the file says otherwise. Raises `ReadError`.
    """
    import tifffile

    path = Path(path)
    head, size = head_and_size(path)
    if not head.startswith(_MAGIC):
        raise ReadError(path, "is no TIFF file", "open it as what it is")
    job.progress(0.0, "Reading the pages")
    _check_directories(path, size)
    quiet = logging.getLogger("tifffile")
    level, quiet.disabled = quiet.disabled, True  # it logs what we say in one sentence
    try:
        with tifffile.TiffFile(path) as file:
            pages = _pages(path, file)
            total = 0
            for page in pages:
                total += _check(path, page, size)
            if total > 16 * MOST_PIXELS:
                raise ReadError(path, f"unpacks to {total // 10**9} GB", "cut it into parts")
            return _objects(path, file, pages, most, size, job)
    except ReadError:
        raise
    except tifffile.TiffFileError as error:
        raise ReadError(path, f"is a damaged TIFF file ({_line(error)})", DAMAGED) from None
    except _FAULTS as error:
        raise ReadError(path, f"is damaged or cut short ({_line(error)})", DAMAGED) from None
    finally:
        quiet.disabled = level


def _check_directories(path: Path, size: int) -> None:
    """Follow the chain of page directories (TIFF 6.0, section 2) before the library does.

    A damaged link makes libraries read thousands of directories out of pixel values, or go round in
    circles: each must lie in the file, hold tags of known types, and share no byte with another.
    """
    fault = ReadError(path, "has a damaged list of pages", DAMAGED)
    with open(path, "rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        link, count_size, tag_size = (8, 8, 20) if big else (4, 2, 12)
        number = {2: "H", 4: "I", 8: "Q"}
        if len(head) < 4 + link + 4 * big:
            raise fault
        (at,) = struct.unpack_from(order + number[link], head, 8 if big else 4)
        spans: list[tuple[int, int]] = []
        while at:
            file.seek(at if at < size else size)
            data = file.read(count_size)
            if len(data) < count_size:
                raise fault
            (count,) = struct.unpack(order + number[count_size], data)
            length = count_size + count * tag_size + link
            if not 1 <= count <= 4096 or at + length > size + link:
                raise fault
            tags = file.read(count * tag_size)
            types = struct.unpack(order + f"2xH{tag_size - 4}x" * count, tags)
            if not all(1 <= t <= 18 for t in types):
                raise fault
            spans.append((at, at + length))
            # More directories than fit beside each other: the chain is a circle.
            if len(spans) * (count_size + tag_size + link) > size + link:
                raise fault
            rest = file.read(link)
            at = struct.unpack(order + number[link], rest)[0] if len(rest) == link else 0
    spans.sort()
    if any(a < end for (_, end), (a, _) in itertools.pairwise(spans)):
        raise fault


def _pages(path: Path, file: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    # Pages reduced in size (pyramids, thumbnails) repeat what the full ones show.
    pages = [p.aspage() for p in file.pages]
    full = [p for p in pages if not (int(p.subfiletype or 0) & 1)]
    if not pages:
        raise ReadError(path, "holds no picture", DAMAGED)
    return full or pages


def _check(path: Path, page: tifffile.TiffPage, size: int) -> int:
    """Bytes that a page unpacks to, if the file can hold them."""
    pixels = int(page.imagewidth) * int(page.imagelength) * int(page.imagedepth)
    claimed = pixels * int(page.samplesperpixel) * max(1, int(page.bitspersample)) // 8
    if pixels <= 0:
        raise ReadError(path, "holds a page without pixels", DAMAGED)
    if pixels > MOST_PIXELS:
        raise ReadError(
            path, f"has a page of {page.imagewidth} × {page.imagelength} pixels", "cut it into parts"
        )
    if int(page.compression) in _FAX and int(page.bitspersample) != 1:
        raise ReadError(path, f"is packed as a fax and has {page.bitspersample} bits a sample", DAMAGED)
    held = sum(min(int(n), size) for n in page.databytecounts)
    if claimed > min(held, size) * (1 if page.compression == 1 else _BEST):
        raise ReadError(
            path,
            f"claims {page.imagewidth} × {page.imagelength} pixels and holds {held} bytes for them",
            DAMAGED,
        )
    return claimed


def _objects(
    path: Path, file: tifffile.TiffFile, pages: list[tifffile.TiffPage], most: int, size: int, job: Job
) -> list[Loaded]:
    (height, width), unit, step = _pixel_size(file, pages[0])
    metadata = {
        "pages": len(pages),
        "compression": str(getattr(pages[0].compression, "name", pages[0].compression)),
    }
    if pages[0].description:
        metadata["description"] = printable(str(pages[0].description))[:2000]
    alike = len(pages) > 1 and len({(p.shape, str(p.dtype)) for p in pages}) == 1
    arrays: list[Any] = []
    for n, page in enumerate(pages if alike else pages[:most]):
        job.progress(n / len(pages), f"Page {n + 1} of {len(pages)}")
        arrays.append(_array(path, page, size, len(pages) == 1))
    job.progress(1.0)
    if not alike:
        notes = (f"Only the first {most} of {len(pages)} pages were read.",) if len(pages) > most else ()
        names = [path.stem] if len(pages) == 1 else [f"{path.stem} page {n + 1}" for n in range(len(arrays))]
        return [
            Loaded(name, Image(a, (height, width), unit), notes, metadata)
            for name, a in zip(names, arrays, strict=True)
        ]
    stack = np.stack(arrays)
    rgb = stack.ndim == 4
    grid = stack.transpose(2, 1, 0, 3) if rgb else stack.transpose(2, 1, 0)
    affine = np.diag([width, -height, step or width, 1.0])
    volume = Volume(
        grid,
        affine,
        last_axis="channel" if rgb else "",
        unit=unit,
        space="",
        rgb=rgb and stack.shape[3] in (3, 4),
    )
    notes = (
        () if step else (f"The distance of its {len(pages)} pages is not stated: one pixel width was taken.",)
    )
    return [Loaded(path.stem, volume, notes, metadata)]


def _array(path: Path, page: tifffile.TiffPage, size: int, only: bool) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(page.asarray())
    except ValueError as error:
        # Codecs beyond deflate need a library that is not ours; Pillow has LZW and JPEG for 8 bits a sample.
        if "imagecodecs" not in str(error) or not only or int(page.bitspersample) > 8:
            if "imagecodecs" in str(error):
                name = getattr(page.compression, "name", page.compression)
                raise ReadError(
                    path, f"is packed by {name}, which cannot be unpacked here", "save it unpacked"
                ) from None
            raise
        return decode(path, size, [], {})
    if page.photometric == 3 and page.colormap is not None:
        colors = np.asarray(page.colormap).T  # (2^bits, 3) uint16
        if array.size and int(array.max()) < len(colors):
            array = colors[array]
            array = (array >> 8).astype(np.uint8) if not (array & 0xFF).any() or _repeats(array) else array
    elif page.photometric == 0 and array.dtype.kind in "bu":
        # 0 is white
        array = ~array if array.dtype == bool else np.iinfo(array.dtype).max - array
    array = np.squeeze(array) if array.ndim > 2 and 1 in array.shape[2:] else array
    if array.ndim == 3 and page.planarconfig == 2 and array.shape[0] == page.samplesperpixel:
        array = np.moveaxis(array, 0, -1)
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf":
        raise ReadError(
            path, f"has pages of shape {array.shape} and type {array.dtype}", "save simpler pages"
        )
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))


def _repeats(colors: np.ndarray[Any, Any]) -> bool:
    """Whether 16-bit colours are 8-bit ones times 257."""
    return bool(((colors >> 8) == (colors & 0xFF)).all())


def _pixel_size(file: tifffile.TiffFile, page: tifffile.TiffPage) -> tuple[tuple[float, float], str, float]:
    """((height, width) of a pixel, unit, distance of pages or 0)."""
    tags = {}
    for name in ("XResolution", "YResolution", "ResolutionUnit"):
        tag = page.tags.get(name)
        tags[name] = tag.value if tag is not None else None
    densities = [_ratio(tags["YResolution"]), _ratio(tags["XResolution"])]
    imagej: dict[str, Any] = (file.imagej_metadata or {}) if file.is_imagej else {}
    factor = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "um": 1e-3, "µm": 1e-3, "\\u00b5m": 1e-3, "micron": 1e-3,
              "microns": 1e-3, "nm": 1e-6, "m": 1000.0, "inch": 25.4}.get(str(imagej.get("unit", "")).lower(), 0.0)  # fmt: skip
    spacing = imagej.get("spacing")
    step = float(spacing) * factor if isinstance(spacing, (int, float)) and spacing > 0 else 0.0
    if not factor:
        stated = tags["ResolutionUnit"]
        unit = 2 if stated is None else int(stated)  # inch is what the standard takes where nothing is said
        factor = {2: 25.4, 3: 10.0}.get(unit, 0.0)
    if not factor or not all(densities):
        return (1.0, 1.0), "px", 0.0
    height, width = (factor / d for d in densities)
    return (height, width), "mm", step


def _ratio(value: Any) -> float:
    try:
        number = float(value[0]) / float(value[1]) if isinstance(value, tuple) else float(value)
    except (TypeError, ValueError, ZeroDivisionError, IndexError, OverflowError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


def _line(error: BaseException) -> str:
    return printable(str(error).split("\n", 1)[0])[:140]
