"""The files of a host alone: its network and its names."""

from __future__ import annotations

from dataclasses import replace

from rendered import RenderHost, data_lines, text_of

from builder.plan.nouns.host import HostPlan


def test_netplan_of_a_dhcp_host(host_plan: HostPlan, host_of: RenderHost) -> None:
    text = text_of(host_of(host_plan), "/etc/netplan/90-rackwright.yaml")
    assert [line for line in text.splitlines() if not line.lstrip().startswith("#")] == [
        "network:",
        "  version: 2",
        "  renderer: networkd",
        "  ethernets:",
        '    "enp8s0":',
        "      dhcp4: true",
        "      dhcp-identifier: mac",
        "      dhcp6: false",
    ]


def test_netplan_of_a_static_host(host_plan: HostPlan, host_of: RenderHost) -> None:
    storage = replace(
        host_plan.interfaces[0],
        name="ens11f1",
        role="storage",
        dhcp4=False,
        addresses=("192.0.2.7/24",),
        gateways=("192.0.2.1",),
        nameservers=("192.0.2.53", "2001:db8::53"),
        mtu=9000,
    )
    text = text_of(
        host_of(replace(host_plan, interfaces=(storage,))), "/etc/netplan/90-rackwright.yaml"
    )
    assert [line for line in text.splitlines() if not line.lstrip().startswith("#")][4:] == [
        '    "ens11f1":',
        "      dhcp4: false",
        "      dhcp6: false",
        "      optional: true",
        '      addresses: ["192.0.2.7/24"]',
        '      routes: [{"to": "default", "via": "192.0.2.1"}]',
        '      nameservers: {addresses: ["192.0.2.53", "2001:db8::53"]}',
        "      mtu: 9000",
    ]


def test_a_host_without_interfaces_leaves_the_network_to_cloud_init(
    host_plan: HostPlan, host_of: RenderHost
) -> None:
    tree = host_of(replace(host_plan, interfaces=()))
    assert [file.path for file in tree if file.scope == "host"] == [
        "/etc/hostname",
        "/etc/hosts",
        "/etc/rackwright/files",
    ]


def test_names_of_a_host(host_plan: HostPlan, host_of: RenderHost) -> None:
    tree = host_of(replace(host_plan, hostname="nfv1.example.org"))
    assert text_of(tree, "/etc/hostname") == "nfv1.example.org\n"
    assert data_lines(text_of(tree, "/etc/hosts")) == [
        "127.0.0.1 localhost",
        "127.0.1.1 nfv1.example.org nfv1",
        "::1 localhost ip6-localhost ip6-loopback",
        "ff02::1 ip6-allnodes",
        "ff02::2 ip6-allrouters",
    ]
    fixed = replace(host_plan.interfaces[0], addresses=("192.0.2.7/24",))
    tree = host_of(replace(host_plan, interfaces=(fixed,)))
    assert data_lines(text_of(tree, "/etc/hosts"))[1] == "192.0.2.7 nfv1"
