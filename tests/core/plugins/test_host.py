"""Discovery: built-in, user folder, installed package; broken plugins; every manifest against its code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.analyses import describe
from core.data import KINDS, Transforms
from core.errors import UserError
from core.opening import describe_reader
from core.plugins import Analysis, PluginHost, Reader, contributions
from core.running import describe_analysis

ROOT = Path(__file__).resolve().parents[3]
GOOD = """
api = 1
id = "{id}"
title = "Mine"
[[readers]]
id = "{id}.r"
title = "R"
kind = "mesh"
patterns = ["*.MINE"]
read = "{id}.code:read"
requires = ["no_such_module_anywhere"]
"""


def plugin(folder: Path, id: str, manifest: str, code: str = "") -> None:
    (folder / id).mkdir(parents=True)
    (folder / id / "__init__.py").write_text("")
    (folder / id / "code.py").write_text(code)
    (folder / id / "plugin.toml").write_text(manifest)


def test_built_in_plugins_work_and_safe_mode_has_only_them(tmp_path: Path) -> None:
    plugin(tmp_path, "mine", GOOD.format(id="mine"))
    host = PluginHost(safe=True, folders=[tmp_path])
    assert {p.origin for p in host.plugins} == {"built in"}
    assert [p.error for p in host.plugins if p.error] == []
    assert {"volumes", "scans", "checkpoints", "symmetry"} <= {p.id for p in host.plugins}


def test_user_folder_and_missing_dependency(tmp_path: Path) -> None:
    plugin(tmp_path, "mine", GOOD.format(id="mine"), "def read(path, *, job):\n    return []\n")
    host = PluginHost(folders=[tmp_path])
    reader = host.get("mine.r", Reader)
    assert host.readers_for("a.mine")[0].id == "mine.r"
    assert host.missing(reader) == (
        "needs no_such_module_anywhere; install with: pip install no_such_module_anywhere"
    )
    assert host.resolve(reader.read).__name__ == "read"


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ("api = 2\nid='b'\ntitle='B'", "plugin API 2"),
        ("api = 1", "cannot be used"),
        ("this is not toml", "cannot be used"),
        ("api = 1\nid='b'\ntitle='B'\ncolour='red'", "colour"),
        ("api = 1\nid='b'\ntitle='B'\n[[samples]]\nid='c.x'\ntitle='X'\nfunction='b:x'", "must begin"),
        ("api = 1\nid='volumes'\ntitle='Another'", "is taken"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_error_and_takes_nothing_down(
    tmp_path: Path, manifest: str, text: str
) -> None:
    plugin(tmp_path, "b", manifest)
    host = PluginHost(folders=[tmp_path])
    broken = [p for p in host.plugins if p.error]
    assert len(broken) == 1 and text in broken[0].error
    assert host.get("volumes.nifti", Reader).kind == "volume"


def test_code_that_does_not_import_is_one_sentence(tmp_path: Path) -> None:
    plugin(tmp_path, "mine3", GOOD.format(id="mine3"), "raise RuntimeError('boom')\n")
    host = PluginHost(folders=[tmp_path])
    with pytest.raises(UserError, match=r"mine3\.code:read cannot be loaded: RuntimeError: boom"):
        host.resolve("mine3.code:read")


def test_unknown_ids_name_the_closest() -> None:
    with pytest.raises(UserError, match=r"did you mean symmetry\.reflections"):
        PluginHost(folders=[]).get("symmetry.reflection", Analysis)


def test_a_name_like_no_other_is_given_no_guess() -> None:
    with pytest.raises(UserError, match=r"no analysis called 'nonsense'; .*`equiscope list analyses`"):
        PluginHost(folders=[]).get("nonsense", Analysis)


def test_manifests_are_read_without_importing_plugins() -> None:
    code = (
        "import sys; from core.plugins import PluginHost; h = PluginHost(folders=[]); h.readers, h.analyses\n"
        "bad = [m for m in sys.modules if m.startswith('plugins.') or m in ('torch', 'vtkmodules', 'scipy')]\n"
        "print(bad)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert out.strip() == "[]"


def test_every_manifest_fits_its_code() -> None:
    host = PluginHost(folders=[])
    for found in host.plugins:
        assert found.manifest is not None, found.error
        ids = [c.id for c in contributions(found.manifest)]
        assert len(ids) == len(set(ids))
    for reader in host.readers:
        assert reader.kind in KINDS, reader.id
        describe_reader(host, reader)
        if reader.sniff:
            assert host.resolve(reader.sniff)(Path("nothing-here.xyz"), b"\x00\x01 nonsense") <= 60
        assert reader.sniff or not reader.folders, f"{reader.id} takes folders, so it has to sniff"
    for writer in host.writers:
        assert set(writer.kinds) <= set(KINDS) and writer.patterns, writer.id
        host.resolve(writer.write)
    for analysis in host.analyses:
        description = describe_analysis(host, analysis)
        assert description.summary and all(p.help for p in description.parameters), analysis.id
        assert all(set(kinds) <= set(KINDS) for kinds in analysis.inputs), analysis.id
    for sample in host.samples:
        host.resolve(sample.function)
    for model in host.models:
        host.resolve(model.config)
        host.resolve(model.build)
        assert set(model.predicts.values()) <= set(Transforms), model.id


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example plugin, installed the way a user would, into a folder of its own."""
    import shutil

    base = tmp_path_factory.mktemp("site")
    source = base / "source"
    shutil.copytree(ROOT / "tests" / "example_plugin", source)
    target = base / "target"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run(
        [*command, "--disable-pip-version-check", "--target", str(target), str(source)], check=True
    )
    return target


def test_an_installed_plugin_is_found_read_run_and_replayed(installed: Path, tmp_path: Path) -> None:
    cloud = tmp_path / "square.pts3"
    cloud.write_text("0 0 0\n1 0 0\n0 1 0\n1 1 0\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(installed)])}

    def equiscope(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "example.inversion" in equiscope("list", "analyses")
    assert "package equiscope-example" in equiscope("list", "plugins")
    assert "example.centroid" in equiscope("list", "models")
    assert "4 points" in equiscope("info", "square.pts3")
    equiscope("run", "example.inversion", "square.pts3", "--sample", "4", "--out", "out")
    import json

    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["error"] == pytest.approx(0, abs=1e-12) and result["centre"] == [0.5, 0.5, 0.0]
    assert (tmp_path / "out" / "Mirrored.ply").exists()
    assert "the same" in equiscope("replay", "out")


def test_description_of_the_example_is_complete(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed))
    import importlib

    module = importlib.import_module("equiscope_example.points")
    description = describe(module.inversion, id="example.inversion", title="x", input_kinds=[["pointcloud"]])
    assert [p.name for p in description.parameters] == ["sample"]
    assert description.parameters[0].unit == "points"


@pytest.mark.parametrize("name", ["statistics", "numpy", "core", "plugins"])
def test_a_plugin_folder_named_like_another_package_is_told(tmp_path: Path, name: str) -> None:
    plugin(tmp_path, name, GOOD.format(id="mine"))
    (broken,) = (p for p in PluginHost(folders=[tmp_path]).plugins if p.error)
    assert "rename the folder" in broken.error


def test_an_id_that_is_declared_twice_is_told(tmp_path: Path) -> None:
    reader = "[[readers]]" + GOOD.format(id="mine").partition("[[readers]]")[2]
    plugin(tmp_path, "mine", GOOD.format(id="mine") + reader)
    (broken,) = (p for p in PluginHost(folders=[tmp_path]).plugins if p.error)
    assert "'mine.r' more than once" in broken.error


def test_an_entry_point_that_leads_nowhere_takes_nothing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata as metadata

    found = [
        metadata.EntryPoint(n, f"{n}.package", "equiscope.plugins") for n in ("no_such_module", "statistics")
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: found)
    host = PluginHost(folders=[])
    assert sorted(p.id for p in host.plugins if p.error) == ["no_such_module", "statistics"]
    assert host.get("volumes.nifti", Reader).kind == "volume"
