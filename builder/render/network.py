"""Network files: names by PCI address and ports for VFs (image); netplan and names (host)."""

from __future__ import annotations

from collections.abc import Iterable

from builder.plan.devices import PfPlan
from builder.plan.types import HostPlan, ImagePlan, InterfacePlan
from builder.render.header import host_header, image_header
from builder.render.syntax import CHECKS, interface
from builder.render.templates import Sources
from builder.render.tree import RenderedFile

LINK = "/etc/systemd/network/10-rackwright-NAME.link"
# After netplan's 10-netplan-*.network: the first file that matches a port is its only one,
# and a port the host's netplan sets up stays netplan's.
PORT = "/etc/systemd/network/20-rackwright-NAME.network"
NETPLAN = "/etc/netplan/90-rackwright.yaml"
CLOUD_CFG = "/etc/cloud/cloud.cfg.d/90-rackwright.cfg"
HOSTS = "/etc/hosts"
ETHERNET_MTU = 1500


def render_links(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """Every port the kernel keeps gets the name the inventory calls it by."""
    for nic in plan.nics:
        text = sources.fill(LINK, header=image_header(plan), nic=nic)
        yield RenderedFile(LINK.replace("NAME", interface(nic.name)), text.encode())


def render_vf_ports(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """PFs the kernel keeps are set up: VFs of a port that is down have no link."""
    kept = {nic.pci for nic in plan.nics}
    for pf in plan.pfs:
        if pf.pci in kept:
            text = sources.fill(PORT, header=image_header(plan), pf=pf, mtu=jumbo_mtu(plan, pf))
            yield RenderedFile(PORT.replace("NAME", interface(pf.name)), text.encode())


def jumbo_mtu(plan: ImagePlan, pf: PfPlan) -> int | None:
    """The largest MTU over Ethernet's own that an OVS port on a VF of `pf` has."""
    vfs = {vf.pci for vf in pf.vfs}
    bridges = plan.ovs.bridges if plan.ovs is not None else ()
    wanted = [port.mtu for bridge in bridges for port in bridge.ports if port.pci in vfs]
    return max((mtu for mtu in wanted if mtu > ETHERNET_MTU), default=None)


def render_netplan(plan: HostPlan, sources: Sources) -> Iterable[RenderedFile]:
    """The host's own interfaces; without any, cloud-init stays free to set the network up."""
    if not plan.interfaces:
        return
    header = host_header(plan)
    # Boot waits for the management network only: a storage switch that is down must not
    # delay every boot by systemd-networkd-wait-online's two minutes.
    entries = [
        {"interface": item, "optional": item.role != "management"} for item in plan.interfaces
    ]
    text = sources.fill(NETPLAN, header=header, entries=entries)
    # netplan warns about files others can read: they may hold Wi-Fi or tunnel secrets.
    yield RenderedFile(NETPLAN, text.encode(), mode=0o600, scope="host")
    yield RenderedFile(CLOUD_CFG, sources.fill(CLOUD_CFG, header=header).encode(), scope="host")


def render_hostname(plan: HostPlan, sources: Sources) -> Iterable[RenderedFile]:
    hostname = CHECKS["hostname"](plan.hostname)
    yield RenderedFile("/etc/hostname", f"{hostname}\n".encode(), scope="host")
    short = hostname.partition(".")[0]
    text = sources.fill(
        HOSTS,
        header=host_header(plan),
        address=own_address(plan.interfaces),
        names=[hostname] if short == hostname else [hostname, short],
    )
    yield RenderedFile(HOSTS, text.encode(), scope="host")


def own_address(interfaces: tuple[InterfacePlan, ...]) -> str:
    """The address a host's own name stands for: its first fixed management address.

    Else 127.0.1.1, Debian's convention (Debian reference, 5.1.1).
    """
    fixed = [
        item.addresses[0] for item in interfaces if item.role == "management" and item.addresses
    ]
    return fixed[0].partition("/")[0] if fixed else "127.0.1.1"
