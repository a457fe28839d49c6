"""The command line as a user types it: exit codes, one readable line, the same numbers as in the window."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.data import Attribute, Mesh, Transforms
from core.exports import write_object
from core.jobs import Job
from core.plugins import PluginHost

ROOT = Path(__file__).resolve().parents[3]
CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
)


def equiscope(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(cwd), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        timeout=240,
    )
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    mesh = Mesh(CUBE, FACES, {"height": Attribute(CUBE[:, 2], Transforms.SCALAR)}, unit="mm")
    write_object(mesh, folder / "würfel.ply", host=PluginHost(folders=[]), job=Job())
    (folder / "empty.ply").write_bytes(b"")
    (folder / "text.nii.gz").write_text("this is no brain")
    return folder


def test_info_json_has_every_key(folder: Path) -> None:
    (entry,) = json.loads(equiscope("info", "würfel.ply", "--json", cwd=folder).stdout)
    assert entry["kind"] == "mesh" and entry["name"] == "würfel" and entry["shape"] == [8, 3]
    assert (entry["n_points"], entry["n_faces"], entry["tensors"]) == (8, 12, None)
    assert entry["bounds"] == [0, 1, 0, 1, 0, 1]
    assert [(a["name"], a["transforms"]) for a in entry["attributes"]] == [("height", "scalar")]
    assert set(entry) == {
        *("kind", "name", "shape", "spacing", "axis_codes", "unit", "bounds"),
        *("n_points", "n_faces", "attributes", "tensors", "warnings"),
    }


def test_info_goes_on_after_a_bad_file(folder: Path) -> None:
    done = equiscope("info", "empty.ply", "gone.ply", "text.nii.gz", "würfel.ply", cwd=folder, code=1)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 3 and "empty.ply is empty" in lines[0] and "gone.ply does not exist" in lines[1]
    assert "text.nii.gz" in lines[2] and done.stdout.startswith("würfel: mesh")


def test_run_writes_everything_and_replay_in_a_fresh_process_agrees(folder: Path) -> None:
    equiscope("run", "symmetry.reflections", "würfel.ply", "--out", "out", "--seed", "5", cwd=folder)
    result = json.loads((folder / "out" / "result.json").read_text())
    assert len([p for p in result["planes"] if p["score"] > 0.999]) == 9
    record = json.loads((folder / "out" / "record.json").read_text())
    assert (
        record["seed"] == 5
        and record["inputs"][0]["path"] == "../würfel.ply"
        and len(record["inputs"][0]["sha256"]) == 64
    )
    assert "the same" in equiscope("replay", "out", cwd=folder).stdout
    record["outputs"][next(iter(record["outputs"]))] = "0" * 64
    (folder / "out" / "record.json").write_text(json.dumps(record))
    assert "not the same" in equiscope("replay", "out", cwd=folder, code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["run", "symmetry.reflection", "x", "--out", "o"], 2, "did you mean symmetry.reflections"),
        (["run", "symmetry.reflections", "würfel.ply"], 2, "--out"),
        (["run", "symmetry.reflections", "--out", "o"], 2, "takes 1 input"),
        (
            ["run", "symmetry.reflections", "würfel.ply", "--out", "o", "--max-planes", "0"],
            2,
            "max_planes is at least",
        ),
        (["run", "symmetry.reflections", "würfel.ply", "--out", "o", "--colour", "red"], 2, "--colour"),
        (["run", "symmetry.reflections", "gone.ply", "--out", "o"], 1, "gone.ply does not exist"),
        (["run", "checkpoints.compare", "würfel.ply", "würfel.ply", "--out", "o"], 1, "holds a mesh"),
        (["run", "symmetry.reflections", "würfel.ply", "--out", "/proc/nowhere"], 1, "cannot be written"),
        (["replay", "nowhere"], 1, "nowhere"),
        (["list", "everything"], 2, "everything"),
        (["inof", "würfel.ply"], 2, "did you mean info"),
        (["show", "würfel.ply", "--screenshot", "a.png", "--size", "big"], 2, "--size"),
        (["export", "würfel.ply", "würfel.ply"], 1, "is the original"),
        (["export", "würfel.ply", "cube.xyzzy"], 1, "no ending that a mesh can be written to"),
        (["info", "würfel.ply", "--reader", "scans.nope"], 1, "no reader called"),
        (["info", "würfel.ply", "--as", "symphony"], 1, "No reader yields a symphony"),
    ],
)
def test_wrong_use_and_failures_are_one_line(
    folder: Path, arguments: list[str], code: int, text: str
) -> None:
    done = equiscope(*arguments, cwd=folder, code=code)
    assert text in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_help_of_an_analysis_lists_its_parameters(folder: Path) -> None:
    out = equiscope("run", "symmetry.reflections", "--help", cwd=folder).stdout
    assert "--max-planes" in out and "default" in out and "score" in out


def test_export_changes_the_format(folder: Path) -> None:
    equiscope("export", "würfel.ply", "cube.stl", cwd=folder)
    (entry,) = json.loads(equiscope("info", "cube.stl", "--json", cwd=folder).stdout)
    assert entry["n_faces"] == 12 and entry["bounds"] == [0, 1, 0, 1, 0, 1]


def test_list_and_samples(folder: Path) -> None:
    rows = json.loads(equiscope("list", "analyses", "--json", cwd=folder).stdout)
    assert {"symmetry.reflections", "volumes.isosurface", "checkpoints.compare"} <= {r["id"] for r in rows}
    samples = json.loads(equiscope("list", "samples", "--json", cwd=folder).stdout)
    free = [s["id"] for s in samples if not s["unavailable"]]
    assert free
    assert equiscope("info", f"sample:{free[-1]}", cwd=folder).stdout.strip()


def test_doctor_says_what_this_machine_can_do(folder: Path) -> None:
    done = equiscope("doctor", "--json", cwd=folder)
    findings = {f["name"]: f for f in json.loads(done.stdout)}
    assert findings["Qt"]["state"] == "good" and "VTK" in findings["OpenGL"]["text"]
    assert "recovery" in findings["Recovery"]["text"]


def test_nothing_heavy_is_imported_for_the_light_commands() -> None:
    code = (
        "import sys, runpy; sys.argv = ['equiscope', 'list', 'analyses']\n"
        "try: runpy.run_module('app', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'PySide6', 'vtkmodules', 'scipy', 'nibabel', 'pyqtgraph') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    assert out.strip().splitlines()[-1] == "[]"


def test_a_name_that_is_no_unicode_is_opened_run_and_replayed(folder: Path) -> None:
    name = b"w\xff.ply".decode("utf-8", "surrogateescape")
    try:
        (folder / name).write_bytes((folder / "würfel.ply").read_bytes())
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert "w\\udcff: mesh" in equiscope("info", name, cwd=folder).stdout
    assert json.loads(equiscope("info", name, "--json", cwd=folder).stdout)[0]["n_faces"] == 12
    equiscope("run", "symmetry.reflections", name, "--out", "odd out", cwd=folder)
    assert "the same" in equiscope("replay", "odd out", cwd=folder).stdout


@pytest.mark.parametrize(
    "arguments", [["--seed", "-1"], ["--seed", "9" * 30], ["--threads", "0"], ["--device", "gpu"]]
)
def test_settings_of_a_run_that_cannot_be_are_wrong_use(folder: Path, arguments: list[str]) -> None:
    done = equiscope(
        "run", "symmetry.reflections", "würfel.ply", "--out", "o", *arguments, cwd=folder, code=2
    )
    assert arguments[0] in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    from app.cli._main import print_json

    print_json({"a": [float("nan"), 1.5, (float("inf"),)], "b": {"c": None, "d": True}})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5, [None]], "b": {"c": None, "d": True}}


def test_modules_in_the_current_folder_are_not_imported(tmp_path: Path, folder: Path) -> None:
    for name in ("numpy", "msgspec", "core", "app"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w').close()\n")
    code = "from app.__main__ import main; import sys; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "info", str(folder / "würfel.ply")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0 and "12 faces" in done.stdout, done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "list", "readers"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 0
    process.stderr.close()


def test_a_log_that_cannot_be_written_is_no_second_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    from app.cli._main import write_log

    monkeypatch.setattr(platformdirs, "user_log_dir", lambda *a, **k: "/proc/nowhere")
    assert "cannot be written" in write_log("text")


def test_doctor_names_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from app import doctor

    monkeypatch.setattr(doctor, "_probe", lambda *a: "ModuleNotFoundError: No module named 'PySide6'")
    monkeypatch.setattr(doctor, "_version", lambda name: "(not installed)")
    assert (
        doctor._qt().remedy == "pip install PySide6_Essentials" and doctor._gl().remedy == "pip install vtk"
    )


def test_doctor_says_where_edits_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app import doctor

    monkeypatch.setenv("EQUISCOPE_STATE", str(tmp_path / "state"))
    assert doctor._recovery().state == "good" and str(tmp_path / "state") in doctor._recovery().text
    (tmp_path / "state").write_text("no folder")
    assert doctor._recovery().state == "warn" and "EQUISCOPE_STATE" in doctor._recovery().remedy


def test_info_counts_with_words(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    done = equiscope("info", str(tmp_path / "t.csv"), cwd=folder)
    assert done.stdout.strip() == "t: table · 1 row · 2 columns · a, b"


def test_a_word_that_is_no_command_is_said_to_be_none(folder: Path) -> None:
    done = equiscope("frobnicate", cwd=folder, code=2)
    assert "no command or file 'frobnicate'" in done.stderr


def test_a_session_is_described_and_shown_and_what_is_missing_is_told(tmp_path: Path) -> None:
    from tests.core.golden_sessions.make import HERE

    shutil.copytree(HERE / "data", tmp_path / "data")
    shutil.copytree(HERE / "format-2.equiscope", tmp_path / "s.equiscope")
    done = equiscope("info", "s.equiscope", cwd=tmp_path, code=1)
    assert "head: volume" in done.stdout and "midline: markup" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("equiscope: gone has no data: gone.ply is not where it was")
    done = equiscope("show", "s.equiscope", "--screenshot", "a.png", "--size", "400x300", cwd=tmp_path)
    assert "equiscope: gone has no data: gone.ply is not where it was" in done.stderr
    assert (tmp_path / "a.png").stat().st_size > 2000
    path = tmp_path / "s.equiscope" / "session.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 99', 1))
    done = equiscope("info", "s.equiscope", cwd=tmp_path, code=1)
    assert (
        done.stderr
        == "equiscope: s.equiscope was saved by a newer version (session format 99); update Equiscope.\n"
    )


def test_paths_in_records_are_absolute_only_where_asked_for(folder: Path, tmp_path: Path) -> None:
    run = ("run", "symmetry.reflections", str(folder / "würfel.ply"), "--out")
    equiscope(*run, "near", cwd=folder)
    near = json.loads((folder / "near" / "record.json").read_text())
    assert near["inputs"][0]["path"] == "../würfel.ply"
    equiscope(*run, "asked", "--absolute-paths", cwd=folder)
    asked = json.loads((folder / "asked" / "record.json").read_text())
    assert asked["inputs"][0]["path"] == str(folder / "würfel.ply")
