"""The cases here: `base.yaml` with some lines changed, and the exact report that gets.

A case is one file, `<case>.txt`: the changed lines, `---`, and the report. Of the changed lines

    - a line of the base that goes
    + a line that comes in its place, or after the line before it
      a line of the base that stays, to say where the next `+` goes

each `-` and each line that stays is looked for below the one before it. A case about the file
itself or the syntax of YAML may have a file of its own, `<case>.yaml`, and changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from builder import build_host
from builder.diagnostics import Marks, Refused, Report
from builder.prepare import one_of_each_pair, prepare

HERE = Path(__file__).resolve().parent
CASES = sorted(path.stem for path in HERE.glob("*.txt"))
_END = "---\n"


def inventory_of(case: str) -> bytes:
    """The whole inventory, as the line numbers of the report count it."""
    whole = HERE / f"{case}.yaml"
    changes = _parts(case)[0]
    if whole.is_file():
        if changes:
            raise ValueError(f"{case}: a case with a file of its own changes no base")
        return whole.read_bytes()
    base = (HERE / "base.yaml").read_text(encoding="utf-8")
    return change(base, changes).encode()


def report_of(case: str) -> tuple[Report, Marks]:
    """What `rackwright check inventory.yaml` says of it on Debian; writes that file."""
    file = Path("inventory.yaml")
    file.write_bytes(inventory_of(case))
    with patch.object(build_host, "read_os_release", lambda: {"ID": "debian"}):
        try:
            prepared = prepare(file, one_of_each_pair)
        except Refused as refused:
            return refused.report, refused.marks
    return prepared.report, prepared.marks


def report_text(case: str) -> str:
    """What the report must be."""
    return _parts(case)[1]


def write_report(case: str, text: str) -> None:
    changes = _parts(case)[0]
    (HERE / f"{case}.txt").write_text(f"{changes}{_END}{text}", encoding="utf-8")


def change(base: str, changes: str) -> str:
    """The base with lines changed. ValueError: a line is not there, or not where it is looked for."""
    old = base.splitlines()
    new: list[str] = []
    for line in changes.splitlines():
        mark, text = line[:2].ljust(2), line[2:]
        if mark not in ("- ", "+ ", "  "):
            raise ValueError(f"neither goes, comes nor stays: {line}")
        if mark != "+ ":
            if text not in old:
                raise ValueError(f"the base has no such line from there on: {text}")
            place = old.index(text)
            new += old[:place]
            del old[: place + 1]
        if mark != "- ":
            new.append(text)
    return "".join(f"{line}\n" for line in [*new, *old])


def _parts(case: str) -> tuple[str, str]:
    """The changed lines, and the report."""
    text = (HERE / f"{case}.txt").read_text(encoding="utf-8")
    changes, end, report = f"\n{text}".partition(f"\n{_END}")
    if not end:
        raise ValueError(f"{case}: no line --- between the changes and the report")
    return changes[1:] + "\n" if changes else "", report
