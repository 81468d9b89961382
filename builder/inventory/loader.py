"""Reading an inventory file: plain data, where everything stands, and all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.diagnostics import Diagnostic, KeyPath, Location, Marks, Report
from builder.inventory.construct import construct
from builder.inventory.nodes import PARSER, Stop, compose_nodes
from builder.inventory.syntax import find_forbidden, split_lines

# An inventory of 10 000 hosts is about 3 MB.
MAX_BYTES = 64 * 1024 * 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds. data: None when it cannot be read as YAML at all.

    sources: the unquoted text of every value that YAML reads as something else than text.
    """

    data: object | None
    marks: Marks
    report: Report
    sources: Mapping[KeyPath, str] = field(default_factory=dict)


def load(path: Path) -> Loaded:
    """Read and parse; a file that cannot be read is a diagnostic, not an exception."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _refused(file, "there is no such file")
    except IsADirectoryError:
        return _refused(file, "this is a directory", f"name the file in it: {file}/inventory.yaml")
    except PermissionError:
        return _refused(file, "no permission to read this file", f"see ls -l {file}")
    except (OSError, ValueError) as fault:
        return _refused(file, f"this file cannot be read: {fault}")
    if len(raw) > MAX_BYTES:
        return _refused(file, f"this file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return _decode(raw, file)


def parse_inventory(text: str, file: str, parser: type = PARSER) -> Loaded:
    """Parse an inventory that was read already."""
    text = text.removeprefix("\N{BYTE ORDER MARK}")
    lines = split_lines(text)
    forbidden = find_forbidden(text, file)
    if forbidden is not None:
        return _refused(file, *forbidden[1:], where=forbidden[0], lines=lines)
    try:
        root = compose_nodes(text, file, parser)
    except Stop as stop:
        return Loaded(None, Marks(file, lines=lines), Report((stop.fault,)))
    made = construct(root) if root is not None else None
    if made is None or made.data is None:  # nothing, or a null
        return _refused(
            file,
            "this file is empty",
            "an inventory is a map: version, image, hardware, profiles, hosts",
            lines=lines,
        )
    marks = Marks(file, made.keys, made.values, lines)
    faults = dict.fromkeys(sorted(made.faults, key=lambda fault: fault.where))
    return Loaded(made.data, marks, Report(tuple(faults)), made.sources)


def _decode(raw: bytes, file: str) -> Loaded:
    if raw.startswith(_UTF16):
        return _refused(file, "this file is UTF-16", "save it as UTF-8")
    try:
        return parse_inventory(raw.decode("utf-8"), file)
    except UnicodeDecodeError as fault:
        before = raw[: fault.start].decode("utf-8").removeprefix("\N{BYTE ORDER MARK}")
        lines = split_lines(before) or ("",)
        return _refused(
            file,
            f"the byte 0x{raw[fault.start]:02x} is not UTF-8",
            "save the file as UTF-8",
            where=Location(file, len(lines), len(lines[-1]) + 1),
            lines=split_lines(raw.decode("utf-8", errors="replace")),
        )


def _refused(
    file: str,
    message: str,
    hint: str | None = None,
    *,
    where: Location | None = None,
    lines: tuple[str, ...] = (),
) -> Loaded:
    fault = Diagnostic("error", where or Location(file, 1, 1), (), message, hint, "file")
    return Loaded(None, Marks(file, lines=lines), Report((fault,)))
