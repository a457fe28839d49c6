"""WAV: RIFF, RIFX and RF64 with PCM of 8 to 64 bits or IEEE floats.

Read here rather than by scipy, so that a part that claims more than the file holds is cut to what is there
before memory is taken, and said.
Source: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991; EBU Tech 3306.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.data import Loaded, Signal
from core.errors import ReadError
from core.jobs import Job

DAMAGED = "copy or download the file again"
_CODECS = {2: "ADPCM", 6: "A-law", 7: "µ-law", 17: "IMA ADPCM", 49: "GSM", 80: "MPEG", 85: "MP3"}
_MARKS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}


def sniff(path: Path, head: bytes) -> int:
    """100 for the magic number, 10 for the name alone."""
    return 100 if head[:4] in _MARKS and head[8:12] == b"WAVE" else 10


def read(path: Path, *, job: Job) -> list[Loaded]:
    """A sound as a `Signal` in units of full scale: integers are divided so that the range is [-1, 1).

    Exact: float32 up to 24 bits, float64 beyond; IEEE floats are kept as they are. Raises `ReadError`.
    """
    path = Path(path)
    job.progress(0.0, "Reading the sound")
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            notes: list[str] = []
            layout, data = _parts(path, file, size, notes)
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check the name and its permissions"
        ) from None
    code, channels, rate, align, bits, order = layout
    values = _samples(path, data, code, channels, align, bits, order)
    if not len(values):
        raise ReadError(path, "holds no samples", DAMAGED)
    names = ("left", "right") if channels == 2 else tuple(f"channel {i + 1}" for i in range(channels))
    if channels == 1:
        names = ("sound",)
    job.progress(1.0)
    signal = Signal(values, rate=float(rate), channels=names, unit="full scale")
    metadata = {"bits": bits, "encoding": "float" if code == 3 else "PCM", "seconds": len(values) / rate}
    return [Loaded(path.stem, signal, tuple(notes), metadata)]


def _parts(
    path: Path, file: Any, size: int, notes: list[str]
) -> tuple[tuple[int, int, int, int, int, str], bytes]:
    head = file.read(12)
    if not size:
        raise ReadError(path, "is empty", DAMAGED)
    if len(head) < 12 or head[:4] not in _MARKS or head[8:12] != b"WAVE":
        raise ReadError(path, "is no WAV file", "open it as what it is")
    order = _MARKS[head[:4]]
    end = "little" if order == "<" else "big"
    layout: tuple[int, int, int, int, int, str] | None = None
    long_size = 0
    at = 12
    while at + 8 <= size:
        file.seek(at)
        mark = file.read(8)
        kind, length = mark[:4], int.from_bytes(mark[4:], end)  # type: ignore[arg-type]
        at += 8
        if kind == b"ds64" and length >= 24:
            long_size = int.from_bytes(file.read(24)[8:16], "little")
        elif kind == b"fmt ":
            layout = _layout(path, file.read(min(length, 40)), order)
        elif kind == b"data":
            if layout is None:
                raise ReadError(path, "has samples before it says what they are", DAMAGED)
            claimed = long_size if head[:4] == b"RF64" and length == 0xFFFFFFFF else length
            held = min(claimed, size - at)
            if held < claimed and claimed != 0xFFFFFFFF:  # programs that stream leave the length open
                share = held / max(1, claimed)
                notes.append(
                    f"It is cut short: it claims {claimed} bytes of samples and holds {held} ({share:.0%})."
                )
            return layout, file.read(held)
        at += length + (length & 1)
    if layout is None:
        raise ReadError(path, "ends before it says what its samples are", DAMAGED)
    raise ReadError(path, "ends before its samples", DAMAGED)


def _layout(path: Path, data: bytes, order: str) -> tuple[int, int, int, int, int, str]:
    if len(data) < 16:
        raise ReadError(path, "ends before it says what its samples are", DAMAGED)
    code, channels = (int(v) for v in np.frombuffer(data, f"{order}u2", 2))
    rate, _ = (int(v) for v in np.frombuffer(data, f"{order}u4", 2, 4))
    align, bits = (int(v) for v in np.frombuffer(data, f"{order}u2", 2, 12))
    if code == 0xFFFE and len(data) >= 26:
        code = int(np.frombuffer(data, f"{order}u2", 1, 24)[0])
    if code not in (1, 3):
        name = _CODECS.get(code, f"codec {code}")
        raise ReadError(path, f"is packed by {name}, which is not supported", "convert it to PCM")
    width = (bits + 7) // 8
    if (
        not channels
        or not rate
        or align != channels * width
        or (code == 3 and bits not in (16, 32, 64))
        or not 1 <= bits <= 64
    ):
        raise ReadError(
            path, f"claims {channels} channels of {bits} bits in blocks of {align} bytes", DAMAGED
        )
    return code, channels, rate, align, bits, order


def _samples(
    path: Path, data: bytes, code: int, channels: int, align: int, bits: int, order: str
) -> np.ndarray[Any, Any]:
    """(t, c) floats."""
    count = len(data) // align
    width = align // channels
    data = data[: count * align]
    if code == 3:
        floats = np.frombuffer(data, f"{order}f{width}").reshape(count, channels)
        return floats.astype(np.float64 if width == 8 else np.float32)
    if width == 1:  # unsigned, the only such width
        small = np.frombuffer(data, np.uint8).reshape(count, channels)
        return (small.astype(np.float32) - 128) / np.float32(128)
    if width in (2, 4, 8):
        whole: np.ndarray[Any, Any] = np.frombuffer(data, f"{order}i{width}")
        filled = width
    else:
        # 3 bytes become the upper ones of 4, 5…7 of 8: the sign comes along, the scale is 2^31 or 2^63
        filled = 4 if width == 3 else 8
        padded = np.zeros((count * channels, filled), np.uint8)
        raw = np.frombuffer(data, np.uint8).reshape(-1, width)
        if order == "<":
            padded[:, filled - width :] = raw
        else:
            padded[:, :width] = raw
        whole = padded.view(f"{order}i{filled}").reshape(-1)
    kind = np.float32 if width <= 3 else np.float64
    scaled: np.ndarray[Any, Any] = (whole.astype(np.float64) / 2.0 ** (8 * filled - 1)).astype(kind)
    return scaled.reshape(count, channels)
