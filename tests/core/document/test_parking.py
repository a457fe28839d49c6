"""What was closed and lies in a file is let go of, and undo wants it back."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data import Checkpoint, PointCloud, TensorInfo
from core.document import Document, Item, Parked, RemoveItems, Several, Source, data_bytes

SIZE = data_bytes(PointCloud(np.zeros((1000, 3))))


def item(name: str, path: Path | str, **more: object) -> Item:
    source = None
    if path:
        stat = Path(path).stat() if not str(path).startswith("sample:") else None
        source = Source(
            str(path), "any", size=stat.st_size if stat else 0, mtime=stat.st_mtime if stat else 0.0
        )
    made = Item(name, name, PointCloud(np.zeros((1000, 3))), source=source)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.ply"
    path.write_text("something")
    return path


@pytest.fixture
def document() -> Document:
    made = Document()
    made.undo_keeps = 0
    return made


def test_closing_frees_what_a_file_holds_and_undo_wants_it_back(document: Document, file: Path) -> None:
    document.add(item("a", file))
    document.rename("a", "b")
    alive = weakref.ref(document["a"].data)
    document.remove("a")
    gc.collect()
    assert alive() is None and document.undo_bytes == 0
    assert [i.name for i in document.wanting("undo")] == ["b"]
    assert isinstance(document.wanting("undo")[0].data, Parked)
    assert document.wanting("undo")[0].data.bytes == SIZE
    with pytest.raises(LookupError, match="b has to be read again"):
        document.undo()
    assert len(document) == 0 and document.undo_label == "Close b"

    fresh = PointCloud(np.ones((1000, 3)))
    document.give("undo", {"a": fresh, "somebody else": None})
    document.undo()
    assert document["a"].data is fresh and document["a"].name == "b"
    document.undo()
    document.undo()
    assert len(document) == 0
    # And forwards: the file has to be read once more.
    assert [i.id for i in document.wanting("redo")] == ["a"]
    document.give("redo", {"a": fresh})
    document.redo()
    document.redo()
    assert document["a"].name == "b" and document["a"].data is fresh
    document.redo()
    assert len(document) == 0


def test_a_document_that_was_told_nothing_keeps_everything(file: Path) -> None:
    document = Document()
    document.add(item("a", file))
    data = document["a"].data
    document.remove("a")
    assert document.wanting("undo") == ()
    document.undo()
    assert document["a"].data is data


@pytest.mark.parametrize("what", ["made here", "edited", "file gone", "file changed"])
def test_what_no_file_holds_is_kept(document: Document, file: Path, what: str) -> None:
    document.add(item("a", "" if what == "made here" else file, edited=what == "edited"))
    if what == "file gone":
        file.unlink()
    elif what == "file changed":
        file.write_text("something else")
    data = document["a"].data
    document.remove("a")
    document.undo()
    assert document["a"].data is data


def test_the_last_closed_stay_as_far_as_they_may(document: Document, file: Path) -> None:
    document.undo_keeps = 2 * SIZE + 10
    for name in "abc":
        document.add(item(name, file))
    for name in "abc":
        document.remove(name)
    for name in "cb":
        assert document.wanting("undo") == ()
        document.undo()
        assert name in document
    assert [i.id for i in document.wanting("undo")] == ["a"]


def test_samples_children_and_several_at_once(document: Document, file: Path) -> None:
    document.add(item("a", "sample:any"), item("b", file, parent="a"), item("c", ""))
    document.apply(Several((RemoveItems.of({i.id: i for i in document}, {"a", "c"}),), "Close all"))
    assert [i.id for i in document.wanting("undo")] == ["a", "b"]
    document.give("undo", {"a": PointCloud(np.ones((2, 3)))})
    assert [i.id for i in document.wanting("undo")] == ["b"]
    document.give("undo", {"b": PointCloud(np.ones((3, 3)))})
    document.undo()
    assert [len(i.data.points) for i in document] == [2, 3, 1000]


def test_what_was_saved_is_still_known_as_saved(document: Document, file: Path) -> None:
    document.add(item("a", file))
    document.mark_clean()
    document.remove("a")
    assert not document.is_clean
    document.give("undo", {"a": PointCloud(np.ones((2, 3)))})
    document.undo()
    assert document.is_clean


def test_closing_asks_neither_the_disk_nor_an_index_of_many_names(
    document: Document, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document.undo_keeps = 2 * SIZE
    names = tuple(TensorInfo(f"layer.{n}", (1,), "F32", 4) for n in range(1000))
    index = replace(item("index", file), data=Checkpoint(str(file), "safetensors", names))
    document.add(item("a", file), index)
    asked: list[object] = []
    monkeypatch.setattr("core.document._parking.can_be_read_again", asked.append)
    monkeypatch.setattr("core.data.encode", lambda data: asked.append(data))
    document.remove("a", "index")
    document.add(item("b", file))
    assert not asked and not document.wanting("undo")
