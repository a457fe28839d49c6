"""PNG and JPEG by Pillow, with the traps closed: rotation, palettes, 16 bits, bombs, cut files."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data import Image, Loaded
from core.errors import ReadError, printable
from core.jobs import Job
from plugins.images import png

if TYPE_CHECKING:
    from PIL import Image as Pillow

MOST_PIXELS = 400_000_000
DAMAGED = "copy or download the file again"
# What one byte of a file can at most unpack to. Deflate: 1032 bytes. JPEG: a block of 64 values takes at least
# two bits, hence 256 values a byte.
_BEST = {"PNG": 1040, "JPEG": 300}
_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    struct.error,
    OverflowError,
    MemoryError,  # a part that claims gigabytes, which Pillow asks for at once
)

# EXIF orientation: what has to be done for row 0 to be at the top.
_TURNS = {
    2: "mirrored left to right",
    3: "turned by 180°",
    4: "mirrored top to bottom",
    5: "transposed",
    6: "turned by 90° clockwise",
    7: "transposed across the other diagonal",
    8: "turned by 90° anticlockwise",
}


def sniff(path: Path, head: bytes) -> int:
    """100 for the magic number of either format, 10 for the name alone."""
    return 100 if head.startswith((png.SIGNATURE, b"\xff\xd8\xff")) else 10


def read(path: Path, *, job: Job) -> list[Loaded]:
    """A PNG or JPEG picture as one `Image`, row 0 at the top, all bits kept. Raises `ReadError`."""
    path = Path(path)
    job.progress(0.0, "Reading the picture")
    head, size = head_and_size(path)
    if not head.startswith((png.SIGNATURE, b"\xff\xd8\xff")):
        raise ReadError(path, "is neither PNG nor JPEG", "open it as what it is")
    notes: list[str] = []
    metadata: dict[str, Any] = {}
    if head.startswith(png.SIGNATURE):
        width, height, bits, color = png.header(path, head)
        check_pixels(path, width, height, size, "PNG", bits * png.SAMPLES[color])
        # Pillow keeps 8 of 16 bits of colour.
        if bits == 16 and color != 0:
            return [
                Loaded(
                    path.stem,
                    Image(png.read_16bit(path)),
                    (),
                    {"mode": f"16-bit, {png.SAMPLES[color]} channels"},
                )
            ]
    array = decode(path, size, notes, metadata)
    job.progress(1.0)
    return [Loaded(path.stem, Image(array), tuple(notes), metadata)]


def decode(path: Path, size: int, notes: list[str], metadata: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The pixels by Pillow: palette expanded, EXIF orientation applied (and said in `notes`)."""
    from PIL import Image as pillow

    with warnings.catch_warnings():
        # Pillow's own guards and grumbles: sizes were checked above, the rest is no reason to stop.
        warnings.simplefilter("ignore")
        limit, pillow.MAX_IMAGE_PIXELS = pillow.MAX_IMAGE_PIXELS, None
        try:
            with pillow.open(path, formats=["PNG", "JPEG", "TIFF"]) as picture:
                check_pixels(path, *picture.size, size, picture.format or "", 8 * len(picture.getbands()))
                return _pixels(picture, notes, metadata)
        except ReadError:
            raise
        except _FAULTS as error:
            text = printable(str(error).split("\n", 1)[0])[:120]
            raise ReadError(path, f"is damaged or cut short ({text})", DAMAGED) from None
        finally:
            pillow.MAX_IMAGE_PIXELS = limit


def _pixels(picture: Pillow.Image, notes: list[str], metadata: dict[str, Any]) -> np.ndarray[Any, Any]:
    from PIL import ImageOps

    metadata["mode"] = picture.mode
    dpi = picture.info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2:
        metadata["dpi"] = [float(d) for d in dpi]
    picture.load()
    try:
        turn = picture.getexif().get(0x0112, 1)
    except _FAULTS:
        turn = 1  # an EXIF block that cannot be read says nothing
    turned = picture
    if turn in _TURNS:
        turned = ImageOps.exif_transpose(picture)
        notes.append(f"It was {_TURNS[turn]}, as its EXIF orientation ({turn}) asks.")
    if turned.mode in ("P", "PA"):
        turned = turned.convert("RGBA" if "transparency" in picture.info or turned.mode == "PA" else "RGB")
    elif turned.mode in ("CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        notes.append(f"Its {turned.mode} colours were converted to RGB.")
        turned = turned.convert("RGB")
    array = np.asarray(turned)
    if array.dtype == np.int32 and array.size and 0 <= int(array.min()) and int(array.max()) < 65536:
        array = array.astype(np.uint16)  # Pillow widens 16-bit grey in some files
    return np.array(array.astype(array.dtype.newbyteorder("=")), copy=True)


def check_pixels(path: Path, width: int, height: int, size: int, kind: str, bits: int) -> None:
    """Refuse more pixels than are bearable, or than a file of `size` bytes can hold."""
    pixels = width * height
    if pixels > MOST_PIXELS:
        raise ReadError(
            path,
            f"has {width} × {height} pixels, more than the {MOST_PIXELS // 10**6} million accepted",
            "cut it into parts",
        )
    if kind in _BEST and pixels * bits > 8 * _BEST[kind] * size:
        raise ReadError(path, f"claims {width} × {height} pixels, which {size} bytes cannot hold", DAMAGED)


def head_and_size(path: Path) -> tuple[bytes, int]:
    """The first bytes and the size of a file; `ReadError` if it is not there or empty."""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
        size = path.stat().st_size
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check the name and its permissions"
        ) from None
    if not head:
        raise ReadError(path, "is empty", DAMAGED)
    return head, size
