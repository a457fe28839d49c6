"""Pixels of DICOM files: sizes checked against the file, compressed ones decoded where a decoder is there."""

from __future__ import annotations

import warnings as python_warnings
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ReadError
from plugins.volumes._build import Array
from plugins.volumes._files import claim, explained, regular

_RATIO = 4000
"""No picture worth opening is compressed further than this by JPEG, JPEG 2000, JPEG-LS or RLE."""


def pixels(path: Path) -> tuple[Any, Array]:
    """All frames of a file as (frames, rows, columns) or (frames, rows, columns, samples), native byte order.

    Raises
    ------
    ReadError : no pixels, fewer than claimed, or compressed in a way that nothing here decodes.
    """
    import pydicom
    from pydicom.pixels import pixel_array

    size = regular(path)
    with explained(path, "DICOM file"), python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        ds = pydicom.dcmread(path, force=True)
        if "PixelData" not in ds and "FloatPixelData" not in ds and "DoubleFloatPixelData" not in ds:
            raise ReadError(path, "holds no pixels", "copy the file again, it may be cut off")
        if not hasattr(ds, "file_meta") or "TransferSyntaxUID" not in ds.file_meta:
            _assume_syntax(ds)
        frames = max(1, int(ds.get("NumberOfFrames", 1) or 1))
        samples = int(ds.get("SamplesPerPixel", 1) or 1)
        bits = int(ds.get("BitsAllocated", 16))
        count = frames * int(ds.Rows) * int(ds.Columns) * samples
        syntax = ds.file_meta.TransferSyntaxUID
        deflated = str(syntax) == "1.2.840.10008.1.2.1.99"
        ratio = 1032 if deflated else _RATIO if syntax.is_compressed else 1
        available = size * ratio
        if str(ds.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
            available *= 2
        text = f" ({frames} frames of {ds.Rows} × {ds.Columns})"
        claim(path, count * bits // 8, available, text)
        if syntax.is_compressed and not deflated:
            _require_decoder(path, syntax)
        array = pixel_array(ds)
        if str(ds.get("PhotometricInterpretation", "")) == "PALETTE COLOR":
            from pydicom.pixels import apply_color_lut

            array = (apply_color_lut(array, ds) >> 8).astype(np.uint8)
            samples = 3
    shape = (frames, int(ds.Rows), int(ds.Columns)) + ((samples,) if samples > 1 else ())
    if array.size != int(np.prod(shape)):
        raise ReadError(path, "holds another number of pixels than its header claims", "copy the file again")
    array = array.reshape(shape)
    return ds, array.astype(array.dtype.newbyteorder("="), copy=False)


def _assume_syntax(ds: Any) -> None:
    """A data set without meta header has no stated transfer syntax; pydicom knows how it parsed it."""
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = ds.original_encoding
    if not hasattr(ds, "file_meta"):
        ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = (
        ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    )


def _require_decoder(path: Path, syntax: Any) -> None:
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(syntax)
        available = decoder.is_available
    except NotImplementedError:
        available = False
    if not available:
        raise ReadError(
            path,
            f"is compressed as {syntax.name}, for which no decoder is installed",
            "install pylibjpeg with its plugins, or decompress it with gdcmconv --raw",
        )
