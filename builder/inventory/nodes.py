"""YAML text as a tree of nodes that know where they stand: what PyYAML's composer lacks.

The parser's events are used instead of `yaml.compose`: they need no recursion, so depth and
aliases can be limited before they cost anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from builder.diagnostics import Diagnostic, Location
from builder.inventory.syntax import describe_fault, place_of

MAX_DEPTH = 32
# Nodes that aliases may add. An inventory has about 20 nodes a host, 10 000 hosts are served.
MAX_ALIAS_NODES = 1_000_000

# libyaml is some ten times faster; both parsers give the same events and positions.
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """Text. plain: written without quotes, so that YAML may read it as a number or a truth."""

    where: Location
    text: str
    plain: bool
    tag: str | None = None
    size: int = 1
    height: int = 0


@dataclass(slots=True)
class Sequence:
    """A list."""

    where: Location
    tag: str | None = None
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 0

    def add(self, node: Node) -> None:
        self.items.append(node)


@dataclass(slots=True)
class Mapping:
    """A map, as pairs in the order of the file; duplicate keys are still there."""

    where: Location
    tag: str | None = None
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    size: int = 1
    height: int = 0
    key: Node | None = None

    def add(self, node: Node) -> None:
        if self.key is None:
            self.key = node
        else:
            self.pairs.append((self.key, node))
            self.key = None


Node = Scalar | Sequence | Mapping


class Stop(Exception):
    """The text cannot be read any further."""

    def __init__(self, where: Location, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.fault = Diagnostic("error", where, (), message, hint, "yaml")


@dataclass(slots=True)
class _Builder:
    """The open containers and the anchors met so far."""

    file: str
    root: Node | None = None
    open: list[Sequence | Mapping] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    alias_nodes: int = 0

    def place(self, node: Node) -> None:
        """Put a finished node where it belongs."""
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.add(node)
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)

    def enter(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise Stop(node.where, f"nested too deep: more than {MAX_DEPTH} levels")
        self.remember(node, anchor)
        self.open.append(node)

    def remember(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node

    def alias(self, name: str, where: Location) -> Node:
        node = self.anchors.get(name)
        if node is None:
            raise Stop(where, f"*{name} is not defined: there is no &{name} above it")
        if any(node is container for container in self.open):
            raise Stop(where, f"*{name} is inside &{name} and would repeat forever")
        if len(self.open) + node.height > MAX_DEPTH:
            raise Stop(where, f"nested too deep: with *{name} more than {MAX_DEPTH} levels")
        self.alias_nodes += node.size
        if self.alias_nodes > MAX_ALIAS_NODES:
            raise Stop(where, f"aliases add more than {MAX_ALIAS_NODES} values to this file")
        return node


def compose_nodes(text: str, file: str, parser: type = PARSER) -> Node | None:
    """The one document of `text`, or None when there is none; raises `Stop`."""
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=parser):
            _take(builder, event)
    except yaml.MarkedYAMLError as fault:
        raise Stop(*describe_fault(fault, text, file)) from None
    except yaml.YAMLError as fault:
        raise Stop(Location(file, 1, 1), f"this is not YAML: {fault}") from None
    return builder.root


def _take(builder: _Builder, event: yaml.Event) -> None:
    where = place_of(event.start_mark, builder.file)
    match event:
        case yaml.ScalarEvent():
            plain = not event.style and event.tag is None and event.implicit[0]
            node = Scalar(where, event.value, plain, event.tag)
            builder.remember(node, event.anchor)
            builder.place(node)
        case yaml.MappingStartEvent():
            builder.enter(Mapping(where, event.tag), event.anchor)
        case yaml.SequenceStartEvent():
            builder.enter(Sequence(where, event.tag), event.anchor)
        case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
            builder.place(builder.open.pop())
        case yaml.AliasEvent():
            builder.place(builder.alias(str(event.anchor), where))
        case yaml.DocumentStartEvent() if builder.root is not None:
            raise Stop(
                where,
                "a second YAML document begins here",
                "an inventory is one document: remove the line ---",
            )
