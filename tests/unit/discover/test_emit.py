"""The YAML that is printed: accepted by the model as it is, whatever stood in the machine's files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made import GIB_KIB, SEED, Made, Port, describe, write

from builder.discover.description import to_data
from builder.discover.emit import flow, scalar, to_yaml
from builder.errors import BuilderError
from builder.yaml_text import comment_lines
from tests.plans import check, sound

Discover = Callable[[Made], Any]
SEED_INVENTORY = Path(__file__).resolve().parents[3] / "examples/seed/inventory.yaml"

SEED_YAML = """\
# Description of this machine as an inventory; for one that you already have, copy what is under
# hardware and hosts. Check the assumptions noted in the comments.
version: 1
image: {name: nfv-node, os: debian-13}

hardware:
  # Supermicro SYS-6018R-MT, Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz
  sys-6018r-mt:
    cpu: {vendor: intel, pdpe1gb: true}
    # memory: MemTotal and 1/63 of it, which the kernel's page structures take, rounded up to
    # whole GiB; the modules may hold more, which firmware and kernel keep
    numa:
      - {cpus: "0-7,16-23", memory: 47GiB}
      - {cpus: "8-15,24-31", memory: 47GiB}
    siblings: 16
    nics:
      - {pci: "0000:01:00.0", id: "8086:10fb", driver: ixgbe, name: ens11f0, numa: 0}
      - {pci: "0000:01:00.1", id: "8086:10fb", driver: ixgbe, name: ens11f1, numa: 0}
      - {pci: "0000:08:00.0", id: "8086:1533", driver: igb, name: enp8s0, numa: 0}
      - {pci: "0000:09:00.0", id: "8086:1533", driver: igb, name: enp9s0, numa: 0}
    # the machine booted with BIOS, so without Secure Boot

profiles:
  # how the machine is tuned: cpu, hugepages, sriov, ovs
  nfv: {}

hosts:
  # enp8s0 has the routes now: assumed to be the management port, with DHCP
  nfv1:
    hardware: sys-6018r-mt
    profile: nfv
    serial: "S212345X6789"
    boot-mac: "cc:37:ab:e1:21:64"
    interfaces:
      enp8s0: {role: management, dhcp4: true, mac: "cc:37:ab:e1:21:64"}
      # MAC addresses of the other ports:
      # ens11f0: 90:e2:ba:00:00:10
      # ens11f1: 90:e2:ba:00:00:11
      # enp9s0: cc:37:ab:e1:21:65
"""

ODD = Made(
    nodes=((0, "0-5", 3 * GIB_KIB), (1, "", 126 * GIB_KIB)),
    cores=("0,2", "1,4"),
    vendor="AuthenticAMD",
    model="AMD EPYC 7763 64-Core Processor",
    flags="fpu",
    ports=(
        Port("0000:01:00.0", "8086:10fb", "vfio-pci", numa=-1),
        Port("0000:02:00.0", "1924:0b03", None),
    ),
    secure_boot=b"\x06\0\0\0\1",
)
ODD_YAML = """\
# Description of this machine as an inventory; for one that you already have, copy what is under
# hardware and hosts. Check the assumptions noted in the comments.
# To be filled in: the driver of enp2s0.
version: 1
image: {name: nfv-node, os: debian-13}

hardware:
  # AMD EPYC 7763 64-Core Processor
  amd-epyc-7763-64-core:
    cpu: {vendor: amd, pdpe1gb: false}
    # memory: MemTotal and 1/63 of it, which the kernel's page structures take, rounded up to
    # whole GiB, up to 32 GiB to 256 MiB; the modules may hold more, which firmware and kernel
    # keep
    numa:
      - {cpus: "0-5", memory: 3328MiB}
      - {memory: 128GiB}
    threads:
      - [0, 2]
      - [1, 4]
    nics:
      # bound to vfio-pci now; the driver of Intel 82599ES (SFP+) is ixgbe
      # has no sriov_totalvfs, though Intel 82599ES (SFP+) can have 63 VFs: SR-IOV is off in the
      # firmware of the machine or of the card
      # has no interface here now: named by its address, as systemd-udevd does
      # its NUMA node is not known (numa_node is -1): the manual of the board says which socket
      # its slot belongs to
      - {pci: "0000:01:00.0", id: "8086:10fb", driver: ixgbe, name: enp1s0}
      # its kernel driver is not known (no driver has it, and 1924:0b03 is not in the NIC
      # table): replace `unknown`, modinfo and /sys/bus/pci/devices/0000:02:00.0/modalias help
      # to find it; check refuses it until then
      # has no interface here now: named by its address, as systemd-udevd does
      - {pci: "0000:02:00.0", id: "1924:0b03", driver: unknown, name: enp2s0, numa: 0}
    secure-boot: true

profiles:
  # how the machine is tuned: cpu, hugepages, sriov, ovs
  nfv: {hugepages: {size: "2M"}}

hosts:
  # the routes are not known (proc/net/route: no such file or directory): enp1s0 is assumed to
  # be the management port, with DHCP
  # no serial number: sys/class/dmi/id/product_serial: no such file or directory
  nfv1:
    hardware: amd-epyc-7763-64-core
    profile: nfv
    interfaces:
      enp1s0: {role: management, dhcp4: true}
"""


@pytest.mark.parametrize(("made", "text"), [(SEED, SEED_YAML), (ODD, ODD_YAML)])
def test_the_whole_text(discover: Discover, made: Made, text: str) -> None:
    assert to_yaml(discover(made)) == text


def test_the_seeds_machine_gives_the_seeds_class(discover: Discover) -> None:
    inventory, report = check(to_yaml(discover(SEED)))
    assert report.items == ()
    wanted, _ = sound(SEED_INVENTORY.read_text(encoding="utf-8"))
    assert inventory is not None
    here, there = inventory.hardware["sys-6018r-mt"], wanted.hardware["e5-2620v4"]
    assert {nic.pci: nic for nic in here.nics} == {nic.pci: nic for nic in there.nics}
    assert here.cores == there.cores
    ours, theirs = (part.model_dump(exclude={"nics"}) for part in (here, there))
    assert ours == theirs


def test_an_odd_machine_is_accepted_when_its_driver_is_filled_in(discover: Discover) -> None:
    text = to_yaml(discover(ODD))
    _, report = check(text)
    errors = [(item.rule, item.path) for item in report.items if item.severity == "error"]
    path = ("hardware", "amd-epyc-7763-64-core", "nics", 1, "driver")
    assert errors == [("nic-driver-told", path)]
    inventory, report = check(text.replace("driver: unknown", "driver: sfc"))
    assert inventory is not None
    assert [item.rule for item in report.items if item.severity == "error"] == []
    assert inventory.hardware["amd-epyc-7763-64-core"].secure_boot is True


EVIL = st.one_of(
    st.text(max_size=70),
    st.text(alphabet="\"'\\:#{}[],&*!|>%@`-?\n\r\t\x00\x85\u2028 a0\u00e9~", max_size=30),
    st.sampled_from(
        [
            "no",
            "null",
            "~",
            "1.5",
            "0x10",
            "1e3",
            "a: b",
            "- a",
            "#",
            "a\n  b: c",
            "2001-01-01",
            "=",
        ]
    ),
)

# What a serial number may hold, so what does reach the YAML as a value.
EVIL_SERIAL = EVIL | st.text(alphabet="\"'\\:#{}[],&*!|>%@`-?a0 ", min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(EVIL_SERIAL, EVIL, EVIL, EVIL, EVIL, EVIL)
def test_no_text_of_the_machine_becomes_syntax(
    serial: str, product: str, model: str, hostname: str, mac: str, driver: str
) -> None:
    def safe(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    name = (
        "".join(c for c in driver if c not in "/\0")
        .encode("utf-8", "replace")[:40]
        .decode("utf-8", "ignore")
    )
    port = Port("0000:01:00.0", "1924:0b03", "sfc", mac=safe(mac))
    if name not in ("", ".", ".."):
        port = replace(port, name=name, driver=name)
    made = Made(
        dmi={
            "product_serial": safe(serial),
            "product_name": safe(product),
            "sys_vendor": safe(serial),
        },
        model=safe(model).replace("\n", " "),
        hostname=safe(hostname),
        ports=(port,),
    )
    with tempfile.TemporaryDirectory() as root:
        found = describe(write(made, Path(root)))
    text = to_yaml(found)
    assert yaml.safe_load(text) == to_data(found)
    inventory, report = check(text.replace("driver: unknown", "driver: sfc"))
    assert [item for item in report.items if item.severity == "error"] == []
    assert inventory is not None


@settings(max_examples=300)
@given(EVIL)
def test_a_scalar_is_read_as_the_text_it_is(text: str) -> None:
    assert yaml.safe_load(f"{{a: {scalar(text)}}}") == {"a": text}


@given(EVIL)
def test_a_comment_is_nothing_but_a_comment(text: str) -> None:
    assert yaml.safe_load("\n".join(["a:", *comment_lines(text, 2), "  b"])) == {"a": "b"}


VF = Port("0000:01:10.0", "8086:10ed", "ixgbevf", "a0v0", physfn="0000:01:00.0")
FULL = Made(
    nodes=((0, "0-3", 8 * GIB_KIB), (1, "4-7", 8 * GIB_KIB)),
    cores=("0-1", "2-3", "4-5", "6-7"),
    offline="7",
    ports=(
        Port(
            "0000:01:00.0",
            "8086:10fb",
            "ixgbe",
            "a0",
            total_vfs=32,
            files={
                "sriov_offset": "128",
                "sriov_stride": "2",
                "sriov_vf_device": "10ed",
                "net/a0/type": "1",
                "net/a0/dev_port": "0",
            },
        ),
        VF,
    ),
    links={"0000:01:00.0/virtfn0": "../0000:01:10.0"},
    secure_boot=b"\6\0\0\0\1",
    route="bond7 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n",
    files={"sys/class/net/bond7/bonding/slaves": "a0\n"},
)


def paths_of(root: Path) -> list[Path]:
    every = (path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path.relative_to(root) for path in every)


def damage(path: Path, how: str) -> None:
    content = b"" if path.is_symlink() else path.read_bytes()
    path.unlink()
    match how:
        case "half":
            path.write_bytes(content[: len(content) // 2])
        case "garbage":
            path.write_bytes(b"\xff\xfe\0\x1b[31m 99999999999999\n\xc3")
        case "large":
            path.write_bytes(b"99999999\n")
        case "directory":
            path.mkdir()
        case "link":
            path.symlink_to("../nowhere")


@pytest.mark.parametrize("how", ["gone", "half", "garbage", "large", "directory", "link"])
def test_whatever_file_is_damaged(tmp_path: Path, how: str) -> None:
    """An inventory that is accepted, but for a driver that is not filled in, or a fault in words."""
    whole = write(FULL, tmp_path / "whole")
    paths = paths_of(whole)
    assert len(paths) > 40
    for number, path in enumerate(paths):
        root = tmp_path / str(number)
        shutil.copytree(whole, root, symlinks=True)
        damage(root / path, how)
        try:
            text = to_yaml(describe(root))
        except BuilderError as fault:
            assert fault.hint is not None or "only" in fault.message, path  # noqa: PT017
        else:
            _, report = check(text)
            errors = {item.rule for item in report.items if item.severity == "error"}
            assert errors <= {"nic-driver-told"}, path


def test_values_on_one_line() -> None:
    value = {
        "pci": "0000:01:00.0",
        "name": "no",
        "dhcp4": True,
        "numa": 0,
        "of": [1, 2],
        "m": "9MiB",
    }
    line = '{pci: "0000:01:00.0", name: "no", dhcp4: true, numa: 0, of: [1, 2], m: 9MiB}'
    assert flow(value) == line
    assert yaml.safe_load(line) == value


@pytest.mark.parametrize("missing", ["proc", "sys/class", "sys/bus/pci", "sys/devices/system/node"])
def test_a_part_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    """Each directory of the copy in its turn: a description, or a fault that names a file."""
    root = write(SEED, tmp_path)
    (root / missing).rename(root / "gone")
    try:
        text = to_yaml(describe(root))
    except BuilderError as fault:
        assert fault.message.startswith(("proc/cpuinfo ", "sys/bus/pci/devices "))  # noqa: PT017
        assert missing in ("proc", "sys/bus/pci")
    else:
        assert missing in ("sys/class", "sys/devices/system/node")
        assert check(text)[0] is not None
