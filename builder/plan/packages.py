"""Every package of the image, each with the reason it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.port_drivers import PORT_DRIVERS
from builder.catalog.releases import OsRelease, SystemdPart
from builder.model.ports import DpdkPort
from builder.plan.inputs import Inputs
from builder.plan.modules import bound_functions
from builder.plan.nouns.devices import Binding, PfPlan
from builder.plan.nouns.image import PackagePlan
from builder.plan.nouns.why import Why

MICROCODE = {"intel": "intel-microcode", "amd": "amd64-microcode"}

BASE = {
    "systemd-sysv": "init",
    "udev": "devices, and the names of network ports",
    "dbus": "systemctl and hostnamectl talk over it",
    "libpam-systemd": "sessions of logins, with their resource limits",
    "kmod": "loads kernel modules",
    "initramfs-tools": "makes the initramfs, with our modprobe.d in it",
    "zstd": "compresses the initramfs",
    "apt": "later updates",
    "cloud-init": "gives a machine its identity at first boot",
    "cloud-guest-utils": "growpart, for what cloud-init is told to grow",
    "e2fsprogs": "checks and grows the root file system",
    "dosfstools": "checks the EFI system partition",
    "netplan.io": "sets up the management network",
    "iproute2": "shows and sets links; node programs set up VFs with it",
    "ethtool": "shows what a link is set to",
    "pciutils": "lspci",
    "openssh-server": "access",
    "sudo": "cloud-init's first user becomes root by it",
    "chrony": "keeps the time, which certificates of Kubernetes depend on",
    "ca-certificates": "HTTPS to registries and mirrors",
    "python3": "the node programs are written in it",
    "procps": "sysctl and ps",
    "less": "pager of systemctl and journalctl",
    "login": "logins on the consoles; no package everybody has since Debian 13",
}
BOOT = {
    "grub2-common": "GRUB's tools",
    "grub-pc-bin": "GRUB for BIOS",
    "grub-efi-amd64-bin": "GRUB for UEFI",
    "grub-efi-amd64-signed": "GRUB that Secure Boot accepts",
    "shim-signed": "the loader Secure Boot trusts; it starts the signed GRUB",
    "efibootmgr": "shows and sets the order UEFI boots in",
}
# What of systemd is in a package of its own in some releases, and in its main one in others.
SYSTEMD_PARTS: dict[SystemdPart, str] = {
    "systemd-resolved": "name servers from netplan and DHCP take effect through it",
    "systemd-repart": "at boot the root partition grows to the disk's size",
}
OVS = {
    "openvswitch-switch": "the switch",
    "openvswitch-switch-dpdk": "ovs-vswitchd built with DPDK",
}
# Stems of the names of DPDK's libraries.
LIBRARIES = {
    "librte-bus-pci": "DPDK finds PCI devices by it",
    "librte-bus-vdev": "DPDK's virtual devices, vhost-user among them",
    "librte-mempool-ring": "DPDK's default pool of packet buffers",
    # 82576, the one SR-IOV NIC QEMU has, is driven by it.
    "librte-net-e1000": "NICs of the twin: the image that is tested is the image shipped",
}


def possible_packages(release: OsRelease) -> frozenset[str]:
    """Every name that plans of `release` have, but for those of an inventory itself."""
    drivers = PORT_DRIVERS.values()
    having = [driver for driver in drivers if not driver.dpdk_has_none(release.dpdk)]
    stems = {*LIBRARIES, *(stem for driver in having for stem in driver.pmd_packages)}
    firmware = {name for driver in drivers for name in driver.firmware.get(release.family, ())}
    return frozenset(
        {
            *(*BASE, *BOOT, *MICROCODE.values(), *OVS, *release.names.systemd_parts),
            *(driver.dkms_package for driver in DPDK_DRIVERS.values() if driver.dkms_package),
            *(release.dpdk_library(stem) for stem in stems),
            *(release.package(name) for name in firmware),
            *((release.names.no_firmware,) if release.names.no_firmware else ()),
            *(f"linux-image-{kernel.package}" for kernel in release.kernels),
            *(f"linux-headers-{kernel.package}" for kernel in release.kernels),
        }
    )


def plan_packages(
    inputs: Inputs,
    ports: tuple[DpdkPort, ...],
    pfs: tuple[PfPlan, ...],
    bindings: tuple[Binding, ...],
) -> tuple[PackagePlan, ...]:
    """Packages by name, none twice; the first reason stays."""
    packages: dict[str, PackagePlan] = {}
    for package in (
        *_system(inputs),
        *_hardware(inputs),
        *_ovs(inputs, ports),
        *_kernel_modules(inputs, pfs, bindings),
        *_user(inputs),
    ):
        packages.setdefault(package.name, package)
    return tuple(packages[name] for name in sorted(packages))


def _system(inputs: Inputs) -> Iterator[PackagePlan]:
    key = ("image", "os")
    release = inputs.release
    for name, reason in {**BASE, **BOOT}.items():
        yield PackagePlan(name, inputs.why(reason, key))
    yield _kernel(inputs)
    for name in release.names.systemd_parts:
        yield PackagePlan(name, inputs.why(SYSTEMD_PARTS[name], key))


def _kernel(inputs: Inputs) -> PackagePlan:
    kernel = inputs.release.kernels[0]
    key, reason = ("image", "os"), f"the kernel of {inputs.release.id}"
    if inputs.inventory.image.kernel is not None:
        key, reason = ("image", "kernel"), f"{reason}, {kernel.flavour} as the inventory asks"
    if not kernel.drivers:
        reason += "; it has every driver"
    return PackagePlan(f"linux-image-{kernel.package}", inputs.why(reason, key))


def _hardware(inputs: Inputs) -> Iterator[PackagePlan]:
    vendor = inputs.hardware.cpu.vendor
    yield PackagePlan(
        MICROCODE[vendor],
        inputs.why(
            "fixes of the CPU, loaded from the initramfs", inputs.hardware_key("cpu", "vendor")
        ),
    )
    release = inputs.release
    # Of a driver that is not in the catalog nobody knows.
    needs_firmware = not all(nic.model.driver.is_known for nic in inputs.hardware.nics)
    for nic in inputs.hardware.nics:
        for name in nic.model.driver.firmware.get(release.family, ()):
            needs_firmware = True
            yield PackagePlan(
                release.package(name),
                inputs.why(
                    f"firmware {nic.driver} loads into {nic.name}", inputs.nic_key(nic, "id")
                ),
            )
    if release.names.no_firmware is not None and not needs_firmware:
        reason = "stands for all firmware, which the kernel depends on and no NIC needs"
        yield PackagePlan(
            release.names.no_firmware, inputs.why(reason, inputs.hardware_key("nics"))
        )


def _ovs(inputs: Inputs, ports: tuple[DpdkPort, ...]) -> Iterator[PackagePlan]:
    """DPDK's drivers are only Recommends of the package dpdk, which an image leaves out."""
    if inputs.profile.ovs is None:
        return
    key = inputs.profile_key("ovs")
    for name, reason in OVS.items():
        yield PackagePlan(name, inputs.why(reason, key))
    yield from _poll_mode_drivers(inputs, ports)
    for stem, reason in LIBRARIES.items():
        yield _library(inputs, stem, inputs.why(reason, key))


def _poll_mode_drivers(inputs: Inputs, ports: Iterable[DpdkPort]) -> Iterator[PackagePlan]:
    for port in ports:
        for stem in port.nic.model.driver.pmd_packages:
            yield _library(
                inputs,
                stem,
                inputs.why(
                    f"DPDK's driver of {port.name} ({port.source})",
                    inputs.device_key(port),
                    inputs.nic_key(port.nic, "id"),
                ),
            )


def _library(inputs: Inputs, stem: str, why: Why) -> PackagePlan:
    return PackagePlan(inputs.release.dpdk_library(stem), why)


def _kernel_modules(
    inputs: Inputs, pfs: tuple[PfPlan, ...], bindings: tuple[Binding, ...]
) -> Iterator[PackagePlan]:
    for name, driver in DPDK_DRIVERS.items():
        users = bound_functions(name, pfs, bindings)
        if users and driver.dkms_package is not None:
            origins = users[0].why.origins
            why = Why(f"has {name}, which no kernel has", origins)
            yield PackagePlan(driver.dkms_package, why)
            headers = f"linux-headers-{inputs.release.kernels[0].package}"
            yield PackagePlan(headers, Why(f"{name} is built by DKMS", origins))


def _user(inputs: Inputs) -> Iterator[PackagePlan]:
    for place, name in enumerate(inputs.inventory.image.packages):
        yield PackagePlan(name, inputs.why("set in the inventory", ("image", "packages", place)))
