"""Plans of VFs and ports, and the program run on them."""

from __future__ import annotations

from typing import Any

from fake_kernel import DEVICES, FakeKernel, load_program
from rackwright_node import Binding, Config, Pf, Status, Vf

from builder.catalog.vf_settings import VF_SETTINGS

nics = load_program("nics")

PF = "0000:01:00.0"
VFS = ["0000:01:10.0", "0000:01:10.2", "0000:01:10.4"]
PORT = "0000:09:00.0"


def vf(index: int, driver: str | None = "vfio-pci", **settings: Any) -> Vf:
    plain = dict.fromkeys(VF_SETTINGS.values())
    return Vf(index=index, pci=VFS[index], driver=driver, **{**plain, **settings})


def pf(*vfs: Vf, **changes: Any) -> Pf:
    fields = {
        "name": "ens11f0",
        "pci": PF,
        "id": "8086:10fb",
        "driver": "ixgbe",
        "mode": "sysfs",
        "eswitch": "legacy",
        "num_vfs": len(vfs),
        "vf_id": "8086:10ed",
        "vfs": vfs,
    }
    return Pf(**{**fields, **changes})


def port(**changes: str) -> Binding:
    fields = {"name": "enp9s0", "pci": PORT, "id": "8086:1533", "driver": "vfio-pci"}
    return Binding(**{**fields, **changes})


def config(*pfs: Pf, **parts: Any) -> Config:
    """node.json of a node that has nothing but these."""
    plain = {"offline_cpus": (), "hugepages": (), "bindings": (), "other_config": None}
    return Config(**{**plain, "bridges": (), "pfs": pfs, **parts})


def run(kernel: FakeKernel, *pfs: Pf, **parts: Any) -> Status:
    """parts: of `config`."""
    status = Status()
    nics.work(kernel, config(*pfs, **parts), status)
    return status


def did(status: Status) -> list[str]:
    return [f"{step['what']}: {step['did']} ({step['why']})" for step in status.steps]


def driver(kernel: FakeKernel, pci: str) -> str | None:
    return kernel.link(f"{DEVICES}/{pci}/driver")


def make_twin(kernel: FakeKernel, *strings: str) -> None:
    kernel.put("sys/class/dmi/id/sys_vendor", "rackwright\n")
    kernel.put("sys/class/dmi/id/product_name", "twin\n")
    body = b"".join(text.encode() + b"\0" for text in strings) + b"\0"
    bios = bytes([0, 4, 0, 0]) + b"vendor\0\0"
    oem = bytes([11, 5, 1, 0, len(strings)]) + body
    kernel.put("sys/firmware/dmi/tables/DMI", "")
    kernel.path("sys/firmware/dmi/tables/DMI").write_bytes(
        bios + oem + bytes([1, 4, 2, 0]) + b"\0\0" + bytes([127, 4, 3, 0]) + b"\0\0"
    )
