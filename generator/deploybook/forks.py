"""Work that several processes share: each takes a part of it, does it, and takes the next.

They are forked once all is in memory that the work is made from, so nothing of it is copied or passed. What
passes is what a process tells meanwhile, what it has found at its end, and an error. Where nothing can be
forked, or one process is enough, the same is done in this one.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import resource
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from deploybook.errors import PublishError

Found = TypeVar("Found")
Item = TypeVar("Item")
Tell = Callable[[Any], None]
Work = Callable[[Iterable[int], Tell], Found]
"""Does the parts of these numbers; may tell something meanwhile; gives what it has found."""

MOST = 4
"""More processes than this wait for the longest part, and each needs memory for what it looks at."""
_PARTS = 2048
"""So many numbers go into a pipe of any size."""
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def processors(most: int = MOST) -> int:
    """How many processes may work at a time: one a processor, while each has room for as much as this one."""
    if sys.platform != "linux":  # elsewhere what others have running in threads does not survive a fork
        return 1
    own = _resident()
    return max(1, min(most, len(os.sched_getaffinity(0)), 1 + free_memory(own) // own))


def _resident() -> int:
    """Bytes of memory that this process has now; counting before may have needed more."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def free_memory(own: int, system: Path = Path("/")) -> int:
    """Bytes that may still be taken, on the machine and in the container that this may be."""
    free = []
    with suppress(OSError, ValueError):
        said = (system / "proc/meminfo").read_text("ascii").partition("MemAvailable:")[2]
        free.append(int(said.split("kB")[0]) << 10)
    with suppress(OSError, ValueError):  # "max" where there is no limit
        free.append(int((system / "sys/fs/cgroup/memory.max").read_text("ascii")) - own)
    return max(0, min(free, default=0))


def shared(parts: int, work: Work[Found], hear: Tell, processes: int) -> list[Found]:
    """Do `parts` parts of a work in so many processes, this one among them.

    Args:
        parts: How many there are. They are taken in their order: let the longest come first.
        work: Does some of them; runs once in each process.
        hear: Is told what `work` tells, here, in a thread.
        processes: How many; fewer where there are fewer parts.

    Returns:
        What each process has found.

    Raises:
        Exception: What `work` raised, in whatever process. None of them is left running.
    """
    processes = min(processes, parts)
    if processes <= 1:
        return [work(range(parts), hear)]
    with begun(range(parts), work, hear, processes - 1) as rest:
        return rest()


@contextmanager
def begun(
    parts: Sequence[int], work: Work[Found], hear: Tell, others: int
) -> Iterator[Callable[[], list[Found]]]:
    """Let others begin with a work while this process does something else.

    Args:
        parts: The numbers of its parts, in the order in which they are taken.
        work: Does some of them; runs once in each process.
        hear: Is told what `work` tells, here, in a thread.
        others: How many processes besides this one.

    Yields:
        What does here what is left of it, waits for the others, and gives what each has found. Raises what
        `work` raised, in whatever process. None of them is left running.
    """
    assert len(parts) <= _PARTS, "parts go through a pipe, so there cannot be more"
    queue, fill = os.pipe()
    os.write(fill, b"".join(number.to_bytes(2, "big") for number in parts))
    os.close(fill)
    beside: list[_Beside[Found]] = []

    def rest() -> list[Found]:
        own = work(_taken(queue), hear)
        return [own, *(each.found() for each in beside)]

    try:
        with suppress(OSError):  # no room for one more: those that there are do all of it
            for _ in range(min(others, len(parts))):
                beside.append(_Beside.fork(queue, work))
        for each in beside:
            each.listen(hear)
        yield rest
    finally:
        os.close(queue)
        for each in beside:
            each.end()


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Let some work be done in a process beside this one, which nobody waits for: it ends where this ends.

    What it does has to be of use in whatever part it was done. Where nothing can be forked nothing of it is
    done, and an error in it is not heard.
    """
    pid = 0
    with suppress(OSError):
        pid = _fork(work) if sys.platform == "linux" else 0
    try:
        yield
    finally:
        _end(pid)


def of_each(items: Sequence[Item], find: Callable[[Item], Found], *, worth: int) -> list[Found]:
    """What is found of each item, in their order; in several processes where there are many.

    Args:
        items: Each may be looked at without the others.
        find: Looks at one of them. What it does to this process's memory may be done in another's.
        worth: So many items are worth a process more.

    Raises:
        Exception: What `find` raised.
    """
    size = max(1, -(-len(items) // _PARTS), worth // 4)
    starts = range(0, len(items), size)

    def work(numbers: Iterable[int], _: Tell) -> list[tuple[int, list[Found]]]:
        return [(number, [find(item) for item in items[starts[number] :][:size]]) for number in numbers]

    more = len(items) // worth
    parts = shared(len(starts), work, lambda _: None, min(1 + more, processors()) if more else 1)
    in_order = dict(part for done in parts for part in done)
    return [found for number in range(len(starts)) for found in in_order[number]]


def _taken(queue: int) -> Iterator[int]:
    """Numbers of parts, each given to one process only, until none is left."""
    while number := os.read(queue, 2):
        yield int.from_bytes(number, "big")


@dataclass
class _Beside(Generic[Found]):
    """Another process, as the first one knows it."""

    pid: int
    said: IO[bytes]
    result: list[tuple[Found | None, BaseException | None]] = field(default_factory=list)
    thread: threading.Thread | None = None

    @classmethod
    def fork(cls, queue: int, work: Work[Found]) -> _Beside[Found]:
        """Start one; it does not come back from here."""
        read, write = os.pipe()

        def live() -> None:
            os.close(read)
            _live(queue, write, work)

        try:
            pid = _fork(live)
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)
        return cls(pid, os.fdopen(read, "rb"))

    def listen(self, hear: Tell) -> None:
        """Hear what it tells, in a thread, to its end."""

        def listening() -> None:
            with suppress(EOFError, pickle.UnpicklingError):  # it died, perhaps within a word
                while True:
                    kind, *said = pickle.load(self.said)  # noqa: S301 — our own, by a pipe
                    if kind != "told":
                        self.result.append((said[0], said[1]))
                        return
                    hear(said[0])

        self.thread = threading.Thread(target=listening, daemon=True)
        self.thread.start()

    def found(self) -> Found:
        """What it has found; waits for it. Its error is raised as if it had come up here."""
        assert self.thread is not None
        self.thread.join()
        if not self.result:
            _, status = os.waitpid(self.pid, 0)
            self.pid = 0
            code = os.waitstatus_to_exitcode(status)
            raise PublishError(
                f"a process that shared the work ended with {code} and said nothing",
                next_step="see whether memory ran out; the last good site stands",
            )
        found, error = self.result[0]
        if error is not None:
            raise error
        return found  # type: ignore[return-value]  # of one that has no error

    def end(self) -> None:
        """End it, wherever it is, and wait until it is gone."""
        _end(self.pid)
        if self.thread is not None:
            self.thread.join()
        self.said.close()


def _fork(life: Callable[[], None]) -> int:
    """Fork a process that lives such a life, and does not come back from here; gives its number."""
    parent = os.getpid()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until it knows what to do with it
    try:
        with warnings.catch_warnings():
            # From 3.12 on Python warns of threads. Those that are here are of others' pools, which see to
            # it themselves, and of ours that feed who draws: nothing of theirs is touched in a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _begin(parent, life)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _begin(parent: int, life: Callable[[], None]) -> None:
    """A forked process, to its end: nothing that stands around it here may be run again."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the first process, and that ends this one
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            return
        gc.freeze()  # looking for garbage among what is shared would copy it
        life()
        code = 0
    finally:
        os._exit(code)


def _end(pid: int) -> None:
    """End a process, wherever it is, and wait until it is gone."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _live(queue: int, pipe: int, work: Work[Found]) -> None:
    """The life of one that shares work."""
    with os.fdopen(pipe, "wb") as out:

        def tell(said: Any) -> None:
            pickle.dump(("told", said), out, 5)
            out.flush()

        try:
            ends: tuple[object, ...] = ("ends", work(_taken(queue), tell), None)
        except Exception as error:
            for _ in _taken(queue):  # the others need not begin another part
                pass
            ends = ("ends", None, _portable(error))
        out.write(pickle.dumps(ends, 5))


def _portable(error: Exception) -> BaseException:
    """The error as it can be passed to another process, with what led to it."""
    error.add_note("".join(("in a process that shared the work:\n", *traceback.format_exception(error))))
    try:
        pickle.loads(pickle.dumps(error, 5))  # noqa: S301 — our own
    except Exception:  # of a kind that cannot be passed, or not be made again
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.__notes__ = error.__notes__
        return plain
    return error
