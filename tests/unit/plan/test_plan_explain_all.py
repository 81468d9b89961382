"""Nothing of a plan goes unexplained: its classes are walked, and every reason is looked for."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from builder.model.sizes import mib_text, page_size_text
from builder.phrases import count_text
from builder.plan.explain import summary
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.why import Why
from builder.plan.subjects import STEP, subjects_of
from tests.plans import plan_of

# One of everything a plan can have.
TEXT = """\
version: 1
image: {name: full, os: debian-13}
access:
  users:
    ops: {ssh-keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqTxzv0l5mS1n7b2bTq0o1u7xkq4wYz5P2w0mH9v1aB ops"]}
  secrets:
    join: {url: "https://192.0.2.9/{hostname}", path: /etc/join}
racks:
  r1: {gateway: 192.0.2.1, nameservers: [192.0.2.53]}
hardware:
  m:
    cpu: {vendor: intel, pdpe1gb: true}
    numa:
      - {cpus: "0-7,16-23", memory: 64GiB}
      - {cpus: "8-15,24-31", memory: 64GiB}
    siblings: 16
    nics:
      - {pci: "0000:08:00.0", id: "8086:1533", driver: igb, name: mgmt0, numa: 0}
      - {pci: "0000:09:00.0", id: "8086:1533", driver: igb, name: data0, numa: 0}
      - {pci: "0000:10:00.0", id: "8086:1592", driver: ice, name: ens1f0, numa: 0}
      - {pci: "0000:20:00.0", id: "8086:1592", driver: ice, name: ens2f0, numa: 1}
      - {pci: "0000:30:00.0", id: "8086:10fb", driver: ixgbe, name: xe0, numa: 1}
profiles:
  p:
    latency: low
    cpu: {housekeeping-cores-per-node: 1, pmd-cores-per-node: 1, offline-cores-per-node: 1}
    hugepages: {size: 1G, pods: {size: 2M, memory: 2GiB}, vms: {size: 1G, memory: 2GiB}}
    sriov:
      - pf: ens1f0
        num-vfs: 3
        vfs:
          - {index: 0, driver: vfio-pci, use: ovs-dpdk, trust: true, spoofchk: false}
          - {index: 1, driver: vfio-pci, pool: dpdk, mac: "02:00:00:00:00:01", vlan: 7}
          - {index: 2, pool: net, max-tx-rate: 1000, min-tx-rate: 100, link-state: enable}
      - {pf: ens2f0, num-vfs: 1, pool: flows, eswitch: switchdev}
    drivers:
      ixgbe: {options: {allow_unsupported_sfp: 1}}
    ovs:
      bridges:
        br0:
          ports:
            dpdk0: {nic: data0, rxd: 512, txd: 1024}
            dpdk1: {vf: ens1f0/0, mtu: 9000, rxq: 2, rxq-affinity: {0: 1, 1: 17}}
    kubernetes: {topology-policy: single-numa-node}
hosts:
  h1:
    hardware: m
    profile: p
    rack: r1
    interfaces:
      mgmt0: {role: management, addresses: ["192.0.2.7/24"], mtu: 1400, mac: "02:00:00:00:00:aa"}
"""


@pytest.fixture(scope="module")
def plan() -> HostPlan:
    return plan_of(TEXT, "h1")


def parts_of(value: object) -> Iterator[Any]:
    """The dataclasses of a plan, itself first."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from parts_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from parts_of(item)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from parts_of(getattr(value, field.name))


def classes_of(kind: Any) -> Iterator[type[Any]]:
    """The dataclasses a type can be made of."""
    for inner in typing.get_args(kind):
        yield from classes_of(inner)
    if isinstance(kind, type) and is_dataclass(kind):
        yield kind
        for inner in typing.get_type_hints(kind).values():
            yield from classes_of(inner)


def holds_why(kind: Any) -> bool:
    return kind is Why or any(inner is Why for inner in typing.get_args(kind))


def test_the_plan_has_one_of_each_class_with_a_reason(plan: HostPlan) -> None:
    """Else a class could go unexplained because no plan of this test has it."""
    wanted = {
        part
        for part in classes_of(HostPlan)
        if any(holds_why(kind) for kind in typing.get_type_hints(part).values())
    }
    assert {part.__name__ for part in wanted - {type(part) for part in parts_of(plan)}} == set()


def test_every_reason_is_told(plan: HostPlan) -> None:
    told = {line.why for subject in subjects_of(plan) for line in subject.lines}
    assert [part for part in parts_of(plan) if isinstance(part, Why) and part not in told] == []


def section(text: str, heading: str) -> list[str]:
    part = next(part for part in text.split("\n\n") if part.startswith(f"{heading}\n"))
    return [line.strip() for line in part.splitlines()[1:]]


def test_settings_of_vfs(plan: HostPlan) -> None:
    assert section(summary(plan), "Virtual functions") == [
        "ens1f0 0000:10:00.0 ice: 3 VFs",
        "VF 0 0000:10:01.0 vfio-pci trust on spoofchk off",
        "VF 1 0000:10:01.1 vfio-pci mac 02:00:00:00:00:01 vlan 7",
        "VF 2 0000:10:01.2 kernel max-tx-rate 1000 min-tx-rate 100 link-state enable",
        "ens2f0 0000:20:00.0 ice: 1 VF, switchdev",
        "VF 0 0000:20:01.0 kernel",
    ]


def test_settings_of_ports(plan: HostPlan) -> None:
    assert section(summary(plan), "Open vSwitch")[-3:] == [
        "br0 netdev standalone",
        "dpdk0 mtu=1500 n_rxq=1 n_rxq_desc=512 n_txq_desc=1024",
        "dpdk1 mtu=9000 n_rxq=2 pmd-rxq-affinity=0:1,1:17",
    ]


def test_memory_and_pages(plan: HostPlan) -> None:
    text = summary(plan)
    assert section(text, "NUMA nodes") == [
        "node 0: CPUs 0-7,16-23 (8 cores), 64 GiB",
        "node 1: CPUs 8-15,24-31 (8 cores), 64 GiB",
    ]
    pages = section(text, "Hugepages")
    assert [line for line in pages if "of 2M" in line] == [
        "node 0: 1024 of 2M",
        "node 1: 1024 of 2M",
        "node 0: 2 GiB in pages of 2M for pods",
        "node 1: 2 GiB in pages of 2M for pods",
    ]
    assert "node 1: 2 GiB in pages of 1G for virtual machines" in pages


def test_offline_cpus_and_the_kubelet(plan: HostPlan) -> None:
    text = summary(plan)
    assert "offline 7,15,23,31" in section(text, "CPUs")
    assert section(text, "Kubelet")[:5] == [
        "reservedSystemCPUs 0-1,8,16-17,24",
        "cpuManagerPolicy static",
        "cpuManagerPolicyOptions strict-cpu-reservation=true full-pcpus-only=true",
        "topologyManagerPolicy single-numa-node",
        "topologyManagerScope container",
    ]


def test_interface_and_logins(plan: HostPlan) -> None:
    text = summary(plan)
    assert section(text, "Host") == [
        "h1",
        "mgmt0 192.0.2.7/24 gateway 192.0.2.1 nameserver 192.0.2.53 mtu 1400 mac 02:00:00:00:00:aa",
    ]
    assert section(text, "Logins and secrets")[0].startswith("user ops, 1 ssh key")


def test_a_part_is_set_in(plan: HostPlan) -> None:
    assert f"\n  {STEP}VF 0 0000:10:01.0" in summary(plan)


@pytest.mark.parametrize(
    ("kib", "text"), [(2048, "2M"), (1048576, "1G"), (64, "64K"), (524288, "512M")]
)
def test_size(kib: int, text: str) -> None:
    assert page_size_text(kib) == text


def test_numbers() -> None:
    assert [mib_text(mib) for mib in (47 * 1024, 1500, 0)] == ["47 GiB", "1500 MiB", "0 MiB"]
    assert (count_text(1, "VF"), count_text(0, "VF")) == ("1 VF", "0 VFs")
