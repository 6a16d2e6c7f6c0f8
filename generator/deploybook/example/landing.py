"""How a pull request gets into a repository: merged, squashed, rebased, picked, or pushed past all of it."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploybook.example import files, words
from deploybook.example.book import RecordFiles
from deploybook.example.cast import BOT, BOT_EMAIL, BOT_LOGIN, Person, Spec
from deploybook.example.extras import EPICS
from deploybook.example.repository import Edit, Files, Lines, Repository, Signature, Written
from deploybook.example.words import Words
from deploybook.records import Change, Issue, IssueLink

FORGE = "https://forge.acme.test/acme"
MAIN = "refs/heads/main"
LABELS = {
    "new": "feature",
    "improved": "improvement",
    "fixed": "bug",
    "removed": "removal",
    "behind": "internal",
}


@dataclass(frozen=True)
class Plan:
    """A pull request before it is merged. Instants are UTC."""

    spec: Spec
    area: str
    words: Words
    author: Person
    first: datetime
    opened: datetime
    review: datetime | None
    merged: datetime
    lines: int
    approvals: int | None = 1
    labels: tuple[str, ...] = ()
    branch: str = ""
    milestone: str | None = None
    issue: str | None = None
    """The title of an issue that it closes."""
    also: Spec | None = None
    """The second codebase of the monorepo that it touches."""
    reverts: Landed | None = None
    by_request: bool = True
    """False: pushed straight to the release branch."""
    text: str | None = None
    """The body, where it is told and not drawn."""


@dataclass(eq=False)
class Landed:
    """A change that is on the release branch."""

    plan: Plan
    number: int
    title: str
    commit: Written
    commits: list[Written]
    edits: dict[str, Edit]
    index: int = 0
    """Its place on the branch: the number of first-parent steps before it."""

    @property
    def id(self) -> str:
        """The id of its record: its number, or for a direct push its revision."""
        return str(self.number) if self.plan.by_request else self.commit.sha


@dataclass
class Branch:
    """The release branch as it grows."""

    times: list[datetime] = field(default_factory=list)
    commits: list[Written] = field(default_factory=list)
    landed: list[Landed | None] = field(default_factory=list)
    touched: dict[str, int] = field(default_factory=dict)
    """The last place that touched each path."""

    def at(self, moment: datetime) -> int:
        """The place of its tip at a moment."""
        return max(0, bisect_right(self.times, moment) - 1)

    def add(self, when: datetime, commit: Written, landed: Landed | None, paths: list[str]) -> int:
        """One more first-parent commit."""
        self.times.append(when)
        self.commits.append(commit)
        self.landed.append(landed)
        for path in paths:
            self.touched[path] = len(self.times) - 1
        return len(self.times) - 1


class Line:
    """One repository: its release branch, its pull requests, its release lines."""

    def __init__(
        self, repository: Repository, specs: list[Spec], rng: random.Random, out: RecordFiles
    ) -> None:
        self._repository = repository
        self._specs = specs
        self._rng = rng
        self._out = out
        self._number = specs[0].first_number
        self._serial = 0
        self.branch = Branch()
        self.text = Lines(files.first_files(specs))
        self.lines: dict[str, tuple[Written, Lines]] = {}
        """Release lines: name → tip and text."""

    def begin(self, when: datetime, by: Person) -> None:
        """The first commit."""
        content: Files = {path: self.text.content(path) for path in self.text.files}
        first = self._repository.commit(MAIN, "Begin", content, author=_sign(by, when))
        self.branch.add(when, first, None, list(content))

    def land(self, plan: Plan) -> Landed:
        """Merge a pull request (or push a commit), and write its record."""
        self._number += self._rng.randrange(2, 4)  # issues have numbers, too
        number = self._number
        edits, added, removed = self._edit(plan)
        paths = sorted(edits)
        title = plan.words.title if plan.reverts or plan.author is BOT else ""
        title = title or words.dressed(plan.words, plan.spec.titles, number)
        commit, commits = self._write(plan, number, title, edits)
        landed = Landed(plan, number, title, commit, commits, edits, len(self.branch.times) - 1)
        self.branch.landed[-1] = landed
        if plan.by_request:
            self._record(landed, paths, added, removed)
        return landed

    def _edit(self, plan: Plan) -> tuple[dict[str, Edit], int, int]:
        edits: dict[str, Edit] = {}
        if plan.reverts:
            added = removed = 0
            for path, edit in plan.reverts.edits.items():
                more, fewer = self.text.undo(path, edit)
                edits[path] = Edit(edit.dropped, edit.added)
                added, removed = added + more, removed + fewer
            return edits, added, removed
        paths = self._paths(plan)
        for share, path in enumerate(paths):
            count = max(1, plan.lines // len(paths) + (share == 0) * (plan.lines % len(paths)))
            new = []
            for _ in range(count):
                self._serial += 1
                rule = f'RULES["{plan.area.lower()}-{self._serial}"] = {self._serial * 7919 % 100_003}'
                new.append(f"{plan.words.title}  # {self._serial}" if plan.author is BOT else rule)
            drop = int(count * (0.9 if len(self.text.files[path]) > 140 else 0.35))
            edits[path] = self.text.edit(path, new, drop)
        return (
            edits,
            sum(len(edit.added) for edit in edits.values()),
            sum(len(edit.dropped) for edit in edits.values()),
        )

    def _paths(self, plan: Plan) -> list[str]:
        if plan.author is BOT:
            return [f"{plan.spec.path}/requirements.txt".lstrip("/")]
        choices = files.source_paths(plan.spec, plan.area)
        paths = self._rng.sample(
            choices, 1 if plan.lines < 25 else min(len(choices), self._rng.randrange(1, 4))
        )
        if plan.also:
            paths.append(self._rng.choice(files.source_paths(plan.also, plan.also.areas[0])))
        return paths

    def _write(
        self, plan: Plan, number: int, title: str, edits: dict[str, Edit]
    ) -> tuple[Written, list[Written]]:
        content: Files = {path: self.text.content(path) for path in edits}
        tip = self.branch.commits[-1]
        merger = _sign(plan.author, plan.merged)
        head = f"refs/{'merge-requests' if plan.spec.forge == 'gitlab' else 'pull'}/{number}/head"
        message = title
        if plan.reverts:
            message = f"{title}\n\nThis reverts commit {plan.reverts.commit.sha}."
        if not plan.by_request:
            pushed = self._repository.commit(MAIN, message, content, author=merger, parents=(tip,))
            return self._keep(plan, pushed, list(edits))
        if plan.spec.workflow == "rebase":
            commits = self._series(plan, MAIN, message, content, tip, committed=plan.merged)
            self._repository.ref(head, commits[-1])
            return commits[-1], commits
        touched = max((self.branch.touched.get(path, 0) for path in edits), default=0)
        base = self.branch.commits[max(touched, self.branch.at(plan.first))]
        commits = self._series(plan, head, message, content, base, committed=None)
        if plan.spec.workflow == "squash":
            text = message.replace(title, f"{title} (#{number})", 1)
            squashed = self._repository.commit(MAIN, text, content, author=merger, parents=(tip,))
            return self._keep(plan, squashed, list(edits))
        if plan.spec.forge == "gitlab":
            text = f"Merge branch '{plan.branch}' into 'main'\n\n{title}\n\nSee merge request acme/{plan.spec.repository}!{number}"  # noqa: E501
        else:
            text = f"Merge pull request #{number} from acme/{plan.branch}\n\n{title}"
        merge = self._repository.commit(MAIN, text, content, author=merger, parents=(tip, commits[-1]))
        self.branch.add(plan.merged, merge, None, list(edits))
        return merge, commits

    def _keep(self, plan: Plan, commit: Written, paths: list[str]) -> tuple[Written, list[Written]]:
        self.branch.add(plan.merged, commit, None, paths)
        return commit, [commit]

    def _series(
        self, plan: Plan, ref: str, message: str, content: Files, base: Written, *, committed: datetime | None
    ) -> list[Written]:
        """The commits of a branch: one a file, spread from the first commit to the opening."""
        found: list[Written] = []
        parent = base
        paths = sorted(content)
        for step, path in enumerate(paths):
            moment = plan.first + (plan.opened - plan.first) * (step / len(paths))
            text = message if step == 0 else f"{plan.words.title}: {path.rsplit('/', 1)[1]}"
            author = _sign(plan.author, moment)
            committer = _sign(plan.author, committed) if committed else author
            parent = self._repository.commit(
                ref, text, {path: content[path]}, author=author, committer=committer, parents=(parent,)
            )
            found.append(parent)
            if committed:
                self.branch.add(committed, parent, None, [path])
        return found

    def _record(self, landed: Landed, paths: list[str], added: int, removed: int) -> None:
        plan = landed.plan
        issue = None
        if plan.issue:
            key = f"{plan.spec.repository}/{landed.number - 1}"
            issue = IssueLink(
                id=key, title=plan.issue, url=f"{FORGE}/{plan.spec.repository}/issues/{landed.number - 1}"
            )
            parent = next((EPICS[label] for label in plan.labels if label in EPICS), None)
            self._out.write(
                Issue(
                    id=key,
                    title=plan.issue,
                    codebase=plan.spec.name,
                    parent=parent,
                    state="closed",
                    kind="bug" if plan.words.kind == "fixed" else "story",
                    closed_at=plan.merged,
                    opened_at=plan.first - timedelta(days=self._rng.randrange(1, 30)),
                    url=issue.url,
                )
            )
        request = "-/merge_requests" if plan.spec.forge == "gitlab" else "pull"
        text = plan.text
        if text is None:
            text = words.body(plan.words, self._rng, f"#{landed.number - 1}" if issue else None)
        for spec in (plan.spec, plan.also):
            if spec is None:
                continue
            self._out.write(
                Change(
                    codebase=spec.name,
                    id=str(landed.number),
                    title=landed.title,
                    merged_at=plan.merged,
                    body=text,
                    author=BOT_LOGIN if plan.author is BOT else plan.author.login,
                    branch=plan.branch,
                    base="main",
                    url=f"{FORGE}/{plan.spec.repository}/{request}/{landed.number}",
                    opened_at=plan.opened,
                    first_commit_at=plan.first,
                    first_review_at=plan.review,
                    approved_at=plan.review and plan.merged - (plan.merged - plan.review) / 4
                    if plan.approvals
                    else None,
                    approvals=plan.approvals,
                    merge_revision=landed.commit.sha,
                    revisions=tuple(commit.sha for commit in landed.commits),
                    labels=(LABELS[plan.words.kind], *plan.labels),
                    milestone=plan.milestone,
                    issues=(issue,) if issue else (),
                    additions=added,
                    deletions=removed,
                    files=tuple(paths),
                    reverts=plan.reverts.id if plan.reverts else None,
                )
            )

    def cut(self, name: str, place: int) -> None:
        """Begin a release line at a place of the release branch; only its tip, where the text is at hand."""
        commit = self.branch.commits[place]
        self._repository.ref(f"refs/heads/release/{name}", commit)
        self.lines[name] = (commit, self.text.copy())

    def pick(self, name: str, landed: Landed, by: Person, when: datetime) -> Written:
        """Cherry-pick a landed change onto a release line, with git's own `-x` line."""
        tip, text = self.lines[name]
        for path, edit in landed.edits.items():
            text.apply(path, edit)
        content: Files = {path: text.content(path) for path in landed.edits}
        plan = landed.plan
        message = f"{landed.title}\n\n(cherry picked from commit {landed.commit.sha})"
        commit = self._repository.commit(
            f"refs/heads/release/{name}",
            message,
            content,
            author=_sign(plan.author, plan.merged),
            committer=_sign(by, when),
            parents=(tip,),
        )
        self.lines[name] = (commit, text)
        return commit

    def tag(self, name: str, commit: Written, by: Person, when: datetime) -> None:
        """An annotated release tag."""
        self._repository.tag(name, commit, _sign(by, when), f"Release {name}")


def _sign(person: Person, when: datetime) -> Signature:
    if person is BOT:
        return Signature(BOT_LOGIN, BOT_EMAIL, when)
    return Signature(person.name, person.email, when)
