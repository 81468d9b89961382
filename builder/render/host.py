"""Files of one machine: its names, and the network of its own interfaces."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from builder.plan.nouns.host import HostPlan, InterfacePlan
from builder.render.effect import nothing, reboot, restart
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults, by_line, read_yaml_mapping
from builder.render.header import host_header
from builder.render.syntax import TEXT_CHECKS
from builder.render.templates import Sources
from builder.render.tree import RenderedFile


def learnt_settings(item: InterfacePlan) -> dict[str, object]:
    """Netplan's keys for what DHCP and routers tell: the same in a file and in a bundle.

    networkd has one section for both kinds of DHCP, so both get the same.
    """
    own: dict[str, object] = {}
    if not item.routes:
        own["use-routes"] = False
    if not item.dns:
        own["use-dns"] = False
    if item.metric is not None:
        own["route-metric"] = item.metric
    found: dict[str, object] = {}
    for key, is_on in (("dhcp4-overrides", item.dhcp4), ("dhcp6-overrides", item.dhcp6)):
        if own and is_on:
            found[key] = own
    if not item.routes and not item.dhcp6:
        found["accept-ra"] = False
    return found


def default_routes(item: InterfacePlan) -> list[dict[str, object]]:
    """Netplan's entries for gateways of the inventory."""
    metric = {} if item.metric is None else {"metric": item.metric}
    return [{"to": "default", "via": gateway, **metric} for gateway in item.gateways]


def render_netplan(plan: HostPlan, sources: Sources) -> Iterable[RenderedFile]:
    """The host's own interfaces; without any, cloud-init stays free to set the network up."""
    if not plan.interfaces:
        return
    header = host_header(plan)
    # Boot waits for the management network only: a storage switch that is down must not
    # delay every boot by systemd-networkd-wait-online's two minutes.
    entries = [
        {
            "interface": item,
            "optional": item.role != "management",
            "learnt": [{"key": k, "value": v} for k, v in learnt_settings(item).items()],
            "routes": default_routes(item),
        }
        for item in plan.interfaces
    ]
    yield NETPLAN.fill(sources, header=header, entries=entries)
    yield CLOUD_CFG.fill(sources, header=header)


def render_hostname(plan: HostPlan, sources: Sources) -> Iterable[RenderedFile]:
    hostname = TEXT_CHECKS["hostname"](plan.hostname)
    yield HOSTNAME.file(f"{hostname}\n".encode())
    short = hostname.partition(".")[0]
    yield HOSTS.fill(
        sources,
        header=host_header(plan),
        address=own_address(plan.interfaces),
        names=[hostname] if short == hostname else [hostname, short],
    )


def own_address(interfaces: tuple[InterfacePlan, ...]) -> str:
    """The address a host's own name stands for: its first fixed management address.

    Else 127.0.1.1, Debian's convention (Debian reference, 5.1.1).
    """
    fixed = [
        item.addresses[0] for item in interfaces if item.role == "management" and item.addresses
    ]
    return fixed[0].partition("/")[0] if fixed else "127.0.1.1"


def _read_netplan(_path: str, text: str) -> Faults:
    document = yaml.safe_load(text)["network"]
    if document["version"] != 2:
        yield "is not version 2"
    for name in document["ethernets"]:
        TEXT_CHECKS["interface"](name)


HOSTNAME = FileKind(
    path="/etc/hostname",
    render=render_hostname,
    read_back=by_line(r"[a-z0-9][a-z0-9.-]{0,63}", "a host name"),
    accepted_by=None,
    needs=reboot("read at boot; services know the node by its old name"),
    check="os",
    scope="host",
)
HOSTS = FileKind(
    path="/etc/hosts",
    render=render_hostname,
    read_back=by_line(r"[0-9a-f.:]+( [a-z0-9.-]+)+", "an address with names"),
    accepted_by=None,
    needs=nothing("read at each lookup"),
    check="files",
    scope="host",
    comments=True,
)
NETPLAN = FileKind(
    path="/etc/netplan/90-rackwright.yaml",
    render=render_netplan,
    read_back=_read_netplan,
    accepted_by="netplan",
    needs=restart(
        "netplan apply", "the network is reconfigured, including the address of this connection"
    ),
    check="files",
    scope="host",
    # netplan warns about files others can read: they may hold Wi-Fi or tunnel secrets.
    mode=0o600,
    comments=True,
)
CLOUD_CFG = FileKind(
    path="/etc/cloud/cloud.cfg.d/90-rackwright.cfg",
    render=render_netplan,
    read_back=read_yaml_mapping,
    accepted_by=None,
    needs=nothing("cloud-init reads it at each boot"),
    check="files",
    scope="host",
    comments=True,
)
FILES = (HOSTNAME, HOSTS, NETPLAN, CLOUD_CFG)
