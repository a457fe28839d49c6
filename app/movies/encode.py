"""Frames to files: GIF and WebP by Pillow, Ogg Theora by VTK, PNG pictures in a folder. No Qt.

Frames are (height, width, 3) uint8 arrays, all of one size, taken from an iterator as they come. Whatever happens, the
file is there whole or not at all.

`python -m app.movies.encode JSON` does it in a process of its own, frames as raw bytes on its standard input: the
libraries keep Python's lock for a tenth of a second a frame, during which a window would stand still.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drafts import draft_beside, keep_notes, noted
from core.errors import Cancelled, UserError, WriteError
from core.files import atomic, sync_folder

Array = NDArray[Any]


_PALETTE_ERROR = 2.5
"""Of 255, on the average: a GIF's frame gets a palette of its own above it."""


@dataclass(frozen=True)
class Format:
    """`name` in words, the `suffix` it is known by, and how many frames a second it can hold."""

    name: str
    suffix: str
    most: float
    least: float = 0.0

    def why_not(self, fps: float) -> str:
        """Why it cannot hold so many frames a second, one short sentence; "" if it can."""
        if fps > self.most:
            return (
                f"{fps:.0f} frames a second are more than this file can hold ({self.most:.0f}); "
                "take fewer frames or more time."
            )
        if fps < self.least:
            return f"Less than {self.least:g} frame a second is too slow for this file; take more frames or less time."
        return ""


FORMATS = (
    Format("Animated GIF", ".gif", 50.0),
    Format("Animated WebP", ".webp", 100.0),
    Format("Ogg video", ".ogv", 60.0, 1.0),
    Format("Folder of PNG pictures", "", 1000.0),
)


def format_of(path: Path) -> Format | None:
    """By the suffix; None for one that nothing here writes. Without a suffix: a folder of pictures."""
    return next((f for f in FORMATS if f.suffix == path.suffix.lower()), None)


def encode(path: Path, frames: Iterator[Array], count: int, fps: float, info: Mapping[str, str]) -> None:
    """Write all `count` frames; `info` is text for the formats that hold some.

    Raises
    ------
    WriteError : the disk or folder refuses, a folder of pictures is there already, or no format has this suffix.
    Whatever `frames` raises, after which nothing is left behind.
    """
    kind = format_of(path)
    if kind is None:
        known = ", ".join(f.suffix for f in FORMATS if f.suffix)
        raise WriteError(path, f"is no movie: {path.suffix} cannot be written", f"choose one of {known}")
    if not kind.suffix:
        _pictures(path, frames, info)
        return
    write = {".gif": _gif, ".webp": _webp, ".ogv": _theora}[kind.suffix]
    with atomic(path) as draft:
        write(draft, frames, count, fps, info)


def _gif(path: Path, frames: Iterator[Array], count: int, fps: float, info: Mapping[str, str]) -> None:
    # A GIF counts hundredths of a second: the error is carried on, so that the whole lasts as long as it should.
    def pictures() -> Iterator[Any]:
        palette = None
        for k, frame in enumerate(frames):
            # One palette as long as it will do: what does not change then costs nothing and does not shimmer.
            whole = _image(frame)
            picture = None if palette is None else whole.quantize(palette=palette, dither=0)
            if picture is None or _apart(picture, frame) > _PALETTE_ERROR:
                palette = _palette(frame)
                picture = whole.quantize(palette=palette, dither=0)
            picture = picture.copy()
            picture.info["duration"] = 10 * (round(100 * (k + 1) / fps) - round(100 * k / fps))
            yield picture

    rest = pictures()
    first = next(rest)
    words = "; ".join(f"{k}: {v}" for k, v in info.items()).encode("utf-8", "replace")[:250]
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=rest,
        loop=0,
        comment=words,
        optimize=False,
    )


def _palette(frame: Array) -> Any:
    """A picture with 255 colours for a frame, in which a rare colour counts too: a stripe, an axis, a crosshair."""
    flat = frame.reshape(-1, 3)
    cells = flat.astype(np.int32) >> 4
    _, first = np.unique((cells[:, 0] << 8) | (cells[:, 1] << 4) | cells[:, 2], return_index=True)
    each = max(1, len(flat) // 2 // len(first))
    sample = np.concatenate([flat, np.repeat(flat[first], each, axis=0)])
    return _image(sample[None]).quantize(255, dither=0)


def _apart(picture: Any, frame: Array) -> float:
    """Mean difference of a picture with a palette from the frame it stands for, of 255."""
    return float(np.abs(np.asarray(picture.convert("RGB")).astype(np.int16) - frame).mean())


def _webp(path: Path, frames: Iterator[Array], count: int, fps: float, info: Mapping[str, str]) -> None:
    from PIL import Image

    class Film(Image.Image):
        """All frames as Pillow asks for them: it would hold a list of them in memory."""

        n_frames = count

        def seek(self, frame: int) -> None:
            if frame:
                self.im = _image(next(frames)).im

    first = _image(next(frames))
    film = Film()
    film._mode, film._size, film.im = first.mode, first.size, first.im  # type: ignore[attr-defined]
    film.save(
        path,
        format="WEBP",
        save_all=True,
        duration=max(1, round(1000 / fps)),
        loop=0,
        quality=90,
        method=3,
        xmp=_xmp(info),
    )


def _xmp(info: Mapping[str, str]) -> bytes:
    """Software, title and description as an XMP packet (ISO 16684-1), which takes any letters; EXIF's are ASCII."""
    from xml.sax.saxutils import escape

    plain = {k: escape("".join(c for c in v if c.isprintable())) for k, v in info.items()}
    said = (("xmp:CreatorTool", "Software"), ("dc:title", "Title"), ("dc:description", "Description"))
    texts = []
    for tag, key in said:
        if key not in plain:
            continue
        text = plain[key]
        if tag.startswith("dc:"):
            text = f'<rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt>'
        texts.append(f"<{tag}>{text}</{tag}>")
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/">{"".join(texts)}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def _theora(path: Path, frames: Iterator[Array], count: int, fps: float, info: Mapping[str, str]) -> None:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkIOOggTheora import vtkOggTheoraWriter

    writer = vtkOggTheoraWriter()
    writer.SetFileName(str(path))
    writer.SetRate(max(1, round(fps)))
    writer.SetQuality(2)
    started = False
    try:
        for frame in frames:
            height, width = frame.shape[:2]
            image = vtkImageData()
            image.SetDimensions(width, height, 1)
            flat = np.ascontiguousarray(frame[::-1]).reshape(-1, 3)
            image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=True))
            writer.SetInputData(image)
            if not started:
                writer.Start()
                started = True
            writer.Write()
            if writer.GetError():
                raise OSError(0, "no room for it")
    finally:
        if started:
            writer.End()
    if not _is_whole(path):
        raise OSError(errno.ENOSPC, "no room for it")


def _is_whole(path: Path) -> bool:
    """Whether an Ogg file has all its pages to the last one: VTK's writer does not notice a disk that is full.

    Source: RFC 3533, The Ogg Encapsulation Format Version 0, section 6.
    """
    with open(path, "rb") as file:
        ended, expected = False, 0
        while head := file.read(27):
            if len(head) < 27 or head[:4] != b"OggS" or int.from_bytes(head[18:22], "little") != expected:
                return False
            lengths = file.read(head[26])
            body = sum(lengths)
            if len(lengths) < head[26] or len(file.read(body)) < body:
                return False
            expected += 1
            ended = bool(head[5] & 4)
    return ended


def _pictures(path: Path, frames: Iterator[Array], info: Mapping[str, str]) -> None:
    from PIL.PngImagePlugin import PngInfo

    if path.exists():
        raise WriteError(path, "is there already", "choose another name for the folder")
    text = PngInfo()
    for key, value in info.items():
        text.add_itxt(key, value)
    draft = draft_beside(path)
    with noted(draft):
        try:
            draft.mkdir(0o700)
            for k, frame in enumerate(frames):
                with open(draft / f"{path.name}-{k + 1:04d}.png", "wb") as file:
                    _image(frame).save(file, format="PNG", pnginfo=text)
                    file.flush()
                    os.fsync(file.fileno())
            draft.chmod(0o755)
            sync_folder(draft)
            draft.rename(path)
            sync_folder(path.parent)
        except OSError as error:
            reason = error.strerror or str(error)
            raise WriteError(
                path, f"cannot be written ({reason})", "choose another folder or free some space"
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _image(frame: Array) -> Any:
    from PIL import Image

    return Image.fromarray(frame)


def main(argument: str) -> int:
    """See the module. Ends with 0, with 3 when the frames end too early, with 1 and a sentence on standard error."""
    wish = json.loads(argument)
    keep_notes(Path(wish["notes"]) if wish.get("notes") else None)
    height, width = wish["size"]
    length = height * width * 3

    def frames() -> Iterator[Array]:
        for _ in range(wish["count"]):
            data = sys.stdin.buffer.read(length)
            if len(data) < length:
                raise Cancelled
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)

    try:
        encode(Path(wish["path"]), frames(), wish["count"], wish["fps"], wish["info"])
    except Cancelled:
        return 3
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
