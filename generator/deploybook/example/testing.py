"""What CI says of the release branch: runs, re-runs, breaks, test cases, coverage."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from deploybook.example.book import RecordFiles
from deploybook.example.cast import Spec
from deploybook.example.clock import Story
from deploybook.example.files import MODULES
from deploybook.records import Coverage, PipelineRun, Stage, TestCaseRun

CI = "https://ci.acme.test/acme"
_CHECKS = ("keeps_order", "refuses_empty", "rounds_cents", "reads_accents", "survives_restart")
_START = {"shop-web": 0.55, "warehouse": 0.31, "shop-search": 0.68}
_GAIN = {"shop-web": 0.16, "warehouse": 0.16, "shop-search": 0.15}


class Tests:
    """The CI of one codebase."""

    def __init__(self, spec: Spec, story: Story, rng: random.Random, out: RecordFiles) -> None:
        self._spec = spec
        self._story = story
        self._rng = rng
        self._out = out
        self._runs = 0
        names = [
            f"test_{module}_{check}" for area in spec.areas for module in MODULES[area] for check in _CHECKS
        ]
        self._names = sorted(rng.sample(names, min(18, len(names))))
        flaky = max(1, round(spec.flaky * 1.6 * len(self._names)))
        self._flaky = rng.sample(self._names, flaky)

    def run(self, sha: str, merged: datetime, *, red: bool) -> datetime:
        """Test one commit of the release branch; returns when the answer was there."""
        rng, spec = self._rng, self._spec
        self._runs += 1
        progress = min(1.0, self._story.week(merged) / 104)
        chance = spec.flaky * (0.75 - 0.45 * progress)
        queued = merged + timedelta(seconds=rng.randrange(4, 40))
        attempt = 1
        while True:
            started = queued + timedelta(seconds=rng.randrange(5, 90))
            minutes = (38 - 26 * progress) * rng.uniform(0.85, 1.25)
            finished = started + timedelta(seconds=round(minutes * 60))
            unlucky = (
                [] if red or attempt > 1 else [name for name in self._flaky if rng.random() < chance / 2.2]
            )
            ok = not red and not unlucky
            self._write(sha, queued, started, finished, attempt=attempt, ok=ok, unlucky=unlucky, red=red)
            if ok or red:
                break
            attempt += 1
            queued = finished + timedelta(minutes=rng.randrange(3, 55))
        if ok and self._runs % 5 == 1:
            self._cover(sha, finished, progress)
        return finished

    def _write(
        self,
        sha: str,
        queued: datetime,
        started: datetime,
        finished: datetime,
        *,
        attempt: int,
        ok: bool,
        unlucky: list[str],
        red: bool,
    ) -> None:
        spec, run = self._spec, str(10_000 + self._runs)
        middle = started + (finished - started) * 0.3
        self._out.write(
            PipelineRun(
                codebase=spec.name,
                id=run,
                pipeline="ci",
                outcome="success" if ok else "failure",
                revision=sha,
                branch="main",
                trigger="push",
                attempt=attempt,
                queued_at=queued,
                started_at=started,
                finished_at=finished,
                url=f"{CI}/{spec.repository}/runs/{run}",
                stages=(
                    Stage(name="build", outcome="success", started_at=started, finished_at=middle),
                    Stage(
                        name="test",
                        outcome="success" if ok else "failure",
                        started_at=middle,
                        finished_at=finished,
                    ),
                ),
            )
        )
        broken = self._names[:2] if red else unlucky
        for name in self._names:
            self._out.write(
                TestCaseRun(
                    codebase=spec.name,
                    name=name,
                    suite="unit",
                    outcome="fail" if name in broken else "pass",
                    revision=sha,
                    run=run,
                    attempt=attempt,
                    job="test",
                    started_at=middle,
                    duration_seconds=round(0.05 + self._rng.random() * 1.4, 3),
                )
            )

    def _cover(self, sha: str, when: datetime, progress: float) -> None:
        name = self._spec.name
        if name == "notifications":
            return  # nobody measures it yet: the site has to say so
        total = 4200 + self._runs * 11
        share = _START.get(name, 0.48) + _GAIN.get(name, 0.2) * progress + self._rng.uniform(-0.01, 0.01)
        self._out.write(
            Coverage(
                codebase=name,
                measured_at=when,
                covered=round(total * share),
                total=total,
                revision=sha,
                unit="lines",
            )
        )
