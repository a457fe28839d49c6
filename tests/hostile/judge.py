"""Opens one file as the program would, and says what of it no user may meet: the fuzzer's and the tests' one judge."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.jobs import Job
from core.plugins import PluginHost, Reader

MOST_SECONDS = 10.0
"""CPU seconds that a file of a few kilobytes may take: the machine may be busy with other things."""
MOST_MEMORY = 2_000_000_000
"""Bytes of resident memory beyond what the process had before."""
_FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.", "os.system", "os.exec", "os.posix_spawn")
_CHANGES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.symlink",
    "os.link",
    "os.truncate",
    "shutil.",
)


@dataclass
class Verdict:
    """`outcome` "opened" or "refused" with its sentence; `faults` is empty where all is well."""

    outcome: str = "broken"
    sentence: str = ""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class Judge:
    """Judges files in this process, which it prepares: an audit hook, nowhere to write, standard streams watched.

    Parameters
    ----------
    place : an empty folder of its own.
    ceiling : bytes of address space beyond today's that the process may take, 0 for no limit.
    """

    def __init__(self, place: Path, ceiling: int = 0) -> None:
        self.host = PluginHost(safe=True)
        logging.getLogger().addHandler(
            logging.NullHandler()
        )  # tracebacks belong into the log, not to the terminal
        self.place = place
        self.case = place / "case"
        (place / "temporary").mkdir(parents=True)
        (place / "elsewhere").mkdir()
        tempfile.tempdir = str(place / "temporary")
        os.chdir(place / "elsewhere")
        self._said = open(place / "said", "w+b")
        self._watch: list[str] | None = None
        self._allowed = tuple(
            {str(Path(p).resolve()) for p in (*sys.path, sys.prefix, sys.base_prefix, sys.exec_prefix) if p}
            | {str(Path(p)) for p in (*sys.path, sys.prefix, sys.base_prefix) if p}
            | {
                "/proc",
                "/sys",
                "/usr",
                "/lib",
                "/etc/localtime",
                "/etc/mime.types",
                "/dev/null",
                "/dev/urandom",
            }
        )
        sys.addaudithook(self._audit)
        if ceiling:
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + ceiling, resource.RLIM_INFINITY))

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        watch = self._watch
        if watch is None:
            return
        if event == "open":
            path, mode, flags = (*args, None, None, None)[:3]
            if isinstance(path, int) or path in ("/dev/null", b"/dev/null"):
                return
            name = os.fsdecode(path)
            writes = (
                bool(flags & (os.O_WRONLY | os.O_RDWR)) if isinstance(flags, int) else "r" not in str(mode)
            )
            if writes:
                watch.append(f"opened {name!r} for writing")
            elif not self._may_read(name):
                watch.append(f"read {name!r}, outside its folder")
        elif event == "subprocess.Popen" and args[0] == "uname":
            return  # Python's own platform module, when a library is loaded
        elif event.startswith(_FORBIDDEN) or event.startswith(_CHANGES):
            watch.append(f"did {event} {str(args)[:100]}")

    def _may_read(self, name: str) -> bool:
        full = os.path.abspath(name)
        return full.startswith((str(self.case), *self._allowed)) or full.endswith((".py", ".pyc"))

    def lay(self, files: dict[str, bytes]) -> None:
        """Put the case's files into an empty folder."""
        if self.case.exists():
            import shutil

            shutil.rmtree(self.case)
        for name, content in files.items():
            path = self.case / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def judge(self, target: str, path: Path) -> Verdict:
        """Open `path` with a reader (by id), or as "session", "record", "settings" or "presets".

        "any" goes the whole way of the program: the name and the contents choose the reader.
        """
        verdict = Verdict()
        before = {**_listing(self.place), **_listing(self.case)}
        _forget_peak()
        base = _memory("VmRSS")
        self._watch = watched = []
        began = time.process_time()
        with self._silence():
            try:
                with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
                    warnings.simplefilter("error")
                    self._try(verdict, target, path)
            except UserError as error:
                verdict.outcome, verdict.sentence = "refused", str(error)
            except BaseException as error:
                import traceback

                where = traceback.extract_tb(error.__traceback__)[-6:]
                verdict.faults.append(
                    f"raised {type(error).__name__}: {str(error)[:200]!r} at "
                    + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(where))
                )
        self._watch = None
        verdict.seconds = time.process_time() - began
        verdict.memory = max(0, _memory("VmHWM") - base)
        faults = verdict.faults
        faults += list(dict.fromkeys(watched))[:5]
        if verdict.sentence:
            faults += sentence_faults(verdict.sentence, self._names(path))
        if verdict.seconds > MOST_SECONDS:
            faults.append(f"took {verdict.seconds:.1f} s of CPU time")
        if verdict.memory > MOST_MEMORY:
            faults.append(f"took {verdict.memory / 1e9:.1f} GB of memory")
        after = {**_listing(self.place), **_listing(self.case)}
        if target in ("settings", "presets"):  # these are written, and a broken one is put aside
            after = {k: v for k, v in after.items() if "settings.json" not in k}
            before = {k: v for k, v in before.items() if "settings.json" not in k}
        if after != before:
            changed = sorted({k for k, _ in after.items() ^ before.items()})[:5]
            faults.append(f"changed files: {changed}")
        self._said.seek(0)
        said = self._said.read()
        if said:
            faults.append(f"printed {said[:300]!r}")
            self._said.truncate(0)
        return verdict

    def _names(self, path: Path) -> list[str]:
        from core.errors import printable

        names = [path.name] + [name for _, names, files in os.walk(self.case) for name in (*names, *files)]
        return [printable(n) for n in names]

    def _try(self, verdict: Verdict, target: str, path: Path) -> None:
        if target == "session":
            from core.session import load

            session = load(path, job=Job(), host=self.host)
            verdict.faults += session_faults(session)
        elif target == "record":
            from core.records import read_record

            read_record(path)
        elif target == "settings":
            self._watch = None  # settings are written, too
            from core.settings import Settings

            _use_settings(Settings(path))
        elif target == "presets":
            from app.forms.presets import Presets
            from core.settings import Settings

            self._watch = None
            presets = Presets(Settings(self.place / "elsewhere" / "settings.json"), "a.b")
            for name in presets.read(path):
                presets.get(name)
        else:
            self._open(verdict, target, path)
        verdict.outcome = "opened"

    def _open(self, verdict: Verdict, reader_id: str, path: Path) -> None:
        if reader_id == "any":
            from core.opening import expand, open_path

            for one in expand([path], host=self.host):
                verdict.faults += loaded_faults(open_path(one, job=Job(), host=self.host))
            return
        from core.analyses import call_arguments, validate
        from core.opening import Opened, describe_reader

        reader = self.host.get(reader_id, Reader)
        self._sniff(verdict, path)
        description = describe_reader(self.host, reader)
        arguments = call_arguments(description, validate(description, {}))
        loaded = self.host.resolve(reader.read)(path, job=Job(), **arguments)
        if not loaded:
            verdict.faults.append("gave an empty list")
        verdict.faults += loaded_faults(Opened(str(path), reader_id, tuple(loaded)))

    def _sniff(self, verdict: Verdict, path: Path) -> None:
        folder = path.is_dir()
        head = b"" if folder else path.read_bytes()[:4096]
        for reader in self.host.readers:
            if not reader.sniff or (folder and not reader.folders) or self.host.missing(reader):
                continue
            try:
                score = self.host.resolve(reader.sniff)(path, head)
                if not (isinstance(score, int) and 0 <= score <= 100):
                    verdict.faults.append(f"the sniffer of {reader.id} says {score!r}")
            except Exception as error:
                verdict.faults.append(f"the sniffer of {reader.id} raised {type(error).__name__}: {error}")

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """Whatever is written to the standard streams, by C too, goes into a file."""
        sys.stdout.flush()
        sys.stderr.flush()
        kept = os.dup(1), os.dup(2)
        self._said.seek(0)
        self._said.truncate(0)
        os.dup2(self._said.fileno(), 1)
        os.dup2(self._said.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, there in zip((1, 2), kept, strict=True):
                os.dup2(there, number)
                os.close(there)


def sentence_faults(sentence: str, names: list[str]) -> list[str]:
    """What is wrong with an error's text: it must be one line that names the file and ends with a full stop."""
    faults = []
    if not sentence.isprintable():
        faults.append(f"the sentence has characters that do not print: {sentence[:300]!r}")
    if not sentence.endswith("."):
        faults.append(f"the sentence has no end: {sentence[-80:]!r}")
    if not any(name and name in sentence for name in names):
        faults.append(f"the sentence names no file: {sentence[:200]!r}")
    if len(sentence) > 600 + max(map(len, names)):
        faults.append(f"the sentence has {len(sentence)} letters: {sentence[:200]!r}")
    if " object at 0x" in sentence or "Traceback" in sentence:
        faults.append(f"the sentence shows innards: {sentence[:200]!r}")
    return faults


def loaded_faults(opened: Any) -> list[str]:
    """What is wrong with what a reader returned."""
    from core.checkpoints import read_tensors
    from core.data import Checkpoint, bounds, decode, encode, info
    from core.opening import items_of

    faults: list[str] = []
    tree, arrays = encode(opened)
    json.dumps(tree, allow_nan=False)
    for array in arrays:
        if array.flags.writeable:
            faults.append("an array can be written to")
        if array.dtype.kind not in "biufcUSM":
            faults.append(f"an array of {array.dtype}")
        if array.dtype.byteorder == ">":
            faults.append("an array in the other byte order")
    decode(tree, arrays)
    for n, item in enumerate(items_of(opened)):
        faults += _item_faults(item)
        parent = opened.loaded[n].parent
        if parent is not None and not 0 <= parent < n:
            faults.append(f"object {n} belongs to object {parent}")
        said = info(item.data, item.name, item.warnings)
        json.dumps(said)
        bounds(item.data)
        faults += _data_faults(item.data)
        if isinstance(item.data, Checkpoint):
            try:
                read_tensors(item.data)
            except UserError as error:
                faults += sentence_faults(
                    str(error), [Path(item.data.path).name, *(t.file for t in item.data.tensors)]
                )
    return faults


def _item_faults(item: Any) -> list[str]:
    faults = []
    if not item.name or not item.name.isprintable() or len(item.name) > 300:
        faults.append(f"an object is called {item.name[:100]!r}")
    bad = [text for text in item.warnings if not text.isprintable() or len(text) > 800]
    faults += [f"a warning is no sentence: {text[:200]!r}" for text in bad]
    json.dumps(dict(item.metadata))
    return faults


def _data_faults(data: Any) -> list[str]:
    from core.data import Graph, Mesh, PointCloud, Trajectory, Volume

    faults = []
    if isinstance(data, (Mesh, PointCloud)) and not np.isfinite(data.points).all():
        faults.append("points that are not finite")
    if (
        isinstance(data, Mesh)
        and data.faces.size
        and not 0 <= data.faces.min() <= data.faces.max() < len(data.points)
    ):
        faults.append("a face of points that do not exist")
    if isinstance(data, Volume) and not (
        np.isfinite(data.affine).all() and np.linalg.det(data.affine[:3, :3])
    ):
        faults.append("an affine that places nothing")
    if isinstance(data, Graph) and data.positions is not None and not np.isfinite(data.positions).all():
        faults.append("nodes that are nowhere")
    if isinstance(data, Trajectory) and not np.isfinite(data.times).all():
        faults.append("times that are not finite")
    names = getattr(data, "attributes", None) or getattr(data, "columns", None) or {}
    return faults + [f"an attribute is called {name[:60]!r}…" for name in names if len(name) > 5000]


def session_faults(session: Any) -> list[str]:
    """What is wrong with a session that was opened."""
    from core.data import encode

    faults = [f"a problem is no sentence: {p[:200]!r}" for p in session.problems if not p.isprintable()]
    tree, _ = encode(session)
    json.dumps(tree, allow_nan=False)
    for item in session.items:
        if any(ord(c) < 32 for c in item.name):
            faults.append(f"an object is called {item.name[:100]!r}")
        if item.parent is not None and item.parent not in {i.id for i in session.items}:
            faults.append("an object belongs to none")
        if item.data is not None:
            faults += _data_faults(item.data)
    return faults


def _use_settings(settings: Any) -> None:
    settings.number("recent-length", 3, 0, 50)
    settings.choice("theme", ("dark", "light"))
    settings.flag("x", True)
    settings.folder("folder")
    settings.add_recent("/a")
    if settings.recent_length and settings.recent[:1] != ["/a"]:
        raise AssertionError("the recent list does not take a path")
    settings.clear_recent()


def _listing(place: Path) -> dict[str, tuple[int, int]]:
    out = {}
    for folder, _, names in os.walk(place):
        for name in names:
            full = os.path.join(folder, name)
            stat = os.lstat(full)
            out[full] = (stat.st_size, stat.st_mtime_ns)
    out.pop(str(place / "said"), None)
    return out


def _forget_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def _memory(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


Opener = Callable[[str, Path], Verdict]
