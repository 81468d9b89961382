"""Cache keys: the same for what makes no difference, another for all that does."""

from __future__ import annotations

from typing import Any

import pytest

from builder.targets.image import cache_keys

INPUTS: dict[str, Any] = {
    "suite": "trixie",
    "architecture": "amd64",
    "sources": ("deb http://one.example/debian trixie main",),
    "packages": (("bash", "5.2"), ("apt", "3.0")),
    "keyring": "aa",
    "dpkg_options": ("path-exclude=/usr/share/man/*",),
    "usr_links": (),
    "element": "bb",
}


def test_the_mirror_and_the_order_make_no_difference() -> None:
    other = {
        **INPUTS,
        "sources": ("deb [arch=amd64] http://two.example/mirror trixie main",),
        "packages": (("apt", "3.0"), ("bash", "5.2")),
    }
    assert cache_keys.root_key(**other) == cache_keys.root_key(**INPUTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("suite", "sid"),
        ("architecture", "arm64"),
        ("sources", ("deb http://one.example/debian trixie main contrib",)),
        ("packages", (("apt", "3.0"), ("bash", "5.3"))),
        ("keyring", "ab"),
        ("dpkg_options", ()),
        ("usr_links", ("bin",)),
        ("element", "bc"),
    ],
)
def test_everything_else_does(name: str, value: object) -> None:
    assert cache_keys.root_key(**{**INPUTS, name: value}) != cache_keys.root_key(**INPUTS)


def test_a_name_cannot_run_into_a_version() -> None:
    one = cache_keys.root_key(**{**INPUTS, "packages": (("a", "b c"),)})
    two = cache_keys.root_key(**{**INPUTS, "packages": (("a b", "c"),)})
    assert one != two


def test_base_key_covers_root_elements_and_size() -> None:
    made = {
        cache_keys.base_key(root=root, elements=elements, headroom=headroom, identities=identities)
        for root in ("a", "b")
        for elements in ("a", "b")
        for headroom in (1, 2)
        for identities in ([("/a", "")], [("/a", "x")])
    }
    assert len(made) == 16


def test_disks_of_different_hosts_have_different_identifiers() -> None:
    seeds = {cache_keys.disk_seed("a", host) for host in (None, "nfv1", "nfv2")}
    assert len(seeds) == 3
    assert cache_keys.disk_seed("a", "nfv1") == cache_keys.disk_seed("a", "nfv1")


def test_disks_of_different_bases_have_different_identifiers() -> None:
    assert cache_keys.disk_seed("a") == cache_keys.disk_seed("a") != cache_keys.disk_seed("b")
