"""Malicious, damaged and unusual files of tensors, made in code."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np


class Gadget:
    """Unpickled by a careless reader, this creates `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.path}'",)


def safetensors(path: Path, header: Any, values: bytes = b"", length: int | None = None) -> Path:
    """A safetensors file with any header (JSON value or bytes) and any claimed header length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + values)
    return path


def torch_zip(
    path: Path, pickled: bytes, storages: dict[str, bytes] | None = None, *, pack: bool = False
) -> Path:
    """A zip archive as torch lays it out, around any pickle."""
    kind = zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")
    return path


def npz_member(path: Path, name: str, content: bytes, *, pack: bool = False) -> Path:
    """An NPZ file with one member of any content."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED) as archive:
        archive.writestr(name, content)
    return path


def npy_header(shape: tuple[int, ...], dtype: str = "<f4", values: bytes = b"") -> bytes:
    """An NPY stream that claims any shape."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + values


def legacy_magic() -> bytes:
    """The three pickles that open a file of torch before 1.6."""
    magic = 0x1950A86A20F9469CFC6C
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    return b"".join(pickle.dumps(v, protocol=2) for v in (magic, 1001, system))
