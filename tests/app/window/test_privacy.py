"""Nothing that is written for others says who a picture shows, or where on a disk somebody works.

DICOM files with everything that names a patient, in a home folder with a name to look for; opened, analysed, exported
to every writer, saved, photographed, logged. Every byte that was written is searched, inside archives, too.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from PySide6.QtGui import QGuiApplication

from core.data import Image, Markup, Signal, Table, kind_of
from core.display import MarkupDisplay
from core.document import Item
from core.errors import WriteError
from core.exports import write_object, write_run
from core.jobs import Job
from core.opening import items_of, open_path
from core.plugins import PluginHost
from core.running import InputRef, execute
from core.session import save
from tests.plugins.volumes.series import write_series

HOME = "zzmariahome"
NAMES = (
    *(
        "Zznachname",
        "Zzvorname",
        "ZZID4711",
        "19030507",
        "Zzgeburtsname",
        "Zzmutter",
        "Zzstrasse",
        "Zzdoktor",
    ),
    *(
        "ZZACC99",
        "Zzklinik",
        "Zzbediener",
        "+49555123",
        "ZZSTUDY7",
        "Zzprivat",
        "Zzkommentar",
        "ZZVERS31",
        "Zzort",
    ),
    *("Zzandere", "ZZOTHER8", "Zzgeraet", "Zzanforderer", "ZZFILLER5"),
)


def identity() -> dict[str, Any]:
    """Elements of a data set that say who, where and when."""
    request = Dataset()
    request.RequestingPhysician, request.AccessionNumber = "Zzanforderer^A", "ZZACC99"
    request.FillerOrderNumberImagingServiceRequest = "ZZFILLER5"
    return {
        "PatientName": "Zznachname^Zzvorname",
        "PatientID": "ZZID4711",
        "PatientBirthDate": "19030507",
        "PatientBirthName": "Zzgeburtsname",
        "PatientMotherBirthName": "Zzmutter",
        "PatientAddress": "Zzstrasse 5, Zzort",
        "PatientTelephoneNumbers": "+49555123",
        "PatientComments": "Zzkommentar",
        "OtherPatientNames": "Zzandere^B",
        "OtherPatientIDs": "ZZOTHER8",
        "InsurancePlanIdentification": "ZZVERS31",
        "ReferringPhysicianName": "Zzdoktor^C",
        "OperatorsName": "Zzbediener^D",
        "InstitutionName": "Zzklinik am Berg",
        "InstitutionAddress": "Zzort",
        "StationName": "Zzgeraet",
        "AccessionNumber": "ZZACC99",
        "StudyID": "ZZSTUDY7",
        "StudyDescription": "Zznachname head",
        "SeriesDescription": "T1 Zznachname, Zzvorname",
        "ProtocolName": "Brain ZZID4711",
        "ImageComments": "Zzkommentar",
        "RequestAttributesSequence": Sequence([request]),
    }


def hidden(path: Path) -> None:
    """The names once more, in elements of a maker's own."""
    import pydicom

    ds = pydicom.dcmread(path)
    block = ds.private_block(0x0011, "ZZ MAKER", create=True)
    block.add_new(0x01, "LO", "Zzprivat")
    block.add_new(0x02, "PN", "Zznachname^Zzvorname")
    block.add_new(0x03, "UN", b"Zzvorname 19030507")
    ds.save_as(path)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A series in a home folder."""
    home = tmp_path / HOME
    folder = home / "study" / "dicom"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    grid = np.mgrid[-1:1:8j, -1:1:10j, -1:1:12j]  # type: ignore[misc]
    pixels = (1000 * np.exp(-3 * (grid**2).sum(axis=0))).astype(np.int16)
    for path in write_series(folder, pixels, **identity()):
        hidden(path)
    return folder


def parts(name: str, raw: bytes) -> list[tuple[str, bytes]]:
    """A file's bytes, and what is packed in them."""
    out = [(name, raw)]
    if raw[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            for info in packed.infolist():
                out += parts(f"{name}:{info.filename}", packed.read(info))
    elif raw[:2] == b"\x1f\x8b":
        out += parts(f"{name}:gz", gzip.decompress(raw))
    elif raw[:8] == b"\x89PNG\r\n\x1a\n":
        place = 8
        while place + 8 <= len(raw):
            size, kind = int.from_bytes(raw[place : place + 4], "big"), raw[place + 4 : place + 8]
            chunk = raw[place + 8 : place + 8 + size]
            if kind in (b"zTXt", b"iTXt"):
                for start in range(min(len(chunk), 300)):
                    try:
                        out.append((f"{name}:{kind!r}", zlib.decompress(chunk[start:])))
                        break
                    except zlib.error:
                        continue
            place += 12 + size
    return out


def found(words: tuple[str, ...], where: dict[str, bytes]) -> list[tuple[str, str]]:
    """(word, file) for each that occurs, in whichever spelling."""
    out = []
    for name, raw in where.items():
        for inner, content in parts(name, raw):
            folded = content.lower()
            for word in words:
                spellings = {word.lower().encode(c) for c in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")}
                if any(s in folded for s in spellings):
                    out.append((word, inner))
    return out


def written(*folders: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for f in folders for p in sorted(f.rglob("*")) if p.is_file()}


def test_the_search_finds_what_is_hidden(tmp_path: Path, study: Path) -> None:
    from PySide6.QtGui import QImage

    np.savez_compressed(tmp_path / "a.npz", x=np.array("Zznachname"))
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"-- zzvorname"))
    picture = QImage(4, 4, QImage.Format.Format_RGB32)
    picture.setText("Title", "Zzklinik " * 40)
    picture.setText("Other", "ü Zzort " * 40)
    picture.save(str(tmp_path / "c.png"))
    names = ("a.npz", "b.gz", "c.png")
    hits = found(NAMES, {n: (tmp_path / n).read_bytes() for n in names})
    assert {w for w, _ in hits} == {"Zznachname", "Zzvorname", "Zzklinik", "Zzort"}
    assert {w for w, _ in found(NAMES, written(study))} == set(NAMES), "the files do say it all"


def test_what_is_read_of_a_series_names_nobody(study: Path) -> None:
    host = PluginHost(folders=[])
    (item,) = items_of(open_path(study, job=Job(), host=host))
    assert item.name == "MR" and item.metadata["modality"] == "MR"
    plain = json.dumps({**item.metadata, "name": item.name, "warnings": item.warnings})
    assert not found(NAMES, {"item": plain.encode()})


def test_headers_of_other_formats_name_nobody_either(tmp_path: Path) -> None:
    import nibabel

    image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.eye(4))  # type: ignore[attr-defined]
    for key in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[key] = b"Zznachname"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Zzvorname 19030507"))
    nibabel.save(image, tmp_path / "a.nii")  # type: ignore[attr-defined]
    (tmp_path / "b.nrrd").write_bytes(
        b"NRRD0004\n# Zzkommentar\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ncontent: Zznachname\n"
        b"patient:=Zzvorname\nDICOM_0010_0030:=19030507\n\n" + bytes(8)
    )
    (tmp_path / "c.mha").write_bytes(
        b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nComment = Zzkommentar\n"
        b"Name = Zznachname\nPatientName = Zzvorname\nElementDataFile = LOCAL\n" + bytes(8)
    )
    host = PluginHost(folders=[])
    for name in ("a.nii", "b.nrrd", "c.mha"):
        assert found(NAMES, {name: (tmp_path / name).read_bytes()}), "the file does say it"
        (item,) = items_of(open_path(tmp_path / name, job=Job(), host=host))
        plain = json.dumps({**item.metadata, "name": item.name, "warnings": item.warnings})
        out = tmp_path / f"{name}.nii.gz"
        write_object(item.data, out, host=host, job=Job(), metadata=item.metadata)
        folder = save([item], {}, tmp_path / f"{name}-session", job=Job(), embed=True)
        assert not found(NAMES, {"item": plain.encode(), "out": out.read_bytes(), **written(folder)}), name


def test_files_for_others_name_nobody(study: Path, tmp_path: Path) -> None:
    host = PluginHost(folders=[])
    (item,) = items_of(open_path(study, job=Job(), host=host))
    out = tmp_path / "disk" / "out"
    out.mkdir(parents=True)
    near = study.parent / "out"
    runs = []
    for analysis, values in (("volumes.isosurface", {}), ("symmetry.reflections", {})):
        finished = execute(
            analysis, [InputRef(item.name, item.data, item.source)], values, job=Job(), host=host
        )
        runs.append(finished)
        for folder in (out, near):
            write_run(finished, folder / analysis, host=host, job=Job())
    mesh = runs[0].result.outputs[0].data  # type: ignore[union-attr]
    objects: list[Any] = [item.data, mesh, Markup("points", [[1, 2, 3]])]
    objects += [
        Table({"a": np.arange(3)}),
        Image(np.zeros((4, 4, 3), np.uint8)),
        Signal(np.zeros((10, 1)), 1.0),
    ]
    used = set()
    for writer in host.writers:
        if host.missing(writer):
            continue
        for data in objects:
            if kind_of(data) in writer.kinds:
                path = out / f"{writer.id}-{kind_of(data)}{writer.patterns[0].removeprefix('*')}"
                metadata = {**item.metadata, "name": item.name}
                try:
                    write_object(data, path, host=host, job=Job(), writer=writer.id, metadata=metadata)
                except WriteError:
                    continue
                used.add(writer.id)
    assert len(used) >= 9, used
    record = json.loads((out / "symmetry.reflections" / "record.json").read_text())
    assert record["inputs"][0]["path"] == "~/study/dicom"
    record = json.loads((near / "symmetry.reflections" / "record.json").read_text())
    assert record["inputs"][0]["path"] == "../../dicom"
    assert not found((*NAMES, HOME, str(tmp_path)), written(out, near))
    asked = tmp_path / "asked"
    write_run(runs[1], asked, host=host, job=Job(), absolute_paths=True)
    assert json.loads((asked / "record.json").read_text())["inputs"][0]["path"] == str(study)


def test_a_run_that_names_its_inputs_from_home_is_replayed(study: Path, tmp_path: Path) -> None:
    from core import tasks

    host = PluginHost(folders=[])
    (item,) = items_of(open_path(study, job=Job(), host=host))
    finished = execute(
        "symmetry.reflections", [InputRef(item.name, item.data, item.source)], {}, job=Job(), host=host
    )
    write_run(finished, tmp_path / "run", host=host, job=Job())
    assert "~/study" in (tmp_path / "run" / "record.json").read_text()
    assert tasks.replay(Job(), str(tmp_path / "run"))["differences"] == []


def test_a_session_a_picture_a_log_and_what_is_copied_name_nobody(
    window: Any, helper: Any, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper.open(window, study)
    w = window.workbench
    (item,) = list(w.document)
    w.document.add(Item("m", "m", Markup("points", [[1, 2, 3]]), item.id, display=MarkupDisplay()))
    w.load_descriptions()
    helper.idle(window)
    w.run(w.descriptions["symmetry.reflections"], [item.id], {})
    helper.idle(window)
    out = tmp_path / "disk"
    out.mkdir()
    w.save_session(study.parent / "work", window.layout_state())
    helper.idle(window)
    # A session of its own is no export: from ~ it finds what lies elsewhere in the home folder.
    w.save_session(out / "work", window.layout_state())
    helper.idle(window)
    w.sessions.share(out / "shared", window.layout_state())
    helper.idle(window)
    from app.viewports.photographer import Look
    from app.window.pictures import VIEWS, WINDOW, Wish

    for n, what in enumerate((VIEWS, WINDOW)):
        taken: list[Any] = []
        window.pictures.take(Wish(what, Look()), taken.append)
        helper.qtbot.waitUntil(lambda taken=taken: bool(taken), timeout=20_000)
        with helper.qtbot.waitSignal(window.pictures.written, timeout=20_000):
            window.pictures.save(taken[0], out / f"{n}.png")
    group = next(i for i in w.document if i.record is not None)
    w.export_result(group.id, out / "result")
    helper.idle(window)
    w.select(group.id)
    helper.idle(window)

    import logging

    logging.getLogger("equiscope").warning("%s/study/code.py, line 3: it broke", tmp_path / HOME)
    helper.qtbot.waitUntil(lambda: "code.py" in window.log.view.toPlainText())
    window.log.save(out / "log.txt")
    assert "~/study/code.py" in (out / "log.txt").read_text()
    copied: dict[str, bytes] = {}

    def copy(name: str, action: Any) -> None:
        QGuiApplication.clipboard().clear()
        action()
        copied[name] = QGuiApplication.clipboard().text().encode()
        assert copied[name], name

    from PySide6.QtWidgets import QPushButton

    from app.window.properties import properties
    from app.window.workbench import Problem

    (record,) = [b for b in window.results.findChildren(QPushButton) if b.text() == "Copy record as JSON"]
    copy("record", record.click)
    assert json.loads(copied["record"])["inputs"][0]["path"] == "dicom"
    dialog = properties(item, window)
    (button,) = [b for b in dialog.findChildren(QPushButton) if b.text() == "Copy as JSON"]
    copy("properties", button.click)
    dialog.close()
    window.show_problem(Problem("It broke.", f'File "{tmp_path / HOME}/study/code.py", line 3'))
    copy("card", window.cards.cards[-1].copy)
    copy("log", window.log.copy)
    assert b'"~/study/code.py"' in copied["card"]
    state = tmp_path / "state"
    assert not found(NAMES, written(out, study.parent / "work.equiscope", state))
    assert not found(
        (*NAMES, HOME, str(tmp_path)), {**copied, **written(out, study.parent / "work.equiscope")}
    )
    assert not found(("~/",), written(out / "shared.equiscope"))
