"""VFs as planned: where they come to lie, and what the release's drivers can set of them."""

from __future__ import annotations

from collections.abc import Iterator

from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding, Rule

LAST_BUS = 0xFF


def check_addresses(image: ImagePlan) -> Iterator[Finding]:
    """pci_iov_add_virtfn() puts VFs at fixed distances from their PF, over whatever is there."""
    ports = {nic.pci: nic.name for nic in image.nics} | {b.pci: b.name for b in image.bindings}
    ports |= {pf.pci: pf.name for pf in image.pfs}
    for pf in image.pfs:
        others = {
            vf.pci: f"VF {vf.index} of {other.name}"
            for other in image.pfs
            if other != pf
            for vf in other.vfs
        }
        for vf in pf.vfs:
            key = (*pf.key, "num-vfs")
            if vf.pci.bus > LAST_BUS:
                message = f"VF {vf.index} of {pf.name} would be beyond the last PCI bus, ff"
                yield Finding(key, message, f"create fewer VFs of {pf.name}")
                break
            there = ports.get(vf.pci) or others.get(vf.pci)
            if there is not None:
                message = f"VF {vf.index} of {pf.name} would be at {vf.pci}, the address of {there}"
                hint = "check the addresses (lspci -D): one of the two is wrong"
                yield Finding(key, message, hint)
                break


def check_settings_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A setting the driver of this release's kernel has no call for."""
    has = image.release.kernel
    for pf in image.pfs:
        for vf in pf.vfs:
            for setting in vf.settings.given():
                first = (pf.model.settings or {}).get(setting)
                if first is not None and first > has:
                    message = (
                        f"{pf.model.driver.name} supports {setting} of a VF since kernel "
                        f"{first}, but {image.release.id} has {has}"
                    )
                    hint = "remove it, or use a newer release"
                    yield Finding((*vf.key, setting), message, hint)


def check_switchdev_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A driver that has switchdev mode, but not yet in this release's kernel."""
    has = image.release.kernel
    for pf in image.pfs:
        first = pf.model.driver.switchdev
        if pf.eswitch == "switchdev" and first is not None and first > has:
            message = (
                f"{pf.model.driver.name} supports switchdev mode since kernel {first}, but "
                f"{image.release.id} has {has}"
            )
            hint = "use eswitch: legacy, or a newer release"
            yield Finding((*pf.key, "eswitch"), message, hint)


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-vf-address",
        "error",
        "The PCI addresses of VFs are free and exist on the bus.",
        check_addresses,
    ),
    Rule(
        "plan-vf-setting",
        "error",
        "The release's kernel supports the VF setting.",
        check_settings_in_release,
    ),
    Rule(
        "plan-switchdev",
        "error",
        "The release's kernel supports switchdev mode for the driver.",
        check_switchdev_in_release,
    ),
)
