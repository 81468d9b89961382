"""A plan by subject: every value as text, with its reason, in the order people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.catalog.vf_settings import setting_text
from builder.model.sizes import mib_text, page_size_text
from builder.phrases import count_text
from builder.plan.nouns.devices import PfPlan, VfPlan
from builder.plan.nouns.host import HostPlan, InterfacePlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kubelet import KubeletPlan
from builder.plan.nouns.ovs import OvsPortPlan
from builder.plan.nouns.why import Why

STEP = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """A value of a plan and its reason. depth: 1 for a part of the value above it."""

    value: str
    why: Why
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What a plan says of one matter."""

    heading: str
    lines: tuple[Line, ...]


def subjects_of(plan: HostPlan) -> tuple[Subject, ...]:
    """All that is derived for a host; subjects it has nothing of are left out."""
    found = (Subject(heading, tuple(lines)) for heading, lines in _subjects(plan))
    return tuple(subject for subject in found if subject.lines)


def _subjects(plan: HostPlan) -> Iterator[tuple[str, Iterable[Line]]]:
    image = plan.image
    yield "Host", [Line(plan.hostname, plan.why), *map(_interface, plan.interfaces)]
    yield "Logins and secrets", _access(plan)
    yield "NUMA nodes", _nodes(image)
    yield "CPUs", _cpus(image)
    yield "Hugepages", _hugepages(image)
    yield "Kernel command line", (Line(str(arg), arg.why) for arg in image.kernel_args)
    yield "Kernel modules", _modules(image)
    yield "Kernel settings (sysctl)", (Line(f"{s.key}={s.value}", s.why) for s in image.sysctls)
    yield (
        "Network ports the kernel keeps",
        (Line(f"{nic.name} {nic.pci} {nic.driver}", nic.why) for nic in image.nics),
    )
    yield (
        "Network ports given to Open vSwitch",
        (Line(f"{item.name} {item.pci} {item.driver}", item.why) for item in image.bindings),
    )
    yield "Virtual functions", _vfs(image)
    yield "Open vSwitch", _ovs(image)
    yield "Kubelet", _kubelet(image.kubelet) if image.kubelet is not None else ()
    yield "Packages", _packages(image)


def _interface(item: InterfacePlan) -> Line:
    words = [item.name]
    words += ["dhcp4"] if item.dhcp4 else []
    words += ["dhcp6"] if item.dhcp6 else []
    words += item.addresses
    words += [f"gateway {gateway}" for gateway in item.gateways]
    words += [] if item.routes else ["no default route"]
    words += [] if item.metric is None else [f"metric {item.metric}"]
    words += [f"nameserver {server}" for server in item.nameservers]
    words += [f"mtu {item.mtu}"] if item.mtu is not None else []
    words += [f"mac {item.mac}"] if item.mac is not None else []
    return Line(" ".join(words), item.why)


def _access(plan: HostPlan) -> Iterator[Line]:
    """What a password's hash is, a plan told to people does not repeat."""
    for user in plan.access.users:
        words = [f"user {user.name}", count_text(len(user.ssh_keys), "ssh key")]
        words += ["password"] if user.password_hash is not None else []
        words += ["sudo"] if user.sudo else []
        words += [f"groups {' '.join(user.groups)}"] if user.groups else []
        yield Line(", ".join(words), user.why)
    for secret in plan.access.secrets:
        yield Line(f"secret {secret.name} {secret.path} {secret.mode} {secret.url}", secret.why)


def _nodes(image: ImagePlan) -> Iterator[Line]:
    given = Why(f"as hardware class {image.hardware} is described")
    for node, (cpus, mib) in enumerate(zip(image.cpus.nodes, image.memory_mib, strict=True)):
        cores = sum(bool(set(core) & set(cpus)) for core in image.cpus.cores)
        what = f"CPUs {cpus} ({count_text(cores, 'core')})" if cpus else "no CPUs"
        yield Line(f"node {node}: {what}, {mib_text(mib)}", given)


def _cpus(image: ImagePlan) -> Iterator[Line]:
    for role, why in image.cpus.why.items():
        yield Line(f"{role} {image.cpus.with_role(role) or 'none'}", why)


def _hugepages(image: ImagePlan) -> Iterator[Line]:
    for pool in image.hugepages:
        yield Line(f"node {pool.node}: {pool.count} of {page_size_text(pool.size_kib)}", pool.why)
    for need in image.page_demands:
        wanted = f"{mib_text(need.mib)} in pages of {page_size_text(need.size_kib)}"
        yield Line(f"node {need.node}: {wanted} for {need.who}", need.why)


def _modules(image: ImagePlan) -> Iterator[Line]:
    yield from (Line(module.name, module.why) for module in image.modules)
    for option in image.module_options:
        yield Line(f"options {option.module} {option.name}={option.value}", option.why)
    for name, why in image.module_files.items():
        yield Line(f"modprobe.d/{name}.conf", why)


def _vfs(image: ImagePlan) -> Iterator[Line]:
    for pf in image.pfs:
        yield Line(_pf_text(pf), pf.why)
        for vf in pf.vfs:
            words = [f"VF {vf.index} {vf.pci} {vf.driver or 'kernel'}", *vf_settings(vf)]
            yield Line(" ".join(words), vf.why, depth=1)


def _pf_text(pf: PfPlan) -> str:
    eswitch = "" if pf.eswitch == "legacy" else f", {pf.eswitch}"
    how = ", made by the driver's max_vfs" if pf.mode == "module-parameter" else ""
    return f"{pf.name} {pf.pci} {pf.driver}: {count_text(pf.num_vfs, 'VF')}{how}{eswitch}"


def vf_settings(vf: VfPlan) -> tuple[str, ...]:
    """What is set of a VF through its PF, as `ip link` spells it; a setting left alone is not."""
    return tuple(f"{name} {setting_text(value)}" for name, value in vf.settings.given().items())


def _ovs(image: ImagePlan) -> Iterator[Line]:
    if image.ovs is None:
        return
    for setting in image.ovs.other_config:
        yield Line(f"{setting.key}={setting.value}", setting.why)
    for bridge in image.ovs.bridges:
        yield Line(f"{bridge.name} {bridge.datapath_type} {bridge.fail_mode}", bridge.why)
        for port in bridge.ports:
            yield Line(f"{port.name} {' '.join(port_settings(port))}", port.why, depth=1)


def port_settings(port: OvsPortPlan) -> tuple[str, ...]:
    """MTU, options and other_config of a port; the address it is opened by goes without saying."""
    options = {key: text for key, text in port.options.items() if key != "dpdk-devargs"}
    own = {"mtu": str(port.mtu), **options, **port.other_config}
    return tuple(f"{key}={text}" for key, text in own.items())


def _kubelet(plan: KubeletPlan) -> Iterator[Line]:
    """Fields as KubeletConfiguration spells them."""
    sums = {
        "kube_reserved_mib": f"kubeReserved memory={plan.kube_reserved_mib}Mi",
        "system_reserved_mib": f"systemReserved memory={plan.system_reserved_mib}Mi",
        "eviction_hard_mib": f"evictionHard memory.available={plan.eviction_hard_mib}Mi",
    }
    options = " ".join(f"{key}={text}" for key, text in plan.cpu_manager_policy_options.items())
    topology = " ".join(f"{k}={text}" for k, text in plan.topology_manager_policy_options.items())
    reserved = " ".join(f"{item.node}:{item.mib}Mi" for item in plan.reserved_memory)
    texts = {
        "reserved_system_cpus": f"reservedSystemCPUs {plan.reserved_system_cpus}",
        "cpu_manager_policy": f"cpuManagerPolicy {plan.cpu_manager_policy}",
        "cpu_manager_policy_options": f"cpuManagerPolicyOptions {options}",
        "topology_manager_policy": f"topologyManagerPolicy {plan.topology_manager_policy}",
        "topology_manager_scope": f"topologyManagerScope {plan.topology_manager_scope}",
        "topology_manager_policy_options": f"topologyManagerPolicyOptions {topology}",
        "memory_manager_policy": f"memoryManagerPolicy {plan.memory_manager_policy}",
        **sums,
        "reserved_memory": f"reservedMemory {reserved}",
    }
    return (Line(text, plan.why[name]) for name, text in texts.items() if name in plan.why)


def _packages(image: ImagePlan) -> Iterator[Line]:
    """By what they are there for, then by name."""
    lines = [Line(package.name, package.why) for package in image.packages]
    yield from sorted(lines, key=lambda line: (line.why.places, line.value))
