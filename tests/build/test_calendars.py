"""A calendar that somebody subscribed to, over several runs of the whole program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import icalendar

from deploybook.cli import run

CONFIG = """
site: {{name: Shop, timezone: Europe/Berlin}}
codebases: {{shop: {{}}}}
people: {{ana: {{name: Ana}}, bo: {{name: Bo}}}}
rotations:
  keeper: {{members: [ana, bo], every: 1w, starts: 2026-11-02, overrides: [{override}]}}
"""
SWAP = "{from: 2026-11-23, to: 2026-11-29, person: ana}"


def rendered(folder: Path, override: str, at: str) -> dict[str, Any]:
    """The keeper's events after a run, by when each begins."""
    file = folder / "deploybook.yml"
    file.write_text(CONFIG.format(override=override))
    for command in ("render",) if (folder / "build").is_dir() else ("sync", "render"):
        assert run([command, "--quiet", "--config", str(file), "--as-of", at]) == 0
    content = (folder / "build" / "docs" / "process" / "calendar" / "keeper.ics").read_bytes()
    found: list[Any] = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return {f"{event['dtstart'].dt:%Y-%m-%d}": event for event in found}


def test_a_swap_goes_up_by_one_and_all_else_stays_as_it_was(tmp_path: Path) -> None:
    first = rendered(tmp_path, "", "2026-11-20T12:00:00Z")
    swapped = rendered(tmp_path, SWAP, "2026-11-20T13:00:00Z")
    turn = swapped["2026-11-22"]  # Monday's midnight in Berlin
    assert (str(first["2026-11-22"]["summary"]), str(turn["summary"])) == ("Bo: keeper", "Ana: keeper")
    assert first["2026-11-22"]["uid"] == turn["uid"]
    assert (int(turn["sequence"]), f"{turn['dtstamp'].dt:%H:%M}") == (1, "13:00")
    others = first.keys() - {"2026-11-22"}
    assert len(others) > 50
    assert all(first[day].to_ical() == swapped[day].to_ical() for day in others)
    back = rendered(tmp_path, "", "2026-11-20T14:00:00Z")["2026-11-22"]
    assert (int(back["sequence"]), str(back["summary"])) == (2, "Bo: keeper")
    again = rendered(tmp_path, "", "2026-11-20T15:00:00Z")["2026-11-22"]
    assert again.to_ical() == back.to_ical()
