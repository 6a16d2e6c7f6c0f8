"""GitHub Actions: the files of `.github/workflows/`, with the local ones that they use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deploybook.config.tree import Node, read
from deploybook.pipelines import triggers as starting
from deploybook.pipelines.model import DEEPEST, MOST_JOBS, Job, Pipeline, looks_at_users

FOLDER = ".github/workflows/"
_EXPRESSION = re.compile(
    r"\$\{\{\s*(?:matrix|(?:github\.event\.)?inputs)\.([\w-]+)(?:\s*\|\|\s*'([^']*)')?\s*\}\}"
)
_LEGS = 8
"""Legs of a matrix that are named; the others are counted."""


@dataclass(frozen=True)
class _Value:
    """What a matrix' key or an input stands for: each of these in turn, or the one that somebody chooses."""

    options: tuple[str, ...]
    chosen: bool = False
    fallback: str = ""
    """Which it is where nobody chose, as the file says."""


_Values = Mapping[str, _Value]


def is_workflow(path: str) -> bool:
    """Whether GitHub would take a file for a workflow."""
    return path.startswith(FOLDER) and path.count("/") == 2 and path.endswith((".yml", ".yaml"))


def pipelines(files: Mapping[str, bytes]) -> Iterator[Pipeline]:
    """Every workflow that something but another workflow starts, by file."""
    trees: dict[str, Node | None] = {}
    problems: dict[str, str] = {}
    for path in sorted(filter(is_workflow, files)):
        trees[path], wrong = read(files[path], path)
        if trees[path] is None and wrong:
            problems[path] = f"{path} could not be read: {wrong[0].found}"
    for path, root in trees.items():
        if root is None:
            if path in problems:
                yield Pipeline("github", path, path.rpartition("/")[2], (), (), aside=(problems[path],))
            continue
        triggers = root.get("on") or root.get("true")
        starts = _events(triggers)
        if starts == ["workflow_call"]:
            continue
        yield _pipeline(path, root, trees, starts, triggers)


def _pipeline(
    path: str, root: Node, trees: Mapping[str, Node | None], starts: list[str], triggers: Node | None
) -> Pipeline:
    reading = _Reading(trees)
    jobs = tuple(reading.jobs(path, root, _choices(triggers)))[:MOST_JOBS]
    name = root.get("name")
    return Pipeline(
        kind="github",
        file=path,
        name=str(name.value) if name and name.value else path.rpartition("/")[2].rpartition(".")[0],
        triggers=tuple(starting.worded(starts, triggers)),
        jobs=jobs,
        files=tuple(sorted(reading.used)),
        aside=tuple(dict.fromkeys(reading.aside)),
        by_hand=starts == ["workflow_dispatch"],
        follows=starting.follows(triggers),
    )


def _events(triggers: Node | None) -> list[str]:
    if triggers is None:
        return []
    if triggers.mapping:
        return list(triggers.mapping)
    return [word for word, _ in triggers.words()]


def _list(node: Node | None) -> list[str]:
    return [word for word, _ in node.words()] if node else []


class _Reading:
    """One workflow with the workflows it uses; what was used and what could not be is kept."""

    def __init__(self, trees: Mapping[str, Node | None]) -> None:
        self.trees = trees
        self.used: set[str] = set()
        self.aside: list[str] = []
        self.count = 0

    def jobs(
        self, path: str, root: Node, given: _Values, *,
        depth: int = 0, prefix: str = "", before: str = "",
    ) -> Iterator[Job]:  # fmt: skip
        """The jobs of a file; those of a file it uses stand for the job that uses it."""
        listed = root.get("jobs")
        ends: dict[str, tuple[str, ...]] = {}
        made: list[tuple[str, Node, list[Job]]] = []
        for key, node in (listed.mapping if listed else {}).items():
            self.count += 1
            if self.count > MOST_JOBS:
                self.aside.append(f"{path} has more than {MOST_JOBS} jobs")
                break
            job = self._job(key, node, given, prefix, before)
            called = job.uses if job.uses and job.uses.startswith("./") else None
            inside = list(self._called(called, node, job, given, depth)) if called else []
            ends[key] = _ends(inside) if inside else (job.id,)
            made.append((key, node, inside or [job]))
        for _, node, jobs in made:
            own = tuple(end for need in _list(node.get("needs")) for end in ends.get(need, ()))
            inner = {job.id for job in jobs}
            for job in jobs:
                if not set(job.needs) & inner:
                    yield replace(job, needs=own)
                else:
                    yield job

    def _job(self, key: str, node: Node, given: _Values, prefix: str, before: str) -> Job:
        name = _text(node.get("name")) or key
        uses = _text(node.get("uses"))
        steps = node.get("steps")
        words = [text for step in (steps.items if steps else []) for text in _step(step)]
        environment = _text(node.get("environment", "name")) or _text(node.get("environment"))
        if environment is None and uses and not uses.startswith("./"):
            environment = _text(node.get("with", "environment"))  # what a file elsewhere is told to deploy to
        axes, tolerant = node.get("strategy", "matrix"), node.get("continue-on-error")
        values = {**given, **_matrix(axes)}
        where = _resolved(environment, values)
        return Job(
            id=f"{prefix}{key}",
            name=f"{before}{_of_legs(name, axes) or _named(name, values) or key}",
            needs=(),
            environments=where.options,
            chosen=where.chosen and len(where.options) > 1,
            fallback=where.fallback,
            smoke=looks_at_users(key, name, *words),
            blocks=not (tolerant is not None and tolerant.value is True),
            matrix=tuple(key for key in axes.mapping if key not in ("include", "exclude")) if axes else (),
            uses=uses,
            condition=_text(node.get("if")),
            line=node.line,
        )

    def _called(self, called: str, node: Node, job: Job, given: _Values, depth: int) -> Iterator[Job]:
        path = called.removeprefix("./").partition("@")[0]
        root = self.trees.get(path)
        if root is None or depth >= DEEPEST:
            why = "uses files deeper than that" if root is not None else "is not there or could not be read"
            self.aside.append(f"{path} {why}")
            return
        self.used.add(path)
        inputs = node.get("with")
        values = {**given, **_matrix(node.get("strategy", "matrix"))}
        passed = {
            key: _resolved(_text(value), values) for key, value in (inputs.mapping if inputs else {}).items()
        }
        inside = self.jobs(
            path, root, passed, depth=depth + 1, prefix=f"{job.id} / ", before=f"{job.name} / "
        )
        for each in inside:
            # What holds for the job that uses the file holds for all of the file's.
            axes = tuple(dict.fromkeys((*job.matrix, *each.matrix)))
            yield replace(each, condition=_both(job.condition, each.condition), matrix=axes)


def _both(outer: str | None, inner: str | None) -> str | None:
    """Two conditions that both have to hold, as an expression of GitHub says it."""
    found = [re.sub(r"^\$\{\{\s*|\s*\}\}$", "", text.strip()) for text in (outer, inner) if text]
    if len(found) < 2:
        return outer or inner
    return " && ".join(f"({text})" if "||" in text else text for text in found)


def _choices(triggers: Node | None) -> dict[str, _Value]:
    """What a person who starts the workflow may choose from, by input."""
    inputs = triggers.get("workflow_dispatch", "inputs") if triggers else None
    listed = {key: _list(node.get("options")) for key, node in (inputs.mapping if inputs else {}).items()}
    return {key: _Value(tuple(options[:20]), chosen=True) for key, options in listed.items() if options}


def _ends(jobs: list[Job]) -> tuple[str, ...]:
    """The jobs that no other one waits for."""
    needed = {need for job in jobs for need in job.needs}
    return tuple(job.id for job in jobs if job.id not in needed)


def _step(step: Node) -> Iterator[str]:
    for key in ("name", "uses", "id"):
        if text := _text(step.get(key)):
            yield text
    if run := _text(step.get("run")):
        yield run[:2000]


def _matrix(node: Node | None) -> dict[str, _Value]:
    """What each key of a matrix stands for, those that are only under `include` too."""
    found: dict[str, list[str]] = {}
    for key, values in (node.mapping if node else {}).items():
        if key not in ("include", "exclude"):
            found[key] = [
                str(item.value) for item in values.items if isinstance(item.value, str | int | float)
            ]
    more = node.get("include") if node else None
    for leg in more.items if more else []:
        for key, value in leg.mapping.items():
            if isinstance(value.value, str | int | float):
                found.setdefault(key, []).append(str(value.value))
    return {key: _Value(tuple(dict.fromkeys(values))[:20]) for key, values in found.items() if values}


def _resolved(text: str | None, values: _Values) -> _Value:
    """A text with its one matrix or input value put in, once for each."""
    if not text:
        return _Value(())
    found = _EXPRESSION.search(text)
    if found is None or found[1] not in values:
        return _Value((text,))
    value = values[found[1]]
    options = tuple(text.replace(found[0], option) for option in value.options)
    # Without a choice, in a run that nobody started by hand, it is what stands behind `||`.
    fallback = text.replace(found[0], found[2]) if found[2] else value.fallback
    return _Value(options, value.chosen, fallback if value.chosen else "")


def _named(name: str, values: _Values) -> str | None:
    """A name with its values put in; none where it is known only at run time."""
    unknown = _Value(("${{",))
    told = _EXPRESSION.sub(lambda found: "|".join(values.get(found[1], unknown).options), name)
    return None if "${{" in told else told


def _of_legs(name: str, axes: Node | None) -> str | None:
    """The names of the legs of a matrix that lists each; none where it has axes, or is not in the name."""
    legs = axes.get("include") if axes else None
    if axes is None or legs is None or set(axes.mapping) != {"include"} or "matrix." not in name:
        return None
    found = []
    for leg in legs.items:
        values = {
            key: _Value((str(node.value),))
            for key, node in leg.mapping.items()
            if isinstance(node.value, str | int | float)
        }
        found.append(_named(name, values))
    told = list(dict.fromkeys(each for each in found if each))
    more = f" and {len(told) - _LEGS} more" if len(told) > _LEGS else ""
    return ", ".join(told[:_LEGS]) + more if told and None not in found else None


def _text(node: Node | None) -> str | None:
    return node.value if node and isinstance(node.value, str) else None
