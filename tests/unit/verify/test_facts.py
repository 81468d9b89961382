"""A facts document is read strictly: wrong is refused with a message, missing is None."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builder.errors import BuilderError
from builder.verify.facts import (
    BootFacts,
    Facts,
    HugepageFacts,
    NodeStatus,
    OvsFacts,
    PciFacts,
    StatusFacts,
    VfFacts,
    parse_facts,
)

Seed = Any
NEWER = "build the image again, with the rackwright that verifies it"


def refused(raw: bytes) -> tuple[str, str | None]:
    with pytest.raises(BuilderError) as caught:
        parse_facts(raw)
    return caught.value.message, caught.value.hint


def parsed(**parts: object) -> Facts:
    return parse_facts(json.dumps({"version": 1, **parts}).encode() + b"\n")


def test_the_whole_document(seed: Seed) -> None:
    facts = parse_facts(json.dumps(seed.document).encode() + b"\n")
    assert facts.kernel == "6.12.57+deb13-amd64"
    assert facts.cpus.nohz_full == "1-7,9-15,17-23,25-31"
    assert facts.hugepages is not None
    assert facts.hugepages[0] == HugepageFacts(node=0, size_kib=1048576, total=4)
    assert facts.pci is not None
    assert facts.pci["0000:01:00.0"] == PciFacts(
        id="8086:10c9", driver="igb", iommu_group="14", iommu_group_users=(), numa=0,
        total_vfs=7, num_vfs=2, vfs=("0000:01:10.0", "0000:01:10.2"),
        vf_settings=(
            VfFacts("02:11:22:33:44:55", 0, False, True, 0, 0, "auto", 0),
            VfFacts("02:00:00:00:00:01", 7, True, False, 200, 0, "auto", 1),
        ),
    )  # fmt: skip
    assert facts.ovs.bridges is not None
    assert facts.ovs.bridges[0].ports is not None
    assert facts.ovs.bridges[0].ports[1].options == {"dpdk-devargs": "0000:09:00.0", "n_rxq": "1"}
    assert facts.ovs.bridges[0].ports[1].other_config == {"pmd-rxq-affinity": "0:1"}
    assert facts.boot == BootFacts(
        "uefi", secure_boot=True, seconds={"kernel": 1.5, "initrd": 2.0, "userspace": 10.25}
    )
    assert facts.status.nics == NodeStatus(ok=True, errors=())
    assert facts.twin.substitutions == seed.substitutions


def test_nothing_but_a_version() -> None:
    assert parsed() == Facts(version=1)


@pytest.mark.parametrize("part", [field for field in Facts.__slots__ if field != "version"])
def test_null_is_as_good_as_absent(part: str) -> None:
    assert parsed(**{part.replace("_", "-"): None}) == Facts(version=1)


def test_null_within() -> None:
    facts = parsed(
        ovs={"present": True, "bridges": None, "other-config": None},
        status={"nics": {}, "ovs": None},
        pci={"0000:01:00.0": None, "0000:01:00.1": {"driver": None}},
        files={"/etc/x": None},
        boot={"seconds": {"kernel": 3, "initrd": None}},
    )
    assert facts.ovs == OvsFacts(present=True)
    assert facts.status == StatusFacts()
    assert facts.pci == {"0000:01:00.0": None, "0000:01:00.1": PciFacts()}
    assert facts.files == {"/etc/x": None}
    assert facts.boot.seconds == {"kernel": 3, "initrd": None}


def test_what_a_newer_node_adds_is_left_alone() -> None:
    assert parsed(weather="fine", cpus={"online": "0", "hot": "1"}).cpus.online == "0"


def test_no_document() -> None:
    assert refused(b"") == (
        "the node sent no facts",
        "rackwright-facts.service did not finish; the console log says why",
    )
    assert refused(b" \n\n")[0] == "the node sent no facts"


def test_a_document_cut_short() -> None:
    message, hint = refused(b'{"version": 1, "cmdl')
    fault = "Unterminated string starting at: line 1 column 16 (char 15)"
    assert (message, hint) == (f"the facts end early, after 20 bytes: {fault}", None)


def test_a_document_that_is_no_json() -> None:
    assert refused(b"login: \n") == (
        "the facts are not JSON: Expecting value: line 1 column 1 (char 0)", None
    )  # fmt: skip
    assert refused(b"[1, 2]\n") == ("the facts are not a JSON object", None)


def test_a_document_that_is_no_text() -> None:
    message, _ = refused(b'{"version": 1, "kernel": "\xff"}\n')
    assert message.startswith("the facts are not JSON: 'utf-8' codec can't decode byte 0xff")


def test_a_document_too_deep_to_read() -> None:
    message, _ = refused(b'{"version":' + b"[" * 200_000 + b"\n")
    assert message.startswith("the facts are not JSON: ")


@pytest.mark.parametrize(
    ("version", "shown"),
    [(2, "2"), ("1", '"1"'), (None, "null"), (True, "true"), (1.0, "1.0")],
)
def test_another_version(version: object, shown: str) -> None:
    assert refused(json.dumps({"version": version}).encode() + b"\n") == (
        f"the facts are of version {shown}, this program reads version 1", NEWER
    )  # fmt: skip


def test_no_version() -> None:
    assert refused(b"{}\n")[0] == "the facts are of version null, this program reads version 1"


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"cmdline": 5}, "cmdline is 5, not text"),
        ({"cpus": []}, "cpus is a list, not an object"),
        ({"cpus": {"online": {}}}, "cpus.online is an object, not text"),
        ({"numa": {}}, "numa is an object, not a list"),
        ({"numa": [{}, {"node": "1"}]}, 'numa[1].node is "1", not a number'),
        ({"numa": [{"node": True}]}, "numa[0].node is true, not a number"),
        ({"numa": [{"node": 1.5}]}, "numa[0].node is 1.5, not a number"),
        ({"ovs": {"present": 1}}, "ovs.present is 1, not true or false"),
        ({"ovs": {"other-config": {"dpdk-init": True}}},
         "ovs.other-config.dpdk-init is true, not text"),
        ({"pci": {"0000:01:00.0": {"vfs": [None]}}}, "pci.0000:01:00.0.vfs[0] is null, not text"),
        ({"pci": []}, "pci is a list, not an object"),
        ({"boot": {"seconds": {"kernel": "2"}}}, 'boot.seconds.kernel is "2", not a number'),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type(parts: dict[str, object], fault: str) -> None:
    raw = json.dumps({"version": 1, **parts}).encode() + b"\n"
    assert refused(raw) == (f"the facts are malformed: {fault}", NEWER)
