"""Our own JSON documents: read strictly, with the place and the value in what is said of a fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pytest

from builder.jsonfile import JsonFault, JsonRecord, decode, encode


@dataclass(frozen=True, slots=True)
class Disk(JsonRecord):
    size_mib: int
    kind: Literal["raw", "qcow2"] = "raw"


@dataclass(frozen=True, slots=True)
class Node(JsonRecord):
    disks: tuple[Disk, ...]
    seconds: Mapping[str, float]
    host_name: str | None = None
    sound: bool = True
    packages: tuple[tuple[str, str], ...] = ()


NODE = Node((Disk(5), Disk(6, "qcow2")), {"kernel": 1.5, "initrd": 2}, "nfv1", sound=False)
WHOLE = {"disks": [{"size-mib": 5}], "seconds": {}}


def test_what_is_written_is_read_back() -> None:
    document = encode(NODE)
    assert document == {
        "disks": [{"size-mib": 5, "kind": "raw"}, {"size-mib": 6, "kind": "qcow2"}],
        "seconds": {"kernel": 1.5, "initrd": 2.0},
        "host-name": "nfv1",
        "sound": False,
        "packages": [],
    }
    assert decode(Node, json.dumps(document).encode()) == NODE


def test_what_is_left_out_and_what_is_not_known() -> None:
    text = json.dumps({**WHOLE, "colour": "red", "host_name": "not our spelling"}).encode()
    assert decode(Node, text) == Node((Disk(5),), {})


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"disks": {}}, "disks is an object, not a list"),
        ({"disks": [5]}, "disks[0] is 5, not an object"),
        ({"disks": [{}]}, "disks[0].size-mib is missing"),
        ({"disks": [{"size-mib": 1.5}]}, "disks[0].size-mib is 1.5, not a number"),
        ({"disks": [{"size-mib": True}]}, "disks[0].size-mib is true, not a number"),
        (
            {"disks": [{"size-mib": 1, "kind": "vhd"}]},
            "disks[0].kind is \"vhd\", not 'raw' or 'qcow2'",
        ),
        ({"seconds": [1]}, "seconds is a list, not an object"),
        ({"seconds": {"a.b": "1"}}, 'seconds.a.b is "1", not a number'),
        ({"seconds": None}, "seconds is null, not an object"),
        ({"host-name": "é", "sound": 1}, "sound is 1, not true or false"),
        ({"host-name": ["é"]}, "host-name is a list, not text"),
        ({"seconds": {"kernel": float("nan")}}, "seconds.kernel is NaN, not a finite number"),
        ({"seconds": {"kernel": float("inf")}}, "seconds.kernel is Infinity, not a finite number"),
        ({"packages": [["a"]]}, "packages[0][1] is missing"),
        (
            {"packages": [["a", "1", "amd64"]]},
            "packages[0] is a list: Tuple should have at most 2 items after validation, not 3",
        ),
    ],
)
def test_a_fault_names_its_place(changed: dict[str, object], fault: str) -> None:
    with pytest.raises(JsonFault) as caught:
        decode(Node, json.dumps({**WHOLE, **changed}).encode())
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"7", "document is 7, not an object"),
        (b"", "it is not valid JSON: EOF while parsing a value at line 1 column 0"),
        (b'{"disks": [', "it is not valid JSON: EOF while parsing a list at line 1 column 11"),
    ],
)
def test_what_is_no_document(text: bytes, fault: str) -> None:
    with pytest.raises(JsonFault) as caught:
        decode(Node, text)
    assert str(caught.value) == fault


def test_a_document_too_deep() -> None:
    with pytest.raises(JsonFault, match="it is not valid JSON: recursion limit exceeded"):
        decode(Node, b"[" * 100_000)
