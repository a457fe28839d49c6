"""GIFTI's XML through nibabel, with every claim checked before nibabel acts on it."""

from __future__ import annotations

import base64
import math
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import ReadError
from core.lean import load_nibabel
from plugins.scans._errors import AGAIN

_MOST_AXES = 6
_DEFLATE = 1032
"""Deflate packs at most this many bytes into one."""


def parsed(path: Path, data: bytes) -> Any:
    """nibabel's image of the GIFTI file `path`, whose (unpacked) bytes are `data`.

    Raises
    ------
    ReadError : entities, axes or sizes that the file cannot hold, values in a file of another folder.
    """
    parser = _parser_class()(path)
    if b"ExternalFileBinary" in data:
        with path.open("rb") as stream:  # nibabel finds the other file by this stream's name
            parser.parse(fptr=stream)
    else:
        parser.parse(data)
    if parser.img is None:
        raise ReadError(path, "holds no GIFTI image", AGAIN)
    return parser.img


@lru_cache(maxsize=1)
def _parser_class() -> Any:
    import numpy as np

    load_nibabel()
    from nibabel.gifti.parse_gifti_fast import GiftiImageParser
    from nibabel.nifti1 import data_type_codes

    class Checked(GiftiImageParser):  # type: ignore[misc]
        """Looks at each element before nibabel does."""

        def __init__(self, path: Path) -> None:
            super().__init__(mmap=False)
            self._path = path
            self._packed = False
            self._bytes = 0

        def _create_parser(self) -> Any:
            parser = super()._create_parser()
            parser.EntityDeclHandler = self._declared
            return parser

        def _declared(self, *args: Any) -> None:
            raise ReadError(self._path, "defines XML entities, which no GIFTI file needs", AGAIN)

        def StartElementHandler(self, name: str, attrs: dict[str, str]) -> None:
            if name == "DataArray":
                self._check(attrs)
            super().StartElementHandler(name, attrs)

        def _check(self, attrs: dict[str, str]) -> None:
            axes = int(attrs.get("Dimensionality", 0))
            if not 0 <= axes <= _MOST_AXES:
                raise ReadError(self._path, f"claims an array of {axes} axes", AGAIN)
            dims = [int(attrs.get(f"Dim{i}", 0)) for i in range(axes)]
            if any(d < 0 for d in dims):
                raise ReadError(self._path, f"claims an array of {' × '.join(map(str, dims))}", AGAIN)
            kind: Any = data_type_codes.dtype[attrs.get("DataType", "NIFTI_TYPE_FLOAT32")]
            self._bytes = math.prod(dims) * int(np.dtype(kind).itemsize)
            encoding = attrs.get("Encoding", "")
            self._packed = encoding in ("GZipBase64Binary", "B64GZ")
            if encoding in ("ExternalFileBinary", "External"):
                self._check_external(attrs)

        def _check_external(self, attrs: dict[str, str]) -> None:
            name = attrs.get("ExternalFileName", "")
            other = self._path.parent / name
            if not name or Path(name).name != name or "\\" in name or name.startswith("."):
                raise ReadError(
                    self._path,
                    "keeps its numbers in a file of another folder",
                    "save it with its numbers inside",
                )
            if not other.is_file():
                raise ReadError(
                    self._path, f"needs {name!r} beside it, which is not there", "copy that file too"
                )
            begin = int(attrs.get("ExternalFileOffset") or 0)
            if begin < 0 or begin + self._bytes > other.stat().st_size:
                raise ReadError(
                    self._path, f"needs {begin + self._bytes:,} bytes of {name!r}, which has fewer", AGAIN
                )

        def flush_chardata(self) -> None:
            if self.write_to == "Data" and self._packed and self._char_blocks is not None:
                self._measure(base64.b64decode("".join(self._char_blocks).encode("ascii")))
            super().flush_chardata()

        def _measure(self, packed: bytes) -> None:
            """What unpacks to more than the array needs is not unpacked."""
            fault = ReadError(
                self._path, f"has values that do not unpack to the {self._bytes:,} bytes claimed", AGAIN
            )
            if self._bytes > _DEFLATE * len(packed):
                raise fault
            engine = zlib.decompressobj()
            at, done = packed, 0
            while at and not engine.eof and done <= self._bytes:
                done += len(engine.decompress(at, 1 << 20))
                at = engine.unconsumed_tail
            if done != self._bytes:
                raise fault

    return Checked
