"""DICOM: a folder with series, one file of a series (opens all of it), or an enhanced multi-frame file.

Frames are grouped by series, orientation, echo and kind of picture, sorted by their position along the slice
normal (never by name or number), and checked for gaps. LPS is turned to RAS here. Nothing that says whom a
picture shows is kept.

Reference: DICOM PS3.3, C.7.6.2 (image plane), C.7.6.16 (multi-frame functional groups).
"""

from __future__ import annotations

import os
import stat as file_kinds
import warnings as python_warnings
from pathlib import Path
from typing import Annotated

from core.analyses import Help
from core.data import Loaded
from core.errors import ReadError
from core.jobs import Job
from plugins.volumes._dicom_frames import Frame, bare_dicom, frames_of, header, is_dicom
from plugins.volumes._dicom_stack import group_frames, stack
from plugins.volumes._files import explained, regular

_MOST_FILES = 200_000
_SNIFFED = 200


def sniff(path: Path, head: bytes) -> int:
    """Files: 100 with the DICOM mark, 50 for a data set without it. Folders: see `_mostly_dicom`."""
    if path.is_dir():
        return 100 if _mostly_dicom(path) else 0
    if is_dicom(head):
        return 100
    return 50 if bare_dicom(head) else 0


def _mostly_dicom(folder: Path) -> bool:
    """Whether a DICOMDIR or, among the folder's own files, at least as many DICOM files as others are there.

    A folder in which one DICOM file lies beside other volumes is not taken as a whole: its files open one by one.
    """
    dicom = other = 0
    for file in _files(folder, deep=False)[:_SNIFFED]:
        if file.name.upper() == "DICOMDIR":
            return True
        try:
            with file.open("rb") as stream:
                dicom, other = (dicom + 1, other) if is_dicom(stream.read(132)) else (dicom, other + 1)
        except OSError:
            other += 1
    return dicom > 0 and dicom >= other


def read(
    path: Path,
    *,
    whole_series: Annotated[
        bool, Help("A single file opens the series it belongs to, from its folder.")
    ] = True,
    job: Job,
) -> list[Loaded]:
    """Read every series of a folder, or the series of one file. Each group of frames becomes one volume."""
    path = Path(path)
    # pydicom converts values when they are asked for, so any look at a data set may fail or warn.
    with explained(path, "DICOM file"), python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        return _read(path, whole_series, job)


def _read(path: Path, whole_series: bool, job: Job) -> list[Loaded]:
    if path.is_dir():
        frames, warnings = _scan(path, job)
        if not frames:
            raise ReadError(path, "holds no DICOM pictures", "open the folder in which the .dcm files are")
        return _load(path, frames, warnings, job, from_file=False)
    regular(path)
    ds = header(path)
    if str(ds.get("Modality", "")) == "" and "DirectoryRecordSequence" in ds:
        return _read(path.parent, whole_series, job)
    own = frames_of(path, ds)
    if not own:
        raise ReadError(
            path,
            "is a DICOM object without a picture (a report or a structure)",
            "open the picture it belongs to",
        )
    frames, warnings = own, []
    if whole_series and len(own) == 1 and own[0].series:
        others, warnings = _scan(path.parent, job, series=own[0].series, deep=False)
        frames = others or own
    return _load(path, frames, warnings, job, from_file=True)


def _files(folder: Path, deep: bool = True) -> list[Path]:
    """Ordinary files in a folder (and those below), sorted by name; links to folders are not followed.

    Pipes, sockets and devices, and links to them, are none: opening one may wait for ever.
    """
    found: list[Path] = []
    with explained(folder, "folder"):
        for root, folders, names in os.walk(folder):
            folders[:] = sorted(f for f in folders if not f.startswith(".")) if deep else []
            found += [Path(root) / n for n in sorted(names) if not n.startswith(".") and _ordinary(root, n)]
            if len(found) > _MOST_FILES:
                raise ReadError(folder, f"holds more than {_MOST_FILES} files", "open a folder further down")
    return found


def _ordinary(folder: str, name: str) -> bool:
    try:
        return file_kinds.S_ISREG(os.stat(os.path.join(folder, name)).st_mode)
    except OSError:  # a link that leads nowhere, or round in a circle
        return False


def _led_out(folder: Path, files: list[Path]) -> int:
    """How many of the files are links to places outside the folder (DataLad and others keep data so)."""
    inside = folder.resolve()
    return sum(f.is_symlink() and not f.resolve().is_relative_to(inside) for f in files)


def _scan(folder: Path, job: Job, *, series: str = "", deep: bool = True) -> tuple[list[Frame], list[str]]:
    """The frames in a folder (of one series if asked), and sentences about what was left out."""
    frames: list[Frame] = []
    foreign, pictureless = 0, 0
    broken: list[str] = []
    files = _files(folder, deep)
    for i, file in enumerate(files):
        job.progress(0.3 * i / max(1, len(files)), f"Looking at {i + 1} of {len(files)} files")
        try:
            with file.open("rb") as stream:
                head = stream.read(1024)
            if not is_dicom(head) and not bare_dicom(head):
                foreign += 1
                continue
            with explained(file, "DICOM file"):
                ds = header(file)
                if series and str(ds.get("SeriesInstanceUID", "")) != series:
                    continue
                found = frames_of(file, ds)
        except ReadError as error:
            broken.append(str(error))
            continue
        except OSError:
            broken.append(f"{file.name} cannot be read.")
            continue
        if not found:
            pictureless += 1
        frames += found
    warnings = []
    led_out = _led_out(folder, [frame.path for frame in frames if frame.index == 0])
    if led_out:
        warnings.append(f"{led_out} of its files are links to files outside the folder.")
    if foreign and not series:
        warnings.append(f"{foreign} files in the folder are no DICOM files and were skipped.")
    if pictureless and not series:
        warnings.append(
            f"{pictureless} DICOM objects without a picture (directories, reports, cut-off files) were skipped."
        )
    if broken and not series:
        warnings.append(f"{len(broken)} damaged DICOM files were skipped; the first: {broken[0]}")
    return frames, warnings


def _load(path: Path, frames: list[Frame], warnings: list[str], job: Job, *, from_file: bool) -> list[Loaded]:
    groups = group_frames(frames)
    results: list[Loaded] = []
    refused: list[ReadError] = []
    names: dict[str, int] = {}
    for i, (suffix, group) in enumerate(groups):
        span = (0.3 + 0.7 * i / len(groups), 0.7 / len(groups))
        try:
            data, notes, metadata = stack(path, group, job, span)
        except ReadError as error:
            refused.append(error)
            continue
        said = group[0].said
        name = str(said.get("description") or said.get("protocol") or said.get("modality") or "DICOM series")
        name = f"{name}, {suffix}" if suffix else name
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name} ({names[name]})"
        first = min(frame.path for frame in group)
        source = str(first) if from_file and first != path else ""
        results.append(Loaded(name, data, tuple(notes), metadata, source=source))
    if not results:
        raise refused[0]
    warnings = [*warnings, *(f"One series was not opened: {error}" for error in refused)]
    if warnings:
        one = results[0]
        results[0] = Loaded(one.name, one.data, (*one.warnings, *warnings), one.metadata, source=one.source)
    return results
