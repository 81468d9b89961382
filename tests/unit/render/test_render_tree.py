"""The tree of the seed's machine, from a literal plan: paths, scopes, values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rendered import RenderHost, RenderImage, Texts, data_lines, text_of

from builder.catalog.nics import NIC_TYPES
from builder.catalog.vf_settings import VfSettings
from builder.errors import BuilderError
from builder.plan.nouns.cpus import Role
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kernel import KernelArg, ModuleOption
from builder.plan.nouns.ovs import OvsPlan
from builder.plan.nouns.pages import HugepagePool
from builder.plan.nouns.why import Why
from builder.render import cmdline, os_release_fields, render_image
from builder.render.grub import SerialTerminal, read_grub_cmdline, serial_terminal
from builder.render.parse import parse_back

IMAGE_PATHS = """\
/etc/apt/apt.conf.d/99-zz-rackwright.conf
/etc/cloud/cloud.cfg.d/90-rackwright-apt.cfg
/etc/default/grub.d/zz-rackwright.cfg
/etc/modprobe.d/ixgbe.conf
/etc/modprobe.d/vfio-pci.conf
/etc/modules-load.d/rackwright.conf
/etc/needrestart/conf.d/99-zz-rackwright.conf
/etc/rackwright/files
/etc/rackwright/identities.json
/etc/rackwright/image-release
/etc/rackwright/node.json
/etc/sysctl.d/99-zz-rackwright.conf
/etc/systemd/network/10-rackwright-enp8s0.link
/etc/systemd/network/10-rackwright-ens11f0.link
/etc/systemd/network/10-rackwright-ens11f1.link
/etc/systemd/network/20-rackwright-ens11f0.network
/etc/systemd/network/20-rackwright-ens11f1.network
/etc/systemd/system/apt-daily-upgrade.timer
/etc/systemd/system/apt-daily.timer
/etc/systemd/system/dbus-org.freedesktop.network1.service
/etc/systemd/system/dpdk.service
/etc/systemd/system/multi-user.target.wants/systemd-networkd.service
/etc/systemd/system/netplan-ovs-cleanup.service.d/10-rackwright.conf
/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service
/etc/systemd/system/network-pre.target.wants/rackwright-nics.service
/etc/systemd/system/nfv-nics.service
/etc/systemd/system/ovs-vswitchd.service.d/10-rackwright.conf
/etc/systemd/system/ovs-vswitchd.service.requires/rackwright-nics.service
/etc/systemd/system/ovsdb-server.service.d/10-rackwright.conf
/etc/systemd/system/sockets.target.wants/systemd-networkd.socket
/etc/systemd/system/sysinit.target.wants/rackwright-nics.service
/usr/lib/rackwright/nics
/usr/lib/rackwright/ovs
/usr/lib/rackwright/rackwright_node.py
/usr/lib/systemd/system/rackwright-hugepages.service
/usr/lib/systemd/system/rackwright-nics.service
/usr/lib/systemd/system/rackwright-ovs-options.service
/usr/lib/udev/rules.d/90-rackwright-facts.rules
"""
HOST_PATHS = {
    "/etc/cloud/cloud.cfg.d/90-rackwright.cfg": "0644",
    "/etc/hostname": "0644",
    "/etc/hosts": "0644",
    "/etc/netplan/90-rackwright.yaml": "0600",
    "/etc/rackwright/files": "0644",
}


def test_paths_of_an_image(image_plan: ImagePlan, image_of: RenderImage) -> None:
    tree = image_of(image_plan)
    assert [file.path for file in tree] == IMAGE_PATHS.splitlines()
    assert {file.scope for file in tree} == {"image"}


def test_a_tree_parses_back(
    host_plan: HostPlan, image_plan: ImagePlan, host_of: RenderHost, image_of: RenderImage
) -> None:
    assert parse_back(image_of(image_plan), cmdline(image_plan)) == ()
    assert parse_back(host_of(host_plan), cmdline(image_plan)) == ()


def test_same_plan_same_bytes(host_plan: HostPlan, host_of: RenderHost) -> None:
    assert host_of(host_plan).digest == host_of(host_plan).digest


def test_a_host_adds_its_own_files_and_changes_no_other(
    host_plan: HostPlan, image_plan: ImagePlan, host_of: RenderHost, image_of: RenderImage
) -> None:
    tree = host_of(host_plan)
    assert {f.path: f.mode_text for f in tree if f.scope == "host"} == HOST_PATHS
    image = [file for file in image_of(image_plan) if file.path not in HOST_PATHS]
    assert [file for file in tree if file.scope == "image"] == image


def test_no_value_of_a_host_is_in_a_file_all_hosts_share(
    host_plan: HostPlan, host_of: RenderHost
) -> None:
    interface = replace(
        host_plan.interfaces[0],
        dhcp4=False,
        addresses=("192.0.2.7/24", "2001:db8::7/64"),
        gateways=("192.0.2.1",),
        nameservers=("198.51.100.53",),
        mac="02:00:5e:10:00:01",
    )
    plan = replace(host_plan, hostname="quartz-17", interfaces=(interface,))
    own = ("quartz-17", "192.0.2.", "2001:db8::", "198.51.100.53", "02:00:5e:10:00:01",
           plan.plan_id)  # fmt: skip
    tree = host_of(plan)
    leaks = [
        (f.path, v) for f in tree if f.scope == "image" for v in own if v in f.text or v in f.path
    ]
    assert leaks == []
    assert "192.0.2.7/24" in text_of(tree, "/etc/netplan/90-rackwright.yaml")


def test_the_listing_names_every_file_but_itself(
    host_plan: HostPlan, image_plan: ImagePlan, host_of: RenderHost, image_of: RenderImage
) -> None:
    for tree in (host_of(host_plan), image_of(image_plan)):
        listed = text_of(tree, "/etc/rackwright/files").splitlines()
        assert listed == [f.path for f in tree if f.path != "/etc/rackwright/files"]


def test_every_text_we_write_says_who_made_it_and_where_to_change_it(
    host_plan: HostPlan, host_of: RenderHost
) -> None:
    made = "# Made by rackwright for "
    bare = {
        "/etc/hostname",
        *(f"/etc/rackwright/{name}" for name in ("files", "identities.json", "node.json")),
    }
    silent = [
        file.path
        for file in host_of(host_plan)
        if not file.is_symlink and file.path.startswith("/etc/") and not file.text.startswith(made)
    ]
    assert set(silent) == bare


def test_the_command_line_is_the_same_words_in_the_same_order(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    words = (
        "console=tty0", "console=ttyS0,115200n8", "intel_iommu=on", "iommu=pt",
        "default_hugepagesz=1G", "hugepagesz=1G", "hugepages=0:4,1:4",
        "isolcpus=managed_irq,domain,1-7,9-15,17-23,25-31", "nosmt_is_not_set",
    )  # fmt: skip
    assert cmdline(image_plan) == words
    text = text_of(image_of(image_plan), "/etc/default/grub.d/zz-rackwright.cfg")
    assert read_grub_cmdline(text) == words
    assert data_lines(text)[1:] == [
        'GRUB_CMDLINE_LINUX_DEFAULT=""',
        "GRUB_TIMEOUT=1",
        "GRUB_RECORDFAIL_TIMEOUT=1",
        "GRUB_DISABLE_OS_PROBER=true",
        'GRUB_FORCE_PARTUUID=""',
        'GRUB_FLAVOUR_ORDER="amd64"',
        'GRUB_TERMINAL="console serial"',
        'GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"',
    ]


@pytest.mark.parametrize(
    ("consoles", "beside"),
    [
        (["tty1"], ["ttyS0,115200n8"]),
        (["ttyS1,115200n8"], ["tty0"]),
        (["uart8250,io,0x2f8,115200n8"], ["tty0"]),
        (["hvc0"], ["tty0"]),
        (["tty0", "ttyS1,115200n8", "ttyS0,9600"], []),
        (["null"], []),
        ([""], []),
    ],
)
def test_consoles_of_the_plan_replace_ours_of_their_kind(
    image_plan: ImagePlan, consoles: list[str], beside: list[str]
) -> None:
    args = tuple(KernelArg("console", console, Why("asked for")) for console in consoles)
    plan = replace(image_plan, kernel_args=args)
    assert list(cmdline(plan)) == [f"console={console}" for console in (*beside, *consoles)]


@pytest.mark.parametrize(
    ("console", "terminal"),
    [
        ("ttyS1,57600n8", SerialTerminal("1", "57600")),
        ("ttyS0", SerialTerminal("0", "9600")),
        ("uart8250,io,0x2f8,115200n8", SerialTerminal("1", "115200")),
        ("uart,io,0x3E8", SerialTerminal("2", "9600")),
        ("uart8250,mmio,0xd0000000", None),
        ("uart8250,io,0x1000", None),
        ("ttyS0x,1", None),
        ("hvc0", None),
    ],
)
def test_grub_is_on_the_serial_port_the_kernel_uses(
    image_plan: ImagePlan, image_of: RenderImage, console: str, terminal: SerialTerminal | None
) -> None:
    assert serial_terminal(["console=ttyS3,115200", f"console={console}"]) == (
        terminal or SerialTerminal("3", "115200")
    )
    plan = replace(image_plan, kernel_args=(KernelArg("console", console, Why("asked for")),))
    text = text_of(image_of(plan), "/etc/default/grub.d/zz-rackwright.cfg")
    said = [line for line in text.splitlines() if "SERIAL" in line]
    assert said == (
        []
        if terminal is None
        else [f'GRUB_SERIAL_COMMAND="serial --unit={terminal.unit} --speed={terminal.speed}"']
    )


def test_modprobe_files(image_plan: ImagePlan, image_of: RenderImage) -> None:
    option = ModuleOption("ixgbe", "max_vfs", "2,2", Why("one for each port"))
    tree = image_of(image_plan)
    with_option = image_of(replace(image_plan, module_options=(option,)))
    assert data_lines(text_of(tree, "/etc/modprobe.d/ixgbe.conf")) == []
    assert "# no max_vfs: VFs are made by sysfs [profiles.nfv.sriov[0]]" in text_of(
        tree, "/etc/modprobe.d/ixgbe.conf"
    )
    assert data_lines(text_of(tree, "/etc/modprobe.d/vfio-pci.conf")) == [
        "options vfio-pci disable_idle_d3=1"
    ]
    assert data_lines(text_of(with_option, "/etc/modprobe.d/ixgbe.conf")) == [
        "options ixgbe max_vfs=2,2"
    ]
    assert with_option.get("/etc/modprobe.d/vfio-pci.conf") is None


def test_modules_and_sysctls(image_plan: ImagePlan, image_of: RenderImage) -> None:
    tree = image_of(image_plan)
    assert data_lines(text_of(tree, "/etc/modules-load.d/rackwright.conf")) == ["vfio-pci"]
    assert data_lines(text_of(tree, "/etc/sysctl.d/99-zz-rackwright.conf")) == [
        "vm.swappiness = 10"
    ]
    empty = image_of(replace(image_plan, modules=(), sysctls=()))
    assert empty.get("/etc/modules-load.d/rackwright.conf") is None
    assert empty.get("/etc/sysctl.d/99-zz-rackwright.conf") is None


def test_our_sysctls_are_read_last() -> None:
    theirs = ["50-pid-max.conf", "99-cloudimg-ipv6.conf", "99-protect-links.conf", "99-sysctl.conf"]
    assert max([*theirs, "99-zz-rackwright.conf"]) == "99-zz-rackwright.conf"


def test_a_mount_for_pages_of_another_size_than_the_default(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    small = HugepagePool(0, 2048, 512, Why("for OVS"), ())
    tree = image_of(replace(image_plan, hugepages=(*image_plan.hugepages, small)))
    unit = "/etc/systemd/system/dev-hugepages2M.mount"
    assert data_lines(text_of(tree, unit))[-7:] == [
        "[Mount]",
        "What=hugetlbfs",
        "Where=/dev/hugepages2M",
        "Type=hugetlbfs",
        "Options=pagesize=2M",
        "[Install]",
        "WantedBy=sysinit.target",
    ]
    link = tree.get("/etc/systemd/system/sysinit.target.wants/dev-hugepages2M.mount")
    assert link is not None
    assert (link.is_symlink, link.text) == (True, unit)
    assert parse_back(tree) == ()


def test_the_default_size_is_that_of_the_first_pool_and_has_systemds_own_mount(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    small = HugepagePool(0, 2048, 512, Why("for OVS"), ())
    tree = image_of(replace(image_plan, hugepages=(small, *image_plan.hugepages)))
    assert tree.get("/etc/systemd/system/dev-hugepages2M.mount") is None
    assert tree.get("/etc/systemd/system/dev-hugepages1G.mount") is not None


def test_a_pool_without_pages_has_no_mount(image_plan: ImagePlan, image_of: RenderImage) -> None:
    none = HugepagePool(0, 2048, 0, Why("nobody wants pages here"), ())
    tree = image_of(replace(image_plan, hugepages=(*image_plan.hugepages, none)))
    assert [file.path for file in tree if "hugepages" in file.path] == [
        file.path for file in image_of(image_plan) if "hugepages" in file.path
    ]


def test_links_by_pci_path(image_plan: ImagePlan, image_of: RenderImage) -> None:
    text = text_of(image_of(image_plan), "/etc/systemd/network/10-rackwright-ens11f1.link")
    assert data_lines(text) == [
        "[Match]",
        "Path=pci-0000:01:00.1",
        "[Link]",
        "Name=ens11f1",
        "MACAddressPolicy=persistent",
    ]


def test_ports_with_vfs_are_set_up_without_addresses(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    text = text_of(image_of(image_plan), "/etc/systemd/network/20-rackwright-ens11f0.network")
    assert data_lines(text) == [
        "[Match]",
        "Path=pci-0000:01:00.0",
        "[Link]",
        "RequiredForOnline=no",
        "[Network]",
        "LinkLocalAddressing=no",
        "IPv6AcceptRA=no",
    ]


def test_a_port_has_the_mtu_of_its_vf_in_ovs(image_plan: ImagePlan, image_of: RenderImage) -> None:
    assert image_plan.ovs is not None
    bridge = image_plan.ovs.bridges[0]
    port = replace(bridge.ports[0], name="dpdk1", pci=image_plan.pfs[0].vfs[0].pci, mtu=9000)
    ovs = OvsPlan((), (replace(bridge, ports=(*bridge.ports, port)),))
    tree = image_of(replace(image_plan, ovs=ovs))
    assert "MTUBytes=9000" in data_lines(
        text_of(tree, "/etc/systemd/network/20-rackwright-ens11f0.network")
    )
    assert "MTUBytes" not in text_of(tree, "/etc/systemd/network/20-rackwright-ens11f1.network")


def test_a_port_given_to_userspace_has_neither_name_nor_network(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    pf = replace(image_plan.pfs[0], driver="vfio-pci")
    plan = replace(image_plan, nics=image_plan.nics[:1], pfs=(pf,))
    names = [file.path for file in image_of(plan) if "/systemd/network/" in file.path]
    assert names == ["/etc/systemd/network/10-rackwright-enp8s0.link"]


def test_node_json(image_plan: ImagePlan, image_of: RenderImage) -> None:
    vf = {"driver": "vfio-pci", "mac": None, "vlan": None, "trust": None, "spoofchk": None,
          "max-tx-rate": None, "min-tx-rate": None, "link-state": None}  # fmt: skip
    document = json.loads(text_of(image_of(image_plan), "/etc/rackwright/node.json"))
    assert document == {
        "version": 2,
        "plan-id": image_plan.plan_id,
        "offline-cpus": "",
        "hugepages": [
            {"node": 0, "size-kib": 1048576, "count": 4},
            {"node": 1, "size-kib": 1048576, "count": 4},
        ],
        "pfs": [
            {
                "name": "ens11f0", "pci": "0000:01:00.0", "id": "8086:10fb", "driver": "ixgbe",
                "mode": "sysfs", "eswitch": "legacy", "num-vfs": 2, "vf-id": "8086:10ed",
                "vfs": [
                    {"index": 0, "pci": "0000:01:10.0", **vf},
                    {"index": 1, "pci": "0000:01:10.2", **vf},
                ],
            },
            {
                "name": "ens11f1", "pci": "0000:01:00.1", "id": "8086:10fb", "driver": "ixgbe",
                "mode": "sysfs", "eswitch": "legacy", "num-vfs": 1, "vf-id": "8086:10ed",
                "vfs": [{"index": 0, "pci": "0000:01:10.1", **vf, "driver": None}],
            },
        ],
        "bindings": [
            {"name": "enp9s0", "pci": "0000:09:00.0", "id": "8086:1533", "driver": "vfio-pci"}
        ],
        "kernel-ports": [],
        "ovs": {
            "other-config": {"dpdk-init": "true"},
            "bridges": [
                {
                    "name": "br0", "datapath-type": "netdev", "fail-mode": "standalone",
                    "ports": [
                        {"name": "dpdk0", "type": "dpdk", "mtu": 1500,
                         "options": {"dpdk-devargs": "0000:09:00.0", "n_rxq": "1"},
                         "other-config": {}},
                    ],
                },
            ],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("device_id", "driver", "up_first"),
    [("14e4:16d7", "bnxt_en", True), ("14e4:16d7", "vfio-pci", None), ("8086:10fb", "ixgbe", None)],
)
def test_a_pf_to_be_up_before_its_vfs_are_made_says_so(
    image_plan: ImagePlan,
    image_of: RenderImage,
    device_id: str,
    driver: str,
    *,
    up_first: bool | None,
) -> None:
    pf = replace(image_plan.pfs[0], model=NIC_TYPES[device_id], driver=driver)
    tree = image_of(replace(image_plan, pfs=(pf,)))
    document = json.loads(text_of(tree, "/etc/rackwright/node.json"))
    assert document["pfs"][0].get("up-first") is up_first


def test_without_ovs_nothing_of_it_is_rendered(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    tree = image_of(replace(image_plan, ovs=None))
    assert [f.path for f in tree if "ovs" in f.path or "dpdk" in f.path] == [
        "/etc/systemd/system/ovs-vswitchd.service.requires/rackwright-nics.service"
    ]
    assert json.loads(text_of(tree, "/etc/rackwright/node.json"))["ovs"] is None


def test_cpus_are_taken_offline_only_where_the_plan_has_some(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    assert [file.path for file in image_of(image_plan) if "cpus" in file.path] == []
    off: dict[int, Role] = dict.fromkeys((7, 15, 23, 31), "offline")
    cpus = replace(image_plan.cpus, roles={**image_plan.cpus.roles, **off})
    tree = image_of(replace(image_plan, cpus=cpus))
    assert [file.path for file in tree if "cpus" in file.path] == [
        "/etc/systemd/system/network-pre.target.wants/rackwright-cpus.service",
        "/etc/systemd/system/ovs-vswitchd.service.requires/rackwright-cpus.service",
        "/etc/systemd/system/sysinit.target.wants/rackwright-cpus.service",
        "/usr/lib/rackwright/cpus",
        "/usr/lib/systemd/system/rackwright-cpus.service",
    ]
    node = json.loads(text_of(tree, "/etc/rackwright/node.json"))
    assert node["offline-cpus"] == "7,15,23,31"


def test_what_is_set_of_a_vf_and_of_a_port(image_plan: ImagePlan, image_of: RenderImage) -> None:
    first = image_plan.pfs[1]
    wanted = VfSettings(max_tx_rate=200, min_tx_rate=50, link_state="enable")
    vf = replace(first.vfs[0], settings=wanted)
    pf = replace(first, vfs=(vf,), eswitch="switchdev")
    assert image_plan.ovs is not None
    bridge = image_plan.ovs.bridges[0]
    port = replace(bridge.ports[0], affinity={0: 1})
    ovs = replace(image_plan.ovs, bridges=(replace(bridge, ports=(port,)),))
    tree = image_of(replace(image_plan, pfs=(pf,), ovs=ovs))
    node = json.loads(text_of(tree, "/etc/rackwright/node.json"))
    assert node["pfs"][0]["eswitch"] == "switchdev"
    assert node["pfs"][0]["vfs"][0] == {
        "index": 0, "pci": "0000:01:10.1", "driver": None, "mac": None, "vlan": None,
        "trust": None, "spoofchk": None, "max-tx-rate": 200, "min-tx-rate": 50,
        "link-state": "enable",
    }  # fmt: skip
    assert node["ovs"]["bridges"][0]["ports"][0]["other-config"] == {"pmd-rxq-affinity": "0:1"}


def test_ovs_keeps_to_housekeeping_cpus_and_starts_after_its_options(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    tree = image_of(image_plan)
    assert data_lines(
        text_of(tree, "/etc/systemd/system/ovs-vswitchd.service.d/10-rackwright.conf")
    ) == [
        "[Unit]",
        "Wants=rackwright-ovs-options.service",
        "After=rackwright-ovs-options.service",
        "[Service]",
        "CPUAffinity=",
        "CPUAffinity=0,8,16,24",
    ]
    assert data_lines(
        text_of(tree, "/etc/systemd/system/ovsdb-server.service.d/10-rackwright.conf")
    ) == [
        "[Unit]",
        "Wants=rackwright-nics.service rackwright-hugepages.service",
        "After=rackwright-nics.service rackwright-hugepages.service",
    ]


def test_os_release_names_image_and_plan(image_plan: ImagePlan) -> None:
    assert os_release_fields(image_plan) == (
        "IMAGE_ID=nfv-node",
        f"IMAGE_VERSION={image_plan.plan_id}",
    )


def test_an_unknown_program_is_not_dropped_silently(
    image_plan: ImagePlan, templates: Texts, programs: Texts
) -> None:
    with pytest.raises(ValueError, match=r"^systemd/notes\.txt has no place on a node$"):
        render_image(image_plan, templates, {**programs, "notes.txt": "x\n"})


def test_a_name_that_is_no_interface_name_makes_no_path(
    image_plan: ImagePlan, image_of: RenderImage
) -> None:
    nic = replace(image_plan.nics[0], name="../../x")
    with pytest.raises(BuilderError) as caught:
        image_of(replace(image_plan, nics=(nic,)))
    assert caught.value.message == "'../../x' cannot be written as an interface name"
