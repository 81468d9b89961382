"""Preparing an inventory for a verb: everything wrong at once, each pair planned once, one choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder import build_host
from builder.diagnostics import Refused
from builder.errors import BuilderError
from builder.plan import host as planner
from builder.prepare import (
    Choice,
    all_hosts,
    host_if_there,
    host_named,
    host_of_profile,
    no_host,
    one_of_each_pair,
    prepare,
)
from tests.plans import OTHER_PAIR, SEED, SHARED_PAGES

UNKNOWN_VF = ("ens11f0/0", "ens11f0/5")


def write(base: Path, *edits: tuple[str, str]) -> Path:
    """The seed for Debian 13, edited."""
    text = SEED.read_text(encoding="utf-8")
    for old, new in (("os: host", "os: debian-13"), *edits):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = base / "inventory.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def two_pairs(tmp_path: Path) -> Path:
    """Three hosts, two of one class and profile."""
    sound = OTHER_PAIR.replace("count: 92", "count: 4")
    third = "\n  nfv3:" + sound.partition("nfv2:")[2].replace("profile: other", "profile: nfv")
    return write(tmp_path, SHARED_PAGES, ("\nhosts:\n", f"\n{sound.rstrip()}{third}"))


def rules_of(path: Path, choose: Choice, os: str | None = None) -> set[str]:
    with pytest.raises(Refused) as caught:
        prepare(path, choose, os)
    return {item.rule for item in caught.value.report.items if item.severity == "error"}


@pytest.mark.parametrize("choose", [all_hosts, one_of_each_pair, no_host, host_named("nfv1")])
def test_everything_wrong_is_told_at_once(tmp_path: Path, choose: Choice) -> None:
    """A rule's error in one profile, and one of the plan in another, whatever was asked for."""
    path = write(tmp_path, UNKNOWN_VF, ("\nhosts:\n", f"\n{OTHER_PAIR}"))
    assert rules_of(path, choose) == {"plan-pages-fit", "ovs-vf-known"}


def test_numbers_of_hosts_not_asked_for_refuse_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, ("\nhosts:\n", f"\n{OTHER_PAIR}"))
    assert prepare(path, host_named("nfv1")).plan.hostname == "nfv1"
    assert rules_of(path, all_hosts) == {"plan-pages-fit"}


def test_errors_are_told_on_a_machine_no_image_is_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_host, "read_os_release", lambda: {"ID": "fedora"})
    assert rules_of(write(tmp_path, UNKNOWN_VF), all_hosts, "host") == {"ovs-vf-known"}


def test_a_release_there_is_not(tmp_path: Path) -> None:
    """As of the manifest of an image that another version built."""
    with pytest.raises(BuilderError) as caught:
        prepare(write(tmp_path), all_hosts, "debian-7")
    assert caught.value.as_text() == (
        "rackwright: error: there is no release 'debian-7'\n  hint: releases: debian-12, "
        "debian-13, ubuntu-22.04, ubuntu-24.04, ubuntu-26.04"
    )


@pytest.mark.parametrize(
    ("choose", "hosts"),
    [
        (no_host, []),
        (all_hosts, ["nfv2", "nfv3", "nfv1"]),
        (one_of_each_pair, ["nfv2", "nfv3"]),
        (host_named("nfv3"), ["nfv3"]),
        (host_if_there("nfv3"), ["nfv3"]),
        (host_if_there("nfv9"), []),
        (host_of_profile("other"), ["nfv2"]),
    ],
)
def test_the_hosts_chosen(two_pairs: Path, choose: Choice, hosts: list[str]) -> None:
    assert [plan.hostname for plan in prepare(two_pairs, choose).plans] == hosts


def test_a_pair_is_planned_once_and_its_warnings_are_told_once(
    two_pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[object] = []
    plan_image = planner.plan_image

    def count(*args: object) -> object:
        planned.append(args[2:4])
        return plan_image(*args)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(planner, "plan_image", count)
    prepared = prepare(two_pairs, all_hosts)
    assert sorted(planned, key=str) == [("e5-2620v4", "nfv"), ("e5-2620v4", "other")]
    assert [item.rule for item in prepared.report.items] == ["plan-page-sharing"]


def test_the_class_of_the_host(two_pairs: Path) -> None:
    prepared = prepare(two_pairs, host_named("nfv3"))
    assert prepared.hardware is prepared.inventory.hardware["e5-2620v4"]
