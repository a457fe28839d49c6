"""A pickle read as data: a small machine over `pickletools.genops` that never imports and never calls.

Why not `torch.load(weights_only=True)` for this: it builds every tensor, needs torch (which the window's
process never imports), refuses a file at the first name it does not know instead of listing them all, and
its allow-list is a process-wide setting that other code may widen. Here a global is only ever a text. A
text that stands in `_CALLS` is answered by our own function, which returns inert values; every other one
is noted in `forbidden` and becomes an `Opaque`. So nothing in a file can run, and the file can still be
read to its end to say what it is.

Source: the opcode descriptions in the standard library's `pickletools`, PEP 307, PEP 3154 and PEP 574;
what torch writes: `torch/serialization.py` and `torch/_utils.py` (2.13).
"""

from __future__ import annotations

import pickletools
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from core.checkpoints._dtypes import RAW
from core.checkpoints._index import elements

MAX_OPERATIONS = 50_000_000


class PickleFault(Exception):
    """The stream is no well-formed pickle; the text is the end of "NAME …"."""


@dataclass(frozen=True)
class Global:
    """A name that the pickle asks for: "torch.FloatStorage". Never looked up."""

    name: str


@dataclass
class Opaque:
    """What an unknown global was asked to make."""

    name: str


@dataclass(frozen=True)
class DType:
    """A torch element type, without "torch."."""

    name: str


@dataclass(eq=False)
class Storage:
    """Memory that tensors look into. `numel` counts elements of `dtype`; the bytes are found by `key`."""

    key: str
    dtype: str
    numel: int
    shift: int = 0
    """First element of a view of a storage (files before torch 0.4)."""
    source: Any = None
    """Where `key` is to be looked up: the file (None) or a pickle within the pickle."""


@dataclass(eq=False)
class Tensor:
    """A strided look into a storage."""

    storage: Storage | None
    dtype: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(eq=False)
class NumpyArray:
    """An ndarray as pickled: filled by BUILD."""

    dtype: np.dtype[Any] | None = None
    shape: tuple[int, ...] = ()
    fortran: bool = False
    data: bytes = b""
    items: list[Any] | None = None
    """Values of an array of Python objects."""


@dataclass(eq=False)
class NumpyType:
    """A dtype as pickled: BUILD tells the byte order."""

    code: str
    order: str = "="

    def resolve(self) -> np.dtype[Any] | None:
        """The NumPy type, None for Python objects. `PickleFault` for records and other odd types."""
        if self.code in ("O", "O8", "O4", "object"):
            return None
        try:
            # np.dtype also parses "3f4,(2,)i8": only plain names get that far.
            if not re.fullmatch(r"[<>=|]?[A-Za-z?][A-Za-z0-9]{0,12}", self.code):
                raise ValueError
            dtype = np.dtype(self.code)
        except (TypeError, ValueError, SyntaxError):
            raise PickleFault("holds a NumPy array of an unknown type") from None
        if dtype.kind not in "biufcSU":
            raise PickleFault(f"holds a NumPy array of type {self.code!r}, which is not supported")
        return np.dtype(self.order + dtype.str[1:]) if self.order in "<>" else dtype


_MARK = object()
_FAULTS = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    UnicodeError,
    RecursionError,
)


class Machine:
    """Runs one pickle after another from a stream with `read`, `readline` and `tell`.

    Parameters
    ----------
    stream : where the pickles stand; its `read(n)` must give what is there when less than n bytes are.
    persistent : what a persistent id stands for (torch: a storage).
    nested : reads the bytes of a pickle within the pickle (`torch.storage._load_from_bytes`).
    check : called now and then, to cancel.

    Attributes
    ----------
    forbidden : globals that no plain file of tensors names, in the order of their first use.
    """

    def __init__(
        self,
        stream: Any,
        persistent: Callable[[Any], Any] | None = None,
        nested: Callable[[bytes], Any] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream = stream
        self._persistent = persistent
        self._nested = nested
        self._check = check
        self.forbidden: dict[str, None] = {}

    def load(self) -> Any:
        """The next object of the stream. Raises `PickleFault` for anything malformed."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd escapes in a text are nobody's concern
                return self._run()
        except PickleFault:
            raise
        except _FAULTS as error:
            raise PickleFault("is not a well-formed pickle, or is cut short") from error

    def _global(self, name: str) -> Global:
        if name not in _CALLS and name not in _VALUES:
            self.forbidden.setdefault(name)
        return Global(name)

    def _call(self, function: Any, args: Any) -> Any:
        if isinstance(function, Global):
            if function.name == "torch.storage._load_from_bytes" and self._nested is not None:
                return self._nested(args[0])
            if function.name == "torch._tensor._rebuild_from_type_v2":
                return self._call(args[0], args[2])
            handler = _CALLS.get(function.name)
            if handler is not None:
                return handler(*args)
            self.forbidden.setdefault(function.name)
            return Opaque(function.name)
        return Opaque(getattr(function, "name", "?"))

    def _build(self, target: Any, state: Any) -> None:
        if isinstance(target, NumpyArray):
            _, target.shape, dtype, target.fortran, data = state
            target.shape = _ints(target.shape)
            target.dtype = dtype.resolve()
            if target.dtype is None:
                target.items = list(data)
            else:
                target.data = _bytes(data)
        elif isinstance(target, NumpyType):
            target.order = state[1] if state[1] in ("<", ">", "=", "|") else "="
            if len(state) > 4 and (state[3] or state[4]):
                target.code = "V"
        elif not isinstance(target, (dict, Opaque, Tensor)):
            # An OrderedDict's or a parameter's own attributes say nothing about tensors; anything else is odd.
            raise PickleFault("sets the inner state of something that has none")

    def _run(self) -> Any:
        stack: list[Any] = []
        memo: dict[int, Any] = {}
        push, pop = stack.append, stack.pop

        def marked() -> list[Any]:
            at = len(stack) - 1
            while stack[at] is not _MARK:
                at -= 1
                if at < 0:
                    raise PickleFault("is not a well-formed pickle")
            items = stack[at + 1 :]
            del stack[at:]
            return items

        operations = 0
        arg: Any
        for opcode, arg, _ in pickletools.genops(self._stream):
            operations += 1
            if operations & 0x3FFF == 0:
                self._check()
                if operations > MAX_OPERATIONS:
                    raise PickleFault("holds more objects than this reader accepts")
            name = opcode.name
            if name in _LITERALS:
                push(arg)
            elif name in _MEMO_PUT:
                memo[arg] = stack[-1]
            elif name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif name in _MEMO_GET:
                push(memo[arg])
            elif name == "MARK":
                push(_MARK)
            elif name in _CONSTANTS:
                push(_CONSTANTS[name])
            elif name in _EMPTY:
                push(_EMPTY[name]())
            elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
                n = int(name[-1])
                if len(stack) < n:
                    raise PickleFault("is not a well-formed pickle")
                stack[-n:] = [tuple(stack[-n:])]
            elif name == "TUPLE":
                push(tuple(marked()))
            elif name == "LIST":
                push(marked())
            elif name == "FROZENSET":
                push(frozenset(marked()))
            elif name in ("DICT", "SETITEMS"):
                items = marked()
                if name == "DICT":
                    push({})
                if isinstance(stack[-1], dict):
                    stack[-1].update(zip(items[::2], items[1::2], strict=True))
            elif name == "SETITEM":
                value, key = pop(), pop()
                if isinstance(stack[-1], dict):
                    stack[-1][key] = value
            elif name in ("APPENDS", "APPEND", "ADDITEMS"):
                items = marked() if name != "APPEND" else [pop()]
                if isinstance(stack[-1], list):
                    stack[-1].extend(items)
                elif isinstance(stack[-1], set):
                    stack[-1].update(items)
            elif name == "GLOBAL":
                push(self._global(str(arg).replace(" ", ".", 1)))
            elif name == "STACK_GLOBAL":
                attribute, module = pop(), pop()
                push(self._global(f"{module}.{attribute}"))
            elif name == "REDUCE":
                args, function = pop(), pop()
                push(self._call(function, args))
            elif name == "NEWOBJ":
                args, function = pop(), pop()
                push(self._call(function, args))
            elif name == "NEWOBJ_EX":
                _, args, function = pop(), pop(), pop()
                push(self._call(function, args))
            elif name == "INST":
                push(self._call(self._global(str(arg).replace(" ", ".", 1)), marked()))
            elif name == "OBJ":
                function, *args = marked()
                push(self._call(function, args))
            elif name == "BUILD":
                state = pop()
                self._build(stack[-1], state)
            elif name in ("PERSID", "BINPERSID"):
                key = arg if name == "PERSID" else pop()
                if self._persistent is None:
                    raise PickleFault("refers to things outside the file")
                push(self._persistent(key))
            elif name == "POP":
                pop()
            elif name == "POP_MARK":
                marked()
            elif name == "DUP":
                push(stack[-1])
            elif name in ("EXT1", "EXT2", "EXT4"):
                self.forbidden.setdefault(f"copyreg extension {arg}")
                push(Opaque("copyreg"))
            elif name == "STOP":
                return pop()
            elif name not in ("PROTO", "FRAME"):
                raise PickleFault(f"uses the pickle operation {name}, which is not supported")
        raise PickleFault("is cut short")


_LITERALS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 "
    "BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 FLOAT BINFLOAT".split()
)
_MEMO_PUT = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_MEMO_GET = frozenset(("GET", "BINGET", "LONG_BINGET"))
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}


def global_names(data: Any) -> list[str]:
    """Every global that a pickle names, without running anything: ["os.system", …].

    `data` is bytes or a stream. Names put together on the stack (STACK_GLOBAL) are found by reading the
    pickle as data; from a malformed one, those named before the fault.
    """
    import io

    found: dict[str, None] = {}

    class Lister(Machine):
        def _global(self, name: str) -> Global:
            found.setdefault(name)
            return Global(name)

    machine = Lister(io.BytesIO(data) if isinstance(data, (bytes, bytearray)) else data, persistent=str)
    try:
        machine.load()
    except PickleFault:
        return list(found)
    return list(found)


def _ints(values: Any) -> tuple[int, ...]:
    values = tuple(values)
    if len(values) > 64 or not all(type(v) is int and v >= 0 for v in values):
        raise PickleFault("holds a tensor of an impossible shape")
    return tuple(int(v) for v in values)


def _bytes(value: Any) -> bytes:
    # Python 2 wrote bytes as text of code points below 256.
    return value.encode("latin-1") if isinstance(value, str) else bytes(value)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Tensor:
    if not isinstance(storage, Storage) or type(offset) is not int or offset < 0:
        raise PickleFault("holds a tensor without memory")
    return Tensor(storage, storage.dtype, offset, _ints(size), _ints(stride))


def _tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *rest: Any
) -> Tensor:
    tensor = _tensor(storage, offset, size, stride)
    tensor.dtype = _torch_type(dtype)
    return tensor


def _meta_tensor(dtype: Any, size: Any, stride: Any, *rest: Any) -> Tensor:
    return Tensor(None, _torch_type(dtype), 0, _ints(size), _ints(stride))


def _torch_type(value: Any) -> str:
    name = value.name if isinstance(value, (Global, DType)) else ""
    name = name.removeprefix("torch.")
    if name not in RAW:
        raise PickleFault(f"holds a tensor of type {name or '?'}, which is not supported")
    return name


def _sparse(layout: Any, data: Any, *rest: Any) -> dict[str, Any]:
    # (indices, values, size, …) for COO; the parts are listed as tensors of their own.
    parts = [part for part in data if isinstance(part, Tensor)]
    sizes = [part for part in data if isinstance(part, tuple)]
    names = ("indices", "values") if len(parts) == 2 else ("compressed_indices", "plain_indices", "values")
    return {**dict(zip(names, parts, strict=False)), "sparse_shape": list(sizes[0]) if sizes else None}


def _scalar(dtype: NumpyType, data: Any = b"") -> Any:
    resolved = dtype.resolve()
    if resolved is None:
        return data
    raw = _bytes(data)
    if len(raw) != resolved.itemsize:
        raise PickleFault("holds a NumPy number of the wrong size")
    return np.frombuffer(raw, resolved)[0]


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C", *rest: Any) -> NumpyArray:
    resolved = dtype.resolve()
    if resolved is None:
        raise PickleFault("holds an array of Python objects in a buffer")
    return NumpyArray(resolved, _ints(shape), order == "F", _bytes(data))


def _numpy_type(code: Any = "f8", *rest: Any) -> NumpyType:
    if isinstance(code, Global):
        code = code.name.removeprefix("numpy.")
    if not isinstance(code, str) or len(code) > 32:
        raise PickleFault("holds a NumPy array of an unknown type")
    return NumpyType(code)


def _fixed_type(code: str, *rest: Any) -> NumpyType:
    return NumpyType(code)


def _dict(*args: Any) -> dict[Any, Any]:
    # OrderedDict() and Counter({...}) or, from Python 2, OrderedDict([[key, value], ...]); defaultdict(factory)
    pairs = [a for a in args if not isinstance(a, Global) and a is not None]
    return dict(pairs[0]) if pairs else {}


def _encode(text: str, encoding: str = "latin-1") -> bytes:
    if encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise PickleFault(f"holds text in the unknown encoding {encoding!r}")
    return text.encode(encoding)


def _check_tensor(value: Any, *rest: Any) -> Any:
    return value


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dict,
    "collections.defaultdict": _dict,
    "collections.Counter": _dict,
    **{
        f"{module}.{name}": call
        for module in ("builtins", "__builtin__")
        for name, call in (
            ("set", lambda items=(): list(items)),
            ("frozenset", lambda items=(): list(items)),
            ("list", lambda items=(): list(items)),
            ("tuple", lambda items=(): tuple(items)),
            ("dict", _dict),
            ("complex", lambda re=0.0, im=0.0: complex(re, im)),
            ("bytearray", lambda data=b"", encoding="latin-1": _bytes(data)),
        )
    },
    "_codecs.encode": _encode,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_qtensor": _tensor,
    "torch._utils._rebuild_meta_tensor_no_storage": _meta_tensor,
    "torch._utils._rebuild_parameter": _check_tensor,
    "torch._utils._rebuild_parameter_with_state": _check_tensor,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_sparse_csr_tensor": _sparse,
    "torch._utils._rebuild_device_tensor_from_numpy": _check_tensor,
    "torch._tensor._rebuild_from_type_v2": _check_tensor,
    "torch.storage._load_from_bytes": lambda data: Opaque("torch.storage._load_from_bytes"),
    "torch.serialization._get_layout": lambda name: str(name),
    "torch.Size": lambda items=(): list(items),
    "torch.device": lambda *args: ":".join(str(a) for a in args),
    **{
        f"numpy.{core}.{name}": call
        for core in ("core", "_core")
        for name, call in (
            ("multiarray._reconstruct", lambda *args: NumpyArray()),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
    "numpy.dtype": _numpy_type,
    **{
        f"numpy.dtypes.{name}DType": partial(_fixed_type, code)
        for name, code in (
            *((f"Float{8 * n}", f"f{n}") for n in (2, 4, 8)),
            *((f"Int{8 * n}", f"i{n}") for n in (1, 2, 4, 8)),
            *((f"UInt{8 * n}", f"u{n}") for n in (1, 2, 4, 8)),
            ("Complex64", "c8"),
            ("Complex128", "c16"),
            ("Bool", "b1"),
        )
    },
}

STORAGES = {
    "HalfStorage": "float16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "BFloat16Storage": "bfloat16",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "UntypedStorage": "uint8",
}

# Names that may stand in a file as values and are never called.
_VALUES = frozenset(
    (
        *(f"torch{sub}.{name}" for sub in ("", ".cuda", ".storage") for name in STORAGES),
        *(f"torch.{name}" for name in RAW),
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer",
        "torch.strided",
        "torch.sparse_coo",
        "torch.sparse_csr",
        "torch.per_tensor_affine",
        "torch.per_channel_affine",
        "torch.contiguous_format",
        "torch.channels_last",
        "numpy.ndarray",
        *(f"numpy.{np.dtype(code).name}" for code in "bBhHiIlLefdFD?"),
        "builtins.int",
        "builtins.float",
        "builtins.str",
        "builtins.bool",
        "__builtin__.int",
        "__builtin__.float",
    )
)


def storage_of(pid: Any, source: Any = None) -> Storage:
    """The storage that a torch persistent id describes: ("storage", type, key, device, numel[, view])."""
    if not isinstance(pid, (tuple, list)) or len(pid) < 5 or pid[0] != "storage":
        raise PickleFault("refers to something that is no tensor storage")
    kind = pid[1].name.rsplit(".", 1)[-1] if isinstance(pid[1], Global) else ""
    if kind not in STORAGES or type(pid[4]) is not int or pid[4] < 0:
        raise PickleFault("refers to a tensor storage of an unknown type")
    shift, view = 0, pid[5] if len(pid) > 5 else None
    if view is not None:
        shift = int(view[1])
    return Storage(str(pid[2]), STORAGES[kind], pid[4], shift, source)


def needs(tensor: Tensor) -> int:
    """Elements that a tensor's storage must have; 0 for a tensor without elements."""
    if len(tensor.shape) != len(tensor.stride):
        raise PickleFault("holds a tensor whose strides do not fit its shape")
    if elements(tensor.shape) == 0:
        return 0
    return tensor.offset + 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride, strict=True))
