"""What is said of hosts by the release alone."""

from __future__ import annotations

import pytest

from builder.catalog.releases import RELEASES
from builder.diagnostics import format_path
from builder.plan.checks import check_fleet
from tests.plans import SEED, sound

DHCP = "enp8s0: {role: management, dhcp4: true}"
FIXED = "addresses: [192.0.2.5/24], gateway: 192.0.2.1"


def faults(interface: str, release: str = "ubuntu-26.04", rack: str = "") -> list[str]:
    text = SEED.read_text(encoding="utf-8")
    assert DHCP in text
    text = text.replace(DHCP, f"enp8s0: {{{interface}}}")
    if rack:
        text = text.replace("\nhosts:", f"\nracks:\n  a: {{{rack}}}\nhosts:")
        text = text.replace("    profile: nfv\n", "    profile: nfv\n    rack: a\n")
    inventory, marks = sound(text)
    found = check_fleet(inventory, RELEASES[release], marks)
    return [f"{item.rule} {format_path(item.path)}" for item in found]


def test_a_boot_that_waits_for_a_name_server() -> None:
    assert faults(f"role: management, {FIXED}") == [
        "plan-name-servers hosts.nfv1.interfaces.enp8s0"
    ]


@pytest.mark.parametrize(
    ("interface", "release", "rack"),
    [
        ("role: management, dhcp4: true", "ubuntu-26.04", ""),
        ("role: management, dhcp6: true", "ubuntu-26.04", ""),
        (f"role: management, {FIXED}, nameservers: [192.0.2.2]", "ubuntu-26.04", ""),
        (f"role: management, {FIXED}", "ubuntu-26.04", "nameservers: [192.0.2.2]"),
        # Not waited for.
        ("role: storage, addresses: [192.0.2.5/24]", "ubuntu-26.04", ""),
        # netplan 1.1 waits for an address alone.
        (f"role: management, {FIXED}", "ubuntu-24.04", ""),
        (f"role: management, {FIXED}", "debian-13", ""),
    ],
)
def test_a_boot_that_does_not(interface: str, release: str, rack: str) -> None:
    assert faults(interface, release, rack) == []
