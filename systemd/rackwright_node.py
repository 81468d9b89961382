# SPDX-License-Identifier: Apache-2.0
"""What the node programs share: the machine they touch, node.json, their status file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

CONFIG = "etc/rackwright/node.json"
CONFIG_VERSION = 2
DPDK_DRIVERS = frozenset({"vfio-pci", "igb_uio", "uio_pci_generic"})
COMMAND_TIMEOUT_S = 120.0


class NodeError(Exception):
    """One thing that could not be made as planned; the program goes on with the next."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran: exit status, and what it wrote."""

    status: int
    out: str
    err: str


class Run(Protocol):
    """Runs a command to its end."""

    def __call__(self, argv: Sequence[str], timeout_s: float = ...) -> Finished: ...


def run_command(argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Finished:
    """Run a program; a missing one or one that hangs counts as failed, as a shell counts it."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, check=False)
    except FileNotFoundError:
        return Finished(127, "", f"{argv[0]}: not found")
    except subprocess.TimeoutExpired:
        return Finished(124, "", f"{argv[0]}: no answer in {timeout_s:.0f} s")
    return Finished(done.returncode, done.stdout, done.stderr.strip())


class Machine:
    """The files, commands and clock of a node. Paths are relative to `root`.

    One narrow place, because sysfs files are not storage: a write to one changes others.
    Tests stand in for the kernel by overriding `write`.
    """

    def __init__(self, root: Path = Path("/"), run: Run = run_command) -> None:
        self.root = root
        self.run = run

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str | None:
        """The text of a file without surrounding white space; None when it cannot be read."""
        try:
            return self.path(path).read_bytes().decode("utf-8", "replace").strip()
        except OSError:
            return None

    def write(self, path: str, text: str) -> None:
        """All in one write, as sysfs wants it: an error is the kernel's answer."""
        descriptor = os.open(self.path(path), os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def target(self, path: str) -> str | None:
        """What a symlink says; None when it is none."""
        try:
            return str(self.path(path).readlink())
        except OSError:
            return None

    def link(self, path: str) -> str | None:
        """The last part of a symlink's target: a driver, a PCI address."""
        target = self.target(path)
        return None if target is None else target.rpartition("/")[2]

    def exists(self, path: str) -> bool:
        return self.path(path).exists()

    def names(self, path: str) -> list[str]:
        """Names in a directory, sorted; none when it is missing."""
        try:
            return sorted(entry.name for entry in self.path(path).iterdir())
        except OSError:
            return []

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Look until `ready`, or until the time is up. sysfs sends no inotify events."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True


def save_json(machine: Machine, name: str, body: Mapping[str, object]) -> None:
    """Write /run/rackwright/NAME.json, whole or not at all."""
    folder = machine.path("run/rackwright")
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / f".{name}.json"
    staging.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    staging.replace(folder / f"{name}.json")


@dataclass(slots=True)
class Status:
    """What a program did and why, step by step; goes to the journal and to /run/rackwright."""

    steps: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def step(self, what: str, did: str, why: str) -> None:
        self.steps.append({"what": what, "did": did, "why": why})
        print(f"{what}: {did} ({why})", flush=True)

    def error(self, message: str) -> None:
        self.errors.append(message)
        # <3>: the journal's priority of an error (sd-daemon(3)).
        print(f"<3>{message}", file=sys.stderr, flush=True)

    def save(self, machine: Machine, name: str) -> int:
        """Write the status file; return the exit status of the program."""
        body = {"version": 1, "ok": not self.errors, "steps": self.steps, "errors": self.errors}
        save_json(machine, name, body)
        return 1 if self.errors else 0


@dataclass(frozen=True, slots=True)
class Pages:
    """Hugepages of one size on one NUMA node."""

    node: int
    size_kib: int
    count: int


@dataclass(frozen=True, slots=True)
class Vf:
    """A virtual function. driver None: the network driver of the kernel; rates in Mbit/s."""

    index: int
    pci: str
    driver: str | None
    mac: str | None
    vlan: int | None
    trust: bool | None
    spoofchk: bool | None
    max_tx_rate: int | None
    min_tx_rate: int | None
    link_state: str | None


@dataclass(frozen=True, slots=True)
class Pf:
    """A physical function and the VFs it is to have. up_first: before these are made.

    set_in_card: how the card is set to so many.
    """

    name: str
    pci: str
    id: str
    driver: str
    mode: str
    eswitch: str
    num_vfs: int
    vf_id: str
    vfs: tuple[Vf, ...]
    up_first: bool = False
    set_in_card: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A whole port of Open vSwitch, and the driver it is to have."""

    name: str
    pci: str
    id: str
    driver: str


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a bridge."""

    name: str
    type: str
    mtu: int
    options: Mapping[str, str]
    other_config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge and its ports."""

    name: str
    datapath_type: str
    fail_mode: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """/etc/rackwright/node.json. other_config None: the node has no Open vSwitch.

    kernel_ports: those DPDK opens through their kernel driver.
    """

    offline_cpus: tuple[int, ...]
    hugepages: tuple[Pages, ...]
    pfs: tuple[Pf, ...]
    bindings: tuple[Binding, ...]
    other_config: Mapping[str, str] | None
    bridges: tuple[Bridge, ...]
    kernel_ports: tuple[Binding, ...] = ()


# Any: the values of a JSON document, whose shape only the writer of node.json knows.
def _fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a JSON object as Python spells them."""
    return {key.replace("-", "_"): value for key, value in entry.items()}


def _pf(entry: Mapping[str, Any]) -> Pf:
    vfs = tuple(Vf(**_fields(vf)) for vf in entry["vfs"])
    return Pf(**{**_fields(entry), "vfs": vfs})


def _bridge(entry: Mapping[str, Any]) -> Bridge:
    ports = tuple(Port(**_fields(port)) for port in entry["ports"])
    return Bridge(**{**_fields(entry), "ports": ports})


def parse_cpus(text: str) -> tuple[int, ...]:
    """`0-3,8`, as the kernel lists CPUs, one by one; nothing for no CPUs."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def read_config(machine: Machine) -> Config:
    """node.json as values. A file of another version is refused, not guessed at."""
    text = machine.read(CONFIG)
    if text is None:
        raise NodeError(f"/{CONFIG} cannot be read")
    body = json.loads(text)
    if body.get("version") != CONFIG_VERSION:
        raise NodeError(
            f"/{CONFIG} has version {body.get('version')}, this program reads {CONFIG_VERSION}"
        )
    ovs = body.get("ovs")
    return Config(
        offline_cpus=parse_cpus(body["offline-cpus"]),
        hugepages=tuple(Pages(**_fields(entry)) for entry in body["hugepages"]),
        pfs=tuple(_pf(entry) for entry in body["pfs"]),
        bindings=tuple(Binding(**_fields(entry)) for entry in body["bindings"]),
        kernel_ports=tuple(Binding(**_fields(entry)) for entry in body["kernel-ports"]),
        other_config=ovs["other-config"] if ovs else None,
        bridges=tuple(_bridge(entry) for entry in ovs["bridges"]) if ovs else (),
    )


def attempt(status: Status, step: Callable[..., None], *arguments: object) -> None:
    """Do one step. When it fails that is noted, and what comes next is done all the same."""
    try:
        step(*arguments)
    except NodeError as fault:
        status.error(str(fault))


def main(name: str, work: Callable[[Machine, Config, Status], None]) -> int:
    """Run one program: read node.json, do the work, leave the status. For `sys.exit`."""
    machine = Machine()
    status = Status()
    try:
        work(machine, read_config(machine), status)
    except NodeError as fault:
        status.error(str(fault))
    except Exception as fault:  # the status file must say so too, whatever went wrong
        status.error(f"{name}: unexpected {type(fault).__name__}: {fault}")
        status.save(machine, name)
        raise
    return status.save(machine, name)
