"""Rules on where the VFs of a PF lie, and on how many its card has."""

from __future__ import annotations

from collections.abc import Iterator

from builder.model.inventory import Inventory
from builder.model.rules.sriov import UsedPf, used_pfs
from builder.model.sriov import (
    count_card_ports,
    given_card_ports,
    listed_card_ports,
    most_vfs_wanted,
    ports_of_card,
    set_in_card,
)
from builder.phrases import count_text, either
from builder.rule import Finding, Rule, each


def check_num_vfs(pf: UsedPf) -> Iterator[Finding]:
    ports = count_card_ports(pf.pair.hardware, pf.nic)
    most = pf.kind.most_vfs(ports)
    if 0 < most < pf.policy.num_vfs:
        shared = f", one of {ports} ports" if most < pf.kind.total_vfs else ""
        message = (
            f"num-vfs is {pf.policy.num_vfs}, but {pf.nic.name} ({pf.kind.name}{shared}) has "
            f"at most {count_text(most, 'VF')}"
        )
        yield Finding((*pf.path, "num-vfs"), message)


def check_set_in_card(pf: UsedPf) -> Iterator[Finding]:
    """More VFs than the card is delivered with: sriov_numvfs says ERANGE until it is set."""
    if not pf.kind.vfs_in_card:
        return
    block = pf.kind.block(count_card_ports(pf.pair.hardware, pf.nic))
    if block < pf.policy.num_vfs <= pf.kind.total_vfs:
        message = (
            f"{pf.nic.name} ({pf.kind.name}) is delivered with {count_text(block, 'VF')} "
            f"configured: {pf.policy.num_vfs} require a setting of the card"
        )
        wanted = most_vfs_wanted(pf.pair.hardware, pf.pair.profile.sriov, pf.nic)
        yield Finding((*pf.path, "num-vfs"), message, set_in_card(pf.nic, wanted))


def check_layout(pf: UsedPf) -> Iterator[Finding]:
    """A model whose VFs were never seen."""
    if pf.kind.layout_of is not None:
        message = (
            f"where the VFs of {pf.nic.name} ({pf.kind.name}) are is assumed: as those of an "
            f"{pf.kind.layout_of}"
        )
        hint = (
            f"say it of {pf.nic.name} in hardware.{pf.pair.class_name}.nics: sriov: {{total-vfs, "
            f"vf-offset, vf-stride}}, from lspci -vvv -s {pf.nic.pci}"
        )
        yield Finding((*pf.path, "pf"), message, hint)


def check_card_ports(pf: UsedPf) -> Iterator[Finding]:
    """Where VFs lie, and how many there can be, may depend on ports that are not listed."""
    hardware, nic, kind = pf.pair.hardware, pf.nic, pf.kind
    likely = kind.likely_ports(listed_card_ports(hardware, nic))
    if not kind.total_vfs or given_card_ports(hardware, nic) is not None:
        return
    wanted = most_vfs_wanted(hardware, pf.pair.profile.sriov, nic)
    ways = {
        (
            kind.first_vf_offset(nic.pci.function, ports, wanted),
            kind.most_vfs(ports) >= pf.policy.num_vfs,
        )
        for ports in likely
    }
    if len(ways) > 1:
        message = (
            f"cards with {kind.name} have {either(likely)} ports, and the VFs of {nic.name} depend "
            f"on how many (assumed: {likely[0]})"
        )
        listed = ports_of_card(hardware, nic)[0].pci
        hint = (
            f"add card-ports to {nic.name} in hardware.{pf.pair.class_name}.nics; lspci -s "
            f"{str(listed).rpartition('.')[0]} lists the ports"
        )
        yield Finding((*pf.path, "pf"), message, hint)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "sriov-num-vfs",
        "error",
        "A PF does not have more VFs than its device supports.",
        each(used_pfs, check_num_vfs),
    ),
    Rule(
        "sriov-set-in-card",
        "warning",
        "A PF does not have more VFs than its card is configured for.",
        each(used_pfs, check_set_in_card),
    ),
    Rule(
        "sriov-layout",
        "warning",
        "The PCI addresses of a PF's VFs are known, not assumed.",
        each(used_pfs, check_layout),
    ),
    Rule(
        "sriov-card-ports",
        "warning",
        "If the VFs of a PF depend on the number of ports of its card, that number is known.",
        each(used_pfs, check_card_ports),
    ),
)
