"""Virtual functions, bindings, modules: the seed's way and the how-to's literal one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.catalog.vf_settings import VfSettings
from builder.plan.nouns.devices import VfPlan
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan


def profile(data: dict[str, Any]) -> dict[str, Any]:
    return data["profiles"]["nfv"]


def options(image: ImagePlan) -> list[str]:
    return [f"{o.module} {o.name}={o.value}" for o in image.module_options]


def whole_pf(driver: str) -> Callable[[dict[str, Any]], None]:
    """ens11f0 itself is OVS's port and has VFs, as in the how-to."""

    def edit(data: dict[str, Any]) -> None:
        ovs = profile(data)["ovs"]
        ovs["driver"] = driver
        ovs["bridges"]["br0"]["ports"] = {"dpdk0": {"nic": "ens11f0"}}
        profile(data)["sriov"] = [{"pf": "ens11f0", "num-vfs": 2, "driver": driver}]

    return edit


def test_reasons_of_vfs(plan_seed: Callable[..., HostPlan]) -> None:
    pfs = plan_seed().image.pfs
    assert [vf.why.reason for pf in pfs for vf in pf.vfs] == [
        (
            "for dpdk1 of br0; vfio-pci, for DPDK; address by offset 128, stride 2 of the Intel "
            "82599ES (SFP+); trust on, so that the bridge receives frames for MACs other than the "
            "VF's; spoofchk off, so that the bridge sends frames of MACs other than the VF's"
        ),
        (
            "for pods, as dpdk_vfs; vfio-pci, for DPDK; address by offset 128, stride 2 of the Intel "
            "82599ES (SFP+)"
        ),
        (
            "for pods, as net_vfs; its kernel driver ixgbevf, for sriov-cni to move into a pod; "
            "address by offset 128, stride 2 of the Intel 82599ES (SFP+)"
        ),
        (
            "for pods, as net_vfs; its kernel driver ixgbevf, for sriov-cni to move into a pod; "
            "address by offset 128, stride 2 of the Intel 82599ES (SFP+)"
        ),
    ]
    assert [[o.path for o in vf.why.origins] for vf in pfs[0].vfs] == [
        [
            ("profiles", "nfv", "sriov", 0, "vfs", 0),
            ("profiles", "nfv", "ovs", "bridges", "br0", "ports", "dpdk1", "vf"),
        ],
        [("profiles", "nfv", "sriov", 0, "vfs", 1)],
    ]


def test_attributes_of_vfs(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["sriov"][1]["vfs"] = [
            {"index": 1, "mac": "02:00:00:00:00:01", "vlan": 7, "trust": True, "spoofchk": False}
        ]

    plain, listed = plan_seed(edit).image.pfs[1].vfs
    assert plain.settings == VfSettings()
    assert listed.settings == VfSettings("02:00:00:00:00:01", 7, trust=True, spoofchk=False)
    assert (listed.driver, listed.pool) == (None, "net_vfs")


NEEDED = {"trust": True, "spoofchk": False}


def first_vf(
    plan_seed: Callable[..., HostPlan], device_id: str, driver: str, **changes: object
) -> VfPlan:
    """VF 0 of ens11f0, a port of br0, with this NIC in its place; changes: of its policy."""

    def edit(data: dict[str, Any]) -> None:
        for nic in data["hardware"]["e5-2620v4"]["nics"][2:]:
            nic |= {"id": device_id, "driver": driver}
        profile(data)["sriov"][0] |= changes

    return plan_seed(edit).image.pfs[0].vfs[0]


@pytest.mark.parametrize(
    ("device_id", "driver"),
    [
        ("8086:10c9", "igb"),
        ("8086:10fb", "ixgbe"),
        ("8086:158b", "i40e"),
        ("8086:159b", "ice"),
        ("15b3:1017", "mlx5_core"),
        ("14e4:16d7", "bnxt_en"),
    ],
)
def test_the_vf_of_a_bridge_port_carries_frames_of_others(
    plan_seed: Callable[..., HostPlan], device_id: str, driver: str
) -> None:
    assert first_vf(plan_seed, device_id, driver).settings.given() == NEEDED


@pytest.mark.parametrize(
    ("device_id", "driver", "left"),
    [("8086:159b", "ice", {"spoofchk": False}), ("15b3:1017", "mlx5_core", {})],
)
def test_in_switchdev_mode_only_what_the_driver_then_takes(
    plan_seed: Callable[..., HostPlan], device_id: str, driver: str, left: dict[str, bool]
) -> None:
    vf = first_vf(plan_seed, device_id, driver, eswitch="switchdev")
    assert vf.settings.given() == left


def test_what_the_inventory_sets_stays(plan_seed: Callable[..., HostPlan]) -> None:
    vfs = [{"index": 0, "driver": "vfio-pci", "use": "ovs-dpdk", "spoofchk": True, "vlan": 7}]
    vf = first_vf(plan_seed, "8086:10fb", "ixgbe", vfs=vfs)
    assert vf.settings.given() == {"vlan": 7, "trust": True, "spoofchk": True}
    assert "; vlan, spoofchk as the inventory asks; trust on, so that " in vf.why.reason


def test_vfs_of_a_pf_without_interface_are_left_alone(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        whole_pf("vfio-pci")(data)
        profile(data)["ovs"]["bridges"]["br0"]["ports"]["dpdk1"] = {"vf": "ens11f0/0"}

    vf = plan_seed(edit).image.pfs[0].vfs[0]
    assert (vf.use, vf.settings) == ("ovs-dpdk", VfSettings())


def test_vf_of_a_port_is_for_ovs_without_saying_so(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        del profile(data)["sriov"][0]["vfs"][0]["use"]
        profile(data)["sriov"][0]["pool"] = "all"

    vf = plan_seed(edit).image.pfs[0].vfs[0]
    assert (vf.use, vf.pool) == ("ovs-dpdk", None)


def test_pf_on_vfio_pci(plan_seed: Callable[..., HostPlan]) -> None:
    image = plan_seed(whole_pf("vfio-pci")).image
    (pf,) = image.pfs
    assert (pf.name, pf.driver, pf.mode) == ("ens11f0", "vfio-pci", "sysfs")
    assert [vf.driver for vf in pf.vfs] == ["vfio-pci", "vfio-pci"]
    # The PF is bound together with its VFs, so not a second time here.
    assert image.bindings == ()
    assert [nic.name for nic in image.nics] == ["enp8s0", "enp9s0", "ens11f1"]
    assert options(image) == ["vfio-pci disable_idle_d3=1", "vfio-pci enable_sriov=1"]
    token = "9f0cda3d-3031-5e49-baec-19464c8212f6"
    extra = {s.key: s for s in image.ovs.other_config}["dpdk-extra"]
    assert extra.value == f"-a 0000:01:00.0 --vfio-vf-token={token}"
    assert extra.why.reason == (
        "DPDK opens these devices only: without a list it opens every VF that is for pods; the "
        "token, since ens11f0 is on vfio-pci with VFs, which open for those only who know it"
    )


def test_pf_on_igb_uio(plan_seed: Callable[..., HostPlan]) -> None:
    image = plan_seed(whole_pf("igb_uio")).image
    assert image.pfs[0].driver == "igb_uio"
    assert [module.name for module in image.modules] == ["igb_uio", "tun", "openvswitch"]
    assert options(image) == []
    packages = {package.name for package in image.packages}
    assert {"dpdk-kmods-dkms", "linux-headers-amd64"} <= packages
    extra = {s.key: s.value for s in image.ovs.other_config}["dpdk-extra"]
    assert extra == "-a 0000:01:00.0"


def test_max_vfs_in_tree_is_one_number(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["drivers"] = {"ixgbe": {"vf-mode": "module-parameter"}}

    image = plan_seed(edit).image
    assert options(image) == ["vfio-pci disable_idle_d3=1", "ixgbe max_vfs=2"]
    assert [pf.mode for pf in image.pfs] == ["module-parameter", "module-parameter"]
    assert image.module_files["ixgbe"].reason == (
        "VFs are made by max_vfs when the driver loads, as the inventory asks"
    )


def test_max_vfs_out_of_tree_is_a_list_of_all_ports(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["drivers"] = {
            "ixgbe": {"vf-mode": "module-parameter", "flavour": "out-of-tree"}
        }
        del profile(data)["sriov"][0]
        del profile(data)["ovs"]["bridges"]["br0"]["ports"]["dpdk1"]

    image = plan_seed(edit).image
    assert options(image) == ["vfio-pci disable_idle_d3=1", "ixgbe max_vfs=0,2"]
    assert image.module_options[1].why.reason == (
        "out-of-tree ixgbe takes one number for each port, in order of PCI address: "
        "0000:01:00.0, 0000:01:00.1"
    )


def test_no_max_vfs_for_a_pf_that_leaves_its_driver(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        whole_pf("vfio-pci")(data)
        profile(data)["drivers"] = {"ixgbe": {"vf-mode": "module-parameter"}}

    image = plan_seed(edit).image
    assert options(image) == ["vfio-pci disable_idle_d3=1", "vfio-pci enable_sriov=1"]
    assert image.pfs[0].mode == "sysfs"


def test_options_of_the_inventory(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["drivers"] = {
            "ixgbe": {"options": {"allow_unsupported_sfp": 1}},
            "vfio-pci": {"options": {"disable_denylist": "Y"}},
        }

    image = plan_seed(edit).image
    assert options(image) == [
        "vfio-pci disable_idle_d3=1",
        "vfio-pci disable_denylist=Y",
        "ixgbe allow_unsupported_sfp=1",
    ]
    assert list(image.module_files) == ["ixgbe", "vfio-pci"]
    assert image.module_options[2].why.origins[0].path == (
        "profiles",
        "nfv",
        "drivers",
        "ixgbe",
        "options",
        "allow_unsupported_sfp",
    )


def test_max_vfs_among_the_options(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["drivers"] = {"ixgbe": {"options": {"max_vfs": 2}}}

    image = plan_seed(edit).image
    assert options(image)[1:] == ["ixgbe max_vfs=2"]
    assert image.module_files["ixgbe"].reason == (
        "VFs are made by max_vfs when the driver loads, as the inventory asks"
    )
    assert image.module_files["ixgbe"].origins[1].path[-2:] == ("options", "max_vfs")


@pytest.mark.parametrize(
    ("device_id", "driver", "library"),
    [
        ("15b3:1017", "mlx5_core", "librte-net-mlx5-25"),
        ("15b3:1018", "mlx5_core", "librte-net-mlx5-25"),
        ("15b3:beef", "mlx5_core", "librte-net-mlx5-25"),
        ("15b3:1007", "mlx4_core", "librte-net-mlx4-25"),
        ("1414:00ba", "mana", "librte-net-mana25"),
    ],
    ids=["listed", "a VF", "unlisted", "mlx4", "mana"],
)
def test_bifurcated_port_stays_with_the_kernel(
    plan_seed: Callable[..., HostPlan], device_id: str, driver: str, library: str
) -> None:
    def edit(data: dict[str, Any]) -> None:
        nic = data["hardware"]["e5-2620v4"]["nics"][1]
        nic |= {"id": device_id, "driver": driver}

    image = plan_seed(edit).image
    assert image.bindings == ()
    assert {nic.name: nic.why.reason for nic in image.nics}["enp9s0"] == (
        "dpdk0 of br0 is this port, and its DPDK driver works through the kernel's " + driver
    )
    extra = {s.key: s.value for s in image.ovs.other_config}["dpdk-extra"]
    assert extra == "-a 0000:09:00.0 -a 0000:01:10.0"
    assert library in {package.name for package in image.packages}
    assert options(image) == []


@pytest.mark.parametrize(
    ("device_id", "given", "first"),
    [
        # As listed; as given; the only number of ports such cards have.
        ("8086:1572", {}, "0000:01:0a.0"),
        ("8086:1572", {"card-ports": 4}, "0000:01:06.0"),
        ("8086:0dd2", {}, "0000:01:06.0"),
    ],
)
def test_vfs_of_a_card_that_is_not_listed_whole(
    plan_seed: Callable[..., HostPlan], device_id: str, given: dict[str, int], first: str
) -> None:
    def edit(data: dict[str, Any]) -> None:
        pf0, pf1 = data["hardware"]["e5-2620v4"]["nics"][2:]
        for nic in (pf0, pf1):
            nic |= {"id": device_id, "driver": "i40e"}
        # Said once, of any of its ports.
        pf0 |= given

    assert str(plan_seed(edit).image.pfs[1].vfs[0].pci) == first


def test_vfs_of_a_card_with_blocks(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        for nic in data["hardware"]["e5-2620v4"]["nics"][2:]:
            nic |= {"id": "8086:1572", "driver": "i40e"}

    pfs = plan_seed(edit).image.pfs
    assert [str(vf.pci) for pf in pfs for vf in pf.vfs] == [
        "0000:01:02.0",
        "0000:01:02.1",
        "0000:01:0a.0",
        "0000:01:0a.1",
    ]
    assert pfs[1].vfs[0].why.reason == (
        "for pods, as net_vfs; its kernel driver iavf, for sriov-cni to move into a pod; address "
        "by Intel X710 (SFP+): VFs of one port in one block"
    )


@pytest.mark.parametrize(
    ("counts", "second"),
    [
        # 8 VFs a port, as the card is delivered: 01:00.2 to 01:01.1, then the second port's.
        ((2, 2), ["0000:01:01.2", "0000:01:01.3"]),
        # NUM_OF_VFS=16 is for both ports.
        ((16, 2), ["0000:01:02.2", "0000:01:02.3"]),
    ],
)
def test_vfs_of_a_card_that_is_set_to_as_many_as_wanted(
    plan_seed: Callable[..., HostPlan], counts: tuple[int, int], second: list[str]
) -> None:
    def edit(data: dict[str, Any]) -> None:
        for nic in data["hardware"]["e5-2620v4"]["nics"][2:]:
            nic |= {"id": "15b3:1017", "driver": "mlx5_core"}
        profile(data)["sriov"] = [
            {"pf": name, "num-vfs": count, "pool": name}
            for name, count in zip(("ens11f0", "ens11f1"), counts, strict=True)
        ]
        del profile(data)["ovs"]["bridges"]["br0"]["ports"]["dpdk1"]

    pfs = plan_seed(edit).image.pfs
    assert [str(vf.pci) for vf in pfs[0].vfs][:2] == ["0000:01:00.2", "0000:01:00.3"]
    assert [str(vf.pci) for vf in pfs[1].vfs] == second
    assert pfs[1].vfs[0].why.reason == (
        "for pods, as ens11f1; its kernel driver mlx5_core, for sriov-cni to move into a pod; "
        "address by NVIDIA ConnectX-5: VFs of one port in one block, as large as the card is set to"
    )


def test_reasons_of_settings_and_of_switchdev_mode(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        for nic in data["hardware"]["e5-2620v4"]["nics"][2:]:
            nic |= {"id": "8086:159b", "driver": "ice"}
        profile(data)["sriov"][1] |= {
            "eswitch": "switchdev",
            "vfs": [{"index": 1, "vlan": 0, "min-tx-rate": 5, "link-state": "auto"}],
        }

    pf = plan_seed(edit).image.pfs[1]
    assert pf.why.reason.endswith(
        "; its switch is put into switchdev mode, with a representor for each VF"
    )
    assert [origin.path[-1] for origin in pf.why.origins] == ["num-vfs", "vf-mode", "eswitch"]
    vf = pf.vfs[1]
    assert vf.why.reason.endswith("; vlan, min-tx-rate, link-state as the inventory asks")
    listed = ("profiles", "nfv", "sriov", 1, "vfs", 0)
    assert [origin.path for origin in vf.why.origins] == [
        listed,
        (*listed, "vlan"),
        (*listed, "min-tx-rate"),
        (*listed, "link-state"),
    ]
    assert pf.eswitch == "switchdev"
    assert vf.settings == VfSettings(vlan=0, min_tx_rate=5, link_state="auto")


def test_model_without_sriov_has_no_pf(plan_seed: Callable[..., HostPlan]) -> None:
    """The rules refuse it; the plan does not fall over it."""

    def edit(data: dict[str, Any]) -> None:
        profile(data)["sriov"] = [{"pf": "enp8s0", "num-vfs": 1}]
        del profile(data)["ovs"]["bridges"]["br0"]["ports"]["dpdk1"]

    assert plan_seed(edit).image.pfs == ()


def test_a_vf_layout_of_ones_own(plan_seed: Callable[..., HostPlan]) -> None:
    """A machine without ARI has an 82599's VFs one bus on: offset 384."""

    def edit(data: dict[str, Any]) -> None:
        nic = data["hardware"]["e5-2620v4"]["nics"][3]
        nic["sriov"] = {"total-vfs": 63, "vf-offset": 384, "vf-stride": 2}

    pf = next(pf for pf in plan_seed(edit).image.pfs if pf.name == "ens11f1")
    assert [str(vf.pci) for vf in pf.vfs] == ["0000:02:10.1", "0000:02:10.3"]
    assert pf.vf_id == "8086:10ed"


def test_a_device_nobody_knows(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        nic = data["hardware"]["e5-2620v4"]["nics"][3]
        nic |= {"id": "19e5:0222", "driver": "hinic"}
        nic["sriov"] = {"total-vfs": 8, "vf-offset": 16, "vf-stride": 1}
        nic["sriov"] |= {"vf-id": "19e5:375e", "vf-driver": "hinic"}

    pf = next(pf for pf in plan_seed(edit).image.pfs if pf.name == "ens11f1")
    assert (pf.vf_id, pf.driver) == ("19e5:375e", "hinic")
    assert [str(vf.pci) for vf in pf.vfs] == ["0000:01:02.1", "0000:01:02.2"]
