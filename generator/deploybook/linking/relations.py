"""How changes and commits stand to each other: cherry-picks that copy them, reverts that take them back."""

from __future__ import annotations

from collections.abc import Mapping

from deploybook.linking.changes import Ledger, News, message_of, picked_from
from deploybook.messages import parse


def copies(ledger: Ledger, patch_ids: Mapping[str, str]) -> dict[int, list[int]]:
    """Commits that are one piece of news, by each of them: itself and the others, the original first.

    Args:
        ledger: The codebase's changes.
        patch_ids: By revision, what `git patch-id --stable` says of its content, where it is at hand.
    """
    graph = ledger.graph
    source: dict[int, int | str] = {}
    for place in range(len(graph)):
        said = picked_from(graph, place)
        if said is None:
            continue
        found = graph.find(said)
        if found is None or found != place:
            source[place] = said if found is None else found
    first_with: dict[str, int] = {}
    for place, revision in enumerate(graph.revisions):
        patch = patch_ids.get(revision)
        if patch is None or place in source:
            continue
        first = first_with.setdefault(patch, place)
        # What was taken back and done once more is above the first, and no copy of it.
        if first != place and not graph.contains(place, first):
            source[place] = first
    groups: dict[int | str, list[int]] = {}
    for place in source:
        groups.setdefault(_root(place, source), []).append(place)
    together: dict[int, list[int]] = {}
    for root, picks in groups.items():
        # Without the original at hand the first of its copies stands for it.
        members = sorted(set(picks) | ({root} if isinstance(root, int) else set()))
        if isinstance(root, int):
            members = [root, *(each for each in members if each != root)]
        for member in members:
            together[member] = members
    return together


def _root(place: int, source: Mapping[int, int | str]) -> int | str:
    seen: set[int | str] = set()
    at: int | str = place
    while isinstance(at, int) and at in source and at not in seen:
        seen.add(at)
        at = source[at]
    # A circle that a hostile message makes has no beginning: any of it will do, the same for all of it.
    return min(each for each in seen if isinstance(each, int)) if at in seen else at


def tell_originals(ledger: Ledger, together: Mapping[int, list[int]]) -> None:
    """Mark changes that are copies of others, whole: they are told as the original."""
    for place, change in enumerate(ledger.news):
        content = change.commits
        if change.merge is not None and change.merge in together and change.merge not in content:
            content = (change.merge,)
        roots = [together.get(commit, [commit])[0] for commit in content]
        # A merge of what other pull requests brought has their commits, and is a copy of none of them.
        if not roots or any(root == commit for root, commit in zip(roots, content, strict=True)):
            continue
        owners = [ledger.owner[root] for root in roots]
        if all(owner not in (-1, place) for owner in owners):
            change.original = min(owners)
    for change in ledger.news:
        seen: set[int] = set()
        while change.original is not None:
            further = ledger.news[change.original].original
            if further is None or further in seen:
                break
            seen.add(further)
            change.original = further


def tell_reverts(ledger: Ledger, together: Mapping[int, list[int]]) -> None:
    """Pair each revert with what it takes back: whole changes only."""
    for place, change in enumerate(ledger.news):
        for said in sorted(_targets(ledger, change, together)):
            told = ledger.news[said].original
            target = told if told is not None else said
            mine = change.original if change.original is not None else place
            if (
                target != mine
                and target not in ledger.news[mine].reverts
                and not _leads_to(ledger, target, mine)
            ):
                ledger.news[mine].reverts.append(target)
                ledger.news[target].reverted_by.append(mine)
    depth: dict[int, bool] = {}
    for place in range(len(ledger.news)):
        ledger.news[place].takes_back = _takes_back(ledger, place, depth)


def _leads_to(ledger: Ledger, start: int, goal: int) -> bool:
    """Whether following reverts from `start` comes to `goal`: such a circle is not made."""
    seen, stack = {start}, [start]
    while stack:
        for target in ledger.news[stack.pop()].reverts:
            if target == goal:
                return True
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return False


def _takes_back(ledger: Ledger, place: int, known: dict[int, bool]) -> bool:
    """Whether it takes back something that is itself no revert; without recursion, for hostile chains."""
    stack = [place]
    while stack:
        at = stack[-1]
        if at in known:
            stack.pop()
            continue
        open_ = [target for target in ledger.news[at].reverts if target not in known]
        if open_:
            stack += open_
        else:
            targets = ledger.news[at].reverts
            known[at] = any(not known[target] for target in targets)
            stack.pop()
    return known[place]


def _targets(ledger: Ledger, change: News, together: Mapping[int, list[int]]) -> set[int]:
    graph, record = ledger.graph, change.record
    found: set[int] = set()
    if record.reverts is not None and record.reverts in ledger.by_id:
        found.add(ledger.by_id[record.reverts])
    arrival = message_of(graph, change.merge) if change.merge is not None else ""
    texts = [arrival] if "evert" in arrival else []
    if change.by_pull_request and record.body and "evert" in record.body:
        texts.append(f"{record.title}\n\n{record.body}")
    own = [message_of(graph, place) for place in change.commits if place != change.merge]
    if own and all("This reverts" in message for message in own):
        texts += own
    revisions: list[str] = []
    for text in texts:
        said = parse(text)
        revisions += said.reverts
        if said.reverts_number is not None and str(said.reverts_number) in ledger.by_id:
            found.add(ledger.by_id[str(said.reverts_number)])
    return found | _whole(ledger, revisions, together)


def _whole(ledger: Ledger, revisions: list[str], together: Mapping[int, list[int]]) -> set[int]:
    """The changes that these revisions make up whole: their merge, or every commit of theirs."""
    found: set[int] = set()
    taken: set[int] = set()
    owners: set[int] = set()
    for revision in revisions:
        place = ledger.graph.find(revision)
        if place is None:
            owner = ledger.of_revision(revision)
            if owner is not None and ledger.news[owner].record.merge_revision == revision:
                found.add(owner)
            continue
        for each in together.get(place, [place]):
            taken.add(each)
            if ledger.owner[each] >= 0:
                owners.add(ledger.owner[each])
    for owner in owners:
        change = ledger.news[owner]
        if change.merge in taken or (change.commits and taken.issuperset(change.commits)):
            found.add(owner)
    return found
