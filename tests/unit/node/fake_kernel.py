"""The node's programs loaded from systemd/, and a kernel for them to talk to.

sysfs is not storage: a write to one file changes others. `FakeKernel` has the rules of the
PCI bus the programs rest on, each from drivers/pci of the kernel, over a tree of real files.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

SYSTEMD = Path(__file__).resolve().parents[3] / "systemd"
sys.path.insert(0, str(SYSTEMD))

import rackwright_node  # noqa: E402 -- only now on the path

DEVICES = "sys/bus/pci/devices"
DRIVERS = "sys/bus/pci/drivers"
USERSPACE = {"vfio-pci", "igb_uio", "uio_pci_generic"}
RATES = {"max_tx_rate": "max_tx", "min_tx_rate": "min_tx"}


def load_program(name: str) -> ModuleType:
    """systemd/rackwright-NAME.py as a module; its name is none Python could import."""
    spec = importlib.util.spec_from_file_location(f"node_{name}", SYSTEMD / f"rackwright-{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FakeKernel(rackwright_node.Machine):
    """A machine whose files react as the kernel's do. `log`: every write and command."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, self.command)
        self.log: list[str] = []
        self.refuse: dict[str, int] = {}
        self.later: list[Callable[[], None]] = []
        self.modules: dict[str, str] = {}
        self.native: dict[str, str] = {}
        self.vf_slots: dict[str, tuple[str, str, list[str]]] = {}
        self.vf_info: dict[str, dict[int, dict[str, Any]]] = {}
        # As bnxt_sriov_configure(): a PF that is down takes sriov_numvfs and makes none.
        self.vfs_want_up = False
        self.iommu = True
        self.page_room: dict[str, int] = {}
        self.eswitch: dict[str, str] = {}
        self.eswitch_wants_vfs: bool | None = None
        self.rate_wants_link = False
        self.answers: dict[str, rackwright_node.Finished] = {}
        (root / DRIVERS).mkdir(parents=True)
        self.put("sys/bus/pci/drivers_probe", "")
        self.put("proc/net/route", "Iface Destination Gateway Flags RefCnt Use Metric Mask\n")
        self.put("proc/net/if_inet6", "")

    # -- building the machine

    def put(self, path: str, text: str) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def symlink(self, path: str, target: str) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).symlink_to(target)

    def add_driver(self, name: str) -> None:
        self.put(f"{DRIVERS}/{name}/unbind", "")

    def remove_driver(self, name: str) -> None:
        shutil.rmtree(self.path(f"{DRIVERS}/{name}"))

    def add_device(self, pci: str, device_id: str, native: str, driver: str | None = None) -> None:
        """A device. native: the driver its module alias names; driver: the one that has it."""
        vendor, device = device_id.split(":")
        self.put(f"{DEVICES}/{pci}/vendor", f"0x{vendor}\n")
        self.put(f"{DEVICES}/{pci}/device", f"0x{device}\n")
        self.put(f"{DEVICES}/{pci}/class", "0x020000\n")
        self.put(f"{DEVICES}/{pci}/modalias", f"pci:{device_id}\n")
        self.put(f"{DEVICES}/{pci}/numa_node", "-1\n")
        self.put(f"{DEVICES}/{pci}/driver_override", "(null)\n")
        self.native[pci] = native
        if self.iommu:
            group = str(len(self.native))
            self.symlink(f"{DEVICES}/{pci}/iommu_group", f"../../../../kernel/iommu_groups/{group}")
            self.put(f"sys/kernel/iommu_groups/{group}/type", "identity\n")
            self.symlink(f"sys/kernel/iommu_groups/{group}/devices/{pci}", f"../../../../{pci}")
        if driver is not None:
            self.attach(pci, driver)

    def add_pf(
        self, pci: str, device_id: str, driver: str, vf: tuple[str, str, list[str]], total: int = 7
    ) -> None:
        """A PF. vf: id of its VFs, their driver, their addresses in order."""
        self.add_device(pci, device_id, driver, driver)
        self.put(f"{DEVICES}/{pci}/sriov_totalvfs", f"{total}\n")
        self.put(f"{DEVICES}/{pci}/sriov_numvfs", "0\n")
        self.put(f"{DEVICES}/{pci}/sriov_drivers_autoprobe", "1\n")
        self.vf_slots[pci] = vf

    def attach(self, pci: str, driver: str) -> None:
        if not self.exists(f"{DRIVERS}/{driver}"):
            self.add_driver(driver)
        self.symlink(f"{DEVICES}/{pci}/driver", f"../../drivers/{driver}")
        if driver not in USERSPACE:
            name = self.interface(pci)
            self.path(f"{DEVICES}/{pci}/net/{name}").mkdir(parents=True)
            self.put(f"sys/class/net/{name}/mtu", "1500\n")
            self.put(f"sys/class/net/{name}/flags", "0x1002\n")
            self.put(f"sys/class/net/{name}/address", f"{self.mac_of(pci)}\n")

    def mac_of(self, pci: str) -> str:
        """A VF's MAC is the one its PF was told, if the PF is up to answer; else any."""
        physical = self.link(f"{DEVICES}/{pci}/physfn")
        name = None if physical is None else self.interface(physical)
        index = 0 if physical is None else self.vf_slots[physical][2].index(pci)
        told = self.vf_info.get(str(name), {}).get(index, {}).get("address")
        answers = physical is not None and self.is_up(physical)
        return told if answers and told else "0a:00:00:00:00:99"

    def is_up(self, pci: str) -> bool:
        return self.read(f"sys/class/net/{self.interface(pci)}/flags") == "0x1003"

    def interface(self, pci: str) -> str:
        return "n" + pci.removeprefix("0000:").replace(":", "").replace(".", "f")

    # -- what the kernel does

    def write(self, path: str, text: str) -> None:
        self.log.append(f"{path} < {text.strip()}")
        if path in self.refuse:
            code = self.refuse[path]
            raise OSError(code, os.strerror(code))
        if not self.exists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        folder, _, name = path.rpartition("/")
        react = {
            "drivers_probe": lambda: self.probe(text.strip()),
            "unbind": lambda: self.detach(text.strip()),
            "driver_override": lambda: self.put(path, text.strip() or "(null)"),
            "sriov_numvfs": lambda: self.set_vfs(folder.rpartition("/")[2], int(text)),
            "max_vfs": lambda: self.set_vfs(folder.rpartition("/")[2], int(text)),
            "nr_hugepages": lambda: self.set_pages(path, int(text)),
        }
        react.get(name, lambda: self.put(path, text))()

    def probe(self, pci: str) -> None:
        """driver_override alone decides when set; a VF without it obeys its PF's autoprobe."""
        if self.link(f"{DEVICES}/{pci}/driver") is not None:
            return
        override = self.read(f"{DEVICES}/{pci}/driver_override")
        physfn = f"{DEVICES}/{pci}/physfn"
        held_back = self.read(f"{physfn}/sriov_drivers_autoprobe") == "0"
        if override == "(null)" and held_back:
            return
        driver = self.native[pci] if override == "(null)" else str(override)
        if driver == "vfio-pci" and not self.exists(f"{DEVICES}/{pci}/iommu_group"):
            return
        if self.exists(f"{DRIVERS}/{driver}"):
            self.attach(pci, driver)

    def detach(self, pci: str) -> None:
        self.path(f"{DEVICES}/{pci}/driver").unlink()
        shutil.rmtree(self.path(f"{DEVICES}/{pci}/net"), ignore_errors=True)

    def set_vfs(self, pci: str, count: int) -> None:
        """pci_enable_sriov: from none to some, or from some to none."""
        present = int(self.read(f"{DEVICES}/{pci}/sriov_numvfs") or 0)
        vf_id, driver, addresses = self.vf_slots[pci]
        if present and count:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        if self.vfs_want_up and not self.is_up(pci):
            return
        for index in range(present):
            self.path(f"{DEVICES}/{pci}/virtfn{index}").unlink()
            group = self.link(f"{DEVICES}/{addresses[index]}/iommu_group")
            shutil.rmtree(self.path(f"sys/kernel/iommu_groups/{group}"), ignore_errors=True)
            shutil.rmtree(self.path(f"{DEVICES}/{addresses[index]}"))
        for index, address in enumerate(addresses[:count]):
            self.add_device(address, vf_id, driver)
            self.symlink(f"{DEVICES}/{address}/physfn", f"../{pci}")
            self.symlink(f"{DEVICES}/{pci}/virtfn{index}", f"../{address}")
            self.probe(address)
        self.put(f"{DEVICES}/{pci}/sriov_numvfs", f"{count}\n")

    def set_pages(self, path: str, count: int) -> None:
        self.put(path, f"{min(count, self.page_room.get(path, count))}\n")

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Time passes in steps: each of `later` is something that happens meanwhile."""
        while not ready():
            if not self.later:
                return False
            self.later.pop(0)()
        return True

    def command(self, argv: Sequence[str], timeout_s: float = 0.0) -> rackwright_node.Finished:
        line = " ".join(argv)
        self.log.append(f"$ {line}")
        if line in self.answers:
            return self.answers[line]
        if argv[0] == "modprobe":
            return self.modprobe(argv[-1])
        if argv[0] == "ip":
            return self.ip(list(argv[1:]))
        if argv[0] == "devlink":
            return self.devlink(list(argv[1:]))
        return rackwright_node.Finished(127, "", f"{argv[0]}: not found")

    def modprobe(self, name: str) -> rackwright_node.Finished:
        driver = self.modules.get(name)
        if driver is None:
            return rackwright_node.Finished(1, "", f"modprobe: FATAL: Module {name} not found.")
        self.add_driver(driver)
        for pci in filter(lambda pci: self.exists(f"{DEVICES}/{pci}"), self.native):
            self.probe(pci)
        return rackwright_node.Finished(0, "", "")

    def ip(self, words: list[str]) -> rackwright_node.Finished:
        if words == ["-json", "link", "show"]:
            return rackwright_node.Finished(0, "[]", "")
        if words[:4] == ["-json", "link", "show", "dev"]:
            entries = [{"vf": n, **info} for n, info in self.vf_info.get(words[4], {}).items()]
            return rackwright_node.Finished(0, json.dumps([{"vfinfo_list": entries}]), "")
        name, settings = words[3], words[4:]
        if not self.exists(f"sys/class/net/{name}"):
            return rackwright_node.Finished(1, "", f'Cannot find device "{name}"')
        if settings[0] == "vf":
            pairs = dict(zip(settings[2::2], settings[3::2], strict=True))
            if self.rate_wants_link and not self.has_link(name) and RATES.keys() & pairs:
                return rackwright_node.Finished(2, "", "RTNETLINK answers: Invalid argument")
            told = self.vf_info.setdefault(name, {}).setdefault(int(settings[1]), {})
            names = {"mac": "address", "state": "link_state"}
            told |= {names.get(key, key): pairs[key] for key in pairs if key not in RATES}
            rate = {RATES[key]: int(pairs[key]) for key in pairs if key in RATES}
            if rate:
                told["rate"] = {"max_tx": 0, "min_tx": 0, **told.get("rate", {}), **rate}
        if "mtu" in settings:
            self.put(f"sys/class/net/{name}/mtu", settings[settings.index("mtu") + 1])
        if "up" in settings:
            self.put(f"sys/class/net/{name}/flags", "0x1003\n")
        return rackwright_node.Finished(0, "", "")

    def has_link(self, name: str) -> bool:
        return self.read(f"sys/class/net/{name}/carrier") == "1"

    def devlink(self, words: list[str]) -> rackwright_node.Finished:
        """Of devices in `eswitch`. eswitch_wants_vfs: only with VFs, only without, or either."""
        words = [word for word in words if word != "-j"]
        handle = words[3]
        pci = handle.removeprefix("pci/")
        if pci not in self.eswitch:
            return rackwright_node.Finished(1, "", "kernel answers: Operation not supported")
        if words[2] == "set":
            has_vfs = self.read(f"{DEVICES}/{pci}/sriov_numvfs") != "0"
            if self.eswitch_wants_vfs not in (None, has_vfs):
                return rackwright_node.Finished(1, "", "kernel answers: Operation not permitted")
            self.eswitch[pci] = words[5]
            return rackwright_node.Finished(0, "", "")
        shown = {"dev": {handle: {"mode": self.eswitch[pci], "inline-mode": "none"}}}
        return rackwright_node.Finished(0, json.dumps(shown), "")
