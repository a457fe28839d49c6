"""The other end of the bridge: runs a user's model in her own interpreter. This one file is all of us that is there.

It needs Python 3.8 and NumPy (1.x or 2.x), nothing else; torch is imported only where the model is one of torch's.
Our own process imports it too, for the frames that both sides speak. Run as a program it is given the number of an
inherited socket, over which it is told what to load and called with arrays. What the model prints goes to standard
error, not into the socket.

A frame is "EQB1", the length of its header (uint32, little endian), the header (a JSON object), and the arrays in C
order, one after the other. The header lists them under "arrays" as [dtype, shape] in NumPy's spelling; with "shared"
they are not in the socket but in the memory behind a descriptor that comes with the frame, each at the next multiple
of 64. Nothing is pickled, so nothing that comes in can be more than numbers.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and sys.path:
    import os.path

    if os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # our folder: nothing in it is for her to import

import contextlib
import fcntl
import importlib
import importlib.machinery
import importlib.util
import inspect
import io
import json
import mmap
import os
import platform
import random
import re
import select
import socket
import struct
import traceback
from collections.abc import Iterable
from typing import Any

NO_NUMPY = 97
"""Exit code where the interpreter has no NumPy."""

try:
    import numpy as np
except ImportError:
    if __name__ == "__main__":
        sys.exit(NO_NUMPY)
    raise

MAGIC = b"EQB1"
HEAD = struct.Struct("<4sI")
MOST_HEADER = 1 << 24
MOST_ARRAYS = 4096
MOST_BYTES = 1 << 34
KINDS = "biuf"
SMALL = 1 << 16
"""Frames up to this size are written in one piece."""
SHARED = 1 << 20
"""Arrays from this size on go through memory that both sides map (Linux), which is copied once instead of thrice."""
BLOCK = 1 << 26
ALIGNED = 64
MEMFD = 0x0003  # close on exec, may be sealed
F_ADD_SEALS, F_SEAL_SHRINK = 1033, 2


class Gone(Exception):
    """The other side has closed the socket."""


class Broken(Exception):
    """What came in is no frame, or more than is allowed."""


class Channel:
    """One end of the socket. `wait` may be overridden: it is called whenever the other side is slower."""

    def __init__(self, sock: socket.socket, most: int = MOST_BYTES) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.most = most
        self._poll = select.poll()

    def poll(self, write: bool, milliseconds: int | None) -> bool:
        """Whether the socket is ready, after at most so long (None: as long as it takes)."""
        self._poll.register(self.sock, select.POLLOUT if write else select.POLLIN)
        return bool(self._poll.poll(milliseconds))

    def wait(self, write: bool) -> None:
        """Return when the socket may be ready."""
        self.poll(write, None)

    def pause(self) -> None:
        """Called now and then while much is copied; may raise."""

    def send(self, message: dict[str, Any], arrays: Iterable[Any] = ()) -> None:
        """Write one frame. Raises `Gone`, and `TypeError` for an array that is not of plain numbers."""
        described = []
        parts = []
        for array in arrays:
            array = np.asarray(array, order="C")
            if array.dtype.kind not in KINDS or array.dtype.itemsize > 8:
                raise TypeError(f"{array.dtype} is no type of plain numbers")
            described.append([array.dtype.str, list(array.shape)])
            parts.append(flat_bytes(array))
        total = sum(len(p) for p in parts)
        shared = -1
        if total >= SHARED and hasattr(os, "memfd_create"):
            shared = self._in_memory(parts)
            parts = []
        try:
            header = json.dumps(dict(message, arrays=described, shared=shared >= 0)).encode()
            first = memoryview(HEAD.pack(MAGIC, len(header)) + header)
            if shared >= 0:
                first = first[self._first(first, shared) :]
            elif len(first) + total <= SMALL:
                first, parts = memoryview(b"".join([first, *parts])), []
            for part in [first, *parts]:
                while len(part):
                    try:
                        part = part[self.sock.send(part) :]
                    except BlockingIOError:
                        self.wait(True)
                    except OSError:
                        raise Gone from None
        finally:
            if shared >= 0:
                os.close(shared)

    def _in_memory(self, parts: list[memoryview]) -> int:
        """The arrays in a file that is in memory only; its descriptor."""
        shared = os.memfd_create("equiscope-bridge", MEMFD)
        try:
            at = 0
            for part in parts:
                at += -at % ALIGNED
                done = 0
                while done < len(part):
                    self.pause()
                    done += os.pwrite(shared, part[done : done + BLOCK], at + done)
                at += len(part)
        except OSError as error:
            os.close(shared)
            raise MemoryError(str(error)) from None
        except BaseException:
            os.close(shared)
            raise
        return shared

    def _first(self, part: memoryview, descriptor: int) -> int:
        """Write the beginning of a frame together with a descriptor; how much went through."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", descriptor))]
        while True:
            try:
                return self.sock.sendmsg([part], rights)
            except BlockingIOError:
                self.wait(True)
            except OSError:
                raise Gone from None

    def _fill(self, view: memoryview, descriptors: list[int] | None = None) -> None:
        while len(view):
            try:
                if descriptors is None:
                    count = self.sock.recv_into(view)
                else:
                    count, extra, _, _ = self.sock.recvmsg_into([view], socket.CMSG_SPACE(4))
                    for level, kind, data in extra:
                        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                            descriptors += struct.unpack(f"{len(data) // 4}i", data[: len(data) // 4 * 4])
            except BlockingIOError:
                self.wait(False)
                continue
            except OSError:
                raise Gone from None
            if not count:
                raise Gone
            view = view[count:]

    def receive(self) -> tuple[dict[str, Any], list[Any]]:
        """The next frame as (header, arrays). Raises `Gone` and `Broken`."""
        descriptors: list[int] = []
        try:
            head = bytearray(HEAD.size)
            self._fill(memoryview(head), descriptors)
            magic, length = HEAD.unpack(head)
            if magic != MAGIC or length > MOST_HEADER:
                raise Broken("it does not begin like a frame")
            body = bytearray(length)
            self._fill(memoryview(body))
            try:
                message = json.loads(bytes(body).decode())
            except (ValueError, RecursionError):
                raise Broken("its header is no JSON") from None
            if not isinstance(message, dict):
                raise Broken("its header is no object")
            described = described_arrays(message.pop("arrays", []), self.most)
            if message.pop("shared", False):
                return message, mapped_arrays(described, descriptors)
            arrays = []
            for dtype, shape in described:
                array = np.empty(shape, dtype)
                if array.nbytes:
                    self._fill(flat_bytes(array))
                arrays.append(array)
            return message, arrays
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def flat_bytes(array: Any) -> memoryview:
    """The bytes of an array in C order, not copied."""
    flat: Any = array.reshape(-1).view(np.uint8)
    return memoryview(flat) if array.nbytes else memoryview(b"")


def mapped_arrays(described: list[tuple[Any, tuple[int, ...]]], descriptors: list[int]) -> list[Any]:
    """Arrays on the memory behind a descriptor; nobody else has it once the sender has closed it. Raises `Broken`."""
    if len(descriptors) != 1:
        raise Broken("it announces shared memory and brings none")
    try:
        # What is mapped here must not be cut off by the other side: that would be a crash of ours.
        fcntl.fcntl(descriptors[0], F_ADD_SEALS, F_SEAL_SHRINK)
        size = os.fstat(descriptors[0]).st_size
        memory = mmap.mmap(descriptors[0], size)
    except (OSError, ValueError):
        raise Broken("its shared memory cannot be used") from None
    arrays = []
    at = 0
    for dtype, shape in described:
        at += -at % ALIGNED
        count = 1
        for n in shape:
            count *= n
        if at + count * dtype.itemsize > size:
            raise Broken("its shared memory is smaller than announced")
        # frombuffer would not take an empty one
        flat = np.frombuffer(memory, dtype, count, at) if count else np.empty(0, dtype)
        arrays.append(flat.reshape(shape))
        at += count * dtype.itemsize
    return arrays


def described_arrays(described: Any, most: int) -> list[tuple[Any, tuple[int, ...]]]:
    """The types and shapes that a header lists, checked before any memory is taken. Raises `Broken`."""
    if not isinstance(described, list) or len(described) > MOST_ARRAYS:
        raise Broken("it does not list its arrays")
    out = []
    total = 0
    for entry in described:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], list)):
            raise Broken("it does not list its arrays")
        name, shape = entry
        if not isinstance(name, str) or not re.match(r"[<>|=][biuf][1248]\Z", name) or len(shape) > 32:
            raise Broken("an array is of no type of plain numbers")
        if not all(type(n) is int and n >= 0 for n in shape):
            raise Broken("an array has no possible shape")
        try:
            dtype = np.dtype(name)
        except TypeError:
            raise Broken("an array is of no type of plain numbers") from None
        size = dtype.itemsize
        for n in shape:
            size *= n
        total += size
        if total > most or max(shape, default=0) > most:
            raise Broken(f"it announces {total} bytes and {most} are allowed")
        out.append((dtype, tuple(shape)))
    return out


# -- the program: what follows runs in the user's interpreter alone ----------------------------------------------


class Refusal(Exception):
    """Something that the user reads as it is."""


class Model:
    """The loaded model: called with NumPy arrays, it returns whatever the user's code returns."""

    def __init__(self) -> None:
        self.function: Any = None
        self.torch: Any = None
        self.device = "cpu"
        self.keywords: dict[str, str] = {}

    def load(self, message: dict[str, Any], arrays: list[Any]) -> dict[str, Any]:
        """Import or read what `message` names. Raises whatever the user's code raises."""
        self.device = str(message.get("device", "cpu"))
        seed = int(message.get("seed", 0))
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 (of her code, which may use it)
        if message.get("hide"):
            sys.meta_path.insert(0, Hidden(message["hide"], str(message["home"])))
        for folder in message.get("paths", []):
            sys.path.insert(0, folder)
        kind = message["kind"]
        # Files of torch come as bytes, those that were hashed: what lies on the disk by now does not matter.
        blob = io.BytesIO(arrays[0].tobytes()) if arrays else None
        if kind in ("torchscript", "export", "pickled"):
            torch = self._need_torch(message)
            if kind == "torchscript":
                made = torch.jit.load(blob, map_location=self.device)
            elif kind == "export":
                made = torch.export.load(blob).module()
            else:
                made = torch.load(blob, map_location=self.device, weights_only=False)
                if isinstance(made, dict):
                    raise Refusal(
                        "It holds tensors and no model; name the class too, and give this file as weights."
                    )
        else:
            made = self._named(message, with_weights=blob is not None)
            if blob is not None:
                self._set_weights(made, blob, str(message.get("weights", "")), message)
        self._prepare(made, seed, message)
        return {"name": getattr(made, "__name__", type(made).__name__)}

    def _named(self, message: dict[str, Any], with_weights: bool) -> Any:
        module = import_user(message)
        made = module
        for part in message["name"].split("."):
            try:
                made = getattr(made, part)
            except AttributeError:
                raise Refusal(f"There is no {message['name']} in it.") from None
        if message.get("make") or isinstance(made, type) or (with_weights and inspect.isfunction(made)):
            made = made()
        if not callable(made):
            raise Refusal(f"{message['name']} is no function and no model, but {type(made).__name__}.")
        return made

    def _need_torch(self, message: dict[str, Any]) -> Any:
        try:
            import torch
        except ImportError:
            raise Refusal("It needs torch, which this interpreter does not have.") from None
        torch.set_num_threads(max(1, int(message.get("threads", 1))))
        return torch

    def _set_weights(self, made: Any, blob: io.BytesIO, name: str, message: dict[str, Any]) -> None:
        if not hasattr(made, "load_state_dict"):
            raise Refusal(f"Weights were given, but {type(made).__name__} has no load_state_dict.")
        if name.endswith(".safetensors"):
            state = read_safetensors(blob.getvalue(), self._need_torch(message))
        else:
            torch = self._need_torch(message)
            state = torch.load(blob, map_location="cpu", weights_only=True)
        if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
            state = state["state_dict"]
        made.load_state_dict(state)

    def _prepare(self, made: Any, seed: int, message: dict[str, Any]) -> None:
        torch: Any = sys.modules.get("torch")
        kinds: list[Any] = []
        if torch is not None:
            torch.manual_seed(seed)
            torch.set_num_threads(max(1, int(message.get("threads", 1))))
            kinds = [c for c in (torch.nn.Module, torch.jit.ScriptModule) if isinstance(c, type)]
        is_network = isinstance(made, tuple(kinds))
        if is_network:
            self.torch = torch
            made.to(self.device)
            with contextlib.suppress(NotImplementedError):  # an exported program has no such switch
                made.eval()
        elif self.device != "cpu" and takes_device(made):
            self.keywords = {"device": self.device}
        self.function = made

    def call(self, arrays: list[Any]) -> Any:
        """Call the model once."""
        if self.torch is None:
            return self.function(*arrays, **self.keywords)
        with self.torch.no_grad():
            return self.function(*[self.torch.from_numpy(a).to(self.device) for a in arrays])


class Hidden:
    """Where this interpreter is the one that we run in: our packages are not there, but hers of the same name are."""

    def __init__(self, names: list[str], home: str) -> None:
        self.names = frozenset(names)
        self.home = os.path.realpath(home)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """As if our folder were not on the path."""
        if name.partition(".")[0] not in self.names:
            return None
        if path is None:
            path = [p for p in sys.path if os.path.realpath(p) != self.home]
        # The path alone: an editable installation has a finder that offers our modules as parts of her packages.
        found = importlib.machinery.PathFinder.find_spec(name, path, target)
        if found is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found


def takes_device(function: Any) -> bool:
    """Whether a function has a parameter for the device."""
    try:
        return "device" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def import_user(message: dict[str, Any]) -> Any:
    """The module that `message` names; the one in `file`, where a file was named, whatever its name hides."""
    name, path = message["module"], message.get("file")
    if path is None:
        return importlib.import_module(name)
    if all(part.isidentifier() for part in name.split(".")):
        try:
            spec = importlib.util.find_spec(name)
        except ValueError:
            spec = None
        except ModuleNotFoundError as error:  # of a folder on the way, or of what a package on the way needs?
            if error.name is None or not (name + ".").startswith(error.name + "."):
                raise
            spec = None
        origin = getattr(spec, "origin", None)
        if origin is not None and os.path.exists(origin) and os.path.samefile(origin, path):
            return importlib.import_module(name)
    # A name like "my-net.py", or one that a module of Python's own has: it gets a name of its own.
    alone = "equiscope_model_" + re.sub(r"\W", "_", name)
    made = importlib.util.spec_from_file_location(alone, path)
    if made is None or made.loader is None:
        raise Refusal("It is no Python file.")
    module = importlib.util.module_from_spec(made)
    sys.modules[alone] = module
    made.loader.exec_module(module)
    return module


def read_safetensors(data: bytes, torch: Any) -> dict[str, Any]:
    """The tensors of a safetensors file, which is a JSON header and plain buffers."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length].decode())
    types = {
        "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
        "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
        "BOOL": torch.bool,
    }  # fmt: skip
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = bytearray(data[8 + length + begin : 8 + length + end])
        if entry["dtype"] not in types:
            raise Refusal(f"The weights hold {entry['dtype']}, which is not known here.")
        kind = types[entry["dtype"]]
        out[name] = (
            torch.frombuffer(raw, dtype=kind).reshape(entry["shape"])
            if raw
            else torch.zeros(entry["shape"], dtype=kind)
        )
    return out


def as_arrays(value: Any) -> tuple[list[str], list[Any]]:
    """What a model returned as (names, arrays): a mapping by its keys, a tuple by number, anything else unnamed."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return [str(k) for k in value], [as_array(v) for v in value.values()]
    if isinstance(value, tuple) or (
        isinstance(value, list) and any(np.ndim(v) for v in value if is_array(v))
    ):
        if len(value) == 1:
            return [""], [as_array(value[0])]
        return [str(n + 1) for n in range(len(value))], [as_array(v) for v in value]
    return [""], [as_array(value)]


def is_array(value: Any) -> bool:
    """Whether it is an array of NumPy or of a library like it."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def as_array(value: Any) -> Any:
    """An array of plain numbers. Raises `Refusal`."""
    if value is None:
        raise Refusal("It returned nothing (None) instead of an array.")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) not in TORCH_TYPES:
            value = value.float()
        value = value.numpy()
    try:
        array = np.asarray(value)
    except Exception as error:
        raise Refusal(f"It returned {type(value).__name__} that is no array ({error}).") from None
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    if array.dtype.kind not in KINDS:
        raise Refusal(
            f"It returned {type(value).__name__}, not an array of plain numbers (its type is {array.dtype})."
        )
    return array


TORCH_TYPES = {
    "torch." + name
    for name in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
}


def told(error: BaseException, folders: list[str]) -> dict[str, Any]:
    """An exception as a message: its kind, one line, where in the user's files it arose, and the traceback."""
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be shown)"
    kind = type(error).__name__
    if isinstance(error, SystemExit):
        text = f"it called sys.exit({error.code})"
    where = ""
    try:
        for frame in traceback.extract_tb(error.__traceback__):
            if any(frame.filename.startswith(folder) for folder in folders):
                where = f"{os.path.basename(frame.filename)}, line {frame.lineno}"
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:
        lines = ""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return {
        "event": "failed",
        "kind": "Refusal" if isinstance(error, Refusal) else kind,
        "message": clean(first[:500]),
        "where": clean(where),
        "traceback": clean(lines[-20000:]),
    }


def clean(text: str) -> str:
    """Text that JSON can carry whatever it holds."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def flush() -> None:
    """What was printed is written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the model may have closed or replaced it
            pass


def serve(channel: Channel) -> None:
    """Answer one message after the other until the other side is gone."""
    model = Model()
    folders: list[str] = []
    reply: list[Any]
    channel.send({"event": "ready", "python": platform.python_version(), "numpy": np.__version__})
    while True:
        message, arrays = channel.receive()
        try:
            if message["do"] == "load":
                folders = [os.path.join(p, "") for p in message.get("roots", [])]
                answer = dict(model.load(message, arrays), event="loaded")
                torch = sys.modules.get("torch")
                answer["torch"] = str(getattr(torch, "__version__", "")) if torch is not None else ""
                reply = []
            else:
                per = message["per"]  # the number of arrays of each of several calls
                names, reply, start = [], [], 0
                for count in per:
                    keys, made = as_arrays(model.call(arrays[start : start + count]))
                    start += count
                    names.append(keys)
                    reply += made
                answer = {"event": "done", "names": names}
            del arrays
            flush()
            channel.send(answer, reply)
            reply = []
        except (Gone, Broken):
            raise
        except BaseException as error:  # whatever it raises is the user's to read, not the end of this loop
            flush()
            channel.send(told(error, folders))


def main() -> None:
    """Entry point: the number of the inherited socket is the only argument."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    try:
        serve(Channel(sock))
    except (Gone, Broken, KeyboardInterrupt):
        pass
    flush()
    os._exit(0)


if __name__ == "__main__":
    main()
