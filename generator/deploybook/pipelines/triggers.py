"""What starts a workflow of GitHub, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploybook.config.tree import Node

_WORDS = {
    "workflow_dispatch": "by hand",
    "pull_request": "on every pull request",
    "pull_request_target": "on every pull request",
    "push": "on every push",
    "schedule": "on a schedule",
    "release": "when a release is made",
    "merge_group": "in the merge queue",
    "workflow_run": "after another workflow",
    "workflow_call": "when another workflow uses it",
    "deployment": "when a deployment is made",
    "repository_dispatch": "when another system asks",
    "issues": "when an issue changes",
    "issue_comment": "on a comment",
    "pull_request_review": "on a review",
}
_ONES = {"issues": "an issue", "pull_request": "a pull request", "pull_request_target": "a pull request"}
_PULLS = ("pull_request", "pull_request_target")
_USUAL = ("opened", "synchronize", "reopened")
"""What of a pull request starts a workflow that says nothing of it."""
_SOME = 4
"""Branches, tags or folders that are named; more are counted."""


def worded(events: Sequence[str], triggers: Node | None) -> Iterator[str]:
    """Each event that starts a workflow, with all that narrows it."""
    for event in events:
        if event == "workflow_call":
            continue
        narrowed = triggers.get(event) if triggers else None
        says = _WORDS.get(event, event.replace("_", " "))
        if narrowed is None:
            says += ", by the file of its base" if event == "pull_request_target" else ""
        else:
            says = _what(event, says, narrowed) + _where(event, narrowed) + _files(narrowed)
            says += _also(event, narrowed)
        yield says


def follows(triggers: Node | None) -> tuple[str, ...]:
    """The names of the workflows after whose end one runs."""
    return tuple(_list(triggers.get("workflow_run", "workflows"))) if triggers else ()


def _what(event: str, says: str, narrowed: Node) -> str:
    """What must happen to a pull request or an issue; after which workflow."""
    kinds = _list(narrowed.get("types"))
    if event in _PULLS and "synchronize" in kinds:
        return says
    if event in _ONES and kinds:
        return f"when {_ONES[event]} is {_or([_done(kind) for kind in kinds])}"
    if event == "workflow_run" and (after := _list(narrowed.get("workflows"))):
        return f"after {_some(after)}"
    return says


def _also(event: str, narrowed: Node) -> str:
    """What else of a pull request starts it, and whose file that is."""
    kinds = _list(narrowed.get("types"))
    more = [_done(kind) for kind in kinds if kind not in _USUAL] if "synchronize" in kinds else []
    says = f", also when {_or(more)}" if more and event in _PULLS else ""
    return says + (", by the file of its base" if event == "pull_request_target" else "")


def _done(kind: str) -> str:
    return {"synchronize": "changed", "ready_for_review": "made ready for review"}.get(
        kind, kind.replace("_", " ")
    )


def _where(event: str, narrowed: Node) -> str:
    """To which branches, of which tags."""
    branches, tags = _list(narrowed.get("branches")), _list(narrowed.get("tags"))
    no_branches, no_tags = _list(narrowed.get("branches-ignore")), _list(narrowed.get("tags-ignore"))
    to = "on" if event == "workflow_run" else "to"
    some = [f"{to} {_some(branches)}"] if branches else []
    some += [f"{to} branches other than {_some(no_branches)}"] if no_branches else []
    some += [f"of tags {_some(tags)}"] if tags else []
    some += [f"of tags other than {_some(no_tags)}"] if no_tags else []
    return f" {' or '.join(some)}" if some else ""


def _files(narrowed: Node) -> str:
    paths, others = _list(narrowed.get("paths")), _list(narrowed.get("paths-ignore"))
    says = f" that changes {_some(paths)}" if paths else ""
    return says + (f" that changes more than {_some(others)}" if others else "")


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SOME} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + rest


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)


def _list(node: Node | None) -> list[str]:
    return [word for word, _ in node.words()] if node else []
