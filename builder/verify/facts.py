"""Facts: what a booted node says about itself, as values; None is what it did not report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from builder.catalog.vf_settings import VfSettings
from builder.errors import BuilderError
from builder.jsonfile import JsonFault, JsonRecord, decode

VERSION = 1
_NEWER = "build the image again, with the rackwright that verifies it"

T = TypeVar("T")


class _NullIsEmpty:
    """Marks a record whose null is the record with nothing in it: what could not be read."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda value: source() if value is None else value,
            core_schema.nullable_schema(handler(source)),
        )


Part = Annotated[T, _NullIsEmpty()]


@dataclass(frozen=True, slots=True)
class CpuFacts(JsonRecord):
    """CPU lists in the kernel's notation."""

    online: str | None = None
    isolated: str | None = None
    nohz_full: str | None = None


@dataclass(frozen=True, slots=True)
class NumaFacts(JsonRecord):
    node: int | None = None
    cpus: str | None = None
    mem_kib: int | None = None


@dataclass(frozen=True, slots=True)
class HugepageFacts(JsonRecord):
    node: int | None = None
    size_kib: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class IommuFacts(JsonRecord):
    """default_type: the domain type of the node's groups: identity, DMA, DMA-FQ."""

    groups: int | None = None
    default_type: str | None = None


@dataclass(frozen=True, slots=True)
class VfFacts(JsonRecord, VfSettings):
    """How a PF's kernel driver has set one of its VFs up (`ip link show`)."""

    index: int | None = None


@dataclass(frozen=True, slots=True)
class PciFacts(JsonRecord):
    """One PCI function. driver None: no driver has it; eswitch: reported where it is planned.

    iommu_group_users: other devices of its group that have a driver which keeps it closed.
    """

    id: str | None = None
    driver: str | None = None
    iommu_group: str | None = None
    iommu_group_users: tuple[str, ...] | None = None
    numa: int | None = None
    total_vfs: int | None = None
    num_vfs: int | None = None
    vfs: tuple[str, ...] | None = None
    vf_settings: tuple[VfFacts, ...] | None = None
    eswitch: str | None = None


@dataclass(frozen=True, slots=True)
class OvsPortFacts(JsonRecord):
    name: str | None = None
    type: str | None = None
    ofport: int | None = None
    error: str | None = None
    options: Mapping[str, str] | None = None
    other_config: Mapping[str, str] | None = None
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class OvsBridgeFacts(JsonRecord):
    name: str | None = None
    datapath_type: str | None = None
    fail_mode: str | None = None
    ports: tuple[OvsPortFacts, ...] | None = None


@dataclass(frozen=True, slots=True)
class PmdThread(JsonRecord):
    """A poll mode thread of ovs-vswitchd and the CPUs it may run on."""

    name: str | None = None
    cpus: str | None = None


@dataclass(frozen=True, slots=True)
class OvsFacts(JsonRecord):
    """vfio_fds: what ovs-vswitchd holds open under /dev/vfio."""

    present: bool | None = None
    dpdk_initialized: bool | None = None
    version: str | None = None
    dpdk_version: str | None = None
    other_config: Mapping[str, str] | None = None
    bridges: tuple[OvsBridgeFacts, ...] | None = None
    pmd_threads: tuple[PmdThread, ...] | None = None
    vswitchd_cpus: str | None = None
    vfio_fds: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class UnitState(JsonRecord):
    """condition: whether it was met when the unit last started; None: it never was started."""

    active: str | None = None
    result: str | None = None
    condition: bool | None = None


@dataclass(frozen=True, slots=True)
class UnitFacts(JsonRecord):
    """dropped: jobs systemd left out of the boot to break ordering cycles (`x.service/start`)."""

    dropped: tuple[str, ...] | None = None
    failed: tuple[str, ...] | None = None
    state: Mapping[str, UnitState] | None = None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class BootFacts(JsonRecord):
    """seconds: how long each stage took, by its name."""

    firmware: str | None = None
    secure_boot: bool | None = None
    seconds: Mapping[str, float | None] | None = None


@dataclass(frozen=True, slots=True)
class FileFacts(JsonRecord):
    """A file as it is on the node; of a symlink, mode `link` and the hash of its target text."""

    mode: str | None = None
    owner: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Mount(JsonRecord):
    where: str | None = None
    type: str | None = None
    options: str | None = None


@dataclass(frozen=True, slots=True)
class RootFacts(JsonRecord):
    size_bytes: int | None = None
    device_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class UserFacts(JsonRecord):
    """An account. home, ssh: mode and owner of the directories; password: sha256 of its hash."""

    home: str | None = None
    ssh: str | None = None
    shell: str | None = None
    groups: tuple[str, ...] | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class NodeStatus(JsonRecord):
    """The status file of one of our node programs."""

    ok: bool | None = None
    errors: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StatusFacts(JsonRecord):
    cpus: Part[NodeStatus] = field(default_factory=NodeStatus)
    identity: Part[NodeStatus] = field(default_factory=NodeStatus)
    nics: Part[NodeStatus] = field(default_factory=NodeStatus)
    hugepages: Part[NodeStatus] = field(default_factory=NodeStatus)
    ovs: Part[NodeStatus] = field(default_factory=NodeStatus)
    seed: Part[NodeStatus] = field(default_factory=NodeStatus)


@dataclass(frozen=True, slots=True)
class UpgradeFacts(JsonRecord):
    """timers: all that run. periodic: APT::Periodic::Enable. held: apt's names of packages that
    unattended-upgrade leaves alone.
    """

    timers: tuple[str, ...] | None = None
    periodic: str | None = None
    held: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TwinFacts(JsonRecord):
    """What the twin's firmware told the node of its stand-ins: device id -> device id."""

    substitutions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Facts(JsonRecord):
    """One facts document. In `files` and `pci`, a None value is a thing that is not there."""

    version: int | None = None
    cmdline: str | None = None
    kernel: str | None = None
    os: Mapping[str, str | None] | None = None
    cpus: Part[CpuFacts] = field(default_factory=CpuFacts)
    numa: tuple[NumaFacts, ...] | None = None
    hugepages: tuple[HugepageFacts, ...] | None = None
    iommu: Part[IommuFacts] = field(default_factory=IommuFacts)
    pci: Mapping[str, PciFacts | None] | None = None
    modules: Mapping[str, Mapping[str, str | None] | None] | None = None
    modprobe: tuple[str, ...] | None = None
    sysctl: Mapping[str, str | None] | None = None
    ovs: Part[OvsFacts] = field(default_factory=OvsFacts)
    units: Part[UnitFacts] = field(default_factory=UnitFacts)
    boot: Part[BootFacts] = field(default_factory=BootFacts)
    files: Mapping[str, FileFacts | None] | None = None
    mounts: tuple[Mount, ...] | None = None
    links: Mapping[str, tuple[str, ...] | None] | None = None
    pid1_cpus: str | None = None
    root: Part[RootFacts] = field(default_factory=RootFacts)
    users: Mapping[str, UserFacts] | None = None
    secrets: Mapping[str, str | None] | None = None
    sources: Mapping[str, tuple[str, ...] | None] | None = None
    thp: str | None = None
    hostname: str | None = None
    status: Part[StatusFacts] = field(default_factory=StatusFacts)
    upgrades: Part[UpgradeFacts] = field(default_factory=UpgradeFacts)
    twin: Part[TwinFacts] = field(default_factory=TwinFacts)


def parse_facts(raw: bytes) -> Facts:
    """The document a node sent; raises BuilderError when it is not one."""
    document = _load(raw)
    if not isinstance(document, dict):
        raise BuilderError("the facts are not a JSON object")
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise BuilderError(
            f"the facts are of version {json.dumps(version)}, this program reads version {VERSION}",
            hint=_NEWER,
        )
    try:
        return decode(Facts, raw)
    except JsonFault as fault:
        raise BuilderError(f"the facts are malformed: {fault}", hint=_NEWER) from fault


def _load(raw: bytes) -> object:
    if not raw.strip():
        raise BuilderError(
            "the node sent no facts",
            hint="rackwright-facts.service did not finish; the console log says why",
        )
    try:
        document: object = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as fault:
        # The node ends its document with a newline: without one, it was cut short.
        what = "are not JSON" if raw.endswith(b"\n") else f"end early, after {len(raw)} bytes"
        raise BuilderError(f"the facts {what}: {fault}") from fault
    return document
