"""LZF, the byte compression of PCD files: decompression only.

Source of the format: M. Lehmann, LibLZF. A control byte below 32 copies that many + 1 literal bytes;
any other repeats 2 + (top three bits; 7: plus the next byte) bytes from a distance of up to 8192.
"""

from __future__ import annotations


def decompress(data: bytes, size: int) -> bytearray:
    """The `size` bytes that `data` stands for.

    Memory grows with what has really been decoded, never with `size` alone.

    Raises
    ------
    ValueError : the stream is cut, points before its beginning, or decodes to another size.
    """
    out = bytearray()
    position, end = 0, len(data)
    while position < end:
        control = data[position]
        position += 1
        if control < 32:
            stop = position + control + 1
            if stop > end:
                raise ValueError("the compressed data end within a literal run")
            out += data[position:stop]
            position = stop
        else:
            length = control >> 5
            if length == 7:
                if position >= end:
                    raise ValueError("the compressed data end within a repeat")
                length += data[position]
                position += 1
            if position >= end:
                raise ValueError("the compressed data end within a repeat")
            distance = ((control & 31) << 8) + data[position] + 1
            position += 1
            length += 2
            start = len(out) - distance
            if start < 0:
                raise ValueError("the compressed data refer to bytes before their beginning")
            if distance >= length:
                out += out[start : start + length]
            else:
                piece = bytes(out[start:])
                out += (piece * (length // distance + 1))[:length]
        if len(out) > size:
            break
    if len(out) != size:
        raise ValueError(f"the compressed data give {len(out):,} bytes or more, not the {size:,} announced")
    return out
