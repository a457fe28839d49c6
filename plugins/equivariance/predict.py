"""The analysis `equivariance.predict`: a user's own model, run on what is open, with what it predicts shown there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from core.analyses import Advanced, Folder, Help, Label, Range, Unit
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms, Volume
from core.jobs import Job
from core.results import Layer, Number, Output, Result, Text

FEW = 12
"""Labels, or numbers of a value of the whole object that are written out."""


def predict(
    input: Mesh | PointCloud | Volume,
    *,
    model: Annotated[
        Path,
        Help(
            "path/net.py:function, package.module:name in the folder below, or a TorchScript .pt or exported .pt2."
        ),
    ],
    predicts: Annotated[
        Literal[
            "vector",
            "scalar",
            "label",
            "point",
            "axial_vector",
            "pseudoscalar",
            "tensor",
            "spherical_harmonics",
            "unknown",
        ],
        Help("How what it returns moves when the object is turned; point: positions."),
    ] = "vector",
    name: Annotated[
        str,
        Help(
            "Of the predicted attribute; of several arrays the model returns, the one of this name is taken."
        ),
    ] = "prediction",
    python: Annotated[
        Path | None,
        Help("The interpreter to run it in, or the folder of its environment; empty: Equiscope's own."),
    ] = None,
    folder: Annotated[
        Path | None,
        Folder(),
        Help("Your repository, first on the interpreter's path; empty: where the model's file lies."),
    ] = None,
    weights: Annotated[
        Path | None, Help("A .safetensors or .pt file of tensors for the model's load_state_dict.")
    ] = None,
    layout: Annotated[
        Literal["plain", "batch", "channels_first"],
        Help(
            "Points as (n, 3), as (1, n, 3), or as (1, 3, n); volumes as (i, j, k), (1, i, j, k) or (1, 1, i, j, k)."
        ),
        Advanced(),
    ] = "plain",
    attributes: Annotated[
        str, Help("Names of attributes to hand over after the points, with commas between."), Advanced()
    ] = "",
    faces: Annotated[bool, Help("Hand over the triangles of a mesh after the points."), Advanced()] = False,
    belongs_to: Annotated[
        Literal["point", "face", "object"] | None,
        Help("What each predicted value belongs to; empty: seen from the shape."),
        Advanced(),
    ] = None,
    degree: Annotated[int | None, Range(0, 20), Help("Of spherical harmonics."), Advanced()] = None,
    precision: Annotated[
        Literal["float32", "float64"], Help("Of the numbers handed over."), Advanced()
    ] = "float32",
    limit: Annotated[
        float | None,
        Range(0.01, None),
        Unit("s"),
        Label("Time limit"),
        Help("Ended after so long; empty: never."),
        Advanced(),
    ] = None,
    job: Job,
) -> Result:
    """Run a model of your own on what is open, and show what it predicts as vectors, colours or labels.

    A model is a program: it runs only after you have said that you trust this very version of it, in a process of its
    own, with the interpreter you choose. It is called with NumPy arrays and returns one; a torch.nn.Module is called
    with tensors. From a module: “net.py:predict” is a function or an instance to call, “net.py:Net” a class that is
    made without arguments, “net.py:make()” a function that returns the model. With weights, what the class or
    function makes gets them by load_state_dict.

    The version is a SHA-256 over all files that Python could import from the folder, the weights, and the interpreter
    if it is not Equiscope's own; it does not cover packages installed in that interpreter, nor data that the model
    reads. The record carries the model's hash. What it prints stands in the log; Cancel ends it at once.
    """
    from core.bridge import Contract, Reference, open_model

    contract = Contract(
        predicts="point" if predicts == "point" else Transforms(predicts),
        name=name.strip() or "prediction",
        domain=Domain(belongs_to) if belongs_to else None,
        degree=degree,
        layout=layout,
        faces=faces,
        attributes=tuple(a.strip() for a in attributes.split(",") if a.strip()),
        precision=precision,
    )
    reference = Reference(str(model), folder, python, weights)
    with open_model(reference, contract, job=job, limit=limit) as opened:
        job.progress(0.2, f"Running {opened.inspected.title}")
        made = opened.predict(input)
        job.progress(0.95, "Checking the model once more")
        opened.verify()
        title, content, notes = opened.inspected.title, opened.inspected.content, tuple(opened.notes)
    outputs, numbers = _outputs(input, made, contract.name)
    outputs.append(Text("Model", f"{title}, version {content[:12]}"))
    values = {"model": {"name": title, "sha256": content}, "predicts": predicts, **numbers}
    return Result(values, tuple(outputs), notes)


def _outputs(data: Any, made: Any, name: str) -> tuple[list[Output], dict[str, Any]]:
    """What is shown of a prediction, and its numbers."""
    numbers: dict[str, Any]
    if isinstance(made, Attribute) and made.domain is Domain.OBJECT:
        return _of_object(data, made, name)
    if isinstance(made, Volume):
        display = {"colormap": "labels"} if made.transforms is Transforms.LABEL else {}
        if made.array.ndim == 4 and made.transforms is not Transforms.LABEL:
            display = {"glyph": "@values"} if made.transforms in _ARROWS else {}
        numbers = _summary(made.array, made.transforms)
        return [Layer(name.capitalize(), made, display), *_numbers(numbers), *_counts(numbers)], numbers
    if not isinstance(made, Attribute):
        moved = isinstance(made, Mesh) or len(made.points) > 1
        numbers = {"points": len(made.points)}
        if moved:
            numbers["mean_distance"] = float(np.linalg.norm(made.points - data.points, axis=1).mean())
            return [
                Layer(name.capitalize(), made),
                Number("Mean distance", numbers["mean_distance"], data.unit),
            ], numbers
        return [Layer(name.capitalize(), made, {"size": 12.0})], {"position": made.points[0]}
    shown = replace(data, attributes={**data.attributes, name: made})
    numbers = _summary(made.values, made.transforms)
    layer = Layer(name.capitalize(), shown, {**_display(made, name), "instead_of": (0,)})
    return [layer, *_numbers(numbers, made.unit), *_counts(numbers)], numbers


def _counts(values: dict[str, Any]) -> list[Output]:
    """How often each label was given, in words."""
    labels = values.get("labels")
    if not labels:
        return []
    few = ", ".join(f"{label}: {count:,}" for label, count in list(labels.items())[:FEW])
    more = f" and {len(labels) - FEW} more labels" if len(labels) > FEW else ""
    return [Text("Labels", f"{few}{more}")]


def _numbers(values: dict[str, Any], unit: str = "") -> list[Output]:
    return [
        Number(k.replace("_", " ").capitalize(), v, unit) for k, v in values.items() if isinstance(v, float)
    ]


_ARROWS = (Transforms.VECTOR, Transforms.AXIAL_VECTOR)


def _display(made: Attribute, name: str) -> dict[str, Any]:
    if made.transforms in (*_ARROWS, Transforms.TENSOR, Transforms.SPHERICAL_HARMONICS):
        return {"glyph": name} if made.domain is Domain.POINT else {}
    if made.values.ndim == 1:
        return {"color_by": name} | ({"colormap": "labels"} if made.transforms is Transforms.LABEL else {})
    return {}


def _summary(values: Any, how: Transforms) -> dict[str, Any]:
    values = np.asarray(values)
    if not values.size:
        return {"values": 0}
    if how is Transforms.LABEL:
        kinds, counts = np.unique(values, return_counts=True)
        return {"labels": {str(k): int(c) for k, c in zip(kinds[:1000], counts, strict=False)}}
    size = np.linalg.norm(values.astype(np.float64), axis=-1) if how in _ARROWS else values.astype(np.float64)
    good = size[np.isfinite(size)]
    if not good.size:
        return {"finite": 0}
    kind = "length" if how in _ARROWS else "value"
    return {
        f"mean_{kind}": float(good.mean()),
        f"least_{kind}": float(good.min()),
        f"largest_{kind}": float(good.max()),
    }


def _of_object(data: Any, made: Attribute, name: str) -> tuple[list[Output], dict[str, Any]]:
    values = np.asarray(made.values)
    outputs: list[Output]
    if values.ndim == 0:
        outputs = [Number(name.capitalize(), float(values))]
    else:
        few = ", ".join(f"{v:.6g}" for v in values.reshape(-1)[:FEW])
        more = ", …" if values.size > FEW else ""
        outputs = [
            Text(name.capitalize(), f"({few}{more}), a {str(made.transforms).replace('_', ' ')} of the whole")
        ]
    if not isinstance(data, Volume):
        shown = replace(data, attributes={**data.attributes, name: made})
        outputs.append(Layer(name.capitalize(), shown, {"instead_of": (0,)}))
    return outputs, {"value": values}
