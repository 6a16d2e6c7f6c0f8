"""A pipeline as its file describes it: jobs, what they wait for, and where they deploy to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

MOST_JOBS = 400
"""Jobs of a pipeline, those of the files it uses included; more are left out and told."""
DEEPEST = 4
"""How deep files may use files."""
_SMOKE = re.compile(
    r"\b(smoke|health[ _-]?checks?|canary|synthetics?|post[ _-]?deploy|verify[ _-]?deploy)", re.IGNORECASE
)


@dataclass(frozen=True)
class Job:
    """A job of a pipeline."""

    id: str
    """Its key in the file; in a file that another job uses, with that job's before it: `deploy / push`."""
    name: str
    """As people see it."""
    stage: str | None = None
    needs: tuple[str, ...] = ()
    """Ids of the jobs that must succeed before."""
    environments: tuple[str, ...] = ()
    """Where it deploys to, as the file writes it; what is known only at run time stands as an expression."""
    chosen: bool = False
    """It deploys to one of its environments, which whoever starts it chooses; else to all."""
    fallback: str = ""
    """The environment it deploys to where nobody chose."""
    approval: bool = False
    """A person has to press a button: GitLab's `when: manual`."""
    button: bool = False
    """It runs by itself where its condition holds; elsewhere a person may press a button."""
    smoke: bool = False
    """It looks at a running environment: by its name or its steps."""
    blocks: bool = True
    """Whether the jobs after it wait for its success."""
    uses: str | None = None
    """A file elsewhere that it runs, which cannot be read here."""
    condition: str | None = None
    matrix: tuple[str, ...] = ()
    """What it is run once for each of, by name: os, python."""
    line: int = 0


@dataclass(frozen=True)
class Pipeline:
    """A file that describes a pipeline, with the local files that it uses."""

    kind: Literal["github", "gitlab"]
    file: str
    name: str
    triggers: tuple[str, ...]
    """When it runs, in words: "on every push to main"."""
    jobs: tuple[Job, ...]
    stages: tuple[str, ...] = ()
    """GitLab's stages, in order."""
    files: tuple[str, ...] = ()
    """The other files that were read for it."""
    aside: tuple[str, ...] = ()
    """What could not be read, and why."""
    by_hand: bool = False
    """A person starts it, and nothing else does."""
    follows: tuple[str, ...] = ()
    """Names of the workflows after whose end it runs."""

    @cached_property
    def layers(self) -> tuple[tuple[Job, ...], ...]:
        """Jobs in the order in which they can run: each layer waits for one before."""
        depth = _depths(self.jobs, self.stages)
        found: dict[int, list[Job]] = {}
        for job in self.jobs:
            found.setdefault(depth[job.id], []).append(job)
        return tuple(tuple(found[level]) for level in sorted(found))

    @property
    def environments(self) -> tuple[str, ...]:
        """Where it deploys to, in order, lower-case."""
        names = (name.lower() for layer in self.layers for job in layer for name in job.environments)
        return tuple(dict.fromkeys(names))

    @property
    def smoke_tests(self) -> tuple[Job, ...]:
        """Jobs that look at an environment after something was deployed to one."""
        known = {job.id: job for job in self.jobs}
        return tuple(job for job in self.jobs if job.smoke and _after_deployment(job, known))


def _after_deployment(job: Job, known: dict[str, Job]) -> bool:
    seen: set[str] = set()
    todo = [job.id]
    while todo:
        name = todo.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        if known[name].environments:
            return True
        todo.extend(known[name].needs)
    return False


def looks_at_users(*texts: str) -> bool:
    """Whether a job's words say that it checks a running environment."""
    return any(_SMOKE.search(text) for text in texts)


def _depths(jobs: tuple[Job, ...], stages: tuple[str, ...]) -> dict[str, int]:
    """How many jobs each has before it. A circle, which no forge would run, is cut where it closes."""
    known = {job.id: job for job in jobs}
    order = {stage: number for number, stage in enumerate(stages)}
    depth: dict[str, int] = {}
    for job in jobs:
        stack = [job.id]
        open_: set[str] = set()
        while stack:
            name = stack[-1]
            open_.add(name)
            todo = [
                need
                for need in known[name].needs
                if need in known and need not in depth and need not in open_
            ]
            if todo:
                stack.append(todo[0])
                continue
            stack.pop()
            if name not in depth:
                before = [depth[need] + 1 for need in known[name].needs if need in depth]
                depth[name] = max([order.get(known[name].stage or "", 0), *before])
    return depth
