"""Where the twin's NICs sit: the PCI buses QEMU must have so that firmware numbers them alike.

Firmware numbers buses depth first, in order of device and function: SeaBIOS and OVMF both.
Root ports on the first root bus (pcie.0) therefore get buses 1, 2, ...; a further root bus
(pxb-pcie) has the number we give it, and its root ports the numbers after. A NUMA node is a
property of a root bus (docs/pcie.txt and docs/pci_expander_bridge.txt of QEMU), never of a port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.errors import BuilderError
from builder.model.values import PciAddress

# Slots of pcie.0 that q35 fills itself: the host bridge and the ISA bridge (ICH9 LPC).
HOST_BRIDGE, ISA_BRIDGE = 0x00, 0x1F
# A root port hands only device 0 of its bus on (PCIe base specification, 7.3.1).
BEHIND_PORT = "a PCIe root port of QEMU carries device 00 only"


@dataclass(frozen=True, slots=True)
class Port:
    """One NIC port of the class: where it is, and the NUMA node it shall be on."""

    pci: PciAddress
    numa: int | None


@dataclass(frozen=True, slots=True)
class RootBus:
    """A root bus and the buses behind its root ports. number 0: pcie.0, else a pxb-pcie."""

    number: int
    buses: tuple[int, ...]
    node: int | None

    @property
    def id(self) -> str:
        return "pcie.0" if self.number == 0 else f"pxb{self.number}"


def find_impossible(pci: PciAddress) -> str | None:
    """Why QEMU cannot have a NIC at `pci`; None when it can."""
    if pci.domain != 0:
        return "QEMU's q35 machine has PCI domain 0000 only"
    if pci.bus != 0 and pci.device != 0:
        return BEHIND_PORT
    if pci.bus == 0 and pci.device == HOST_BRIDGE:
        return "device 00:00 of q35 is its host bridge"
    if pci.bus == 0 and pci.device == ISA_BRIDGE and pci.function == 0:
        return "device 00:1f.0 of q35 is its ISA bridge"
    return None


def plan_root_buses(ports: Sequence[Port]) -> tuple[RootBus, ...]:
    """The root buses that give each port its bus number, pcie.0 first.

    Consecutive buses share a root bus: between two root buses one number is always taken by
    the second itself.
    """
    runs: list[list[int]] = []
    for bus in sorted({port.pci.bus for port in ports} - {0}):
        if runs and bus == runs[-1][-1] + 1:
            runs[-1].append(bus)
        else:
            runs.append([bus])
    first = tuple(runs.pop(0)) if runs and runs[0][0] == 1 else ()
    roots = [RootBus(0, first, _common_node(ports, (0, *first)))]
    roots += [RootBus(run[0] - 1, tuple(run), _common_node(ports, run)) for run in runs]
    return tuple(roots)


def _common_node(ports: Iterable[Port], buses: Iterable[int]) -> int | None:
    """The NUMA node most ports of `buses` are on (the first of equals); None: none is stated."""
    wanted = set(buses)
    nodes = Counter(port.numa for port in ports if port.pci.bus in wanted and port.numa is not None)
    return nodes.most_common(1)[0][0] if nodes else None


def free_slots(taken: Iterable[int]) -> list[int]:
    """Slots of pcie.0 for the twin's own devices, lowest first."""
    used = {HOST_BRIDGE, ISA_BRIDGE, *taken}
    return [slot for slot in range(0x20) if slot not in used]


def bridge_argv(roots: Sequence[RootBus], slots: list[int]) -> tuple[str, ...]:
    """`-device` words of the root buses and root ports; takes the slots it uses off `slots`."""
    words: list[str] = []
    for root in roots:
        if root.number != 0:
            node = "" if root.node is None else f",numa_node={root.node}"
            at = f"addr={_take(slots):02x}.0"
            words += [
                "-device",
                f"pxb-pcie,id={root.id},bus=pcie.0,{at},bus_nr={root.number}{node}",
            ]
        for place, bus in enumerate(root.buses):
            slot = place if root.number != 0 else _take(slots)
            # Without hot-plug firmware sets no spare bus numbers aside for the port.
            where = f"id=bus{bus},bus={root.id},addr={slot:02x}.0"
            words += ["-device", f"pcie-root-port,{where},chassis={bus},slot={bus},hotplug=off"]
    return tuple(words)


def _take(slots: list[int]) -> int:
    if not slots:
        raise BuilderError("the twin has no free slot left on PCI bus 00 for its own devices")
    return slots.pop(0)


def take_slots(slots: list[int], count: int) -> tuple[int, ...]:
    """The next `count` free slots."""
    return tuple(_take(slots) for _ in range(count))


def node_table(node: int) -> bytes:
    r"""An ACPI table (SSDT) that puts the root bus pcie.0, and all behind it, on NUMA node `node`.

    QEMU can state a node for a pxb-pcie only. Linux takes it from _PXM of the host bridge
    (acpi_get_node(), ACPI specification 6.2.14). In ASL:
    `Scope (\_SB.PCI0) { Name (_PXM, node) }`.
    """
    name = b"\\\x2e_SB_PCI0"  # RootChar, DualNamePrefix and its two segments
    body = name + b"\x08_PXM\x0a" + bytes([node])  # NameOp, BytePrefix
    scope = b"\x10" + bytes([len(body) + 1]) + body  # ScopeOp, PkgLength of one byte
    head = b"SSDT" + (36 + len(scope)).to_bytes(4, "little") + b"\x02\x00"
    table = head + b"RACKWRTWINNODE" + b"\x01\x00\x00\x00RACK\x01\x00\x00\x00" + scope
    checksum = -sum(table) & 0xFF
    return table[:9] + bytes([checksum]) + table[10:]
