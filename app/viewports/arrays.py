"""NumPy to VTK: without a copy wherever memory allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import get_vtk_array_type, numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

Array = NDArray[Any]


def matrix(values: Array) -> vtkMatrix4x4:
    """A VTK matrix from a (4, 4) array."""
    made = vtkMatrix4x4()
    made.DeepCopy(np.asarray(values, dtype=np.float64).reshape(-1).tolist())
    return made


def plain(array: Array) -> Array:
    """Same values in a type and byte order that VTK takes."""
    if np.iscomplexobj(array):
        return np.abs(array).astype(np.float32)
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    if array.dtype == np.float16 or array.dtype.itemsize > 8:
        return array.astype(np.float32)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        return array.astype(np.float64)
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def data_array(array: Array) -> Any:
    """A vtkDataArray over the same memory; the VTK array keeps the NumPy array alive."""
    contiguous = np.ascontiguousarray(plain(array))
    return numpy_to_vtk(contiguous, deep=False, array_type=get_vtk_array_type(contiguous.dtype))


def points(coordinates: Array) -> vtkPoints:
    """(n, 3) float32 as VTK points."""
    made = vtkPoints()
    made.SetData(data_array(np.ascontiguousarray(coordinates, dtype=np.float32)))
    return made


def cells(connectivity: Array) -> vtkCellArray:
    """(m, k) vertex numbers as m cells of k points, without a loop."""
    m, k = connectivity.shape
    made = vtkCellArray()
    offsets = np.arange(0, (m + 1) * k, k, dtype=np.int32 if (m + 1) * k < 2**31 else np.int64)
    flat = np.ascontiguousarray(connectivity, dtype=offsets.dtype).reshape(-1)
    made.SetData(data_array_exact(offsets), data_array_exact(flat))
    return made


def data_array_exact(array: Array) -> Any:
    """Like `data_array`, integers stay the integers they are (cell arrays take 32 and 64 bits)."""
    return numpy_to_vtk(array, deep=False, array_type=get_vtk_array_type(array.dtype))


def image2d(rgba: Array) -> vtkImageData:
    """(rows v, columns u, 4) uint8 as a picture in the plane z = 0, pixel (u, v) centred at (u, v)."""
    nv, nu = rgba.shape[:2]
    made = vtkImageData()
    made.SetDimensions(nu, nv, 1)
    made.GetPointData().SetScalars(data_array(np.ascontiguousarray(rgba).reshape(-1, 4)))
    return made


def image3d(array: Array) -> tuple[vtkImageData, tuple[int, int, int]]:
    """A 3-D array as an image with unit spacing, and which array axis runs along VTK's x, y, z.

    C order is passed on with its axes named backwards instead of being copied.
    """
    usable = plain(array)
    order = (0, 1, 2) if usable.flags.f_contiguous else (2, 1, 0)
    turned = usable.transpose(order)
    made = vtkImageData()
    made.SetDimensions(*turned.shape)
    made.GetPointData().SetScalars(data_array(np.ascontiguousarray(turned.T).reshape(-1)))
    return made, order
