"""What the fuzzer does to a sound file: blind damage to bytes, and damage that knows text, JSON, gzip and zip."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from tests.files.seeds import Seed

NUMBERS = (
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e309", b"-1e309", b"1e-320", b"0", b"-0", b"-1", b"1", b"3.5"),
    *(b"255", b"256", b"32768", b"65536", b"2147483647", b"2147483648", b"-2147483649", b"4294967296"),
    *(
        b"9223372036854775807",
        b"9223372036854775808",
        b"18446744073709551616",
        b"1" * 400,
        b"1" * 5000,
        b"1e18",
        b"1e300",
    ),
    *(b"", b"0x10", b"1_0", b"0.1.2", b"--1", "١".encode(), b"1000000", b"100000000000"),
)
WORDS = (
    *(b"../../../etc/passwd", b"/etc/passwd", b"/dev/zero", b"file:///etc/passwd", b"http://127.0.0.1:9/x"),
    *(b"", b"%s%n%p", b"\n", b"\r\n", b"\0", "\u202egnp.exe".encode(), b"<b>bold</b>", b"&lol;", b"\xff\xfe"),
    *(b"null", b"true", b"{}", b"[]", b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>", b"A" * 5000, b"'", b'"'),
)
INTEGERS = (
    *(0, 1, 2, 3, 5, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 10**6, 2**24, 2**31 - 1, 2**31),
    *(2**32 - 1, 2**32, 10**12, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -1, -2, -128, -(2**31), -(2**63)),
)
LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 2**31, 2**53, 2**63, 2**64, 10**30, 0.5, -1.5, 1e308, float("nan")),
    *(
        float("inf"),
        "",
        "x",
        "-1",
        "nan",
        "../../etc/passwd",
        "/etc/passwd",
        "\0",
        "a\nb",
        "\udcff",
        "<b>x</b>",
    ),
    *([], {}, [[]], [None], {"": None}, "A" * 3000, list(range(200)), {"$type": "Item"}, {"$array": 99}),
)
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9]{2,30}")
_REACH = 1200
"""Bytes at the beginning of a file in which most damage goes: where headers are."""

Mutator = Callable[[bytes, random.Random, Sequence[Seed]], bytes]


def mutated(seed: Seed, number: int, others: Sequence[Seed]) -> dict[str, bytes]:
    """Case `number` of a seed: the same files each time, whatever ran before."""
    dice = random.Random(f"{seed.id}#{number}")
    files = dict(seed.files)
    names = list(files)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 5))):
        main = seed.main if seed.main in files else dice.choice(names)
        name = main if dice.random() < 0.85 else dice.choice(names)
        files[name] = _damaged(files[name], dice, others)
    if len(names) > 1 and dice.random() < 0.03:
        del files[dice.choice([n for n in names if n != seed.main])]
    return files


def _damaged(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    if data[:2] == b"\x1f\x8b" and dice.random() < 0.75:
        return _in_gzip(data, dice, others)
    if data[:4] == b"PK\x03\x04" and dice.random() < 0.8:
        return _in_zip(data, dice, others)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and dice.random() < 0.75:
        return _in_png(data, dice, others)
    if dice.random() < 0.5:
        for knows in (_in_json, _in_glb, _in_safetensors, _in_npy):
            found = knows(data, dice)
            if found is not None:
                return found
    if _is_text(data[:400]) and dice.random() < 0.8:
        return dice.choice((_number, _number, _word, _swap, _line, _insert, _cut))(data, dice, others)
    return dice.choice(BLIND)(data, dice, others)


def _is_text(head: bytes) -> bool:
    return bool(head) and sum(32 <= b < 127 or b in b"\t\r\n" for b in head) > 0.9 * len(head)


def _at(data: bytes, dice: random.Random) -> int:
    reach = min(len(data), _REACH) if dice.random() < 0.8 else len(data)
    return dice.randrange(reach + 1)


# -- blind ---------------------------------------------------------------------------------------------------


def _flip(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        if out:
            out[min(_at(data, dice), len(out) - 1)] ^= 1 << dice.randrange(8)
    return bytes(out)


def _set(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 2, 4))):
        if out:
            out[min(_at(data, dice), len(out) - 1)] = dice.choice((0, 1, 127, 128, 255, dice.randrange(256)))
    return bytes(out)


def _integer(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    size = dice.choice((1, 2, 2, 4, 4, 4, 8))
    at = _at(data, dice)
    at -= at % min(size, 4) if dice.random() < 0.7 else 0
    value = dice.choice(INTEGERS) % (1 << (8 * size))
    return data[:at] + value.to_bytes(size, dice.choice(("little", "big"))) + data[at + size :]


def _float(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    value = dice.choice((float("nan"), float("inf"), -0.0, 0.0, 1e38, -1e38, 1e-40, 1e308, 1.5))
    code = dice.choice("<f >f <d >d".split())
    try:
        packed = struct.pack(code, value)
    except OverflowError:
        packed = struct.pack(code, 3e38)
    at = _at(data, dice)
    at -= at % 2
    return data[:at] + packed + data[at + len(packed) :]


def _cut(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    return data[: _at(data, dice)] if dice.random() < 0.5 else data[: dice.randrange(len(data) + 1)]


def _insert(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    at = _at(data, dice)
    what = dice.choice((*WORDS, bytes(dice.randrange(1, 40)), b"\xff" * 16, dice.randbytes(8)))
    return data[:at] + what + data[at:]


def _erase(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    at = _at(data, dice)
    return data[:at] + data[at + dice.choice((1, 2, 4, 16, 64)) :]


def _double(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    a, b = sorted((_at(data, dice), _at(data, dice)))
    return data[:b] + data[a:b] * dice.choice((1, 1, 3, 50)) + data[b:]


def _splice(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    other = dice.choice(list(dice.choice(others).files.values()))
    a, b = _at(data, dice), _at(other, dice)
    return data[:a] + other[b : b + 100_000]


def _magic(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    other = dice.choice(list(dice.choice(others).files.values()))
    size = dice.choice((2, 4, 8, 16))
    return other[:size] + data[size:]


BLIND: tuple[Mutator, ...] = (_flip, _flip, _set, _integer, _integer, _integer, _float, _cut, _insert, _erase)
BLIND += (_double, _splice, _magic)


# -- text ----------------------------------------------------------------------------------------------------


def _number(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    return _replaced(data, _NUMBER, NUMBERS, dice)


def _word(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    return _replaced(data, _WORD, WORDS, dice)


def _swap(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    """One of the file's own words in place of another: its keywords where they do not belong."""
    return _replaced(data, _WORD, _WORD.findall(data[:20_000]) or [b"x"], dice)


def _replaced(data: bytes, pattern: re.Pattern[bytes], by: Sequence[bytes], dice: random.Random) -> bytes:
    found = list(pattern.finditer(data[: 20_000 if dice.random() < 0.8 else len(data)]))
    if not found:
        return _insert(data, dice, ())
    for match in sorted(
        dice.sample(found, min(len(found), dice.choice((1, 1, 1, 2, 5)))), key=_end, reverse=True
    ):
        data = data[: match.start()] + dice.choice(by) + data[match.end() :]
    return data


def _end(match: re.Match[bytes]) -> int:
    return match.end()


def _line(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    how = dice.randrange(4)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[dice.randrange(len(lines))])
    elif how == 2:
        lines[at : at + 1] = [lines[at]] * dice.choice((2, 100))
    else:
        other = dice.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)


# -- containers ----------------------------------------------------------------------------------------------


def _in_gzip(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    try:
        inner = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return dice.choice(BLIND)(data, dice, others)
    return gzip.compress(_damaged(inner, dice, others), mtime=0)


def _in_zip(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [(i.filename, archive.read(i), i.compress_type) for i in archive.infolist()]
    except Exception:
        return dice.choice(BLIND)(data, dice, others)
    if not parts:
        return data
    at = dice.randrange(len(parts))
    name, content, kind = parts[at]
    how = dice.random()
    if how < 0.75:
        parts[at] = (name, _damaged(content, dice, others), kind)
    elif how < 0.85:
        parts[at] = (
            dice.choice(("../x", "/etc/x", "", "a" * 300, "x\n", name.upper(), name + "/")),
            content,
            kind,
        )
    elif how < 0.92:
        parts.append(parts[at])
    else:
        del parts[at]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, kind in parts:
            info = zipfile.ZipInfo(name or "_")
            info.compress_type = dice.choice((kind, kind, kind, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            with _quiet():
                archive.writestr(info, content)
    return out.getvalue()


def _quiet() -> Any:
    """zipfile warns of names that stand twice."""
    import warnings

    caught = warnings.catch_warnings()
    caught.__enter__()
    warnings.simplefilter("ignore")

    class Quiet:
        def __enter__(self) -> None: ...

        def __exit__(self, *args: object) -> None:
            caught.__exit__(None, None, None)

    return Quiet()


def _in_png(data: bytes, dice: random.Random, others: Sequence[Seed]) -> bytes:
    """Damage inside the chunks, with their sums made right again."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + length]])
        at += 12 + length
    if not chunks:
        return data
    chosen = dice.choice(chunks)
    if chosen[0] == b"IDAT" and dice.random() < 0.7:
        try:
            chosen[1] = zlib.compress(dice.choice(BLIND)(zlib.decompress(chosen[1]), dice, others))
        except zlib.error:
            pass
    else:
        chosen[1] = dice.choice(BLIND)(chosen[1], dice, others)[:100_000]
    out = data[:8]
    for kind, body in chunks:
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def _in_json(data: bytes, dice: random.Random) -> bytes | None:
    if data[:1] not in (b"{", b"["):
        return None
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return None
    text = json.dumps(json_damaged(tree, dice))
    if dice.random() < 0.03:
        text = text[:-1] + ', "deep": ' + "[" * 100_000 + "]" * 100_000 + text[-1]
    return text.encode("utf-8", "replace")


def json_damaged(tree: Any, dice: random.Random) -> Any:
    """A tree of JSON with one node replaced, removed, doubled or moved."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    walk(tree) if isinstance(tree, (dict, list)) else None
    if not places:
        return dice.choice(LEAVES)
    node, key = dice.choice(places)
    how = dice.random()
    if how < 0.65:
        node[key] = dice.choice(LEAVES)
    elif how < 0.75:
        del node[key]
    elif how < 0.9:
        there, which = dice.choice(places)
        if (isinstance(there, dict) and which in there) or (isinstance(there, list) and which < len(there)):
            node[key] = json.loads(json.dumps(there[which]))
    elif isinstance(node, list):
        node.extend([node[key]] * dice.choice((1, 5, 1000)))
    else:
        node[str(dice.choice(("uri", "file", "path", "extensions", "$type")))] = dice.choice(LEAVES)
    return tree


def _in_glb(data: bytes, dice: random.Random) -> bytes | None:
    if data[:4] != b"glTF" or len(data) < 20:
        return None
    size = int.from_bytes(data[12:16], "little")
    text = _in_json(data[20 : 20 + size].strip(), dice)
    if text is None:
        return None
    text += b" " * (-len(text) % 4)
    rest = data[20 + size :]
    body = struct.pack("<I", len(text)) + b"JSON" + text + rest
    return data[:8] + struct.pack("<I", 12 + len(body)) + body


def _in_safetensors(data: bytes, dice: random.Random) -> bytes | None:
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size < len(data) or data[8:9] != b"{":
        return None
    text = _in_json(data[8 : 8 + size].strip(), dice)
    return None if text is None else struct.pack("<Q", len(text)) + text + data[8 + size :]


def _in_npy(data: bytes, dice: random.Random) -> bytes | None:
    """Another header of the right length."""
    if data[:6] != b"\x93NUMPY" or len(data) < 10:
        return None
    size = int.from_bytes(data[8:10], "little")
    kind = dice.choice(
        ("<f8", "<f4", "|O", "<U9", "|S0", "<M8[D]", "<c16", ">i2", "|V4", "<f16", "|b1", "<q99")
    )
    shape = dice.choice(
        ("()", "(0,)", "(3,)", "(-1, 3)", "(10**9, 3)", "(99999999999, 3)", "(1,)*70", "(2, 0, 3)", "3")
    )
    text = f"{{'descr': {kind!r}, 'fortran_order': {dice.choice((True, False, None))}, 'shape': {shape}, }}".encode()
    text = text.ljust(size - 1) + b"\n"
    return data[:8] + struct.pack("<H", len(text)) + text + data[10 + size :]


def bundle(files: dict[str, bytes]) -> str:
    """Small files as one text that a test can hold: `unbundle` gives them back."""
    return base64.b85encode(
        zlib.compress(json.dumps({k: v.hex() for k, v in files.items()}).encode(), 9)
    ).decode()


def unbundle(text: str) -> dict[str, bytes]:
    """The inverse of `bundle`."""
    plain = json.loads(zlib.decompress(base64.b85decode(text)))
    return {name: bytes.fromhex(content) for name, content in plain.items()}
