"""A wrong value in what was rendered makes verify fail, by the effect it has on the node.

Many values are made wrong in one boot; each must be named by its own check, so a check
that always passes, or one that all the others hide behind, is found out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from boot_seed import HOST

from builder.cli import call, parse


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old.encode(), new.encode())


def node(change: Callable[[dict], None]) -> Callable[[bytes], bytes]:
    """An edit of node.json as data."""

    def edit(content: bytes) -> bytes:
        data = json.loads(content)
        change(data)
        return json.dumps(data).encode()

    return edit


def verdict(image: Path, inventory: Path, out: Path) -> dict[str, dict[str, str]]:
    """The failed checks by name."""
    argv = ["verify", str(image), str(inventory), "--host", HOST, "-o", str(out)]
    assert call(parse(argv)) == 1
    report = json.loads((out / "report.json").read_text())
    return {check["name"]: check for check in report["checks"] if check["status"] == "fail"}


WORDS = {
    "hugepages=0:2,1:1": "hugepages=0:1,1:2",
    "isolcpus=domain,1": "isolcpus=domain,2",
    "irqaffinity=0,3": "irqaffinity=0,2",
    "systemd.cpu_affinity=0,3": "systemd.cpu_affinity=0,2",
    "transparent_hugepage=never": "transparent_hugepage=madvise",
    "iommu=pt": "iommu=nopt",
}


def wrong_node(data: dict) -> None:
    """Values of every kind node.json has, all of which the node can obey."""
    data["pfs"][0]["vfs"][1]["driver"] = None
    data["pfs"][1]["num-vfs"] = 1
    del data["pfs"][1]["vfs"][1]
    data["hugepages"][0]["count"] = 1
    data["hugepages"][1]["count"] = 2
    ovs = data["ovs"]
    ovs["other-config"]["dpdk-socket-mem"] = "1024,2048"
    ovs["other-config"]["pmd-cpu-mask"] = "0x4"
    ovs["other-config"]["max-idle"] = "20000"
    bridge = ovs["bridges"][0]
    bridge["fail-mode"] = "secure"
    bridge["ports"][0]["name"] = "dpdk7"
    bridge["ports"][1]["options"]["n_rxq"] = "2"


EDITS = {
    "/etc/rackwright/node.json": node(wrong_node),
    "/etc/modprobe.d/vfio-pci.conf": replaced("idle_d3=1", "idle_d3=0"),
    "/etc/modprobe.d/ixgbe.conf": lambda content: content + b"options ixgbe max_vfs=2\n",
    "/etc/modules-load.d/rackwright.conf": replaced("\ntun\n", "\n"),
    "/etc/sysctl.d/99-zz-rackwright.conf": replaced("swappiness = 10", "swappiness = 11"),
    "/etc/systemd/network/10-rackwright-ens11f1.link": replaced("=ens11f1", "=wrong0"),
    "/etc/systemd/system/ovs-vswitchd.service.d/10-rackwright.conf": replaced(
        "CPUAffinity=0,3", "CPUAffinity=0"
    ),
    "/etc/hostname": replaced(HOST, "wrong"),
    "/etc/default/grub.d/zz-rackwright.cfg": replaced("iommu=pt", "iommu=nopt"),
    "/etc/netplan/90-rackwright.yaml": replaced("dhcp6: false", "dhcp6: true"),
}
# One or more for each wrong value: the checks that must name it.
NAMED = {
    "cmdline.hugepages",
    "cmdline.isolcpus",
    "cmdline.irqaffinity",
    "cmdline.systemd.cpu_affinity",
    "cmdline.transparent_hugepage",
    "cmdline.iommu",
    "cpu.isolated",
    "cpu.pid1",
    "hugepages.node0.1G",
    "hugepages.node1.1G",
    "iommu.type",
    "memory.transparent-hugepages",
    "module.vfio-pci.disable_idle_d3",
    "module.vfio-pci.disable_idle_d3.live",
    "sysctl.vm.swappiness",
    "pci.0000:01:10.2.driver",
    "pci.0000:01:10.3.driver",
    "sriov.ens11f1.num-vfs",
    "sriov.ens11f1.vfs",
    "link.ens11f1",
    "os.hostname",
    "ovs.other-config.dpdk-socket-mem",
    "ovs.other-config.pmd-cpu-mask",
    "ovs.other-config-extra",
    "ovs.pmd.cpus",
    "ovs.vswitchd.cpus",
    "ovs.br0.fail-mode",
    "ovs.br0.ports",
    "ovs.br0.dpdk0.ofport",
    "ovs.br0.dpdk1.options",
    "files./etc/rackwright/node.json",
    "files./etc/modprobe.d/ixgbe.conf",
    "files./etc/modules-load.d/rackwright.conf",
    "files./etc/default/grub.d/zz-rackwright.cfg",
    "files./etc/netplan/90-rackwright.yaml",
}


def test_each_wrong_value_is_named(build: Callable[..., Path], small: Path, tmp_path: Path) -> None:
    image = build(
        small,
        tmp_path / "image",
        cmdline=lambda word: WORDS.get(word, word),
        edits=EDITS,
    )
    failed = verdict(image, small, tmp_path / "out")
    assert set(failed) >= NAMED
    # What nobody touched is still right.
    assert not {name for name in failed if name.split(".")[0] in {"numa", "boot", "root", "twin"}}
    assert "pci.0000:09:00.0.driver" not in failed


def test_the_address_of_the_how_to_is_found_out(
    build: Callable[..., Path], small: Path, tmp_path: Path
) -> None:
    """`dpdk-devargs=0000:00:09.0`, copied from a virtual machine: add-port exits 0 on it."""

    def wrong(data: dict) -> None:
        data["ovs"]["bridges"][0]["ports"][0]["options"]["dpdk-devargs"] = "0000:00:09.0"
        # A port that is another card than the plan was made for must be left alone.
        data["pfs"][1]["id"] = "8086:1572"

    image = build(small, tmp_path / "image", edits={"/etc/rackwright/node.json": node(wrong)})
    failed = verdict(image, small, tmp_path / "out")
    said = failed["ovs.br0.dpdk0.error"]["found"]
    assert said == "Error attaching device '0000:00:09.0' to DPDK"
    assert {
        "ovs.br0.dpdk0.ofport",
        "ovs.br0.dpdk0.options",
        "sriov.ens11f1.num-vfs",
        "status.nics",
        "status.ovs",
        "units.failed",
        "units.system",
        "units.rackwright-nics.service",
        "units.rackwright-ovs-bridges.service",
    } <= set(failed)
    # The rest of the node came up all the same.
    assert "sriov.ens11f0.num-vfs" not in failed
    assert "ovs.br0.dpdk1.ofport" not in failed
