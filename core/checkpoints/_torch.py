"""Files written by `torch.save` and `pickle.dump`: zip archives, the older stream, and bare pickles.

Only names, shapes and places are taken from a file; the values stay where they are, mapped, until they
are asked for. That holds for the older stream too (its storages stand after the pickle, one after the
other), so a file of a gigabyte is indexed with the memory of its pickle.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints._dtypes import RAW, Array, itemsize
from core.checkpoints._flatten import add_metadata, flatten, numpy_values
from core.checkpoints._index import DAMAGED, Index, elements, file_size, map_file, release_pages, size_text
from core.checkpoints._npz import BAD_ZIP
from core.checkpoints._pickle import (
    Global,
    Machine,
    NumpyArray,
    Opaque,
    PickleFault,
    Storage,
    Tensor,
    needs,
    storage_of,
)
from core.errors import HoldsCode, ReadError, printable

MAGIC = 0x1950A86A20F9469CFC6C
LARGEST_PICKLE = 1 << 28
RUN = "Analyse ▸ Equivariance ▸ Run a model I trust…"
RUN_IT = f"to run it: {RUN}; to see its tensors: save only its state_dict()"
SAVE_WEIGHTS = "save only its tensors instead: torch.save(model.state_dict(), …) or safetensors"

# A place: the bytes of one storage as (buffer or what gives it, offset, length in bytes, big endian).
Place = tuple[Any, int, int, bool]


def index_pickle(path: Path, check: Callable[[], None] = lambda: None) -> Index:
    """The index of a bare pickle or of a file of torch before 1.6. Raises `ReadError`."""
    size = file_size(path)
    stream = map_file(path)
    try:
        root, places, legacy, machine = _read_stream(stream, size, check)
    except PickleFault as fault:
        raise ReadError(path, str(fault), DAMAGED) from None
    _refuse_code(path, machine.forbidden, root)
    out = Index("torch (before 1.6)" if legacy else "pickle")
    if not legacy and stream.tell() < size:
        out.warnings.append(f"{size_text(size - stream.tell())} after the first object were not read")
    out.release = partial(release_pages, stream)
    return _fill(path, out, root, lambda storage: _place(places, storage))


def index_zip(path: Path, check: Callable[[], None] = lambda: None) -> Index:
    """The index of a zip archive of torch. Raises `ReadError`; TorchScript and exported programs are refused."""
    size = file_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {m.filename: m for m in archive.infolist()}
            pickles = [n for n in members if n.count("/") == 1 and n.endswith("/data.pkl")]
            _refuse_programs(path, archive, members)
            if len(pickles) != 1:
                raise ReadError(
                    path, "is a zip archive without tensors of torch", "unpack it and open what it holds"
                )
            prefix = pickles[0].removesuffix("data.pkl")
            text = _member(path, archive, members[pickles[0]], size)
            big = f"{prefix}byteorder" in members and archive.read(f"{prefix}byteorder")[:8] == b"big"
    except BAD_ZIP as error:
        raise ReadError(path, f"is a zip archive that is cut short or damaged ({error})", DAMAGED) from None
    machine = Machine(io.BytesIO(text), _persistent(None), _nested(check), check)
    try:
        root = machine.load()
    except PickleFault as fault:
        raise ReadError(path, f"holds an index that {fault}", DAMAGED) from None
    _refuse_code(path, machine.forbidden, root)
    mapped = map_file(path)

    def place(storage: Storage) -> Place:
        if storage.source is not None:
            return _place(storage.source, storage)
        member = members.get(f"{prefix}data/{storage.key}")
        if member is None:
            raise PickleFault(f"lacks the values of tensor storage {storage.key}")
        if member.compress_type == zipfile.ZIP_STORED:
            return mapped, _data_offset(mapped, member, size), member.file_size, big
        # torch never compresses; some other tool packed this again. It is unpacked when it is read.
        if member.file_size > 1040 * member.compress_size:
            raise PickleFault(f"claims {size_text(member.file_size)} for {printable(member.filename)}")
        return partial(_unpack, path, member, size), 0, member.file_size, big

    out = Index("torch", release=partial(release_pages, mapped))
    return _fill(path, out, root, place)


def _fill(path: Path, out: Index, root: Any, place: Callable[[Storage], Place]) -> Index:
    try:
        tensors, plain = flatten(root)
        for name, value in tensors:
            if isinstance(value, NumpyArray):
                array = numpy_values(value)
                if array.dtype.kind in "US":
                    out.metadata[name] = [str(v)[:1000] for v in array.reshape(-1)[:1000]]
                    continue
                dtype = array.dtype.name
                native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
                out.add(name, array.shape, dtype, lambda a=native: a)  # type: ignore[misc]
                continue
            if value.storage is None:
                out.warnings.append(f"tensor {name!r} was saved without values")
                out.add(name, value.shape, value.dtype, partial(_no_values, path, name))
                continue
            if value.dtype.startswith("q"):
                out.warnings.append(f"tensor {name!r} is quantized; its stored integers are shown")
            where = place(value.storage)
            _check_fits(name, value, where)
            out.add(name, value.shape, value.dtype, partial(_load, where, value))
    except PickleFault as fault:
        raise ReadError(path, str(fault), DAMAGED) from None
    add_metadata(out, plain)
    if not out.entries:
        out.warnings.append("it holds no tensors, only plain values")
    return out


def _check_fits(name: str, tensor: Tensor, where: Place) -> None:
    assert tensor.storage is not None
    size = itemsize(tensor.dtype)
    available = where[2] // size - tensor.storage.shift
    wanted = needs(tensor)
    if wanted > available:
        raise PickleFault(
            f"claims {wanted} values for tensor {printable(name)!r} and holds {max(0, available)} (it is cut short)"
        )


def _load(where: Place, tensor: Tensor) -> Array:
    """A strided view of the stored bits; broadcast (stride 0) tensors stay views."""
    assert tensor.storage is not None
    buffer, start, length, big = where
    if callable(buffer):
        buffer = buffer()
    pair = 2 if tensor.dtype == "complex32" else 1
    raw = np.dtype(RAW[tensor.dtype])
    if big:
        raw = raw.newbyteorder(">")
    count = length // itemsize(tensor.dtype) * pair
    flat: Array = np.frombuffer(buffer, raw, count, start)[tensor.storage.shift * pair :]
    if elements(tensor.shape) == 0:
        return np.empty(tensor.shape, raw)
    if pair == 2:
        # stored as pairs of halves; copied, so that the last axis holds real and imaginary parts in turn
        pairs = flat[: flat.size // 2 * 2].reshape(-1, 2)
        index = np.full(tensor.shape, tensor.offset)
        for axis, step in enumerate(tensor.stride):
            index = index + (np.arange(tensor.shape[axis]) * step).reshape(
                -1, *[1] * (len(tensor.shape) - axis - 1)
            )
        picked: Array = pairs[index]
        return picked.reshape(*tensor.shape[:-1], -1)
    view: Array = np.lib.stride_tricks.as_strided(
        flat[tensor.offset :], tensor.shape, [s * raw.itemsize for s in tensor.stride], writeable=False
    )
    return view


def _no_values(path: Path, name: str) -> Array:
    raise ReadError(
        path, f"was saved without the values of tensor {name!r}", "save it again from a real device"
    )


def _read_stream(
    stream: Any, size: int, check: Callable[[], None]
) -> tuple[Any, dict[str, Place], bool, Machine]:
    """The object of a bare pickle or an old torch stream, and where its storages are."""
    machine = Machine(stream, _persistent(None), _nested(check), check)
    root = machine.load()
    if not (type(root) is int and root == MAGIC):
        return root, {}, False, machine
    protocol, system = machine.load(), machine.load()
    if protocol != 1001 or not isinstance(system, dict):
        raise PickleFault("is a torch file of an unknown version")
    big = system.get("little_endian") is False
    sizes: dict[str, int] = {}

    def persistent(pid: Any) -> Any:
        value = _persistent(None)(pid)
        if isinstance(value, Storage):
            sizes[value.key] = itemsize(value.dtype)
        return value

    machine = Machine(stream, persistent, _nested(check), check)
    root = machine.load()
    if machine.forbidden:
        return root, {}, True, machine
    keys = machine.load()
    if not isinstance(keys, (list, tuple)):
        raise PickleFault("does not list its tensor storages")
    places: dict[str, Place] = {}
    at = stream.tell()
    for key in keys:
        stream.seek(at)
        count = int.from_bytes(stream.read(8), "big" if big else "little", signed=True)
        length = count * sizes.get(str(key), 1)
        if count < 0 or str(key) not in sizes or at + 8 + length > size:
            raise PickleFault(
                f"claims {size_text(max(0, length))} for a tensor storage and has {size_text(max(0, size - at - 8))} "
                "left (it is cut short)"
            )
        places[str(key)] = (stream, at + 8, length, big)
        at += 8 + length
    stream.seek(min(at, size))
    return root, places, True, machine


def _persistent(source: Any) -> Callable[[Any], Any]:
    def persistent(pid: Any) -> Any:
        # ("module", class, file name, source text): a whole module, whose class is already on the list.
        if isinstance(pid, (tuple, list)) and len(pid) > 1 and pid[0] == "module":
            return pid[1]
        return storage_of(pid, source)

    return persistent


def _nested(check: Callable[[], None]) -> Callable[[bytes], Any]:
    """What `torch.storage._load_from_bytes` stands for: a storage saved as a pickle of its own."""

    def nested(data: bytes) -> Any:
        if not isinstance(data, (bytes, bytearray)):
            raise PickleFault("holds a nested pickle that is not bytes")
        stream = io.BytesIO(data)
        root, places, _, machine = _read_stream(_Seekable(stream, bytes(data)), len(data), check)
        if machine.forbidden or not isinstance(root, Storage):
            raise PickleFault("holds a nested pickle that is no tensor storage")
        root.source = {k: (bytes(data), *place[1:]) for k, place in places.items()}
        return root

    return nested


class _Seekable:
    """A stream over bytes whose buffer can be looked into, like a memory map."""

    def __init__(self, stream: io.BytesIO, data: bytes) -> None:
        self.read, self.readline, self.tell, self.seek = (
            stream.read,
            stream.readline,
            stream.tell,
            stream.seek,
        )
        self.data = data


def _place(places: dict[str, Place], storage: Storage) -> Place:
    found = (storage.source or places).get(storage.key)
    if found is None:
        raise PickleFault(f"lacks the values of tensor storage {storage.key}")
    return found


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int) -> bytes:
    """One member, if what it claims to unpack to is possible and bearable."""
    # deflate cannot do better than 1 : 1032
    if member.file_size > min(LARGEST_PICKLE, 1040 * max(1, min(member.compress_size, size))):
        raise ReadError(
            path,
            f"claims {size_text(member.file_size)} for {printable(member.filename)}",
            "do not trust this file",
        )
    with archive.open(member) as stream:
        data = stream.read(member.file_size)
    if len(data) != member.file_size:
        raise ReadError(path, f"is cut short within {printable(member.filename)}", DAMAGED)
    return data


def _unpack(path: Path, member: zipfile.ZipInfo, size: int) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return _member(path, archive, member, size)
    except BAD_ZIP as error:
        raise ReadError(path, f"is damaged within {printable(member.filename)} ({error})", DAMAGED) from None


def _data_offset(buffer: Any, member: zipfile.ZipInfo, size: int) -> int:
    at = member.header_offset
    header = buffer[at : at + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise PickleFault("is a zip archive with a damaged member")
    name, extra = struct.unpack("<HH", header[26:30])
    start = at + 30 + int(name) + int(extra)
    if start + member.file_size > size or member.compress_size != member.file_size:
        raise PickleFault(f"is cut short within {printable(member.filename)}")
    return start


def program_kind(names: Iterable[str]) -> str:
    """Which sort of program a zip archive with these members is: "torchscript", "export", or "" for none."""
    names = list(names)
    tops = {n.split("/", 2)[1] for n in names if n.count("/") >= 1}
    if any(n.endswith(("models/model.json", "serialized_exported_program.json")) for n in names):
        return "export"
    return "torchscript" if "code" in tops or any(n.endswith("/constants.pkl") for n in names) else ""


def _refuse_programs(path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> None:
    kind = program_kind(members)
    if kind == "export":
        raise HoldsCode(path, "holds code (a program exported by torch.export), which was not run", RUN_IT)
    if kind:
        what = [n.split("/code/", 1)[1] for n in members if n.endswith(".py") and "/code/" in n]
        names = [printable(n.removesuffix(".py").replace("/", ".")) for n in what if n != "__torch__.py"]
        named = f" for {names[0]}" if names else ""
        raise HoldsCode(path, f"holds code (a TorchScript program{named}), which was not run", RUN_IT)


def _refuse_code(path: Path, forbidden: dict[str, None], root: Any) -> None:
    """Refuse a file that names anything but tensors and plain values, and say what it names."""
    if not forbidden:
        return
    # The object that the file stands for comes first: it is the name that the user knows.
    first = [root.name] if isinstance(root, (Opaque, Global)) and root.name in forbidden else []
    names = [printable(n)[:80] for n in dict.fromkeys([*first, *forbidden])]
    few = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    if any(n.startswith("torch.nn.modules.") for n in forbidden):
        whole = isinstance(root, (Opaque, Global))
        raise HoldsCode(
            path,
            f"{'is' if whole else 'holds'} a whole pickled module ({few}), which only its own code can open",
            f"{SAVE_WEIGHTS}; or run it: {RUN}",
        )
    raise ReadError(path, f"wants to run code ({few})", f"it was not run; {SAVE_WEIGHTS}")
