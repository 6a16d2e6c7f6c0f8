"""What an environment contains: which changes are in it, and which of them have an effect there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploybook.linking.changes import Ledger


@dataclass(slots=True)
class Move:
    """What a deployment did to the changes of an environment; each list in the changes' order."""

    entered: list[int] = field(default_factory=list)
    """Now in effect: for the first time, or again."""
    left: list[int] = field(default_factory=list)
    """No longer in effect."""
    reverted: list[int] = field(default_factory=list)
    """Those of `left` that are still there, taken back by a revert."""
    undone: list[int] = field(default_factory=list)
    """Arrived together with what takes them back: no news."""
    arrived: list[int] = field(default_factory=list)
    """All that are newly there, copies of others too."""


class Ways:
    """By which commits a change is in a revision."""

    def __init__(self, ledger: Ledger, together: Mapping[int, list[int]]) -> None:
        self.ledger = ledger
        self._together = together
        self.touched_by: dict[int, list[int]] = {}
        self._plain: list[int] = []
        for place, change in enumerate(ledger.news):
            commits = self._commits_of(place)
            simple = change.merge is not None and commits == {change.merge}
            self._plain.append(change.merge if simple and change.merge is not None else -1)
            for commit in commits:
                self.touched_by.setdefault(commit, []).append(place)

    def judged(self, place: int) -> bool:
        """Whether git can tell if the change is in a revision."""
        change = self.ledger.news[place]
        return change.merge is not None or bool(change.commits)

    def holds(self, place: int, inside: bytearray) -> bool:
        """Whether the commits marked in `inside` bring the change."""
        plain = self._plain[place]
        if plain >= 0:
            return bool(inside[plain])
        change = self.ledger.news[place]
        if change.merge is not None and any(inside[each] for each in self._same(change.merge)):
            return True
        if not change.commits:
            return False
        picked = change.merge is None  # without its merge at hand its own commits do as well
        for commit in change.commits:
            here = [each for each in self._same(commit) if inside[each]]
            if not here:
                return False
            picked = picked or here != [commit]
        return picked

    def _same(self, commit: int) -> list[int]:
        return self._together.get(commit) or [commit]

    def _commits_of(self, place: int) -> set[int]:
        change = self.ledger.news[place]
        found = set(self._same(change.merge)) if change.merge is not None else set()
        copied = any(commit in self._together for commit in change.commits)
        if copied or change.merge is None:
            for commit in change.commits:
                found.update(self._same(commit))
        return found


@dataclass(slots=True)
class _Unseen:
    """A revision as the environment saw it first: upon which other, and what its deployment named."""

    below: str | None
    depth: int
    named: list[int] = field(default_factory=list)


class Contents:
    """One environment of one codebase, moved from deployment to deployment."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.news = ways.ledger.news
        self.graph = ways.ledger.graph
        self._inside = bytearray(len(self.graph))
        self._tips: list[int] = []
        self._held = bytearray(len(self.news))
        self._effective = bytearray(len(self.news))
        self._told = bytearray(len(self.news))
        self._named: dict[int, int] = {}
        self._seen: dict[str, _Unseen] = {}
        self._running: str | None = None
        self._by_git = False
        self.ever = bytearray(len(self.news))
        """By change: whether it was ever in effect here."""

    def has(self, place: int) -> bool:
        """Whether a change is in effect here."""
        return bool(self._effective[place])

    def move(self, key: str, tip: int | None, named: Iterable[int], *, stays: bool) -> Move:
        """Deploy a revision.

        Args:
            key: The revision's name, also where git does not have it.
            tip: Its commit, where git has it.
            named: The changes that the deployment names.
            stays: Tags and releases take nothing out.
        """
        touched: set[int] = set()
        if tip is not None:
            touched.update(self._walk(tip, stays=stays))
            touched.update(self._named)
        self._by_git = tip is not None
        trusted = [place for place in named if tip is None or not self.ways.judged(place)]
        touched.update(self._name(key, trusted, stays=stays))
        return self._settle(touched)

    def _walk(self, tip: int, *, stays: bool) -> Iterable[int]:
        commits: list[int] = []
        if stays:
            self._tips.append(tip)
        else:
            gone = self.graph.only_in(self._tips, [tip]) if self._tips else []
            for commit in gone:
                self._inside[commit] = 0
            commits += gone
            self._tips = [tip]
        commits += self.graph.enter(tip, self._inside)
        touched_by = self.ways.touched_by
        return [place for commit in commits for place in touched_by.get(commit, ())]

    def _name(self, key: str, named: list[int], *, stays: bool) -> list[int]:
        """Follow what git cannot judge: a revision holds what the one below it held, and what it names."""
        before = self._running
        touched: list[int] = []
        if key in self._seen and not stays:
            touched += self._step_to(key)
        elif key not in self._seen:
            below = self._seen.get(before) if before is not None else None
            self._seen[key] = _Unseen(before, below.depth + 1 if below else 0)
        node = self._seen[key]
        for place in named:
            if place not in node.named:
                node.named.append(place)
                self._named[place] = self._named.get(place, 0) + 1
                touched.append(place)
        self._running = key
        return touched

    def _step_to(self, key: str) -> list[int]:
        """From the running revision down to where both meet, and up again to `key`."""
        here, there = self._running, key
        up: list[str] = []
        touched: list[int] = []
        while here != there:
            low = self._seen[here].depth if here is not None else -1
            high = self._seen[there].depth
            if here is not None and low >= high:
                for place in self._seen[here].named:
                    self._named[place] -= 1
                    touched.append(place)
                here = self._seen[here].below
            else:
                up.append(there)
                below = self._seen[there].below
                if below is None:
                    break
                there = below
        for each in up:
            for place in self._seen[each].named:
                self._named[place] = self._named.get(place, 0) + 1
                touched.append(place)
        return touched

    def _holds(self, place: int) -> bool:
        if self.ways.holds(place, self._inside):
            return True
        if self._by_git and self.ways.judged(place):
            return False
        return self._named.get(place, 0) > 0

    def _settle(self, touched: set[int]) -> Move:
        move = Move()
        fresh: set[int] = set()
        changed: set[int] = set()
        for place in touched:
            holds = self._holds(place)
            if holds != bool(self._held[place]):
                self._held[place] = holds
                changed.add(place)
                if holds:
                    fresh.add(place)
        move.arrived = sorted(fresh)
        for place in sorted(self._affected(changed)):
            self._judge(place, place in fresh, fresh, move)
        return move

    def _judge(self, place: int, is_fresh: bool, fresh: set[int], move: Move) -> None:
        change = self.news[place]
        if change.original is not None:
            return
        effective = self._is_effective(place)
        was = bool(self._effective[place])
        self._effective[place] = effective
        no_news = not effective or (change.reverts and all(target in fresh for target in change.reverts))
        if is_fresh and no_news:
            move.undone.append(place)
        elif effective and not was:
            self._told[place] = 1
            move.entered.append(place)
        elif was and not effective and self._told[place]:
            self._told[place] = 0
            move.left.append(place)
            if self._held[place]:
                move.reverted.append(place)

    def _affected(self, changed: set[int]) -> set[int]:
        """These, and what they take back, and what that took back."""
        found, stack = set(changed), list(changed)
        while stack:
            for target in self.news[stack.pop()].reverts:
                if target not in found:
                    found.add(target)
                    stack.append(target)
        return found

    def _is_effective(self, place: int) -> bool:
        """There, and nothing in effect takes it back. Chains are walked, not recursed."""
        known: dict[int, bool] = {}
        stack = [place]
        while stack:
            at = stack[-1]
            if at in known:
                stack.pop()
            elif not self._held[at]:
                known[at] = False
            else:
                later = self.news[at].reverted_by
                if any(known.get(each) for each in later):
                    known[at] = False
                elif missing := [each for each in later if each not in known]:
                    stack.append(missing[0])
                else:
                    known[at] = True
        return known[place]
