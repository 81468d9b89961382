"""A comparison of two inventories told to people, and as data."""

from __future__ import annotations

from collections.abc import Iterator

from builder.changes.fleet import Change, FleetDiff, HostGroup
from builder.plan.encode import Json
from builder.render.effect import Effect, Level

NAMES_SHOWN = 5
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
VERDICTS: dict[Level, str] = {
    "nothing": "nothing to do",
    "restart": "restart of services",
    "reboot": "reboot",
    "image": "new image",
}


def report(diff: FleetDiff) -> str:
    """Hosts by what they need, strongest first; ends with a newline."""
    parts = [_totals(diff), *("\n".join(_group(group)) for group in diff.groups)]
    if diff.added:
        parts.append(f"added: {names(diff.added)}\n  install them: they have no image yet")
    if diff.removed:
        parts.append(f"removed: {names(diff.removed)}\n  they keep running unchanged")
    return "\n\n".join(parts) + "\n"


def to_json(diff: FleetDiff) -> dict[str, Json]:
    """Stable: keys are only ever added."""
    return {
        "added": list(diff.added),
        "removed": list(diff.removed),
        "same": len(diff.same),
        "groups": [_group_json(group) for group in diff.groups],
    }


def names(hosts: tuple[str, ...]) -> str:
    """`nfv1, nfv2, … and 9998 more (10000 hosts)`"""
    shown = ", ".join(hosts[:NAMES_SHOWN])
    more = len(hosts) - NAMES_SHOWN
    return f"{shown} and {more} more ({len(hosts)} hosts)" if more > 0 else shown


def _totals(diff: FleetDiff) -> str:
    changed = sum(len(group.hosts) for group in diff.groups)
    return (
        f"{changed} changed, {len(diff.added)} added, {len(diff.removed)} removed, "
        f"{len(diff.same)} the same"
    )


def _group(group: HostGroup) -> Iterator[str]:
    yield f"{VERDICTS[group.verdict]}: {names(group.hosts)}"
    for change in group.changes:
        yield f"  {SIGNS[change.kind]} {_what(change)}"
        yield from (f"      {VERDICTS[e.level]}: {_reason(e)}" for e in change.effects)
    yield f"  golden image: {_image(group)}"
    yield f"  running nodes: {_in_place(group)}"


def _what(change: Change) -> str:
    name = change.name if change.what == "file" else f"{change.what} {change.name}"
    return f"{name} ({change.scope})"


def _reason(effect: Effect) -> str:
    return effect.reason if effect.command is None else f"{effect.reason}; run {effect.command}"


def _image(group: HostGroup) -> str:
    if group.has_new_image:
        return "rebuild it, so that new nodes get the changes"
    return "unchanged"


def _in_place(group: HostGroup) -> str:
    if group.verdict == "image":
        return "reinstall them from it"
    if not group.commands:
        return "write the files; no command is needed"
    return f"write the files, then: {'; '.join(group.commands)}"


def _group_json(group: HostGroup) -> dict[str, Json]:
    return {
        "hosts": list(group.hosts),
        "verdict": group.verdict,
        "new-image": group.has_new_image,
        "commands": list(group.commands),
        "changes": [
            {
                "kind": change.kind,
                "what": change.what,
                "name": change.name,
                "scope": change.scope,
                "effects": [
                    {"level": e.level, "reason": e.reason, "command": e.command}
                    for e in change.effects
                ],
            }
            for change in group.changes
        ],
    }
