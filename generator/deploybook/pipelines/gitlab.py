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
        triggers=_triggers(root, keys),
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
    # Outside of rules a job that waits for a button holds up nothing, unless it says otherwise.
    plain = rules is None and _text(_first(chain, "when")) == "manual"
    ways = _ways(rules)
    buttons = [_text(rule.get("when")) == "manual" for rule in ways]
    strange = _strange(chain, bodies)
    # A stage may stand in what is described elsewhere: then it is not the default one.
    stage = _text(_first(chain, "stage")) or (None if strange else "test")
    allowed = _first(chain, "allow_failure")
    script = _first(chain, "script")
    lines = [line for line, _ in script.words()] if script else []
    environments = (_text(name) or "",) if _text(name) and not stops else ()
    return Job(
        id=key,
        name=key,
        stage=stage,
        environments=environments,
        approval=plain or (any(buttons) and all(buttons)),
        button=any(buttons) and not all(buttons),
        smoke=looks_at_users(key, stage or "", *(line[:500] for line in lines[:50])),
        blocks=not _allowed(ways, allowed, otherwise=plain),
        uses=_child(_first(chain, "trigger")) or strange,
        matrix=_axes(_first(chain, "parallel", "matrix")),
        condition=_condition(ways, _first(chain, "only"), _first(chain, "except")),
        line=bodies[key].line,
    )


def _strange(chain: list[Node], bodies: Mapping[str, Node]) -> str | None:
    """What a job extends that no file at hand describes."""
    names = [word for node in chain if (parents := node.get("extends")) for word, _ in parents.words()]
    return next((name for name in names if name not in bodies), None)


def _ways(rules: Node | None) -> list[Node]:
    """The rules by which a job is there, by itself or behind a button."""
    return [rule for rule in (rules.items if rules else []) if _text(rule.get("when")) != "never"]


def _allowed(ways: list[Node], allowed: Node | None, *, otherwise: bool) -> bool:
    """Whether a failure stops nothing, whichever rule it came by."""
    whole = allowed.value is True if allowed is not None else otherwise
    own = [node.value is True if (node := rule.get("allow_failure")) else whole for rule in ways]
    return all(own) if own else whole


def _condition(ways: list[Node], only: Node | None, never: Node | None) -> str | None:
    """When a job runs: the `if` of each rule that starts it, else the names after `only` and `except`.

    Rules behind which a button waits count where there are no others.
    """
    alone = [rule for rule in ways if _text(rule.get("when")) != "manual"] or ways
    asked = [_asked(rule) for rule in alone]
    if alone and all(asked):
        return " or ".join(dict.fromkeys(each for each in asked if each))
    named, off = _plain(only), _plain(never)
    parts = [" or ".join(named)] if named else []
    parts += [f"not {' or '.join(off)}"] if off else []
    return " and ".join(parts) or None


def _asked(rule: Node) -> str:
    """What one rule asks for: a condition, and files that changed or are there."""
    files = [says for key, says in _FILES.items() if rule.get(key)]
    return " and ".join([condition, *files] if (condition := _text(rule.get("if"))) else files)


_FILES = {"changes": "certain files changed", "exists": "certain files are there"}


def _plain(node: Node | None) -> list[str]:
    return [word for word, _ in node.words()] if node and not node.mapping else []


def _axes(node: Node | None) -> tuple[str, ...]:
    """What a job is run once for each of."""
    return tuple(dict.fromkeys(key for leg in (node.items if node else []) for key in leg.mapping))


def _child(node: Node | None) -> str | None:
    """The pipeline that a job starts in its place."""
    if node is None:
        return None
    return _text(node) or _text(node.get("project")) or _text(node.get("include")) or "another pipeline"


_SOURCES = {
    "merge_request_event": "on every merge request", "push": "on every push", "schedule": "on a schedule",
    "web": "by hand", "api": "when another system asks", "trigger": "when another system asks",
    "pipeline": "after another pipeline", "parent_pipeline": "after another pipeline",
}  # fmt: skip


def _triggers(root: Node, keys: Mapping[str, Node]) -> tuple[str, ...]:
    """When it runs: what the rules of `workflow` let through, else every push."""
    workflow = root.get("workflow") or keys.get("workflow")
    rules = workflow.get("rules") if workflow else None
    found: list[str] = []
    for rule in rules.items if rules else []:
        if _text(rule.get("when")) == "never":
            continue
        told = _text(rule.get("if")) or ""
        found += [says for source, says in _SOURCES.items() if re.search(rf"[\"']{source}[\"']", told)]
        if "$CI_COMMIT_TAG" in told:
            found.append("on every tag")
        if "$CI_COMMIT_BRANCH" in told or "$CI_DEFAULT_BRANCH" in told:
            found.append("on every push to certain branches")
        if not told and not rule.get("changes"):
            found.append("on every push")
    if rules is None:
        # Without rules of its own it runs on pushes, and on a schedule that its jobs speak of.
        lines = [_text(rule.get("if")) or "" for node in keys.values() for rule in _ways(node.get("rules"))]
        planned = any(re.search(r"[\"']schedule[\"']", line) for line in lines)
        return ("on every push", "on a schedule") if planned else ("on every push",)
    return tuple(dict.fromkeys(found)) or ("on every push",)


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
        if item.get("project") or item.get("pipeline"):
            continue  # a job of another pipeline
        found = item.get("job") if item.mapping else item
        if found is not None and isinstance(found.value, str):
            yield found.value


def _text(node: Node | None) -> str | None:
    return node.value if node and isinstance(node.value, str) else None
