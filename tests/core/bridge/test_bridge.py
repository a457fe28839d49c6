"""The bridge holds whatever a model does, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.bridge import Bridge, ModelError, _bridge
from core.errors import Cancelled, UserError
from tests.core.bridge.conftest import relatives

Start = Callable[..., Bridge]
X = np.arange(12.0).reshape(4, 3)


def test_a_function_a_class_and_what_a_function_makes(open_bridge: Start) -> None:
    np.testing.assert_array_equal(open_bridge("net.py:outward").call([X])[""], X - X.mean(0))
    np.testing.assert_array_equal(open_bridge("net.py:Scaled").call([X])[""], 3 * X)
    np.testing.assert_array_equal(open_bridge("net.py:make()").call([X])[""], 3 * X)


def test_arrays_come_back_with_name_type_and_shape(open_bridge: Start) -> None:
    bridge = open_bridge("net.py:many")
    for kind in (np.float32, np.float64, np.float16, np.int8, np.uint16, np.int64, ">f8"):
        made = bridge.call([X.astype(kind)])
        assert set(made) == {"force", "energy"}
        assert made["force"].dtype == (X.astype(kind) * 2).dtype and made["force"].shape == X.shape
        np.testing.assert_array_equal(made["force"], X.astype(kind) * 2)
        assert made["energy"].shape == ()
    assert set(open_bridge("net.py:pair").call([X])) == {"1", "2"}
    empty = open_bridge("net.py:many").call([np.zeros((0, 3))])
    assert empty["force"].shape == (0, 3)


def test_arrays_that_are_not_contiguous_or_large(open_bridge: Start) -> None:
    bridge = open_bridge("net.py:Scaled")
    large = np.random.default_rng(0).random((700_000, 3))
    for array in (X.T, X[::-2], np.asfortranarray(X), large, large[:, 1:].T, X[0, 0]):
        np.testing.assert_array_equal(bridge.call([array])[""], 3 * array)
    made = bridge.call([large])[""]
    made += 1  # it belongs to us
    np.testing.assert_array_equal(bridge.call([large])[""], 3 * large)


def test_two_hundred_megabytes_both_ways(open_bridge: Start) -> None:
    big = np.arange(25_000_000, dtype=np.float64)
    made = open_bridge("net.py:Scaled").call([big])[""]
    assert made.nbytes == 200_000_000 and made[-1] == 3 * big[-1] and made[12_345_678] == 3 * 12_345_678


def test_without_shared_memory_it_goes_through_the_socket(
    open_bridge: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    large = np.random.default_rng(0).random((700_000, 3))
    np.testing.assert_array_equal(open_bridge("net.py:Scaled").call([large])[""], 3 * large)


def test_several_calls_with_one_message(open_bridge: Start) -> None:
    made = open_bridge("net.py:many").map([[X], [2 * X], [X[:1]]])
    assert [m["force"].shape for m in made] == [(4, 3), (4, 3), (1, 3)]
    np.testing.assert_array_equal(made[1]["force"], 4 * X)


def test_what_a_model_prints_is_log_and_not_protocol(open_bridge: Start) -> None:
    lines: list[str] = []
    bridge = open_bridge("net.py:prints", log=lines.append)
    np.testing.assert_array_equal(bridge.call([X])[""], X)
    np.testing.assert_array_equal(bridge.call([X])[""], X)
    bridge.close()
    text = "\n".join(lines)
    assert text.count("from print") == 2 and text.count("from a shell") == 2
    assert text.count("straight to the descriptor") == 2 and "no end of line" in text


def test_a_model_that_prints_without_end_fills_nothing(
    repo: Path, open_bridge: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_bridge, "LINES", 100)
    (repo / "loud.py").write_text(
        "def f(x):\n    for n in range(3000): print(n)\n    print('y' * 3_000_000)\n    return x\n"
    )
    lines: list[str] = []
    bridge = open_bridge("loud.py:f", log=lines.append)
    bridge.call([X])
    bridge.close()
    assert len(lines) == 101 and "is not kept" in lines[-1]
    assert max(map(len, bridge._last)) <= _bridge.LINE


def test_an_error_is_one_sentence_with_its_place_and_the_bridge_goes_on(open_bridge: Start) -> None:
    lines: list[str] = []
    bridge = open_bridge("net.py:raises", log=lines.append)
    for _ in range(2):
        with pytest.raises(ModelError, match=r"raised ValueError: the first line \(net.py, line 2\d\)\.$"):
            bridge.call([X])
    assert any("Traceback" in line for line in lines) and any("the second" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exits", r"it called sys.exit\(7\)"),
        ("vanishes", r"ended by itself \(exit 9\); its last words: my last words\."),
        ("crashes", r"crashed \(SIGSEGV\) in net.py, line \d+ \(crashes\)\."),
        ("hoards", "ran out of memory"),
        ("objects", "returned object, not an array of plain numbers"),
        ("nothing", r"returned nothing \(None\)"),
        ("words", "returned list, not an array of plain numbers"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence(open_bridge: Start, name: str, words: str) -> None:
    bridge = open_bridge(f"net.py:{name}")
    with pytest.raises(ModelError, match=words) as caught:
        bridge.call([X])
    assert "\n" not in str(caught.value)


def test_a_dead_model_says_so_when_called_again(open_bridge: Start) -> None:
    bridge = open_bridge("net.py:vanishes")
    with pytest.raises(ModelError, match="ended by itself"):
        bridge.call([X])
    with pytest.raises(ModelError, match="has ended"):
        bridge.call([X])


def test_what_cannot_be_loaded_says_why(repo: Path, open_bridge: Start) -> None:
    (repo / "wrong.py").write_text("import nonexistent_module_of_hers\n")
    (repo / "syntax.py").write_text("def f(:\n")
    with pytest.raises(ModelError, match="There is no gone in it"):
        open_bridge("net.py:gone")
    with pytest.raises(ModelError, match="constant is no function and no model, but int"):
        open_bridge("net.py:constant")
    with pytest.raises(
        ModelError,
        match=r"raised ModuleNotFoundError: No module named 'nonexistent_module_of_hers' \(wrong.py, line 1\)",
    ):
        open_bridge("wrong.py:f")
    with pytest.raises(ModelError, match="raised SyntaxError"):
        open_bridge("syntax.py:f")


@pytest.mark.parametrize("name", ["sleeps", "spins", "holds", "breeds"])
def test_a_cancel_ends_it_with_all_it_has_started(open_bridge: Start, name: str) -> None:
    cancelled, bred = threading.Event(), threading.Event()

    def check() -> None:
        if cancelled.is_set():
            raise Cancelled

    bridge = open_bridge(
        f"net.py:{name}", check=check, log=lambda line: bred.set() if line == "bred" else None
    )
    threading.Thread(target=lambda: (bred.wait(1.0), time.sleep(0.1), cancelled.set()), daemon=True).start()
    with pytest.raises(Cancelled):
        bridge.call([X])
    assert relatives() == []
    assert name != "breeds" or bred.is_set()


def test_a_time_limit_ends_it(open_bridge: Start) -> None:
    bridge = open_bridge("net.py:spins")
    with pytest.raises(ModelError, match=r"longer than 0.3 s"):
        bridge.call([X], limit=0.3)
    assert relatives() == []


@pytest.mark.parametrize("name", ["breeds", "holds"])
def test_nothing_outlives_our_own_process_being_killed(repo: Path, name: str) -> None:
    code = (
        "import sys, numpy as np\nfrom core.bridge import Bridge, Reference, inspect\n"
        f"found = inspect(Reference({str(repo / 'net.py')!r} + ':{name}'))\n"
        "bridge = Bridge(found.python, folder=found.folder)\n"
        "bridge.load(found.message)\nprint('ready', flush=True)\nbridge.call([np.zeros((2, 3))])\n"
    )
    root = Path(__file__).resolve().parents[3]
    room = repo.parent / "room"
    room.mkdir()
    environment = {**os.environ, "TMPDIR": str(room)}
    ours = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root, env=environment
    )
    assert ours.stdout is not None and ours.stdout.readline() == "ready\n"
    until = time.monotonic() + 5
    while len(relatives()) < (4 if name == "breeds" else 1) and time.monotonic() < until:
        time.sleep(0.02)
    assert relatives() and list(room.iterdir())
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    ours.stdout.close()
    until = time.monotonic() + 10
    while (relatives() or list(room.iterdir())) and time.monotonic() < until:
        time.sleep(0.02)
    assert relatives() == [] and list(room.iterdir()) == []


def test_an_interpreter_that_is_none(tmp_path: Path, open_bridge: Start) -> None:
    plain = tmp_path / "python"
    for text, words in (
        ("#!/bin/sh\necho 'not today'\nexit 3\n", r"is no Python that can run models \(exit 3\): not today"),
        ("#!/bin/sh\nexec sleep 3600\n", "did not start within"),
        ("nothing at all", "cannot be started"),
    ):
        plain.write_text(text)
        plain.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_bridge, "START", 0.5)
            with pytest.raises(UserError, match=words):
                open_bridge(python=plain)
    with pytest.raises(UserError, match="no Python interpreter at"):
        open_bridge(python=tmp_path / "gone")


def test_compiled_files_beside_the_sources_are_not_believed(repo: Path, open_bridge: Start) -> None:
    import importlib._bootstrap_external as external
    import marshal
    import py_compile

    helper = repo / "helper.py"
    helper.write_text("value = 1.0\n")
    (repo / "user.py").write_text("import helper\ndef f(x):\n    return x * 0 + helper.value\n")
    compiled = Path(py_compile.compile(str(helper)))
    head = compiled.read_bytes()[:16]
    compiled.write_bytes(head + marshal.dumps(compile("value = 666.0", str(helper), "exec")))
    assert (
        external.SourceFileLoader("helper", str(helper)).get_code("helper") is not None
    )  # it would be taken
    assert (open_bridge("user.py:f").call([X])[""] == 1.0).all()
