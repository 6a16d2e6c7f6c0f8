"""What this machine has seen of other machines' locks, and since when, by its own clock."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where this user's programs keep what is to outlive a run: `XDG_STATE_HOME`, else `~/.local/state`."""
    home = environment.get("XDG_STATE_HOME")
    return (Path(home) if home else Path("~/.local/state").expanduser()) / "deploybook" / "locks"


class Sightings:
    """One small file a lock: the commit seen last, and when it was first seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def since(self, place: str, ref: str, commit: str, now: datetime) -> datetime:
        """When the commit was first seen at the ref: now, where it was not there before.

        A sighting in the future (a clock that was put back) counts for nothing. Where nothing can be kept,
        nothing was seen before: the lock is left alone for longer, never for too short.
        """
        file = self._folder / hashlib.sha256(f"{place}\n{ref}".encode()).hexdigest()[:32]
        with contextlib.suppress(OSError, ValueError):
            seen, _, first = file.read_text("ascii").partition(" ")
            at = datetime.fromisoformat(first)
            if seen == commit and at <= now:
                return at
        with contextlib.suppress(OSError):
            self._write(file, f"{commit} {now.isoformat()}")
        return now

    def _write(self, file: Path, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(handle, "w", encoding="ascii") as new:
            new.write(text)
        Path(name).replace(file)
