"""How a codebase reaches its environments: staging, two regions, and back again when it has to."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from deploybook.example.book import RecordFiles
from deploybook.example.cast import REGIONS, Person, Spec
from deploybook.example.testing import CI
from deploybook.records import Deployment, Outcome, PipelineRun, Reason, Said, Stage, Verdict

DEPLOYS = "https://deploys.acme.test"
SMOKE = "Smoke tests of the basket, sign-in and search"


@dataclass
class Running:
    """What one codebase has live, and had before."""

    sha: str = ""
    place: int = -1
    line: str = ""
    """The release line it is on; empty for the release branch."""
    version: str = ""
    history: list[tuple[str, int, str]] = field(default_factory=list)
    """Revision, place and version of each roll-out that stood, oldest first."""


class Ship:
    """The deployments of one codebase."""

    def __init__(self, spec: Spec, rng: random.Random, out: RecordFiles) -> None:
        self.spec = spec
        self._rng = rng
        self._out = out
        self._next = 100
        self.now = Running()
        self.first = ""
        """The id of the last roll-out's first deployment, and when that was done."""
        self.finished = datetime.min.replace(tzinfo=UTC)

    def staging(self, sha: str, version: str, when: datetime, by: Person) -> datetime:
        """To staging; returns when it was there."""
        finished = when + timedelta(seconds=self._rng.randrange(240, 900))
        self._deploy("staging", sha, version, when, finished, by=by)
        return finished

    def roll_out(
        self,
        sha: str,
        version: str,
        when: datetime,
        by: Person,
        *,
        minutes: float,
        gap: float,
        place: int = -1,
        kind: Literal["deploy", "rollback"] = "deploy",
        mends: tuple[str, ...] = (),
        regions: tuple[str, ...] = REGIONS,
        hand: bool = False,
        exact: bool = False,
    ) -> tuple[str, datetime]:
        """To the regions, one after the other; returns the first one's id and finish."""
        run = None if hand else self._promotion(sha, when, minutes, gap * (len(regions) - 1))
        first: tuple[str, datetime] | None = None
        start = when
        for region in regions:
            stretch = 1.0 if exact else self._rng.uniform(0.85, 1.2)
            finished = start + timedelta(seconds=round(minutes * 60 * stretch))
            key = self._deploy(
                region, sha, version, start, finished, by=by, kind=kind, mends=mends, pipeline_run=run
            )
            first = first or (key, finished)
            start = finished + timedelta(minutes=gap)
        assert first is not None
        self.now.sha, self.now.place, self.now.version = sha, place, version
        self.now.history.append((sha, place, version))
        self.first, self.finished = first
        return first

    def broke_off(self, sha: str, version: str, when: datetime, by: Person, *, reached: bool) -> str:
        """A deployment that failed on its way; `reached`: users saw it."""
        run = self._promotion(sha, when, 9, 0, red="production")
        outcome: Outcome = "failure" if reached else "error"
        return self._deploy(
            REGIONS[0],
            sha,
            version,
            when,
            when + timedelta(minutes=9),
            by=by,
            outcome=outcome,
            reached=reached,
            pipeline_run=run,
        )

    def stopped(self, sha: str, when: datetime) -> None:
        """The smoke tests in staging said no: users never saw it."""
        self._promotion(sha, when, 7, 0, red="smoke")

    def verdict(
        self,
        sha: str,
        when: datetime,
        answer: Literal["pass", "fail", "no_proof"],
        why: str,
        override: Said | None = None,
    ) -> None:
        """What the gate said of a promotion."""
        reasons = (
            Reason(check="unlocked", answer="pass", says="No lock is held."),
            Reason(check="smoke", answer=answer, says=why),
        )
        self._out.write(
            Verdict(
                environment=REGIONS[0],
                revision=sha,
                verdict=answer,
                judged_at=when,
                codebase=self.spec.name,
                reasons=reasons,
                override=override,
                url=f"{DEPLOYS}/{self.spec.name}/gate/{sha[:10]}",
            )
        )

    def _id(self) -> str:
        self._next += 1
        return str(self._next)

    def _promotion(self, sha: str, when: datetime, minutes: float, gap: float, *, red: str = "") -> str:
        """The pipeline run of a promotion; `red` is the stage it ended at, if it did."""
        run = f"d{self._id()}"
        end = when + timedelta(minutes=minutes + gap + (minutes if gap else 0))
        smoke = when - timedelta(minutes=6)
        begin = when - timedelta(minutes=14)
        self._out.write(
            PipelineRun(
                codebase=self.spec.name,
                id=run,
                pipeline="deliver",
                outcome="failure" if red else "success",
                revision=sha,
                branch="main",
                trigger="schedule",
                started_at=begin,
                finished_at=when if red == "smoke" else end,
                deploys_to=REGIONS[0],
                url=f"{CI}/{self.spec.repository}/runs/{run}",
                stages=(
                    Stage(name="build", outcome="success", started_at=begin, finished_at=smoke),
                    _stage("smoke", red, smoke, when),
                    *((_stage("production", red, when, end),) if red != "smoke" else ()),
                ),
            )
        )
        return run

    def _deploy(
        self,
        environment: str,
        sha: str,
        version: str,
        started: datetime,
        finished: datetime,
        *,
        by: Person,
        kind: Literal["deploy", "rollback"] = "deploy",
        mends: tuple[str, ...] = (),
        outcome: Outcome = "success",
        reached: bool | None = None,
        pipeline_run: str | None = None,
    ) -> str:
        key = self._id()
        self._out.write(
            Deployment(
                codebase=self.spec.name,
                id=key,
                environment=environment,
                revision=sha,
                version=version,
                started_at=started,
                finished_at=finished,
                outcome=outcome,
                reached=reached,
                kind=kind,
                by=by.login,
                url=f"{DEPLOYS}/{self.spec.name}/{key}",
                mends=mends or None,
                pipeline_run=pipeline_run,
            )
        )
        return key


def _stage(name: str, red: str, started: datetime, finished: datetime) -> Stage:
    return Stage(
        name=name, outcome="failure" if name == red else "success", started_at=started, finished_at=finished
    )
