"""DICOM series made by pydicom for the tests: any orientation, order of names, gaps and echoes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
SECRETS = ("Doe^Jane", "ID-4711", "19800102")


def _dataset(path: Path, sop_class: str, syntax: str = ExplicitVRLittleEndian) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = SECRETS
    ds.Modality, ds.SeriesDescription = "MR", "T1 test"
    return ds


def _pixels(ds: Dataset, pixels: np.ndarray) -> None:
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()


def write_series(
    folder: Path,
    pixels: np.ndarray,
    *,
    orientation: Any = (1, 0, 0, 0, 1, 0),
    origin: Any = (0.0, 0.0, 0.0),
    spacing: tuple[float, float] = (2.0, 3.0),
    gap: float = 4.0,
    offsets: Any = None,
    names: Any = None,
    series: str = "",
    syntax: str = ExplicitVRLittleEndian,
    **fields: Any,
) -> list[Path]:
    """One file a slice of `pixels` (slices, rows, columns); `offsets` are mm along the normal.

    `fields` are set on every data set; a list gives one value a slice.
    """
    orientation = np.asarray(orientation, dtype=float)
    normal = np.cross(orientation[:3], orientation[3:])
    series = series or generate_uid()
    offsets = np.arange(len(pixels)) * gap if offsets is None else np.asarray(offsets, dtype=float)
    paths = []
    for i, (picture, offset) in enumerate(zip(pixels, offsets, strict=True)):
        path = folder / (f"{i:03d}.dcm" if names is None else names[i])
        ds = _dataset(path, MR, syntax)
        ds.SeriesInstanceUID, ds.InstanceNumber = series, i + 1
        ds.ImagePositionPatient = [float(f"{v:.8f}") for v in np.asarray(origin) + offset * normal]
        ds.ImageOrientationPatient = [float(f"{v:.10f}") for v in orientation]
        ds.PixelSpacing, ds.SliceThickness = list(spacing), gap
        _pixels(ds, picture)
        for name, value in fields.items():
            setattr(ds, name, value[i] if isinstance(value, list) else value)
        ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def write_enhanced(
    path: Path, pixels: np.ndarray, positions: np.ndarray, slopes: Any, echoes: Any = None, times: Any = None
) -> None:
    """One multi-frame file of axial slices, `pixels` (frames, rows, columns), one position and slope a frame."""
    ds = _dataset(path, ENHANCED_MR)
    ds.SeriesInstanceUID, ds.InstanceNumber, ds.NumberOfFrames = generate_uid(), 1, len(pixels)
    shared = Dataset()
    turn, measures = Dataset(), Dataset()
    turn.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [2.0, 3.0], 4.0
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([turn]), Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for i, position in enumerate(positions):
        group, place, values = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [float(v) for v in position]
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = float(slopes[i]), 0.0, "US"
        group.PlanePositionSequence = Sequence([place])
        group.PixelValueTransformationSequence = Sequence([values])
        if echoes is not None:
            echo = Dataset()
            echo.EffectiveEchoTime = float(echoes[i])
            group.MREchoSequence = Sequence([echo])
        if times is not None:
            content = Dataset()
            content.TemporalPositionIndex = int(times[i])
            group.FrameContentSequence = Sequence([content])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    _pixels(ds, pixels)
    ds.save_as(path, enforce_file_format=True)
