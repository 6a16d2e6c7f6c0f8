"""What this machine has seen of other machines' locks, and since when, by its own clock."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where this user's programs keep what is to outlive a run: `XDG_STATE_HOME`, else `~/.local/state`."""
    home = environment.get("XDG_STATE_HOME")
    return (Path(home) if home else Path("~/.local/state").expanduser()) / "deploybook" / "locks"


def this_clock() -> str:
    """A name of the clock that this process reads: its kernel's boot, else its host.

    Containers of one host share it. A runner that is made anew has another, also where it was given the files
    of the one before.
    """
    with contextlib.suppress(OSError):
        return _BOOT.read_text("ascii").strip()
    return hashlib.sha256(platform.node().encode()).hexdigest()[:32]


class Sightings:
    """One small file a lock: the commit seen last, when it was first seen, and by which clock.

    Args:
        folder: Where the files are.
        clock: The name of this machine's clock, see `this_clock`.
        within: How far the clocks of those who share the folder may differ; `None`: what another clock saw
            counts for nothing.
    """

    def __init__(self, folder: Path, clock: str = "", within: timedelta | None = None) -> None:
        self._folder = folder
        self._clock = clock
        self._within = within

    def since(self, place: str, ref: str, commit: str, now: datetime) -> datetime:
        """Since when the commit has been at the ref for certain, by this clock: now, where it was not seen.

        A sighting in the future (a clock that was put back) counts for nothing, and one by another clock only
        where it is said how far they may differ, and then for later by as much. Where nothing can be kept,
        nothing was seen before: the lock is left alone for longer, never for too short.
        """
        file = self._folder / hashlib.sha256(f"{place}\n{ref}".encode()).hexdigest()[:32]
        with contextlib.suppress(OSError, ValueError):
            seen, first, *clock = file.read_text("ascii").split(" ")
            at = datetime.fromisoformat(first)
            if seen == commit and at <= now:
                if clock == [self._clock]:
                    return at
                if self._within is not None:
                    return min(at + self._within, now)
        with contextlib.suppress(OSError):
            self._write(file, f"{commit} {now.isoformat()} {self._clock}")
        return now

    def _write(self, file: Path, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(handle, "w", encoding="ascii") as new:
            new.write(text)
        Path(name).replace(file)
