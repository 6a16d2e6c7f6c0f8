"""YAML as a tree in which every value knows its line. Safe with any input: only text and numbers come of it.

Read from the parser's events, not through its constructors: no tag makes an object, depth, aliases and size
are bounded, a key that stands twice is seen. Plain words are read as in YAML 1.2: `on`, `NO` and `12:00` are
words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import events

from deploybook.errors import Problem

MAX_BYTES = 4_000_000
MAX_DEPTH = 40
MAX_NODES = 200_000
"""Nodes after aliases are expanded."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}


@dataclass
class Node:
    """A value of the file.

    `value` is a scalar, or a list of nodes, or a dict of nodes by key; `line` is 1-based, a key's own line
    for what stands behind a key.
    """

    value: Any
    line: int
    size: int = 1
    anchor: str | None = None
    pending: str | None = None
    """While it is read: the key whose value comes next."""
    pending_line: int = 0
    merged: set[str] = field(default_factory=set)
    """While it is read: keys that came by `<<`, which its own replace."""

    @property
    def mapping(self) -> dict[str, Node]:
        """Its entries; none where it is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """Its items; none where it is no list."""
        return self.value if isinstance(self.value, list) else []

    def get(self, *keys: str) -> Node | None:
        """What stands behind these keys, one in the other."""
        node: Node | None = self
        for key in keys:
            node = node.mapping.get(key) if node else None
        return node

    def words(self) -> Iterator[tuple[str, Node]]:
        """The texts of a list, or the one that stands for a list."""
        for node in self.items or [self]:
            if isinstance(node.value, str):
                yield node.value, node

    def plain(self) -> Any:
        """The same without lines."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class _Stop(Exception):
    """The file cannot be read further."""


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.open: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self.nodes = 0

    def problem(self, line: int, found: str, expected: str, suggestion: str = "") -> None:
        key = ".".join(node.pending for node in self.open if node.pending) or "the file"
        self.problems.append(Problem(f"{self.file}:{line}", key, found, expected, suggestion))

    def stop(self, line: int, found: str, expected: str) -> _Stop:
        self.problem(line, found, expected)
        return _Stop()

    def begin(self, node: Node) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise self.stop(
                node.line, "lists or mappings too deep inside each other", f"at most {MAX_DEPTH} levels"
            )
        self.open.append(node)

    def end(self) -> None:
        node = self.open.pop()
        node.size = 1 + sum(child.size for child in (node.mapping.values() or node.items))
        self.add(node)

    def add(self, node: Node) -> None:
        if node.anchor:
            self.anchors[node.anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif parent.pending is None:
            self._key(parent, node)
        else:
            self._entry(parent, node)

    def _key(self, parent: Node, node: Node) -> None:
        if isinstance(node.value, (dict, list)):
            raise self.stop(node.line, "a list or a mapping as a key", "a word as a key")
        parent.pending, parent.pending_line = str(node.value), node.line

    def _entry(self, parent: Node, node: Node) -> None:
        key, line = parent.pending or "", parent.pending_line
        if key == "<<":
            for merged in node.items or [node]:
                fresh = {name: value for name, value in merged.mapping.items() if name not in parent.value}
                parent.value.update(fresh)
                parent.merged |= fresh.keys()
        elif key in parent.value and key not in parent.merged:
            first = parent.value[key].line
            self.problem(
                line, f"the key a second time (first on line {first})", "each key once", "join the two"
            )
        else:
            # Where a value begins on a later line than its key, the key is what a person looks for.
            parent.value[key] = Node(node.value, line, node.size)
            parent.merged.discard(key)
        parent.pending = None

    def alias(self, name: str, line: int) -> None:
        target = self.anchors.get(name)
        if target is None:
            raise self.stop(line, "a * without its &, or inside it", "the & before the *")
        self.nodes += target.size
        self._count(line)
        self.add(Node(target.value, line, target.size))

    def _count(self, line: int) -> None:
        if self.nodes > MAX_NODES:
            raise self.stop(line, f"more than {MAX_NODES:,} values", "a configuration of a sensible size")

    def _at_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].value, dict) and self.open[-1].pending is None

    def feed(self, event: events.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, events.DocumentStartEvent) and self.root is not None:
            raise self.stop(line, "a second document", "one document, without a second `---`")
        if isinstance(event, events.AliasEvent):
            self.alias(event.anchor or "", line)
        elif isinstance(event, events.NodeEvent):
            self.nodes += 1
            self._count(line)
            tag = getattr(event, "tag", None)
            if tag and tag not in _TEXT_TAGS:
                self.problem(line, "a tag (!…)", "a plain value")
            if isinstance(event, events.ScalarEvent):
                literal = tag or event.style or self._at_key()
                value = event.value if literal else _scalar(event.value)
                self.add(Node(value, line, anchor=event.anchor))
            else:
                many: Any = {} if isinstance(event, events.MappingStartEvent) else []
                self.begin(Node(many, line, anchor=event.anchor))
        elif isinstance(event, (events.MappingEndEvent, events.SequenceEndEvent)):
            self.end()


def _scalar(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def read(data: bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """Read a YAML file: its tree, and what is wrong with it as YAML.

    With a problem that stops the reading there is no tree.
    """
    builder = _Builder(file)
    try:
        text = _decode(data, builder)
        for event in yaml.parse(text, Loader=_Loader):
            builder.feed(event)
    except _Stop:
        return None, builder.problems
    except yaml.YAMLError as error:
        builder.open.clear()
        builder.problem(_line(error, data), _what(error), "YAML")
        return None, builder.problems
    return builder.root, builder.problems


def _decode(data: bytes, builder: _Builder) -> str:
    if len(data) > MAX_BYTES:
        raise builder.stop(1, f"{len(data):,} bytes", f"at most {MAX_BYTES:,}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise builder.stop(line, f"the byte 0x{data[error.start]:02x}", "UTF-8 text") from error


def _line(error: yaml.YAMLError, data: bytes) -> int:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return mark.line + 1 if mark else 1
    if isinstance(error, yaml.reader.ReaderError):
        return data.decode("utf-8-sig", "replace").count("\n", 0, error.position) + 1
    return 1


def _what(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        # What stands in quotes is from the file, and may be a secret.
        said = re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "…", error.problem).removeprefix("found ")
        return {
            "mapping values are not allowed in this context": "a second `:` in a line (quote the text)",
            "character that cannot start any token": "a character that needs quotes, or a tab",
            "did not find expected key": "something where a key should be (see the indent)",
        }.get(said, said)
    return "a character that YAML does not allow"
