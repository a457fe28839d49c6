"""Her interpreter and her folder: another NumPy, no torch, and packages that are called as ours are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.bridge import Bridge, ModelError, Reference, inspect
from core.errors import UserError

X = np.arange(12.0).reshape(4, 3)
OTHER = "numpy<2" if int(np.__version__.partition(".")[0]) >= 2 else "numpy>=2"


@pytest.fixture(scope="module")
def other_environment(pytestconfig: pytest.Config) -> Path:
    """A virtual environment with the other NumPy and nothing else, kept from one run of the tests to the next."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = Path(cache.mkdir("other-numpy")) / f"{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(folder)], check=True)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--retries", "1", OTHER],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"no other NumPy to be had: {done.stderr.strip().splitlines()[-1:]}")
        (folder / "done").touch()
    return python


@pytest.fixture
def repo_like_ours(tmp_path: Path) -> Path:
    """A repository whose packages are called core, app and plugins, and a module that hides one of Python's."""
    folder = tmp_path / "repo"
    for name in ("core", "app", "plugins"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"whose = 'hers: {name}'\n")
    (folder / "core" / "bridge.py").write_text("factor = 7.0\n")
    (folder / "core" / "nets.py").write_text(
        "import sys\nimport app, plugins\nfrom core import whose\nfrom .bridge import factor\n"
        "import numpy as np\n"
        "def scale(x):\n"
        "    print(whose, app.whose, plugins.whose, np.__version__)\n"
        "    print('|'.join(sys.path))\n"
        "    return x * factor\n"
        "def torchy(x):\n    import torch\n    return x\n"
        "def doubled(x):\n    return np.float32(2) * x\n"
    )
    (folder / "json.py").write_text("def f(x):\n    return x + 1\n")
    (folder / "my-net.py").write_text("def f(x):\n    return x + 2\n")
    return folder


def lines_of(reference: Reference) -> tuple[np.ndarray, list[str], dict[str, str]]:
    found, lines = inspect(reference), []
    with Bridge(found.python, folder=found.folder, log=lines.append) as bridge:
        bridge.load(found.message, found.data)
        made = bridge.call([X])[""]
    return made, lines, bridge.versions


@pytest.mark.parametrize("name", ["core/nets.py:scale", "core.nets:scale"])
def test_her_core_is_hers_and_ours_is_not_on_her_path(
    repo_like_ours: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).resolve().parents[3]
    monkeypatch.setenv("PYTHONPATH", str(root))  # as our own workers have it
    monkeypatch.chdir(root)
    by_file = name.partition(":")[0].endswith(".py")
    model = str(repo_like_ours / name) if by_file else name
    made, lines, _ = lines_of(Reference(model, folder=None if by_file else repo_like_ours))
    np.testing.assert_array_equal(made, 7 * X)
    assert lines[0].startswith("hers: core hers: app hers: plugins")
    paths = lines[1].split("|")
    assert paths[0] == str(repo_like_ours)
    assert str(root) not in paths and "" not in paths and not any("equiscope-bridge-" in p for p in paths)


def test_ours_cannot_be_imported_even_in_our_own_interpreter(repo_like_ours: Path) -> None:
    (repo_like_ours / "core" / "__init__.py").unlink()  # a namespace package: any other of its name would win
    for name in ("app", "plugins"):
        (repo_like_ours / name / "__init__.py").unlink()
        (repo_like_ours / name).rmdir()
    (repo_like_ours / "net.py").write_text(
        "from core.bridge import factor\nfound = []\n"
        "for name in ('app', 'plugins', 'resources', 'core.errors'):\n"
        "    try:\n        __import__(name)\n        found.append(name)\n"
        "    except ModuleNotFoundError:\n        pass\n"
        "def f(x):\n    print('found', found)\n    return x * factor\n"
    )
    made, lines, _ = lines_of(Reference(str(repo_like_ours / "net.py:f")))
    np.testing.assert_array_equal(made, 7 * X)
    assert lines == ["found []"]


def test_a_file_is_run_whatever_its_name_hides(repo_like_ours: Path) -> None:
    np.testing.assert_array_equal(lines_of(Reference(str(repo_like_ours / "json.py:f")))[0], X + 1)
    np.testing.assert_array_equal(lines_of(Reference(str(repo_like_ours / "my-net.py:f")))[0], X + 2)


def test_an_environment_with_another_numpy_and_no_torch(
    repo_like_ours: Path, other_environment: Path
) -> None:
    model = str(repo_like_ours / "core" / "nets.py:scale")
    for python in (other_environment, other_environment.parents[1]):  # or the environment's folder
        made, lines, versions = lines_of(Reference(model, python=python))
        np.testing.assert_array_equal(made, 7 * X)
        theirs = versions["numpy"]
        assert int(theirs.partition(".")[0]) != int(np.__version__.partition(".")[0])
        assert lines[0] == f"hers: core hers: app hers: plugins {theirs}"
    found = inspect(Reference(str(repo_like_ours / "core" / "nets.py:torchy"), python=other_environment))
    with Bridge(found.python, folder=found.folder) as bridge:
        bridge.load(found.message)
        with pytest.raises(ModelError, match="No module named 'torch'"):
            bridge.call([X])
        bridge.load({**found.message, "name": "doubled"})
        for kind in "bBhHiqefd":
            sent = X.astype(kind)
            np.testing.assert_array_equal(bridge.call([sent])[""], 2 * X)
        large = np.random.default_rng(0).random((400_000, 3)).astype(np.float32)
        np.testing.assert_array_equal(bridge.call([large])[""], 2 * large)


def test_an_environment_without_numpy_is_told_apart(repo_like_ours: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    with pytest.raises(UserError, match="has no NumPy; install it there"):
        lines_of(Reference(str(repo_like_ours / "json.py:f"), python=python))
