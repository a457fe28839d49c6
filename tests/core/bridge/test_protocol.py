"""Frames: what goes in comes out, and what is no frame is refused before it takes memory."""

from __future__ import annotations

import array
import ast
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bridge import child
from core.bridge.child import HEAD, MAGIC, Broken, Channel, Gone


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    a, b = socket.socketpair()
    yield Channel(a), Channel(b)
    a.close()
    b.close()


def raw(channel: Channel, header: Any, body: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    channel.sock.send(HEAD.pack(MAGIC, len(text)) + text + body)


def test_arrays_of_every_kind_come_out_as_they_went_in(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    arrays = [np.arange(6).reshape(2, 3).astype(d) for d in "?bBhHiIqQefd"]
    arrays += [np.array(3.5), np.zeros((0, 3)), np.arange(3, dtype=">i4"), np.arange(9).reshape(3, 3).T]
    left.send({"say": "ü"}, arrays)
    message, back = right.receive()
    assert message["say"] == "ü" and len(back) == len(arrays)
    for sent, came in zip(arrays, back, strict=True):
        assert came.dtype == sent.dtype and came.shape == sent.shape and came.flags.writeable
        np.testing.assert_array_equal(sent, came)


def test_what_is_no_plain_number_is_not_sent(ends: tuple[Channel, Channel]) -> None:
    for bad in (
        np.array([object()]),
        np.array(["a"]),
        np.array([1j]),
        np.zeros(2, np.longdouble),
        np.zeros(2, "M8[s]"),
    ):
        with pytest.raises(TypeError, match="no type of plain numbers"):
            ends[0].send({}, [bad])


@pytest.mark.parametrize(
    "arrays",
    [
        [["|O", [1]]],
        [["<c16", [1]]],
        [["<U4", [1]]],
        [["<f8", [-1]]],
        [["<f8", [1.5]]],
        [["<f8", [True]]],
        [["<f8", ["1"]]],
        [["<f8", [2**62, 4]]],
        [["<f8", [0, 2**62]]],
        [["<f4", [2**29]], ["<f4", [2**29]]],
        [["<f8", [1] * 40]],
        [["<f8"]],
        [["<f8, <f8", [1]]],
        ["<f8"],
        {"a": 1},
        7,
        [["<i3", [1]]],
        [["|u1", [1]]] * 5000,
    ],
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(
    ends: tuple[Channel, Channel], arrays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_taken(*_: Any) -> Any:
        raise AssertionError("memory was taken")

    ends[1].most = 1 << 30
    raw(ends[0], {"arrays": arrays})
    monkeypatch.setattr(np, "empty", none_taken)
    with pytest.raises(Broken):
        ends[1].receive()


def test_other_things_that_are_no_frame(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    for text in (b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000):
        raw(left, text)
        with pytest.raises(Broken):
            right.receive()
    left.sock.send(b"hello, I am printing")
    with pytest.raises(Broken):
        right.receive()


def test_a_header_of_four_gigabytes_is_not_waited_for(ends: tuple[Channel, Channel]) -> None:
    ends[0].sock.send(HEAD.pack(MAGIC, 2**32 - 1))
    with pytest.raises(Broken):
        ends[1].receive()


@pytest.mark.parametrize("cut", [0, 3, 9, 40, 60])
def test_an_end_in_the_middle_is_the_end(ends: tuple[Channel, Channel], cut: int) -> None:
    text = json.dumps({"arrays": [["<f8", [4]]]}).encode()
    whole = HEAD.pack(MAGIC, len(text)) + text + bytes(32)
    assert cut < len(whole)
    ends[0].sock.send(whole[:cut])
    ends[0].sock.close()
    with pytest.raises(Gone):
        ends[1].receive()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no shared memory of this kind here")
def test_shared_memory_that_is_too_small_missing_or_cut_off_later(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    header = {"shared": True, "arrays": [["<f8", [1000]]]}
    raw(left, header)
    with pytest.raises(Broken, match="brings none"):
        right.receive()

    def send(size: int) -> int:
        memory = os.memfd_create("test", child.MEMFD)
        os.ftruncate(memory, size)
        text = json.dumps(header).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]).tobytes())]
        left.sock.sendmsg([HEAD.pack(MAGIC, len(text)) + text], rights)
        return memory

    memory = send(7992)
    with pytest.raises(Broken, match="smaller than announced"):
        right.receive()
    os.close(memory)
    memory = send(8000)
    (values,) = right.receive()[1]
    with pytest.raises(PermissionError):  # or reading `values` would be a bus error
        os.ftruncate(memory, 0)
    os.close(memory)
    assert values.sum() == 0
    before = len(os.listdir("/proc/self/fd"))
    del values
    for _ in range(5):
        os.close(send(8000))
        right.receive()
    assert len(os.listdir("/proc/self/fd")) <= before


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_a_frame_or_refused(data: bytes, framed: bool) -> None:
    a, b = socket.socketpair()
    try:
        a.send(struct.pack("<4sI", MAGIC, len(data)) + data if framed else data or b" ")
        a.close()
        Channel(b, 1 << 20).receive()
    except (Broken, Gone):
        pass
    finally:
        a.close()
        b.close()


def test_the_one_file_needs_python_3_8_and_numpy_alone() -> None:
    source = Path(child.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.name.partition(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
        # what 3.8 has not, though its grammar reads it
        assert not (
            isinstance(node, ast.Attribute) and node.attr in ("removeprefix", "removesuffix", "file_digest")
        )
        assert not (isinstance(node, ast.keyword) and node.arg == "strict")
    assert names - {"numpy", "torch", "__future__"} <= sys.stdlib_module_names
    at_top = {a.name for n in tree.body if isinstance(n, ast.Import) for a in n.names}
    assert "torch" not in at_top
