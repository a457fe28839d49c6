"""Element types of checkpoints: their sizes, and the ones that NumPy does not know as float32."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# How the bytes are seen by NumPy (little endian). The names are torch's without "torch.", which are
# NumPy's wherever NumPy has the type.
RAW: dict[str, str] = {
    **{f"float{8 * n}": f"<f{n}" for n in (2, 4, 8)},
    **{f"int{8 * n}": f"<i{n}" for n in (1, 2, 4, 8)},
    **{f"uint{8 * n}": f"<u{n}" for n in (1, 2, 4, 8)},
    "complex64": "<c8",
    "complex128": "<c16",
    "bool": "|b1",
    "bfloat16": "<u2",
    "float8_e4m3fn": "|u1",
    "float8_e5m2": "|u1",
    "float8_e4m3fnuz": "|u1",
    "float8_e5m2fnuz": "|u1",
    "float8_e8m0fnu": "|u1",
    "complex32": "<f2",  # pairs; the last axis is doubled when read
    "qint8": "|i1",
    "quint8": "|u1",
    "qint32": "<i4",
}

# exponent bits, mantissa bits, bias, and what stands for "not finite"
_FLOAT8: dict[str, tuple[int, int, int, str]] = {
    "float8_e4m3fn": (4, 3, 7, "fn"),
    "float8_e5m2": (5, 2, 15, "ieee"),
    "float8_e4m3fnuz": (4, 3, 8, "fnuz"),
    "float8_e5m2fnuz": (5, 2, 16, "fnuz"),
}


def itemsize(dtype: str) -> int:
    """Bytes of one element. `KeyError` for a type that is not known."""
    return 4 if dtype == "complex32" else np.dtype(RAW[dtype]).itemsize


def numpy_name(dtype: str) -> str:
    """The NumPy type in which values of `dtype` are handed out."""
    if dtype == "bfloat16" or dtype.startswith("float8"):
        return "float32"
    if dtype == "complex32":
        return "complex64"
    return np.dtype(RAW.get(dtype, dtype)).name


def decode(raw: Array, dtype: str) -> Array:
    """`raw` (the stored bits) as numbers: bfloat16 and float8 become float32 exactly, the rest stays as it is."""
    if dtype == "bfloat16":
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if dtype == "float8_e8m0fnu" or dtype in _FLOAT8:
        table: Array = float8_table(dtype)[raw]
        return table
    if dtype == "complex32":
        pairs = raw.astype(np.float32)
        joined: Array = pairs[..., 0::2] + np.complex64(1j) * pairs[..., 1::2]
        return joined
    if not raw.dtype.isnative:
        return raw.astype(raw.dtype.newbyteorder("="))
    return raw


@cache
def float8_table(dtype: str) -> Array:
    """(256,) float32: the value of every bit pattern of an 8-bit float.

    Formats of Micikevicius et al., "FP8 formats for deep learning", 2022 (e4m3fn, e5m2), the
    "fnuz" variants of Noune et al. 2022 (one zero; the pattern of −0 is NaN; no infinities) and the
    scale e8m0 of the OCP microscaling specification 1.0.
    """
    codes = np.arange(256)
    if dtype == "float8_e8m0fnu":
        values = np.ldexp(1.0, codes - 127)
        values[255] = np.nan
        return values.astype(np.float32)
    exponent_bits, mantissa_bits, bias, special = _FLOAT8[dtype]
    sign = np.where(codes & 0x80, -1.0, 1.0)
    exponent = (codes & 0x7F) >> mantissa_bits
    mantissa = (codes & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    values = np.where(
        exponent == 0,
        np.ldexp(mantissa, 1 - bias),
        np.ldexp(1.0 + mantissa, exponent - bias),
    )
    values *= sign
    top = exponent == (1 << exponent_bits) - 1
    if special == "ieee":
        values[top] = np.where(mantissa[top] == 0, sign[top] * np.inf, np.nan)
    elif special == "fn":
        values[(codes & 0x7F) == 0x7F] = np.nan
    else:
        values[0x80] = np.nan
    return values.astype(np.float32)
