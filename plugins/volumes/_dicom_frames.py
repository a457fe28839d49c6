"""DICOM files taken apart into frames: one picture each, with its place, scaling and what tells series apart."""

from __future__ import annotations

import re
import warnings as python_warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ReadError
from core.lean import load_nibabel
from plugins.volumes._files import explained, looks_like

_MEANINGS = frozenset(
    "M P R I MAGNITUDE PHASE REAL IMAGINARY W F IP OP WATER FAT IN_PHASE OUT_PHASE OPP_PHASE ADC TRACEW FA "
    "LOCALIZER DENSITY DIFFUSION PHASE_MAP T1 T2 T2_STAR MIP MPR PROJECTION".split()
)
_NO_PICTURE = frozenset(("SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG", "DOC", "ECG"))


@dataclass(frozen=True)
class Frame:
    """One picture of a DICOM file.

    Attributes
    ----------
    path, index : the file and the number of the frame in it.
    position, orientation : LPS mm of the first pixel's centre; row and column cosines; None where not stated.
    spacing : (between rows, between columns) mm, None where not stated.
    slope, intercept : of the modality values.
    group : what frames of one volume share, beyond orientation.
    tile : first row and column in the stored picture, where that is a mosaic of slices.
    order : sorts frames at one position: time, then acquisition, then number.
    """

    path: Path
    index: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    thickness: float
    slope: float
    intercept: float
    rows: int
    columns: int
    samples: int
    bits: int
    series: str
    group: tuple[Any, ...]
    order: tuple[float, ...]
    uid: str
    tile: tuple[int, int] | None = None
    said: dict[str, Any] = field(default_factory=dict)


def is_dicom(head: bytes) -> bool:
    """Whether a file's first bytes carry the DICOM mark."""
    return head[128:132] == b"DICM"


def bare_dicom(head: bytes) -> bool:
    """Whether they look like a data set without preamble: group 0008 (or 0002) with a sensible first element."""
    if len(head) < 16 or head[1:2] != b"\0" or head[0] not in (2, 8) or looks_like(head):
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    implicit = int.from_bytes(head[4:8], "little") < 4096
    return head[2:4] in (
        b"\0\0",
        b"\5\0",
        b"\1\0",
        b"\x08\0",
        b"\x12\0",
        b"\x16\0",
        b"\x02\0",
        b"\x10\0",
    ) and (explicit or implicit)


def header(path: Path) -> Any:
    """The data set of a file without its pixels (they stay on disk); `ReadError` where it is no DICOM file."""
    import pydicom

    with explained(path, "DICOM file"), python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        with path.open("rb") as stream:
            head = stream.read(1024)
        if not head:
            raise ReadError(path, "is empty", "copy the file again")
        if not is_dicom(head) and not bare_dicom(head):
            what = looks_like(head)
            raise ReadError(
                path,
                "is no DICOM file" + (f": it looks like {what}" if what else ""),
                "open the original file",
            )
        return pydicom.dcmread(path, stop_before_pixels=True, force=not is_dicom(head))


def frames_of(path: Path, ds: Any) -> list[Frame]:
    """The frames of one data set; [] for DICOM objects that are no picture (reports, structures, directories)."""
    if (
        str(ds.get("Modality", "")) in _NO_PICTURE
        or not int(ds.get("Rows", 0) or 0)
        or not int(ds.get("Columns", 0) or 0)
    ):
        return []
    with explained(path, "DICOM file"), python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        count = max(1, int(ds.get("NumberOfFrames", 1) or 1))
        if count > 1_000_000:
            raise ReadError(path, f"claims {count} frames", "copy the file again")
        shared = _first(ds, "SharedFunctionalGroupsSequence")
        per_frame = ds.get("PerFrameFunctionalGroupsSequence") or []
        if per_frame and len(per_frame) < count:
            raise ReadError(path, f"describes {len(per_frame)} of its {count} frames", "export it again")
        if per_frame or shared is not None:
            groups = [per_frame[i] if per_frame else None for i in range(count)]
            return [_enhanced(path, ds, i, group, shared) for i, group in enumerate(groups)]
        if count == 1 and "MOSAIC" in [str(w).upper() for w in _many(ds.get("ImageType"))]:
            return _mosaic(path, ds)
        return [_classic(path, ds, i, count) for i in range(count)]


def _classic(path: Path, ds: Any, index: int, count: int) -> Frame:
    position = _floats(ds.get("ImagePositionPatient"), 3)
    orientation = _floats(ds.get("ImageOrientationPatient"), 6)
    spacing = _floats(ds.get("PixelSpacing"), 2) or _floats(ds.get("ImagerPixelSpacing"), 2)
    thickness = _number(ds.get("SpacingBetweenSlices")) or _number(ds.get("SliceThickness"))
    if count > 1 and position and orientation and thickness:
        # Nuclear medicine keeps one position for a stack of frames.
        normal = np.cross(orientation[:3], orientation[3:])
        position = tuple(float(v) for v in np.asarray(position) + index * thickness * normal)
    times = (
        _number(ds.get("TemporalPositionIdentifier")),
        _number(ds.get("AcquisitionNumber")),
        _clock(ds.get("AcquisitionTime")) or _number(ds.get("TriggerTime")),
        _number(ds.get("InstanceNumber")),
        float(index),
    )
    echo = (_number(ds.get("EchoTime")), _number(ds.get("EchoNumbers")))
    image_type = tuple(sorted(_MEANINGS.intersection(str(w).upper() for w in _many(ds.get("ImageType")))))
    return _frame(
        path, ds, index, position, orientation, spacing, thickness, _rescale(ds), echo, image_type, times
    )


def _mosaic(path: Path, ds: Any) -> list[Frame]:
    """The slices that Siemens scanners tile into one square picture; one frame marked as it is where that fails.

    The stated position belongs to the whole mosaic taken as one slice; the first tile's is half the difference of
    the two sizes further in.
    Reference: nibabel's notes on DICOM mosaics (nipy.org/nibabel/dicom/dicom_mosaic.html).
    """
    load_nibabel()
    from nibabel.nicom import csareader

    whole = _classic(path, ds, 0, 1)
    csa = csareader.get_csa_header(ds, "image")
    n = int(csareader.get_n_mosaic(csa) or 0) if csa else 0
    side = int(np.ceil(np.sqrt(n)))
    if (
        n < 1
        or whole.rows % side
        or whole.columns % side
        or None in (whole.position, whole.orientation, whole.spacing)
    ):
        return [replace(whole, said={**whole.said, "mosaic": "folded"})]
    assert whole.position is not None and whole.orientation is not None and whole.spacing is not None
    rows, columns = whole.rows // side, whole.columns // side
    row, column = np.array(whole.orientation).reshape(2, 3)
    normal = csareader.get_slice_normal(csa)
    normal = np.cross(row, column) if normal is None else np.asarray(normal, dtype=float)
    start = np.array(whole.position)
    start = start + row * whole.spacing[1] * (whole.columns - columns) / 2
    start = start + column * whole.spacing[0] * (whole.rows - rows) / 2
    return [
        replace(
            whole,
            position=tuple((start + i * (whole.thickness or 1.0) * normal).tolist()),
            rows=rows,
            columns=columns,
            tile=((i // side) * rows, (i % side) * columns),
            uid=f"{whole.uid}.{i}",
        )
        for i in range(n)
    ]


def _enhanced(path: Path, ds: Any, index: int, group: Any, shared: Any) -> Frame:
    def item(name: str) -> Any:
        for source in (group, shared):
            found = _first(source, name)
            if found is not None:
                return found
        return None

    place, turn, measures = (
        item("PlanePositionSequence"),
        item("PlaneOrientationSequence"),
        item("PixelMeasuresSequence"),
    )
    position = _floats(_get(place, "ImagePositionPatient"), 3)
    orientation = _floats(_get(turn, "ImageOrientationPatient"), 6)
    spacing = _floats(_get(measures, "PixelSpacing"), 2)
    between = _number(_get(measures, "SpacingBetweenSlices")) or _number(ds.get("SpacingBetweenSlices"))
    thickness = between or _number(_get(measures, "SliceThickness"))
    transformation = item("PixelValueTransformationSequence")
    rescale = _rescale(transformation) if transformation is not None else _rescale(ds)
    echo = (_number(_get(item("MREchoSequence"), "EffectiveEchoTime")), 0.0)
    kind = item("MRImageFrameTypeSequence") or item("CTImageFrameTypeSequence")
    words = {str(w).upper() for w in _many(_get(kind, "FrameType"))} | {
        str(_get(kind, "ComplexImageComponent") or "").upper()
    }
    content = item("FrameContentSequence")
    times = (
        _number(_get(content, "TemporalPositionIndex"))
        or _number(_get(item("TemporalPositionSequence"), "TemporalPositionTimeOffset")),
        _number(_get(content, "FrameAcquisitionNumber")),
        _number(_get(item("CardiacSynchronizationSequence"), "NominalCardiacTriggerDelayTime")),
        _number(ds.get("InstanceNumber")),
        float(index),
    )
    meanings = tuple(sorted(_MEANINGS.intersection(words)))
    return _frame(path, ds, index, position, orientation, spacing, thickness, rescale, echo, meanings, times)


def _frame(
    path: Path,
    ds: Any,
    index: int,
    position: tuple[float, ...] | None,
    orientation: tuple[float, ...] | None,
    spacing: tuple[float, ...] | None,
    thickness: float,
    rescale: tuple[float, float],
    echo: tuple[float, float],
    meanings: tuple[str, ...],
    times: tuple[float, ...],
) -> Frame:
    if spacing is not None and not (0 < spacing[0] < 1e6 and 0 < spacing[1] < 1e6):
        spacing = None
    if orientation is not None:
        row, column = np.array(orientation[:3]), np.array(orientation[3:])
        if (
            abs(np.linalg.norm(row) - 1) > 0.01
            or abs(np.linalg.norm(column) - 1) > 0.01
            or abs(row @ column) > 0.02
        ):
            orientation = None
    rows, columns = int(ds.Rows), int(ds.Columns)
    samples = int(ds.get("SamplesPerPixel", 1) or 1)
    return Frame(
        path=path,
        index=index,
        position=position,
        orientation=orientation,
        spacing=(float(spacing[0]), float(spacing[1])) if spacing is not None else None,
        thickness=abs(thickness),
        slope=rescale[0],
        intercept=rescale[1],
        rows=rows,
        columns=columns,
        samples=samples,
        bits=int(ds.get("BitsAllocated", 16) or 16),
        series=str(ds.get("SeriesInstanceUID", "")),
        group=(echo, meanings, rows, columns, samples, spacing, str(ds.get("PhotometricInterpretation", ""))),
        order=times,
        uid=f"{ds.get('SOPInstanceUID', path)}#{index}",
        said=_said(ds),
    )


_WHO = (
    *(
        "PatientName",
        "PatientID",
        "OtherPatientNames",
        "OtherPatientIDs",
        "PatientBirthName",
        "PatientBirthDate",
    ),
    *(
        "PatientMotherBirthName",
        "PatientAddress",
        "PatientTelephoneNumbers",
        "MilitaryRank",
        "AccessionNumber",
    ),
    *("ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "PhysiciansOfRecord", "StudyID"),
    *("RequestingPhysician", "NameOfPhysiciansReadingStudy", "ResponsiblePerson", "InstitutionName"),
)
"""Elements that say who or where; some sites write them into descriptions, too."""


def _names_somebody(text: str, ds: Any) -> bool:
    """Whether a description, which anybody may have typed, repeats what says who the picture shows, or where."""
    squeezed = _squeezed(text)
    words = set(re.findall(r"[^\W_]+", text.casefold()))
    for key in _WHO:
        found = ds.get(key)
        for value in [found] if isinstance(found, str) or not hasattr(found, "append") else found:
            whole = str(value or "")
            if len(_squeezed(whole)) >= 4 and _squeezed(whole) in squeezed:
                return True
            if key != "InstitutionName" and words & {
                w for w in re.findall(r"[^\W\d_]+", whole.casefold()) if len(w) >= 4
            }:
                return True
    return False


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _said(ds: Any) -> dict[str, Any]:
    """What may be kept of a header: how the picture was made, never who it shows, where or when."""
    said: dict[str, Any] = {}
    for key, name in (
        ("SeriesDescription", "description"),
        ("ProtocolName", "protocol"),
        ("Modality", "modality"),
        ("BodyPartExamined", "body_part"),
        ("Manufacturer", "manufacturer"),
        ("ManufacturerModelName", "model"),
        ("PhotometricInterpretation", "photometric"),
        ("BurnedInAnnotation", "burned_in"),
    ):
        value = str(ds.get(key, "") or "").strip()
        if value and not _names_somebody(value, ds):
            said[name] = value
    for key, name in (
        ("SeriesNumber", "series_number"),
        ("RepetitionTime", "repetition_time_ms"),
        ("InversionTime", "inversion_time_ms"),
        ("FlipAngle", "flip_angle_deg"),
        ("MagneticFieldStrength", "field_strength_t"),
        ("SliceThickness", "slice_thickness_mm"),
    ):
        number = _number(ds.get(key))
        if number:
            said[name] = number
    return said


def _rescale(ds: Any) -> tuple[float, float]:
    slope, intercept = _number(ds.get("RescaleSlope"), 1.0), _number(ds.get("RescaleIntercept"))
    return (slope if slope else 1.0), intercept


def _first(ds: Any, name: str) -> Any:
    sequence = _get(ds, name)
    return sequence[0] if sequence else None


def _get(ds: Any, name: str) -> Any:
    return None if ds is None else ds.get(name)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _floats(value: Any, n: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(v) for v in value)
    except (TypeError, ValueError):
        return None
    return (
        numbers
        if len(numbers) == n and bool(np.isfinite(numbers).all()) and max(map(abs, numbers)) < 1e7
        else None
    )


def _number(value: Any, default: float = 0.0) -> float:
    if value is None or value == "":
        return default
    if isinstance(value, (list, tuple)) or (
        hasattr(value, "__len__") and not isinstance(value, (str, bytes))
    ):
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return number if np.isfinite(number) else default


def _clock(value: Any) -> float:
    """Seconds since midnight of a DICOM time "hhmmss.ffffff"."""
    text = str(value or "")
    try:
        return int(text[:2]) * 3600 + int(text[2:4] or 0) * 60 + float(text[4:] or 0)
    except ValueError:
        return 0.0
