"""No planned value and no reported fact goes without a check: each, changed, must fail one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from builder.catalog.versions import Version
from builder.model.values import CpuSet, PciAddress
from builder.plan.nouns.json_form import HIDDEN
from builder.render import render_host
from builder.render.tree import FileTree
from builder.resources import read_texts
from builder.verify.facts import Facts, parse_facts

Seed = Any
Key = str | int

# Facts no check rests on, and why.
FACTS_UNCHECKED = {
    "numa/*/mem-kib": "a range; another size is a case of its own",
    "pci/*/vf-settings/0/*": "the plan leaves VF 0 as it is",
    "pci/*/vf-settings/1/min-tx-rate": "the plan leaves it as it is",
    "pci/*/vf-settings/1/link-state": "the plan leaves it as it is",
    "pci/0000:00:02.0/*": "not a device of the plan",
    "pci/0000:01:00.?/iommu-group": "a kernel driver needs none",
    "pci/0000:01:10.[13]/iommu-group": "a kernel driver needs none",
    "pci/0000:08:00.0/iommu-group": "a kernel driver needs none",
    "pci/0000:01:10.?/numa": "that of its PF",
    "pci/0000:0[89]:00.0/*-vfs": "the plan has no VFs there",
    "pci/0000:01:10.?/*-vfs": "a VF has none",
    "pci/0000:01:00.?/total-vfs": "a limit; one too low is a case of its own",
    "modprobe/0": "of no planned module",
    "ovs/bridges/0/ports/0/[!nt]*": "the bridge's local port",
    "ovs/pmd-threads/*/name": "the CPUs say which",
    "boot/seconds/*": "for information",
    "status/*/version": "the document's version is theirs",
    "pci/0000:01:10.2/iommu-group": "any group will do that it has for itself",
    "root/*-bytes": "a limit; one too high is a case of its own",
    "units/state/o*/condition": "an active unit had it met",
    "units/state/rackwright-nics.service/condition": "an active unit had it met",
    "units/state/rackwright-ssh-keys.service/active": "inactive, with nothing to do, is right too",
    "upgrades/timers/*": "of no upgrade; one that is, is a case of its own",
    "iommu/groups": "a limit; none at all is a case of its own",
    "ovs/bridges/0/ports/[12]/ofport": "any number over 0",
    "ovs/*version": "a major.minor; another one is a case of its own",
}

# Planned values that end in no file and no setting of a node, and why.
PLAN_NOT_ON_NODE = {
    "/image/release/id": "family and version are the node's words for it",
    "/image/release/dpdk_abi": "part of package names",
    "/image/release/systemd": "decides what is rendered",
    "/image/release/kernels/0/flavour": "the end of `uname -r` is the node's word for it",
    "/image/release/kernels/0/package": "part of package names",
    "/image/release/kernels/0/vfio_built_in": "decides what is rendered",
    "/image/release/kernels/0/no_hz_full": "a check of the plan",
    "/image/release/kernels/0/real_time": "decides what is rendered",
    "/image/release/kernels/[12]/*": "kernels the image does not have",
    "/image/release/csum_seed": "how the image's file system is made",
    "/image/release/netplan/*": "a check of the hosts",
    "/image/release/names/*": "part of package names, and how the image is made",
    "/image/packages/*/name": "the package manifest of the build; ports that are up prove theirs",
    "/image/cpus/cores/*": "roles follow from it",
    "/image/memory_mib/*": "a range is right; another size is a case of its own",
    "/image/kubelet": "for the cluster's own configuration",
    "/image/nics/[12]/*": "the PF at the same address is checked",
    "/image/pfs/*/vfs/*/use": "for the device plugin",
    "/image/pfs/*/vfs/*/pool": "for the device plugin",
    "/image/ovs/bridges/0/ports/*/numa": "of its device, which is checked",
    "/interfaces/0/pci": "a .link file gives the name netplan goes by",
    "/interfaces/0/mac": "the port's own; netplan goes by name",
    "/plan_id": "the host's; image and report have the image's",
}
# Planned values no fact but the bytes of a file shows, and why.
PLAN_ONLY_IN_FILES = {
    "/image/hardware": "named in every file",
    "/image/profile": "named in every file",
    "/image/module_files/*": "a comment says why there are no options",
    "/image/bindings/*/name": "a port in userspace has no interface",
    "/image/pfs/*/vf_id": "a stand-in has VFs of its own model",
    "/image/pfs/*/mode": "VFs are the same however they were made",
    "/image/pfs/*/eswitch": "a stand-in has no such switch",
    "/image/pfs/*/vfs/*/min_tx_rate": "a stand-in cannot set it",
    "/image/pfs/*/vfs/*/link_state": "a stand-in cannot set it",
    "/access/users/*/ssh_keys/*": "sshd reads authorized_keys: its bytes are compared",
    "/access/users/*/sudo": "sudo reads its file: its bytes are compared",
    "/access/secrets/*/url": "never in a fact",
    "/access/secrets/*/path": "the node reports by its own list, whose bytes are compared",
    "/interfaces/*": "the twin has no network but its own: netplan's file is compared",
}

# What to change a value to, where any other text would be no such value.
OTHER_TEXT = {
    "1G": "2M", "sysfs": "module-parameter", "vfio-pci": "igb_uio", "igb": "vfio-pci",
    "ixgbe": "vfio-pci", "standalone": "secure", "housekeeping": "pods", "pmd": "pods",
    "pods": "housekeeping", "ovs-dpdk": "pods", "legacy": "switchdev",
}  # fmt: skip
OTHER_NONE = {
    "driver": "vfio-pci", "mac": "02:00:00:00:00:0f", "vlan": 9, "trust": True, "spoofchk": False,
    "max_tx_rate": 300, "min_tx_rate": 50, "link_state": "enable", "mtu": 1400, "numa": 0, "metric": 300,
}  # fmt: skip


def dump_leaves(value: object, path: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Key paths of all values in a document that are not lists or objects."""
    if not isinstance(value, dict | list):
        yield path
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from dump_leaves(item, (*path, key))


def other_json(value: object) -> object:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value - 1 if value else 1
    return "x" if value is None else f"{value}x"


def test_every_fact_counts(seed: Seed) -> None:
    unnoticed = set()
    for path in dump_leaves(seed.document):
        if path == ("version",):
            continue
        value: Any = seed.document
        for part in path:
            value = value[part]
        if not seed.failures(document=seed.changed(*path, to=other_json(value))):
            unnoticed.add("/".join(map(str, path)))
    assert_covered_exactly(unnoticed, FACTS_UNCHECKED)


def mutants(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """`value` with one leaf changed, for each of its leaves, and the path of that leaf."""
    if isinstance(value, PciAddress):
        yield "", replace(value, bus=value.bus ^ 0x40)
    elif isinstance(value, CpuSet):
        yield "", CpuSet(value.cpus ^ {31})
    elif is_dataclass(value) or isinstance(value, tuple | Mapping):
        for key, field, item, rebuild in parts(value, name):
            for path, other in mutants(item, field):
                yield f"/{key}{path}", rebuild(other)
    else:
        yield "", other_value(value, name)


def parts(value: Any, name: str) -> Iterator[tuple[object, str, object, Callable[[object], Any]]]:
    """Key, field name and value of each part, and the whole with another value in its place."""
    if isinstance(value, tuple):
        like = value._make if isinstance(value, Version) else tuple
        for at, item in enumerate(value):
            yield at, name, item, lambda new, at=at: like((*value[:at], new, *value[at + 1 :]))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key, name, item, lambda new, key=key: {**value, key: new}
    else:
        told = [field.name for field in fields(value) if field.metadata != HIDDEN]
        for field in (name for name in told if name != "why"):
            item = getattr(value, field)
            yield field, field, item, lambda new, field=field: replace(value, **{field: new})


def other_value(value: object, name: str) -> object:
    if value is None:
        return OTHER_NONE.get(name, "x")
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return OTHER_TEXT.get(str(value), f"{value}9")


def is_noticed(seed: Seed, plan: Any, tree: FileTree, facts: Facts) -> bool:
    return any(result.status == "fail" for result in seed.run(plan, tree, facts))


def assert_covered_exactly(unnoticed: set[str], *excepted: Mapping[str, str]) -> None:
    patterns = [pattern for table in excepted for pattern in table]
    assert {x for x in unnoticed if not any(fnmatchcase(x, p) for p in patterns)} == set()
    # An exception that excepts nothing would hide the next real gap.
    assert [p for p in patterns if not any(fnmatchcase(x, p) for x in unnoticed)] == []


def test_every_planned_value_is_checked(seed: Seed) -> None:
    """A plan with one value changed does not fit the machine of the plan as it was."""
    facts = parse_facts(json.dumps(seed.document).encode())
    unnoticed = {
        path: plan
        for path, plan in mutants(seed.host)
        if not is_noticed(seed, plan, seed.tree, facts)
    }
    assert_covered_exactly(set(unnoticed), PLAN_NOT_ON_NODE, PLAN_ONLY_IN_FILES)
    # What has no check of its own, the bytes of a file prove.
    templates, programs = read_texts("templates"), read_texts("systemd")
    tree = render_host(seed.host, templates, programs)
    document = seed.document_of(tree)
    assert seed.failures(document=document, tree=tree) == {}
    facts = parse_facts(json.dumps(document).encode())
    unproved = {
        path
        for path, plan in unnoticed.items()
        if not is_noticed(seed, plan, render_host(plan, templates, programs), facts)
    }
    assert_covered_exactly(unproved, PLAN_NOT_ON_NODE)
