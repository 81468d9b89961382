"""The name systemd-udevd gives a port by its PCI address."""

from __future__ import annotations

from collections.abc import Iterable

from builder.model.values import PciAddress

ETHERNET = "en"
INFINIBAND = "ib"


def path_name(pci: PciAddress, ports: Iterable[PciAddress], prefix: str = ETHERNET) -> str:
    """ID_NET_NAME_PATH of systemd.net-naming-scheme(7), which needs no more than the addresses
    of the machine's ports.
    """
    slot = (pci.domain, pci.bus, pci.device)
    beside = {port for port in ports if (port.domain, port.bus, port.device) == slot}
    domain = f"P{pci.domain}" if pci.domain else ""
    function = f"f{pci.function}" if pci.function or len(beside) > 1 else ""
    return f"{prefix}{domain}p{pci.bus}s{pci.device}{function}"
