# SPDX-License-Identifier: Apache-2.0
"""Facts about the system: kernel and its settings, CPUs, memory, boot, files."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from rackwright_node import Machine

# A value of the facts document.
Fact = None | bool | int | float | str | list["Fact"] | dict[str, "Fact"]

# fs/binfmt_misc: looking into it mounts it. vm/stat_refresh: reading it interrupts every CPU,
# the isolated ones too.
NO_SYSCTLS = frozenset({"fs/binfmt_misc", "vm/stat_refresh"})
# The kernel warns when these are read; their successors end in _ms.
OBSOLETE_SYSCTLS = ("/base_reachable_time", "/retrans_time")
MODPROBE_DIRS = ("etc", "run", "usr/local/lib", "usr/lib")
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
# The last is of cloud-init's bundle (templates/cloud-init/first_boot.py).
PROGRAMS = ("cpus", "identity", "nics", "hugepages", "ovs", "seed")
TARGETS = (
    *("apt-get", "indextargets", "--no-release-info", "--format", "$(RELEASE) $(COMPONENT)"),
    *("Created-By: Packages", "Target-Of: deb"),
)


def read_number(machine: Machine, path: str) -> int | None:
    text = machine.read(path)
    return int(text) if text and text.lstrip("-").isdigit() else None


def read_os(machine: Machine) -> Fact:
    """os-release(5): /etc comes before /usr/lib."""
    text = machine.read("etc/os-release") or machine.read("usr/lib/os-release") or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip("'\"") for key, _, value in pairs}


def read_cpus(machine: Machine) -> Fact:
    base = "sys/devices/system/cpu"
    # The kernel writes an unset mask as "(null)".
    found = {name: machine.read(f"{base}/{name}") for name in ("online", "isolated", "nohz_full")}
    return {
        name.replace("_", "-"): value.replace("(null)", "").strip() if value is not None else None
        for name, value in found.items()
    }


def numa_nodes(machine: Machine) -> list[int]:
    names = machine.names("sys/devices/system/node")
    return sorted(int(name[4:]) for name in names if name.startswith("node") and name[4:].isdigit())


def read_numa(machine: Machine) -> Fact:
    found: list[Fact] = []
    for node in numa_nodes(machine):
        base = f"sys/devices/system/node/node{node}"
        lines = (machine.read(f"{base}/meminfo") or "").splitlines()
        total = next((line.split()[3] for line in lines if "MemTotal:" in line), None)
        found.append(
            {
                "node": node,
                "cpus": machine.read(f"{base}/cpulist"),
                "mem-kib": None if total is None else int(total),
            }
        )
    return found


def read_hugepages(machine: Machine) -> Fact:
    found: list[Fact] = []
    for node in numa_nodes(machine):
        base = f"sys/devices/system/node/node{node}/hugepages"
        found += [
            {
                "node": node,
                "size-kib": int(name.removeprefix("hugepages-").removesuffix("kB")),
                "total": read_number(machine, f"{base}/{name}/nr_hugepages"),
            }
            for name in machine.names(base)
        ]
    return found


def read_modules(machine: Machine) -> Fact:
    """The modules there are and their parameters, as the kernel shows them.

    Loaded ones; of those built in only the ones the image asks for: there are hundreds.
    """
    wanted = wanted_modules(machine)
    loaded = {row.split()[0] for row in (machine.read("proc/modules") or "").splitlines() if row}
    release = machine.read("proc/sys/kernel/osrelease")
    listing = machine.read(f"usr/lib/modules/{release}/modules.builtin") or ""
    built_in = {Path(line).name.partition(".")[0].replace("-", "_") for line in listing.split()}
    found: dict[str, Fact] = {}
    for name in sorted(loaded | (wanted & built_in)):
        base = f"sys/module/{name}/parameters"
        found[name] = {item: machine.read(f"{base}/{item}") for item in machine.names(base)}
    return found


def wanted_modules(machine: Machine) -> set[str]:
    """Modules the image loads or sets options of, as the kernel spells them."""
    words = [line.split() for line in modprobe_lines(machine)]
    names = [line[1] for line in words if line[0] == "options" and len(line) > 1]
    for name in machine.names("etc/modules-load.d"):
        lines = (machine.read(f"etc/modules-load.d/{name}") or "").splitlines()
        names += [line.strip() for line in lines if line.strip()[:1] not in ("", "#", ";")]
    return {name.replace("-", "_") for name in names}


def modprobe_lines(machine: Machine) -> list[str]:
    """The configuration of modprobe without aliases, in its order (modprobe.d(5)).

    Read from the files, as `modprobe --showconfig` also prints every index: seconds on a
    slow machine. Options on the kernel command line come last and win.
    """
    paths: dict[str, str] = {}
    for folder in reversed(MODPROBE_DIRS):
        names = machine.names(f"{folder}/modprobe.d")
        paths |= {name: f"{folder}/modprobe.d/{name}" for name in names if name.endswith(".conf")}
    found: list[str] = []
    for name in sorted(paths):
        text = (machine.read(paths[name]) or "").replace("\\\n", " ")
        lines = (" ".join(line.split()) for line in text.splitlines())
        found += [line for line in lines if line and not line.startswith(("#", "alias "))]
    for word in (machine.read("proc/cmdline") or "").split():
        module, dot, option = word.partition(".")
        if dot and "=" in option and module.replace("_", "").replace("-", "").isalnum():
            found.append(f"options {module} {option}")
    return found


def read_sysctls(machine: Machine) -> Fact:
    """Every readable sysctl; of a long value the first line, of interfaces `all` and `default`."""
    return dict(walk_sysctls(machine, ""))


def walk_sysctls(machine: Machine, folder: str) -> Iterator[tuple[str, Fact]]:
    per_interface = folder.startswith("net/") and folder.endswith(("/conf", "/neigh"))
    for name in machine.names(f"proc/sys/{folder}"):
        path = f"{folder}/{name}".lstrip("/")
        if path in NO_SYSCTLS or path.endswith(OBSOLETE_SYSCTLS):
            continue
        if per_interface and name not in ("all", "default"):
            continue
        if machine.path(f"proc/sys/{path}").is_dir():
            yield from walk_sysctls(machine, path)
            continue
        value = machine.read(f"proc/sys/{path}")
        if value is not None:
            yield path.replace("/", "."), value.partition("\n")[0]


def read_boot(machine: Machine) -> Fact:
    uefi = machine.exists("sys/firmware/efi")
    return {
        "firmware": "uefi" if uefi else "bios",
        "secure-boot": read_secure_boot(machine) if uefi else False,
        "seconds": read_seconds(machine),
    }


def read_secure_boot(machine: Machine) -> bool | None:
    """The variable's value follows four bytes of attributes."""
    try:
        return machine.path(SECURE_BOOT).read_bytes()[4:5] == b"\1"
    except OSError:
        return False if machine.names("sys/firmware/efi/efivars") else None


def read_seconds(machine: Machine) -> Fact:
    """The stages as systemd-analyze(1) counts them. An initrd without systemd is kernel time."""
    names = [f"{stage}TimestampMonotonic" for stage in ("InitRD", "Userspace", "Finish")]
    shown = machine.run(["systemctl", "show", f"--property={','.join(names)}"])
    values = dict(line.split("=", 1) for line in shown.out.splitlines() if "=" in line)
    initrd, user, end = (int(values.get(name, "0")) / 1e6 for name in names)
    return {
        "kernel": round(initrd or user, 3) or None,
        "initrd": round(user - initrd, 3) if initrd else None,
        "userspace": round(end - user, 3) if end else None,
    }


def read_files(machine: Machine) -> Fact:
    """Each file the image has of ours, as it is now."""
    paths = (machine.read("etc/rackwright/files") or "").splitlines()
    return {path: read_file(machine.path(path)) for path in paths}


def read_file(path: Path) -> Fact:
    try:
        found = path.lstat()
        link = stat.S_ISLNK(found.st_mode)
        content = str(path.readlink()).encode() if link else path.read_bytes()
    except OSError:
        return None
    return {
        "mode": "link" if link else f"{stat.S_IMODE(found.st_mode):04o}",
        "owner": f"{user_name(found.st_uid)}:{group_name(found.st_gid)}",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def read_mounts(machine: Machine) -> Fact:
    rows = (row.split() for row in (machine.read("proc/self/mounts") or "").splitlines())
    return [{"where": row[1], "type": row[2], "options": row[3]} for row in rows]


def read_root(machine: Machine) -> Fact:
    """The size of the root file system, and of the whole disk it is on."""
    size = os.statvfs(machine.root)
    device = machine.root.stat().st_dev
    block = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    disk = f"{block}/.." if machine.exists(f"{block}/partition") else block
    sectors = read_number(machine, f"{disk}/size")
    return {
        "size-bytes": size.f_blocks * size.f_frsize,
        "device-bytes": None if sectors is None else sectors * 512,
    }


def read_cpus_allowed(machine: Machine, process: str) -> str | None:
    lines = (machine.read(f"proc/{process}/status") or "").splitlines()
    found = (line.split()[1] for line in lines if line.startswith("Cpus_allowed_list:"))
    return next(found, None)


def read_thp(machine: Machine) -> str | None:
    """The word in brackets is the one in force."""
    text = machine.read("sys/kernel/mm/transparent_hugepage/enabled") or ""
    return next((word.strip("[]") for word in text.split() if word.startswith("[")), None)


def read_sources(machine: Machine) -> Fact:
    """Components of each suite that apt takes packages from (apt-get(8), indextargets)."""
    done = machine.run([*TARGETS])
    if done.status != 0:
        return None
    found: dict[str, list[Fact]] = {}
    for line in sorted(set(done.out.splitlines())):
        suite, _, component = line.partition(" ")
        found.setdefault(suite, []).append(component)
    return {suite: list(components) for suite, components in found.items()}


def read_status(machine: Machine) -> Fact:
    texts = {name: machine.read(f"run/rackwright/{name}.json") for name in PROGRAMS}
    return {name: None if text is None else json.loads(text) for name, text in texts.items()}
