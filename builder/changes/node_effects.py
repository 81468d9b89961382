"""What a change of node.json asks of a running node, section by section."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.catalog.ovs_options import OVS_OPTIONS, PORT_OPTIONS
from builder.render.effect import Effect, nothing, reboot, restart

Section = dict[str, Any]

NICS = "systemctl restart rackwright-nics"
OPTIONS = "systemctl restart rackwright-ovs-options"
SWITCH = "systemctl restart ovs-vswitchd"
BRIDGES = "systemctl restart rackwright-ovs-bridges"

# Read by the node's programs; `plan-id` and `version` are told on, and asked for nothing.
_QUIET = ("plan-id", "version")


def node_effects(before: bytes | None, after: bytes | None) -> tuple[Effect, ...]:
    """Effects in order of the sections; never empty."""
    old, new = _read(before), _read(after)
    found = list(dict.fromkeys(_effects(old, new)))
    return tuple(found) or (nothing("only the plan id differs, which has no effect"),)


def _read(content: bytes | None) -> Section:
    data = {} if content is None else json.loads(content)
    assert isinstance(data, dict)  # rendered by us
    return data


def _effects(old: Section, new: Section) -> Iterator[Effect]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if name in _QUIET or before == after:
            continue
        if name == "hugepages":
            yield reboot("hugepages: the kernel reserves them at boot, before memory is fragmented")
        elif name == "offline-cpus":
            yield reboot("offline-cpus: drivers and Open vSwitch count the CPUs when they start")
        elif name == "pfs":
            yield from _pfs(before or [], after or [])
        elif name == "bindings":
            yield from _bindings(before or [], after or [])
        elif name == "kernel-ports":
            yield restart(NICS, "kernel-ports: only waited for, before Open vSwitch opens them")
        elif name == "ovs":
            yield from _ovs(before or {}, after or {})
        else:
            yield reboot(f"{name}: what a running node does with it is not known")


def _by(key: str, rows: Sequence[Section]) -> dict[Any, Section]:
    return {row[key]: row for row in rows}


def _pfs(before: Sequence[Section], after: Sequence[Section]) -> Iterator[Effect]:
    old, new = _by("pci", before), _by("pci", after)
    for pci in dict.fromkeys((*old, *new)):
        if pci not in new:
            yield reboot(
                f"{old[pci]['name']}: its VFs stay until the next boot, because pods may use them"
            )
        elif pci not in old:
            yield restart(NICS, f"{new[pci]['name']}: its VFs are created; it has none yet")
        elif old[pci] != new[pci]:
            yield from _pf(old[pci], new[pci])


def _pf(old: Section, new: Section) -> Iterator[Effect]:
    name = new["name"]
    for key in ("driver", "mode", "eswitch", "num-vfs", "id", "vf-id"):
        if old.get(key) != new.get(key):
            yield reboot(
                f"{key} of {name}: its VFs would have to be recreated, and VFs that are in "
                "use never are"
            )
    vfs = _by("index", old["vfs"])
    for vf in new["vfs"]:
        was = vfs.get(vf["index"])
        if was is not None and was != vf:
            yield from _vf(name, was, vf)


def _vf(pf: str, old: Section, new: Section) -> Iterator[Effect]:
    keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    unset = [key for key in keys if new.get(key) is None and key != "driver"]
    if "driver" in keys:
        yield reboot(
            f"driver of VF {new['index']} of {pf}: a VF that may be open is not bound to "
            "another driver"
        )
    if unset:
        what = ", ".join(unset)
        yield reboot(
            f"{what} of VF {new['index']} of {pf}: no longer set, but kept until the VF is "
            "recreated"
        )
    rest = [key for key in keys if key not in unset and key != "driver"]
    if rest:
        yield restart(NICS, f"{', '.join(rest)} of VF {new['index']} of {pf}: set through the PF")


def _bindings(before: Sequence[Section], after: Sequence[Section]) -> Iterator[Effect]:
    old, new = _by("pci", before), _by("pci", after)
    for pci in dict.fromkeys((*old, *new)):
        if pci not in new:
            yield reboot(f"{old[pci]['name']}: goes back to the kernel driver at boot")
        elif pci not in old:
            yield restart(NICS, f"{new[pci]['name']}: bound to {new[pci]['driver']}")
        elif old[pci] != new[pci]:
            yield reboot(f"{new[pci]['name']}: Open vSwitch has it open with the old driver")


def _ovs(old: Section, new: Section) -> Iterator[Effect]:
    if not new:
        yield reboot(
            "Open vSwitch: no longer planned, but holds ports and hugepages until it stops"
        )
        return
    yield from _options(old.get("other-config") or {}, new["other-config"] or {})
    yield from _bridges(old.get("bridges") or [], new["bridges"])


def _options(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Effect]:
    """A running ovs-vswitchd has options that are read once, from the database it found then."""
    changed = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    if changed:
        yield restart(OPTIONS, f"{', '.join(changed)}: written to the database")
    late = [key for key in changed if needs_restart(key)]
    if late:
        yield restart(
            SWITCH,
            f"{', '.join(late)}: read only when ovs-vswitchd starts; traffic is interrupted",
        )


def needs_restart(key: str) -> bool:
    """Whether a running ovs-vswitchd does not hear of a change; unknown keys are taken for such."""
    option = OVS_OPTIONS.get(key) or PORT_OPTIONS.get(key)
    return option is None or option.applies != "at once"


def _bridges(before: Sequence[Section], after: Sequence[Section]) -> Iterator[Effect]:
    old, new = _by("name", before), _by("name", after)
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield restart(BRIDGES, f"{name}: removed")
        elif name not in old:
            yield restart(BRIDGES, f"{name}: made")
        elif old[name] != new[name]:
            yield from _bridge(old[name], new[name])


def _bridge(old: Section, new: Section) -> Iterator[Effect]:
    ports = _by("name", old["ports"]), _by("name", new["ports"])
    names = [
        name
        for name in dict.fromkeys((*ports[0], *ports[1]))
        if ports[0].get(name) != ports[1].get(name)
    ]
    own = [key for key in new if key != "ports" and old.get(key) != new[key]]
    if own:
        yield restart(BRIDGES, f"{', '.join(own)} of {new['name']}: set")
    if names:
        yield restart(
            BRIDGES,
            (
                f"{', '.join(names)} of {new['name']}: added, changed or removed; its traffic "
                "is interrupted"
            ),
        )
