"""The containers of glTF: GLB chunks, buffers, accessors and the transforms of nodes.

Source: Khronos Group, "glTF 2.0 Specification", sections 3.6 (accessors), 3.5 (nodes) and 4 (GLB).
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadError
from plugins.scans._errors import AGAIN

Array = NDArray[Any]

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_UNREADABLE = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}


class Document:
    """One glTF file: `json` as parsed, accessors as arrays on demand.

    Raises
    ------
    ReadError : the container is damaged, or its data are compressed in a way that is not supported.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._size = len(data)
        self._binary = b""
        self._buffers: dict[int, bytes] = {}
        text = self._chunks(data) if data[:4] == b"glTF" else data
        try:
            parsed = json.loads(text.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise ReadError(path, "has a scene description that is not JSON", AGAIN) from error
        if not isinstance(parsed, dict) or "asset" not in parsed:
            raise ReadError(path, "is not glTF (no asset entry)", "check what kind of file it is")
        self.json: dict[str, Any] = parsed
        version = str(parsed["asset"].get("version", ""))
        if not version.startswith("2"):
            raise ReadError(path, f"is glTF of version {version!r}", "export it as glTF 2.0")
        for name in parsed.get("extensionsRequired", []):
            if name in _UNREADABLE:
                raise ReadError(
                    path,
                    f"is compressed with {_UNREADABLE[name]}, which is not supported",
                    "export it again without compression",
                )

    def entries(self, name: str) -> list[Any]:
        """A top-level list, empty where there is none."""
        found = self.json.get(name, [])
        if not isinstance(found, list):
            raise ReadError(self.path, f"has a damaged list of {name}", AGAIN)
        return found

    def accessor(self, index: int) -> Array:
        """(count,) or (count, width) values; normalised integers as fractions (float32)."""
        accessor = self.entries("accessors")[_checked(index)]
        kind = np.dtype(_COMPONENTS[accessor["componentType"]])
        width = _WIDTHS[accessor["type"]]
        count = int(accessor["count"])
        limit = self._size + sum(len(self.buffer(i)) for i in range(len(self.entries("buffers"))))
        if not 0 <= count <= limit:
            raise ReadError(self.path, f"claims {count:,} values, more than it has bytes", AGAIN)
        if "bufferView" in accessor:
            values = self._viewed(
                accessor["bufferView"], int(accessor.get("byteOffset", 0)), kind, width, count
            )
        else:
            values = np.zeros((count, width), kind)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            n = int(sparse["count"])
            if not 0 <= n <= count:
                raise ReadError(self.path, "has more sparse values than values", AGAIN)
            where = sparse["indices"]
            at = self._viewed(
                where["bufferView"],
                int(where.get("byteOffset", 0)),
                np.dtype(_COMPONENTS[where["componentType"]]),
                1,
                n,
            )[:, 0]
            what = sparse["values"]
            new = self._viewed(what["bufferView"], int(what.get("byteOffset", 0)), kind, width, n)
            values = values.copy()
            values[at] = new
        if accessor.get("normalized") and kind.kind in "iu":
            values = np.maximum(
                values.astype(np.float32) / np.iinfo(kind).max, -1.0 if kind.kind == "i" else 0.0
            )
        return values[:, 0] if width == 1 else values

    def _viewed(self, view_index: int, offset: int, kind: np.dtype[Any], width: int, count: int) -> Array:
        view = self.entries("bufferViews")[_checked(view_index)]
        if _UNREADABLE.keys() & dict(view.get("extensions", {})).keys():
            raise ReadError(
                self.path, "is compressed in a way that is not supported", "export it uncompressed"
            )
        data = self.buffer(int(view["buffer"]))
        begin = int(view.get("byteOffset", 0))
        end = begin + int(view["byteLength"])
        row = kind.itemsize * width
        stride = int(view.get("byteStride", row)) or row
        first = begin + offset
        last = first + (count - 1) * stride + row if count else first
        if not 0 <= begin <= end <= len(data) or offset < 0 or stride < row or last > end:
            raise ReadError(self.path, "refers to bytes beyond its end", AGAIN)
        if not count:
            return np.zeros((0, width), kind)
        octets = np.frombuffer(data, np.uint8)
        rows = np.lib.stride_tricks.as_strided(octets[first:], (count, row), (stride, 1), writeable=False)
        return np.ascontiguousarray(rows).view(kind).reshape(count, width)

    def buffer(self, index: int) -> bytes:
        """The bytes of one buffer: the GLB's own, a data URI, or a file in the same folder."""
        if index in self._buffers:
            return self._buffers[index]
        entry = self.entries("buffers")[_checked(index)]
        uri = entry.get("uri")
        if uri is None:
            data = self._binary
        elif uri.startswith("data:"):
            try:
                data = base64.b64decode(uri.partition(",")[2], validate=True)
            except (binascii.Error, ValueError) as error:
                raise ReadError(self.path, "has an embedded buffer that cannot be decoded", AGAIN) from error
        else:
            name = unquote(uri)
            file = self.path.parent / name
            if ":" in name or not file.resolve().is_relative_to(self.path.parent.resolve()):
                raise ReadError(
                    self.path, f"refers to a file outside its folder ({name!r})", "export it as GLB"
                )
            if not file.is_file():
                raise ReadError(
                    self.path, f"needs {name!r} beside it, which is not there", "copy that file too"
                )
            data = file.read_bytes()
        if int(entry["byteLength"]) > len(data):
            raise ReadError(
                self.path, f"has {len(data):,} of the {int(entry['byteLength']):,} bytes of a buffer", AGAIN
            )
        self._buffers[index] = data
        return data

    def _chunks(self, data: bytes) -> bytes:
        if len(data) < 20:
            raise ReadError(self.path, "ends within its header", AGAIN)
        version, length = (int(v) for v in np.frombuffer(data, "<u4", 2, 4))
        if version != 2:
            raise ReadError(self.path, f"is binary glTF of version {version}", "export it as glTF 2.0")
        if length > len(data):
            raise ReadError(self.path, f"ends after {len(data):,} of its {length:,} bytes", AGAIN)
        text, position = b"", 12
        while position + 8 <= length:
            size = int.from_bytes(data[position : position + 4], "little")
            kind = data[position + 4 : position + 8]
            if position + 8 + size > length:
                raise ReadError(self.path, "ends within a chunk", AGAIN)
            chunk = data[position + 8 : position + 8 + size]
            if kind == b"JSON" and not text:
                text = chunk
            elif kind == b"BIN\0" and not self._binary:
                self._binary = chunk
            position += 8 + size
        return text

    def global_matrices(self) -> dict[int, Array]:
        """Node index -> (4, 4) matrix from the node to the world, for the nodes of the shown scene."""
        nodes = self.entries("nodes")
        scenes = self.entries("scenes")
        if scenes:
            roots = scenes[_checked(int(self.json.get("scene", 0)))].get("nodes", [])
        else:
            children = {c for node in nodes for c in node.get("children", [])}
            roots = [i for i in range(len(nodes)) if i not in children]
        out: dict[int, Array] = {}
        waiting = [(int(root), np.eye(4)) for root in reversed(roots)]
        while waiting:
            index, parent = waiting.pop()
            if index in out:
                raise ReadError(self.path, "has a node with two parents", AGAIN)
            node = nodes[_checked(index)]
            out[index] = parent @ _local(node)
            waiting.extend((int(child), out[index]) for child in reversed(node.get("children", [])))
        return out


def _local(node: dict[str, Any]) -> Array:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = (float(v) for v in node.get("rotation", (0, 0, 0, 1)))
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _checked(index: int) -> int:
    if index < 0:
        raise IndexError("an index is negative")
    return index
