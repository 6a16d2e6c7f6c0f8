"""GitLab CI: `.gitlab-ci.yml` with the local files that it includes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from deploybook.config.tree import Node, read
from deploybook.pipelines.model import DEEPEST, MOST_JOBS, Job, Pipeline, looks_at_users

FILE = ".gitlab-ci.yml"
_STAGES = ("build", "test", "deploy")
_NO_JOBS = {
    "default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script",
    "after_script", "spec", "pages_",
}  # fmt: skip
_WORKS = ("script", "trigger", "extends", "run")


def included(files: Mapping[str, bytes], paths: tuple[str, ...]) -> set[str]:
    """The local files that `.gitlab-ci.yml`, and what of it is at hand, includes."""
    root = _root(files.get(FILE, b""), FILE)
    found: set[str] = set()
    todo = [root] if root else []
    for _ in range(DEEPEST):
        fresh = {path for node in todo for path in _locals(node, paths)} - found
        found |= fresh
        todo = [tree for path in sorted(fresh) if (tree := _root(files.get(path, b""), path))]
    return found


def pipelines(files: Mapping[str, bytes], paths: tuple[str, ...]) -> Iterator[Pipeline]:
    """The pipeline of `.gitlab-ci.yml`, where there is one."""
    if FILE not in files:
        return
    root = _root(files[FILE], FILE)
    if root is None:
        yield Pipeline("gitlab", FILE, FILE, (), (), aside=(f"{FILE} could not be read",))
        return
    keys: dict[str, Node] = {}
    aside: list[str] = []
    used: set[str] = set()
    _gather(root, files, paths, keys, used=used, aside=aside)
    listed = keys.get("stages")
    named = [word for word, _ in listed.words()] if listed else list(_STAGES)
    stages = (".pre", *(stage for stage in named if stage not in (".pre", ".post")), ".post")
    bodies = {key: node for key, node in keys.items() if key not in _NO_JOBS and node.mapping}
    jobs = [
        _job(key, bodies) for key, node in bodies.items() if not key.startswith(".") and _works(key, bodies)
    ]
    if len(jobs) > MOST_JOBS:
        aside.append(f"{FILE} has more than {MOST_JOBS} jobs")
    wired = tuple(_wired(jobs[:MOST_JOBS], stages, bodies))
    yield Pipeline(
        kind="gitlab",
        file=FILE,
        name="GitLab CI",
        triggers=("on every push",),
        jobs=wired,
        stages=tuple(stage for stage in stages if any(job.stage == stage for job in wired)),
        files=tuple(sorted(used)),
        aside=tuple(dict.fromkeys(aside)),
    )


def _root(data: bytes, path: str) -> Node | None:
    """The last document of a file: a component's own `spec` may stand before it."""
    documents = re.split(rb"^---[ \t]*\r?$", data, flags=re.MULTILINE)
    last = next((each for each in reversed(documents) if each.strip()), b"")
    return read(last, path)[0] if last else None


def _gather(
    root: Node, files: Mapping[str, bytes], paths: tuple[str, ...], keys: dict[str, Node], *,
    used: set[str], aside: list[str], depth: int = 0,
) -> None:  # fmt: skip
    """The keys of a file over those of the files it includes."""
    for item in _includes(root):
        local = _local(item)
        if local is None:
            aside.append(f"includes {_elsewhere(item)}, which is not in this repository")
            continue
        for path in _matching(local, paths):
            if path in used or depth >= DEEPEST:
                continue
            used.add(path)
            tree = _root(files.get(path, b""), path)
            if tree is None:
                aside.append(f"{path} is not there or could not be read")
            else:
                _gather(tree, files, paths, keys, used=used, aside=aside, depth=depth + 1)
    for key, node in root.mapping.items():
        if key in keys and key not in ("stages", "include"):
            merged = {**keys[key].mapping, **node.mapping}
            keys[key] = Node(merged or node.value, node.line)
        else:
            keys[key] = node


def _includes(root: Node) -> list[Node]:
    node = root.get("include")
    if node is None:
        return []
    return node.items or [node]


def _local(item: Node) -> str | None:
    """The local path of an include; none where it is from elsewhere."""
    if isinstance(item.value, str):
        return None if re.match(r"https?:", item.value) else item.value.lstrip("/")
    found = item.get("local")
    return found.value.lstrip("/") if found and isinstance(found.value, str) else None


def _elsewhere(item: Node) -> str:
    if isinstance(item.value, str):
        return "a file of another server"
    for key, says in (("project", "a file of another project"), ("template", "a template of GitLab")):
        if item.get(key):
            return says
    return "a component" if item.get("component") else "a file of another server"


def _matching(local: str, paths: tuple[str, ...]) -> list[str]:
    if "*" not in local:
        return [local]
    return [path for path in paths if fnmatchcase(path, local)][:100]


def _locals(root: Node, paths: tuple[str, ...]) -> Iterator[str]:
    for item in _includes(root):
        local = _local(item)
        if local is not None:
            yield from _matching(local, paths)


def _chain(key: str, bodies: Mapping[str, Node]) -> list[Node]:
    """A job with what it extends, itself first; the later of `extends` before the earlier."""
    found: list[Node] = []
    seen: set[str] = set()
    todo = [key]
    while todo and len(found) < 20:
        name = todo.pop(0)
        if name in seen or name not in bodies:
            continue
        seen.add(name)
        found.append(bodies[name])
        parents = bodies[name].get("extends")
        todo = [word for word, _ in reversed(list(parents.words()))] + todo if parents else todo
    return found


def _works(key: str, bodies: Mapping[str, Node]) -> bool:
    return any(node.get(word) for node in _chain(key, bodies) for word in _WORKS)


def _first(chain: list[Node], *keys: str) -> Node | None:
    return next((found for node in chain if (found := node.get(*keys)) is not None), None)


def _job(key: str, bodies: Mapping[str, Node]) -> Job:
    chain = _chain(key, bodies)
    environment = _first(chain, "environment")
    name = environment.get("name") if environment and environment.mapping else environment
    stops = _text(_first(chain, "environment", "action")) in ("stop", "prepare", "verify", "access")
    rules = _first(chain, "rules")
    manual = _text(_first(chain, "when")) == "manual" or any(
        _text(rule.get("when")) == "manual" for rule in (rules.items if rules else [])
    )
    stage = _text(_first(chain, "stage")) or "test"
    allowed = _first(chain, "allow_failure")
    script = _first(chain, "script")
    lines = [line for line, _ in script.words()] if script else []
    environments = (_text(name) or "",) if _text(name) and not stops else ()
    return Job(
        id=key,
        name=key,
        stage=stage,
        environments=environments,
        approval=manual,
        smoke=looks_at_users(key, stage, *(line[:500] for line in lines[:50])),
        blocks=not (allowed is not None and allowed.value is True),
        condition=next(
            (_text(rule.get("if")) for rule in (rules.items if rules else []) if rule.get("if")), None
        ),
        line=bodies[key].line,
    )


def _wired(jobs: list[Job], stages: tuple[str, ...], bodies: Mapping[str, Node]) -> Iterator[Job]:
    """With what each waits for: its `needs`, else all of the last stage before it that has jobs."""
    by_stage: dict[str, list[str]] = {}
    for job in jobs:
        by_stage.setdefault(job.stage or "test", []).append(job.id)
    order = [stage for stage in stages if stage in by_stage]
    for job in jobs:
        node = _first(_chain(job.id, bodies), "needs")
        if node is not None:
            needs = tuple(_needed(node))
        else:
            place = order.index(job.stage) if job.stage in order else 0
            needs = tuple(by_stage[order[place - 1]]) if place else ()
        yield replace(job, needs=needs)


def _needed(node: Node) -> Iterator[str]:
    for item in node.items:
        found = item.get("job") if item.mapping else item
        if found is not None and isinstance(found.value, str):
            yield found.value


def _text(node: Node | None) -> str | None:
    return node.value if node and isinstance(node.value, str) else None
