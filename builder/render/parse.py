"""Rendered files read back by the grammar of whoever will read them on the node."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterable

import yaml

from builder.errors import BuilderError
from builder.plan.checks.kernel import COMMAND_LINE_SIZE, LOADER_WORDS
from builder.render import grub, network, node
from builder.render.ini import Entry, read_ini, values_of
from builder.render.syntax import CHECKS, escape_path
from builder.render.tree import FileTree, RenderedFile

Faults = Iterable[str]


def parse_back(tree: FileTree, expected_cmdline: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Every fault of every file; none for a tree that is fit for a node.

    expected_cmdline: the plan's words, which GRUB's settings must come to.
    """
    faults = [f"{file.path}: {fault}" for file in tree for fault in _faults_of(file)]
    faults += _dangling(tree)
    if expected_cmdline is not None:
        faults += _wrong_cmdline(tree, expected_cmdline)
    return tuple(faults)


def read_grub_cmdline(text: str) -> tuple[str, ...]:
    """The kernel words GRUB's settings in `text` come to: GRUB_CMDLINE_LINUX, then _DEFAULT."""
    settings = _shell_settings(text)
    both = f"{settings['GRUB_CMDLINE_LINUX']} {settings['GRUB_CMDLINE_LINUX_DEFAULT']}"
    # GRUB's quotes are a subset of the shell's.
    return tuple(shlex.split(both))


def _faults_of(file: RenderedFile) -> list[str]:
    if file.is_symlink:
        return [] if file.content.startswith(b"/") else ["the link's target is not absolute"]
    parser = next((parse for pattern, parse in PARSERS if re.fullmatch(pattern, file.path)), None)
    if parser is None:
        return ["no parser knows this file"]
    try:
        text = file.text
        if not text.endswith("\n"):
            return ["does not end in a line end"]
        return list(parser(file.path, text))
    except (BuilderError, ValueError, SyntaxError, KeyError, TypeError, yaml.YAMLError) as fault:
        return [" ".join(str(fault).split()) or type(fault).__name__]


def _data_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _shell_settings(text: str) -> dict[str, str]:
    """`NAME=value` lines of a shell file that holds nothing else."""
    settings: dict[str, str] = {}
    for line in _data_lines(text):
        words = shlex.split(line, posix=True)
        match = re.fullmatch(r"([A-Z_]+)=(.*)", words[0], re.DOTALL)
        if len(words) != 1 or match is None or re.search(r"[$`\\]", line):
            raise ValueError(f"{line!r} is not one plain assignment")
        settings[match[1]] = match[2]
    return settings


def _grub(_path: str, text: str) -> Faults:
    words = read_grub_cmdline(text)
    for word in words:
        CHECKS["kernel_word"](word)
    length = len(LOADER_WORDS) + len(" ".join(words))
    if length >= COMMAND_LINE_SIZE:
        yield (
            f"the kernel command line may become {length} characters long,"
            f" and the kernel keeps {COMMAND_LINE_SIZE - 1}"
        )


def _by_line(pattern: str, kind: str) -> Callable[[str, str], Faults]:
    """A parser of files in which each line is one `kind`."""

    def parse(_path: str, text: str) -> Faults:
        for line in _data_lines(text):
            if re.fullmatch(pattern, line) is None:
                yield f"{line!r} is not {kind}"

    return parse


def _modprobe(path: str, text: str) -> Faults:
    name = path.rpartition("/")[2].removesuffix(".conf")
    for line in _data_lines(text):
        match = re.fullmatch(r"options ([\w-]+)( \w+=[A-Za-z0-9_.,:+-]+)+", line)
        if match is None:
            yield f"{line!r} is not: options module name=value"
        elif match[1] != name:
            yield f"sets options of {match[1]}, which belong in {match[1]}.conf"


def _sysctl(_path: str, text: str) -> Faults:
    keys = []
    for line in _data_lines(text):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not value:
            yield f"{line!r} is not: key = value"
            continue
        keys.append(CHECKS["sysctl_key"](key))
    yield from (f"{key} is set twice" for key in sorted(set(keys)) if keys.count(key) > 1)


def _ini(allowed: tuple[str, ...], needed: tuple[str, ...]) -> Callable[[str, str], Faults]:
    """A parser of systemd's files with sections of `allowed`, all of `needed` among them."""

    def parse(path: str, text: str) -> Faults:
        entries = read_ini(text)
        found = {entry.section for entry in entries}
        yield from (f"has a section [{name}]" for name in sorted(found - set(allowed)))
        yield from (f"has no section [{name}]" for name in needed if name not in found)
        yield from _ini_rules(path, entries)

    return parse


def _ini_rules(path: str, entries: tuple[Entry, ...]) -> Faults:
    """What systemd would only warn about when it loads the file."""
    if path.endswith(".mount"):
        for where in values_of(entries, "Mount", "Where"):
            if path.rpartition("/")[2] != f"{escape_path(where)}.mount":
                yield f"mounts {where}, so its name must be {escape_path(where)}.mount"
    if path.endswith((".link", ".network")):
        for found in values_of(entries, "Match", "Path"):
            CHECKS["pci"](found.removeprefix("pci-"))
        yield from ("matches every port" for _ in [0] if not _has(entries, "Match"))


def _has(entries: tuple[Entry, ...], section: str) -> bool:
    return any(entry.section == section for entry in entries)


def _netplan(_path: str, text: str) -> Faults:
    document = yaml.safe_load(text)["network"]
    if document["version"] != 2:
        yield "is not version 2"
    for name in document["ethernets"]:
        CHECKS["interface"](name)


def _yaml(_path: str, text: str) -> Faults:
    if not isinstance(yaml.safe_load(text), dict):
        yield "is not a YAML mapping"


def _node(_path: str, text: str) -> Faults:
    document = json.loads(text)
    keys = ["version", "plan-id", "offline-cpus", "hugepages", "pfs", "bindings", "ovs"]
    if list(document) != keys:
        yield f"has keys {', '.join(document)}, not {', '.join(keys)}"
    if document["version"] != node.VERSION:
        yield f"has version {document['version']}, not {node.VERSION}"
    if document.get("offline-cpus"):
        CHECKS["cpus"](document["offline-cpus"])


def _program(path: str, text: str) -> Faults:
    ast.parse(text)
    if not path.endswith(".py") and not text.startswith("#!/usr/bin/python3"):
        yield "does not start with #!/usr/bin/python3"


def _image_release(_path: str, text: str) -> Faults:
    for line in _data_lines(text):
        if re.fullmatch(r"IMAGE_(ID|VERSION)=[a-z0-9._-]+", line) is None:
            yield f"{line!r} is not a field of os-release(5) we write"


def _dangling(tree: FileTree) -> Faults:
    """Links to units of ours that the tree does not hold."""
    for file in tree:
        target = file.content.decode() if file.is_symlink else ""
        if "rackwright" in target and tree.get(target) is None:
            yield f"{file.path}: points to {target}, which is not in the tree"


def _wrong_cmdline(tree: FileTree, expected: tuple[str, ...]) -> Faults:
    file = tree.get(grub.PATH)
    try:
        found = read_grub_cmdline(file.text) if file is not None else ()
    except (ValueError, KeyError):
        return  # reported by the file's own parser
    if found != expected:
        yield f"{grub.PATH}: comes to {' '.join(found)!r}, the plan has {' '.join(expected)!r}"


_UNIT = ("Unit", "Service", "Mount", "Socket", "Timer", "Path", "Install")
_RULE = r'\w+(\{[^}]+\})?(==|!=|\+=|:=|=)"[^"]*"(, *\w+(\{[^}]+\})?(==|!=|\+=|:=|=)"[^"]*")*'

# By whole path, first match; a file no pattern matches is a fault.
PARSERS: tuple[tuple[str, Callable[[str, str], Faults]], ...] = (
    (r"/etc/default/grub\.d/[^/]+\.cfg", _grub),
    (r"/etc/modprobe\.d/[^/]+\.conf", _modprobe),
    (r"/etc/modules-load\.d/[^/]+\.conf", _by_line(r"[A-Za-z0-9_-]+", "a module name")),
    (r"/etc/sysctl\.d/[^/]+\.conf", _sysctl),
    (r"/etc/systemd/network/[^/]+\.link", _ini(("Match", "Link"), ("Match", "Link"))),
    (r"/etc/systemd/network/[^/]+\.network", _ini(("Match", "Link", "Network"), ("Match",))),
    (r"/(etc|usr/lib)/systemd/system/[^/]+\.service", _ini(_UNIT, ("Unit", "Service"))),
    (r"/(etc|usr/lib)/systemd/system/[^/]+\.mount", _ini(_UNIT, ("Unit", "Mount"))),
    (r"/(etc|usr/lib)/systemd/system/[^/]+\.(target|socket|timer|path)", _ini(_UNIT, ("Unit",))),
    (r"/etc/systemd/system/[^/]+\.d/[^/]+\.conf", _ini(_UNIT, ())),
    (r"/usr/lib/udev/rules\.d/[^/]+\.rules", _by_line(_RULE, "a udev rule")),
    (re.escape(network.NETPLAN), _netplan),
    (re.escape(network.CLOUD_CFG), _yaml),
    (re.escape(network.HOSTS), _by_line(r"[0-9a-f.:]+( [a-z0-9.-]+)+", "an address with names")),
    (r"/etc/hostname", _by_line(r"[a-z0-9][a-z0-9.-]{0,63}", "a host name")),
    (re.escape(node.NODE), _node),
    (re.escape(node.IMAGE_RELEASE), _image_release),
    (re.escape(node.LISTING), _by_line(r"/[!-~]+", "an absolute path")),
    (r"/usr/lib/rackwright/[^/]+", _program),
)
