"""From a finished run to items of the document: one group with its layers, plots, tables and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.window.kinds import shortened
from app.window.tasks import LiveCurve, shared_steps
from core.data import Markup
from core.display import Display, default_display
from core.document import Item, new_id
from core.results import Curve, Heatmap, Histogram, Layer, Number, ResultTable, Scatter, Text
from core.running import Finished, output_name

COURSE = "Course of the run"
"""The curves that a run reported while it went on."""


def of_inputs(title: str, inputs: Sequence[Item]) -> str:
    """What was done to what: "Mirror planes of head", "Compare checkpoints of before and after", "Run … on head"."""
    title = title.rstrip("…. ")
    names = [shortened(i.name) for i in inputs]
    word = "on" if title.startswith("Run ") else "of"
    return f"{title} {word} {' and '.join(names)}" if names else title


def result_items(
    title: str, finished: Finished, inputs: Sequence[Item], course: Mapping[str, LiveCurve] | None = None
) -> tuple[Item, ...]:
    """The items to add, the group first. Layers lie where the first input lies.

    The group carries the record and, as metadata, the values of `result.json`, the ids of the inputs, where these
    lay, and the ids of the layers. `course`: the metrics of the run, kept as curves unless the analysis returns them itself.
    """
    layers: dict[str, str] = {}
    group = Item(
        id=new_id(),
        name=of_inputs(title, inputs),
        record=finished.record,
        warnings=finished.result.warnings,
        metadata={
            "values": dict(finished.result.values),
            "inputs": [i.id for i in inputs],
            "places": [np.asarray(i.transform).tolist() for i in inputs],
            "layers": layers,
        },
    )
    items = [group]
    taken: set[str] = set()
    for output in finished.result.outputs:
        name = output_name(output, taken)
        if isinstance(output, Layer):
            place: dict[str, Any] = {"transform": inputs[0].transform} if inputs else {}
            hints = dict(output.display)
            if isinstance(output.data, Markup):
                hints.setdefault("locked", True)  # dragged by chance, it would no longer be what was found
            display: Display = default_display(output.data, hints)
            item = Item(new_id(), name, output.data, group.id, display=display, **place)
            layers.setdefault(output.name, item.id)
        else:
            item = Item(new_id(), name, output, group.id)
        items.append(item)
    curves = course_curves(course or {}, finished)
    items += [Item(new_id(), output_name(curve, taken), curve, group.id) for curve in curves]
    return tuple(items)


def replaced(finished: Finished, inputs: Sequence[Item]) -> list[Item]:
    """The inputs that a layer is shown instead of, as far as they are visible."""
    layers = [o for o in finished.result.outputs if isinstance(o, Layer)]
    numbers = {number for layer in layers for number in layer.display.get("instead_of", ())}
    return [item for n, item in enumerate(inputs) if n in numbers and item.display.visible]


def course_curves(course: Mapping[str, LiveCurve], finished: Finished) -> list[Curve]:
    """The metrics of a run as curves, but for those that the analysis returns itself."""
    told = {n.lower() for o in finished.result.outputs if isinstance(o, Curve) for n in o.ys}
    left = {name: curve for name, curve in course.items() if name.lower() not in told}
    return [
        Curve(COURSE, np.asarray(steps), {n: np.asarray(v) for n, v in named.items()}, x_label="Step")
        for steps, named in shared_steps(left)
    ]


def is_result(item: Item) -> bool:
    """Whether the item is the group of a run."""
    return item.data is None and item.record is not None


def in_results_only(item: Item) -> bool:
    """Numbers and texts are read in the results panel; the data tree does not list them."""
    return isinstance(item.data, (Number, Text))


def plain_data(item: Item) -> Any:
    """The item's data object; of a result's table or plot: the table of its numbers."""
    if isinstance(item.data, (ResultTable, Curve, Scatter, Heatmap, Histogram)):
        from core.exports import table_of

        return table_of(item.data)
    return item.data
