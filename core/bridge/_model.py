"""A trusted model, open and ready to be called with data objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from core import trust
from core.bridge._bridge import Bridge, ModelError
from core.bridge._contract import Contract, Input, Predicted, arrays_of, predicted
from core.bridge._inspect import Inspected, Reference, hash_again, inspect
from core.data import Attribute, Domain, Mesh, PointCloud
from core.jobs import Job

CHANGED = "The files of the model changed while it was being run; what ran may not be what you trusted"


class OpenModel:
    """A user's model in its process. Calling it gives data on which groups act: `core.symmetry` takes it as a model.

    Attributes
    ----------
    inspected : what runs.
    contract : what it maps to what.
    versions : of the interpreter's Python, NumPy and torch.
    notes : sentences for the user that its predictions gave rise to.
    """

    def __init__(self, bridge: Bridge, inspected: Inspected, contract: Contract, limit: float | None) -> None:
        self.bridge = bridge
        self.inspected = inspected
        self.contract = contract
        self.limit = limit
        self.notes: list[str] = []

    @property
    def versions(self) -> dict[str, str]:
        return dict(self.bridge.versions)

    def predict(self, data: Input) -> Predicted:
        """What it predicts for one object, see `core.bridge.predicted`. Raises `ModelError` and `UserError`."""
        outputs = self.bridge.call(arrays_of(data, self.contract), limit=self.limit)
        return predicted(outputs, data, self.contract, self.notes)

    def __call__(self, data: Input) -> Any:
        """The prediction as something that groups act on, without the input's own attributes."""
        made = self.predict(data)
        if isinstance(made, Attribute) and made.domain is not Domain.OBJECT:
            assert isinstance(data, (PointCloud, Mesh))
            return replace(data, attributes={self.contract.name: made})
        return made

    def verify(self) -> None:
        """Hash the files again. Raises `ModelError` if they are not those that were trusted any more."""
        if hash_again(self.inspected, self.bridge.check) != self.inspected.version.files:
            raise ModelError(f"{CHANGED}; run it again.")


@contextmanager
def open_model(
    reference: Reference, contract: Contract, *, job: Job, limit: float | None = None
) -> Iterator[OpenModel]:
    """Run a model of the user's own, if she trusts it, in her interpreter, until the block ends or the job does.

    The files are hashed before the process starts and again when the model is loaded; files of torch and weights are
    read once, and the bytes that were hashed are those that run. What is loaded later than that (an import within a
    function) may have changed in between: `OpenModel.verify` says so afterwards.

    Parameters
    ----------
    limit : seconds that one call may take; None = as long as it needs.

    Raises
    ------
    Untrusted : the user has not trusted it in this version.
    UserError : it is not there, does not load, or breaks off.
    """
    job.progress(0.0, "Checking the model")
    inspected = inspect(reference, job.check)
    trust.require(inspected.version, job.trusted)
    job.progress(0.02, "Starting the model's interpreter")
    with Bridge(inspected.python, folder=inspected.folder, log=job.log, check=job.check) as bridge:
        job.progress(0.04, f"Loading {inspected.title}")
        message = {**inspected.message, "device": job.device, "seed": job.seed, "threads": job.threads}
        bridge.load(message, inspected.data)
        model = OpenModel(bridge, inspected, contract, limit)
        model.verify()
        job.versions.update(
            {f"model's {name}": version for name, version in bridge.versions.items() if version}
        )
        job.versions["model"] = inspected.content
        yield model
