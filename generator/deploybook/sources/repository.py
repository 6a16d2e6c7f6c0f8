"""A repository at hand: a path as it is, or a URL kept as a bare mirror without file contents."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from deploybook.errors import SourceError
from deploybook.sources import gitcmd

_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?!//)(?!\\).+")
_URL = re.compile(r"(?:https?|ssh|git|file)://.+", re.IGNORECASE)
_REFS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    "+refs/pull/*/head:refs/pull/*/head",
    "+refs/merge-requests/*/head:refs/merge-requests/*/head",
    "+refs/deploybook/locks/*:refs/deploybook/locks/*",
)
HEADS = ("refs/heads/", "refs/remotes/", "refs/pull/", "refs/merge-requests/")
TAGS = "refs/tags/"
_PULL_HEAD = re.compile(r"refs/(?:pull|merge-requests)/(\d{1,18})/head")


class Ref(msgspec.Struct, frozen=True):
    """A reference and its revision; of a tag, what it points to and when it was made."""

    name: str
    revision: str
    seconds: int | None = None
    """UTC: a tagger's time, for a tag without one the commit's; `None` for other references."""


@dataclass
class Repository:
    """A repository that git can read now. What it said of itself is kept: one object is for one run.

    Attributes:
        where: As the configuration spells it, without secrets: for messages.
        folder: The work tree or bare repository.
        mirror: Whether it is our own mirror of a URL.
    """

    where: str
    folder: Path
    mirror: bool = False

    @cached_property
    def named(self) -> list[Ref]:
        """Every branch, head of a pull request and tag with the object that it names, in the order of names.

        Objects are not looked at: there may be tens of thousands. What a tag names may be a tag's own object.
        """
        listed = gitcmd.run(self.folder, "for-each-ref", "--format=%(objectname) %(refname)", *HEADS, TAGS)
        lines = listed.decode("utf-8", "replace").split("\n")[:-1]  # a name may hold other ends of lines
        return [Ref(name, revision) for revision, _, name in (line.partition(" ") for line in lines)]

    @cached_property
    def _heads(self) -> list[Ref]:
        return [ref for ref in self.named if not ref.name.startswith(TAGS)]

    @property
    def tags(self) -> list[Ref]:
        """Tags of commits, in the order of their names; those of anything else are left out."""
        return [tag for _, tag in self.peeled]

    @cached_property
    def peeled(self) -> list[tuple[str, Ref]]:
        """What each of the tags names, a commit or the tag's own object, and the tag."""
        fields = ("objecttype", "objectname", "*objecttype", "*objectname", "creatordate:unix", "refname")
        form = " ".join(f"%({field})" for field in fields)
        found, of_tags = [], []
        for line in gitcmd.run(self.folder, "for-each-ref", f"--format={form}", TAGS).splitlines():
            kind, revision, peeled_kind, peeled, seconds, name = line.decode("utf-8", "replace").split(" ", 5)
            tag = Ref(name, peeled or revision, int(seconds) if seconds.isdigit() else None)
            if "commit" in (kind, peeled_kind):
                found.append((revision, tag))
            elif peeled_kind == "tag":
                of_tags.append((revision, tag))
        found += self._through(of_tags) if of_tags else []
        nobodys = {tag.revision for _, tag in found if tag.seconds is None}
        made = self._committed(nobodys) if nobodys else {}
        return [
            (revision, tag if tag.seconds else Ref(tag.name, tag.revision, made.get(tag.revision)))
            for revision, tag in found
        ]

    def _through(self, of_tags: list[tuple[str, Ref]]) -> list[tuple[str, Ref]]:
        """Tags of tags with the commits that they lead to in the end; git looks through one at a time."""
        asked = [f"{revision}^{{commit}}" for revision, _ in of_tags]
        said = gitcmd.run(self.folder, "cat-file", "--batch-check", lines=asked).decode("ascii", "replace")
        answers = [line.split(" ") for line in said.splitlines()]
        return [
            (revision, Ref(tag.name, answer[0], tag.seconds))
            for (revision, tag), answer in zip(of_tags, answers, strict=True)
            if answer[1:2] == ["commit"]
        ]

    def _committed(self, revisions: Iterable[str]) -> dict[str, int]:
        """When commits were made: tags of git's first years name no tagger, and so no time of their own."""
        said = gitcmd.run(
            self.folder, "log", "--no-walk=unsorted", "--format=%H %ct", "--stdin", lines=sorted(revisions)
        )
        rows = (line.split(" ") for line in said.decode("ascii").splitlines())
        return {revision: int(seconds) for revision, seconds in rows if seconds.isdigit()}

    def release_revision(self, branch: str | None) -> str | None:
        """The newest commit of the release branch; `None` where the repository is empty.

        Raises:
            SourceError: There is no such branch.
        """
        name = self.release_ref(branch)
        if name is None:
            return None
        for ref in self._heads:
            if ref.name == name:
                return ref.revision
        return gitcmd.run(self.folder, "rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()

    def release_ref(self, branch: str | None) -> str | None:
        """The full name of the release branch's reference; `None` where the repository is empty.

        What the remote has counts before what a clone has of its own. Without a name it is the remote's
        default branch, else the branch checked out, else `main` or `master`.

        Raises:
            SourceError: There is no such branch.
        """
        names = {ref.name for ref in self._heads}
        wanted = [branch] if branch else ["main", "master"]
        candidates = [
            name for item in wanted for name in (f"refs/remotes/origin/{item}", f"refs/heads/{item}")
        ]
        if branch is None:
            default = [self._symbolic("refs/remotes/origin/HEAD"), self._symbolic("HEAD")]
            candidates = [name for name in default if name] + candidates
        for name in candidates:
            if name in names:
                return name
        if branch is None and self._detached():
            return "HEAD"
        if branch is None and not any(name.startswith(("refs/heads/", "refs/remotes/")) for name in names):
            return None
        raise SourceError(
            f"there is no branch {branch!r}" if branch else "its default branch is not known",
            where=self.where,
            next_step="Set `release_branch:` to a branch that is there, and fetch it.",
        )

    def shallow(self) -> bool:
        """Whether older history was cut off when it was cloned."""
        return bool(self.boundary())

    @cached_property
    def remotes(self) -> dict[str, str]:
        """The address of each remote, by its name."""
        try:
            said = gitcmd.run(self.folder, "config", "--get-regexp", r"^remote\..*\.url$")
        except SourceError:  # what git says of none
            return {}
        rows = (line.partition(" ") for line in said.decode("utf-8", "replace").split("\n"))
        return {key.removeprefix("remote.").removesuffix(".url"): address for key, _, address in rows if key}

    def boundary(self) -> list[str]:
        """The commits below which older history was cut off: what they changed is not known."""
        try:
            return (self.folder_of_git() / "shallow").read_text("ascii").split()
        except FileNotFoundError:
            return []

    def partial(self) -> bool:
        """Whether contents may be missing (a clone with a filter), so that nothing may ask for them."""
        packs = self.folder_of_git() / "objects" / "pack"
        return any(packs.glob("*.promisor"))

    def lazy(self) -> bool:
        """Whether git would fetch what is missing as soon as it is asked for: a clone with a filter."""
        if not self.partial():
            return False
        try:
            return bool(gitcmd.run(self.folder, "config", "--get-regexp", r"^remote\..*\.promisor$"))
        except SourceError:  # what git says of none: it was cut off, and nobody is there to be asked
            return False

    @property
    def usual(self) -> Path | None:
        """The folder of git where it lies where it mostly does: in a bare repository, or a clone."""
        for usual in (self.folder, self.folder / ".git"):
            if (usual / "HEAD").is_file() and (usual / "objects").is_dir():
                return usual
        return None

    def folder_of_git(self) -> Path:
        """The folder that holds the objects, also of a linked work tree."""
        if (usual := self.usual) is not None:
            return usual
        said = gitcmd.run(self.folder, "rev-parse", "--git-common-dir").decode().strip()
        return (self.folder / said).resolve()

    def _symbolic(self, name: str) -> str | None:
        try:
            return gitcmd.run(self.folder, "symbolic-ref", "-q", name).decode("utf-8", "replace").strip()
        except SourceError:
            return None

    def _detached(self) -> bool:
        try:
            gitcmd.run(self.folder, "rev-parse", "-q", "--verify", "HEAD^{commit}")
        except SourceError:
            return False
        return True


def pull_heads(refs: list[Ref]) -> dict[int, str]:
    """The head revision of each pull or merge request that the repository has a reference for."""
    heads = {}
    for ref in refs:
        if found := _PULL_HEAD.fullmatch(ref.name):
            heads[int(found[1])] = ref.revision
    return heads


def is_remote(location: str) -> bool:
    """Whether a `repository:` is a URL (or scp-like address) rather than a path."""
    return bool(_URL.fullmatch(location) or _SCP_LIKE.fullmatch(location))


def at_hand(location: str, root: Path, mirror: Path) -> Repository:
    """Make a repository readable: a path as it is, a URL by fetching what is new into its mirror.

    Args:
        location: `repository:` of the configuration.
        root: What a relative path is relative to.
        mirror: Where the mirror of a URL is kept.

    Raises:
        SourceError: It is not there, cannot be fetched, or is no repository.
    """
    where = gitcmd.without_secrets(location)
    if location.startswith("-") or "::" in location:
        raise SourceError(
            "this is no address of a repository",
            where=where,
            next_step="Give a path, or a URL that begins with https:// or ssh://.",
        )
    folder = (root / Path(location).expanduser()).resolve()
    if folder.is_dir():
        repository = Repository(where, folder)
        if not repository.usual:
            gitcmd.run(folder, "rev-parse", "--git-dir")
        return repository
    if not is_remote(location):
        raise SourceError(
            "there is no such folder", where=where, next_step="Check the path, or clone the repository there."
        )
    return _mirrored(location, where, mirror)


def _mirrored(url: str, where: str, mirror: Path) -> Repository:
    if not (mirror / "HEAD").is_file():
        shutil.rmtree(mirror, ignore_errors=True)
        mirror.mkdir(parents=True)
        gitcmd.run(mirror, "init", "--bare", "--quiet", "--template=", ".")
    for left in mirror.rglob("*.lock"):  # left by a run that was killed; one run at a time writes here
        left.unlink(missing_ok=True)
    try:
        _fetch(url, mirror)
    except SourceError as error:
        raise SourceError(error.what, where=where, next_step=error.next_step) from error
    return Repository(where, mirror, mirror=True)


def _fetch(url: str, mirror: Path) -> None:
    gitcmd.run(mirror, "config", "remote.origin.url", url)
    gitcmd.run(
        mirror, "fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head",
        "--no-auto-maintenance", "--filter=blob:none", "origin", *_REFS, seconds=gitcmd.FETCH_SECONDS,
    )  # fmt: skip
    said = gitcmd.run(mirror, "ls-remote", "--symref", "origin", "HEAD", seconds=gitcmd.FETCH_SECONDS)
    for line in said.decode("utf-8", "replace").splitlines():
        if line.startswith("ref: refs/heads/"):
            gitcmd.run(mirror, "symbolic-ref", "HEAD", line.split("\t")[0].removeprefix("ref: "))
            return
