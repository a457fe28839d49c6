"""Whom the user trusts: versions of models that are code, each by the hash of what it consists of.

A model of the user's own runs only after she has said so for exactly these contents. What she said is kept in the
settings folder, one small file a version; a changed model is another version and is asked about anew.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.errors import UserError
from core.files import replacing
from core.settings import settings_folder

FOLDER = "trusted-models"
_HASH = re.compile(r"[0-9a-f]{64}")


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a model.

    Attributes
    ----------
    hash : SHA-256 (hex) of all that `files` lists and of what is called; what is trusted.
    title : what runs, e.g. "net.py:predict".
    place : the folder it lies in.
    python : the interpreter, "" for ours.
    files : what was hashed: name -> SHA-256.
    trusted : when the user trusted it (UTC), "" if she has not.
    """

    hash: str
    title: str
    place: str
    python: str = ""
    files: dict[str, str] = {}
    trusted: str = ""


@dataclass(frozen=True)
class Changes:
    """What differs between two versions, by name."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            f"{', '.join(names[:4])}{f' and {len(names) - 4} more' if len(names) > 4 else ''} {verb}"
            for names, verb in ((self.changed, "changed"), (self.added, "added"), (self.gone, "gone"))
            if names
        ]
        return "; ".join(parts)


class Untrusted(UserError):
    """A model that the user has not trusted in this version. `data` is what a front end needs to ask her:
    {"version": plain `Version`, "before": plain `Version` trusted earlier or None}."""

    def __init__(self, message: str, data: dict[str, Any]) -> None:
        super().__init__(message)
        self.data = data

    def __reduce__(self) -> tuple[type, tuple[str, dict[str, Any]]]:
        return type(self), (str(self), self.data)


class TrustStore:
    """The versions that the user trusts.

    Parameters
    ----------
    folder : where they are kept; None = in the settings folder. Several windows and workers may use it at once.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or settings_folder() / FOLDER

    def get(self, hash: str) -> Version | None:
        """The trusted version with this hash, if there is one."""
        if not _HASH.fullmatch(hash):
            return None
        try:
            version = msgspec.json.decode((self.folder / f"{hash}.json").read_bytes(), type=Version)
        except (OSError, msgspec.MsgspecError, ValueError):
            return None
        return version if version.hash == hash and version.trusted else None

    def all(self) -> list[Version]:
        """All trusted versions, the latest first."""
        try:
            names = [p.stem for p in self.folder.glob("*.json")]
        except OSError:
            return []
        found = [v for v in map(self.get, names) if v is not None]
        return sorted(found, key=lambda v: (v.trusted, v.hash), reverse=True)

    def add(self, version: Version) -> None:
        """Trust a version from now on. Raises `WriteError`."""
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        entry = msgspec.structs.replace(version, trusted=now)
        with replacing(self.folder / f"{version.hash}.json") as file:
            file.write(msgspec.json.format(msgspec.json.encode(entry), indent=2))

    def forget(self, hash: str) -> None:
        """Trust a version no longer."""
        if _HASH.fullmatch(hash):
            with contextlib.suppress(OSError):
                os.unlink(self.folder / f"{hash}.json")

    def before(self, version: Version) -> Version | None:
        """The version of the same model that was trusted last, if another one was."""
        same = (version.title, version.place)
        return next((v for v in self.all() if (v.title, v.place) == same and v.hash != version.hash), None)


def differences(before: Version, now: Version) -> Changes:
    """What has changed from one version to another."""
    both = before.files.keys() & now.files.keys()
    return Changes(
        tuple(sorted(n for n in both if before.files[n] != now.files[n])),
        tuple(sorted(now.files.keys() - before.files.keys())),
        tuple(sorted(before.files.keys() - now.files.keys())),
    )


def require(version: Version, allowed: Collection[str] = (), store: TrustStore | None = None) -> None:
    """Return if the user trusts this version, or has allowed it for this run (`Job.trusted`).

    Raises
    ------
    Untrusted : she has not.
    """
    store = store or TrustStore()
    if version.hash in allowed or store.get(version.hash) is not None:
        return
    before = store.before(version)
    named = ", ".join(f"{hash[:12]}…" if len(hash) > 12 else hash for hash in sorted(allowed) if hash)
    if named and before is None:
        text = f"{version.title} is not the version that you allowed ({named}): a file of it changed, or it is another"
    elif before is None:
        text = f"{version.title} is a program, which can do anything that you can do"
    else:
        changes = str(differences(before, version)) or "another name is called"
        text = f"{version.title} is not the version that you trusted on {before.trusted[:10]} ({changes})"
    data = {
        "version": msgspec.to_builtins(version),
        "before": None if before is None else msgspec.to_builtins(before),
    }
    raise Untrusted(f"{text}; if you trust it, run it with: --trust {version.hash}", data)
