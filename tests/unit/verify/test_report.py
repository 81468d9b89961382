"""The verdict's wording and its JSON are what people and scripts rely on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from builder.verify.checks import CheckResult
from builder.verify.report import Verdict, count, to_json, to_text

Seed = Any

LINK_SPEED = (
    "every port of the twin says 1 Gbit/s, whatever the class has, so that what "
    "a port can carry is not shown"
)
PASSED = CheckResult("hugepages.node0.1G", "pass", "4", "4", "8 pages in all", "i.yaml:32 a.b")
FAILED = CheckResult(
    "hugepages.node1.1G", "fail", "4", "3", "8 pages in all",
    "inventory.yaml:32 profiles.nfv.hugepages",
)  # fmt: skip
WARNED = CheckResult("pci.0000:09:00.0.numa", "warn", "0", "-1", "the firmware does not say")
SKIPPED = CheckResult("module.ixgbe.x.live", "skip", "1", "not checked", "a stand-in is there")
BOOTED = CheckResult(
    "boot.seconds", "pass", "for information", "11.8 s", "kernel 1.5 s, userspace 10.2 s"
)
RESULTS = (BOOTED, PASSED, FAILED, WARNED, SKIPPED)
VERDICT = Verdict(
    results=RESULTS,
    plan_id="5eed" * 16,
    image="build/nfv-node.raw",
    image_sha256="ab" * 32,
    firmware="uefi",
    seconds=93.4,
    substitutions={"8086:10fb": "8086:10c9", "8086:1533": "8086:10c9"},
    not_emulated=(
        "SMT siblings: the CPUs of the twin are cores of their own",
        f"link speed: {LINK_SPEED}",
    ),
)


def of(*results: CheckResult) -> Verdict:
    """A verdict about which nothing else is known."""
    return Verdict(results, "0" * 64)


UNKNOWN = f"image     unknown\nplan      {'0' * 64}\nfirmware  unknown\n\n"


def test_the_page() -> None:
    assert to_text(VERDICT) == (
        "image     build/nfv-node.raw\n"
        f"sha256    {'ab' * 32}\n"
        f"plan      {'5eed' * 16}\n"
        "firmware  uefi\n"
        "boot      11.8 s (kernel 1.5 s, userspace 10.2 s), facts after 93.4 s\n"
        "\n"
        "PASS  boot       1 passed\n"
        "FAIL  hugepages  1 failed, 1 passed\n"
        "WARN  pci        1 warned\n"
        "SKIP  module     1 skipped\n"
        "\n"
        "FAIL  hugepages.node1.1G\n"
        "      expected:  4\n"
        "      found:     3\n"
        "      reason:    8 pages in all\n"
        "      origin:    inventory.yaml:32 profiles.nfv.hugepages\n"
        "\n"
        "WARN  pci.0000:09:00.0.numa\n"
        "      expected:  0\n"
        "      found:     -1\n"
        "      reason:    the firmware does not say\n"
        "\n"
        "SKIP  module.ixgbe.x.live: a stand-in is there\n"
        "\n"
        "in the twin 8086:10c9 stands in for 8086:10fb\n"
        "in the twin 8086:10c9 stands in for 8086:1533\n"
        "not emulated: SMT siblings: the CPUs of the twin are cores of their own\n"
        "not emulated: link speed: every port of the twin says 1 Gbit/s, whatever the class has, "
        "so that what a port\n"
        "              can carry is not shown\n"
        "\n"
        "FAIL  1 failed, 1 warned, 1 skipped, 2 passed"
    )


def test_the_shortest_page() -> None:
    assert to_text(of(PASSED)) == f"{UNKNOWN}PASS  hugepages  1 passed\n\nPASS  1 passed"


def test_facts_of_an_earlier_boot() -> None:
    assert "\nboot      11.8 s (kernel 1.5 s, userspace 10.2 s)\n" in to_text(of(BOOTED))


def test_a_skipped_check_does_not_fail_its_group() -> None:
    text = to_text(of(PASSED, replace(SKIPPED, name="hugepages.x")))
    assert "PASS  hugepages  1 skipped, 1 passed\n" in text


def test_verbose_shows_passes_too() -> None:
    assert to_text(of(PASSED, FAILED), verbose=True) == (
        f"{UNKNOWN}"
        "FAIL  hugepages  1 failed, 1 passed\n"
        "\n"
        "FAIL  hugepages.node1.1G\n"
        "      expected:  4\n"
        "      found:     3\n"
        "      reason:    8 pages in all\n"
        "      origin:    inventory.yaml:32 profiles.nfv.hugepages\n"
        "\n"
        "PASS  hugepages.node0.1G: 4\n"
        "\n"
        "FAIL  1 failed, 1 passed"
    )


def test_colour_only_when_asked() -> None:
    assert "\x1b" not in to_text(VERDICT, verbose=True)
    coloured = to_text(VERDICT, verbose=True, colour=True)
    assert "\x1b[31mFAIL\x1b[0m  hugepages  1 failed, 1 passed\n" in coloured
    assert "\x1b[32mPASS\x1b[0m  hugepages.node0.1G: 4\n" in coloured
    assert "\x1b[33mWARN\x1b[0m  pci.0000:09:00.0.numa\n" in coloured
    assert "\x1b[36mSKIP\x1b[0m  module.ixgbe.x.live: a stand-in is there\n" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == to_text(VERDICT, verbose=True)


def test_no_line_is_wider_than_a_terminal(seed: Seed) -> None:
    document = seed.changed("cmdline", to=None)
    document["files"] = {}
    long = replace(FAILED, found="word " * 100, name="x.y")
    results = (*seed.verify(document=document).values(), long)
    text = to_text(replace(VERDICT, results=results), verbose=True)
    assert max(len(line) for line in text.splitlines()) == 110
    # What has no blank to break at is shown whole all the same.
    assert f"FAIL  x.{'y' * 150}\n" in to_text(of(replace(FAILED, name="x." + "y" * 150)))


def test_what_a_node_says_cannot_drive_the_terminal() -> None:
    text = to_text(of(replace(FAILED, found="a\x1b[2Jb\rc\x07")), verbose=True)
    assert "      found:     a\\x1b[2Jb c\\x07\n" in text


def test_the_verdict() -> None:
    assert (VERDICT.passed, VERDICT.exit_code) == (False, 1)
    good = of(PASSED, WARNED, SKIPPED)
    assert (good.passed, good.exit_code) == (True, 0)
    assert (of().passed, of().exit_code) == (False, 1)
    assert to_text(of()) == f"{UNKNOWN}FAIL  nothing was checked"


def test_the_counts() -> None:
    assert count(RESULTS) == {"fail": 1, "warn": 1, "skip": 1, "pass": 2}
    assert count(()) == {"fail": 0, "warn": 0, "skip": 0, "pass": 0}


def test_the_json() -> None:
    report = to_json(replace(VERDICT, results=(PASSED, FAILED)))
    assert json.loads(json.dumps(report)) == {
        "version": 1,
        "verdict": "fail",
        "plan-id": "5eed" * 16,
        "image": "build/nfv-node.raw",
        "image-sha256": "ab" * 32,
        "firmware": "uefi",
        "seconds": 93.4,
        "counts": {"fail": 1, "warn": 0, "skip": 0, "pass": 1},
        "checks": [
            {
                "name": "hugepages.node0.1G", "status": "pass", "expected": "4", "found": "4",
                "reason": "8 pages in all", "origin": "i.yaml:32 a.b",
            },
            {
                "name": "hugepages.node1.1G", "status": "fail", "expected": "4", "found": "3",
                "reason": "8 pages in all", "origin": "inventory.yaml:32 profiles.nfv.hugepages",
            },
        ],
        "substitutions": [
            {"planned": "8086:10fb", "twin": "8086:10c9"},
            {"planned": "8086:1533", "twin": "8086:10c9"},
        ],
        "not-emulated": list(VERDICT.not_emulated),
    }  # fmt: skip


def test_the_json_of_a_verdict_about_little() -> None:
    report = to_json(of(PASSED))
    assert (report["verdict"], report["seconds"], report["image-sha256"]) == ("pass", None, None)
    assert (report["substitutions"], report["not-emulated"]) == ([], [])
