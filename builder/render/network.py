"""Network files all machines of an image share: names by PCI address, and ports for VFs."""

from __future__ import annotations

from collections.abc import Iterable

from builder.catalog.ethernet import ETHERNET_MTU
from builder.plan.nouns.devices import PfPlan
from builder.plan.nouns.image import ImagePlan
from builder.render.effect import reboot, restart
from builder.render.file_kind import FileKind
from builder.render.grammar import in_sections
from builder.render.header import image_header
from builder.render.syntax import interface
from builder.render.templates import Sources
from builder.render.tree import RenderedFile


def render_links(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """Every port the kernel keeps gets the name the inventory calls it by."""
    for nic in plan.nics:
        yield LINK.fill(sources, interface(nic.name), header=image_header(plan), nic=nic)


def render_vf_ports(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """PFs the kernel keeps are set up: VFs of a port that is down have no link."""
    kept = {nic.pci for nic in plan.nics}
    for pf in plan.pfs:
        if pf.pci in kept:
            header, mtu = image_header(plan), jumbo_mtu(plan, pf)
            yield PORT.fill(sources, interface(pf.name), header=header, pf=pf, mtu=mtu)


def jumbo_mtu(plan: ImagePlan, pf: PfPlan) -> int | None:
    """The largest MTU over Ethernet's own that an OVS port on a VF of `pf` has."""
    vfs = {vf.pci for vf in pf.vfs}
    bridges = plan.ovs.bridges if plan.ovs is not None else ()
    wanted = [port.mtu for bridge in bridges for port in bridge.ports if port.pci in vfs]
    return max((mtu for mtu in wanted if mtu > ETHERNET_MTU), default=None)


LINK = FileKind(
    path="/etc/systemd/network/10-rackwright-NAME.link",
    render=render_links,
    read_back=in_sections(("Match", "Link"), ("Match", "Link")),
    accepted_by=None,
    needs=reboot("udev names a port when it appears; one that is in use keeps its name"),
    check="link",
    comments=True,
    initramfs=True,  # its udev names network ports
)
PORT = FileKind(
    # After netplan's 10-netplan-*.network: the first file that matches a port is its only one,
    # and a port the host's netplan sets up stays netplan's.
    path="/etc/systemd/network/20-rackwright-NAME.network",
    render=render_vf_ports,
    read_back=in_sections(("Match", "Link", "Network"), ("Match",)),
    accepted_by=None,
    needs=restart("networkctl reload", "systemd-networkd configures the port from it"),
    check="files",
    comments=True,
)
FILES = (LINK, PORT)
