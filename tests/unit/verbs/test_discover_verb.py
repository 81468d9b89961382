"""`discover`: the inventory, a comparison, a copy, and every wrong use in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.discover.system_files import Tree, record

Call = Any
TREES = Path(__file__).resolve().parents[1] / "discover/trees"
HOW_TO = Path(__file__).resolve().parents[3] / "docs/how-to/discover-a-machine.md"


@pytest.fixture
def root(here: Path) -> Path:
    """The recorded twin of the seed's machine: CPUs, memory and addresses are the seed's."""
    packed = json.loads((TREES / "twin.json").read_text(encoding="utf-8"))
    files = {path: content.encode("latin-1") for path, content in packed["files"].items()}
    record(Tree(here, files, packed["links"], set(packed["folders"])), here / "copy")
    return Path("copy")


def test_the_inventory_is_accepted_as_it_is(rackwright: Call, root: Path) -> None:
    names = ("--class", "big", "--host", "n1", "--profile", "p")
    said = rackwright("discover", "--root", root, *names, "-o", "inventory.yaml")
    assert said == (0, "", "")
    text = Path("inventory.yaml").read_text(encoding="utf-8")
    assert "\n  big:\n" in text
    assert "\n  n1:\n    hardware: big\n    profile: p\n" in text
    assert rackwright("check", "inventory.yaml").out == "inventory.yaml: 1 host, no errors\n"
    again = rackwright("discover", "--root", root, "--compare", "inventory.yaml", "--host", "n1")
    assert again == (0, "big, host n1: the machine is as the inventory says\n", "")


def test_the_same_bytes_to_a_file(rackwright: Call, root: Path) -> None:
    said = rackwright("discover", "--root", root)
    assert rackwright("discover", "--root", root, "-o", "out/found.yaml") == (
        *(0, "", "made the directory out\n"),
    )
    # What is there may be an inventory with a year of work in it.
    assert rackwright("discover", "--root", root, "-o", "out/found.yaml") == (
        1,
        "",
        (
            "rackwright: error: out/found.yaml already exists\n"
            "  hint: choose another file, or remove this one\n"
        ),
    )
    assert Path("out/found.yaml").read_text(encoding="utf-8") == said.out


def test_json_has_the_same_parts(rackwright: Call, root: Path) -> None:
    data = json.loads(rackwright("discover", "--root", root, "--json").out)
    assert list(data) == ["version", "image", "profiles", "hardware", "hosts"]
    assert data["hardware"]["twin"]["numa"][1] == {"cpus": "8-15,24-31", "memory": "47GiB"}
    assert data["hosts"]["nfv1"]["hardware"] == "twin"


def test_compare_lists_each_key_with_both_values(
    rackwright: Call, root: Path, inventory: Path
) -> None:
    said = rackwright("discover", "--root", root, "--compare", inventory, "--host", "nfv1")
    lines = said.out.splitlines()
    assert (said.code, said.err, len(lines)) == (1, "", 10)
    assert lines[0] == (
        "inventory.yaml:15:15: different: hardware.e5-2620v4.siblings: the inventory has 16 cores "
        "of 2 CPUs (0,16; 1,17; …), the machine has 32 cores of 1 CPU (0; 1; …)"
    )
    assert lines[-1] == "e5-2620v4, host nfv1: 8 differences"


def test_compare_with_a_class_alone(
    rackwright: Call, root: Path, write: Callable[..., Path]
) -> None:
    inventory = write(("    siblings: 16\n", ""))
    text = inventory.read_text(encoding="utf-8").replace("8086:1533", "8086:10c9")
    text = text.replace("8086:10fb", "8086:10c9").replace("ixgbe", "igb")
    inventory.write_text(text, encoding="utf-8")
    argv = ("discover", "--root", root, "--compare", inventory, "--hardware", "e5-2620v4")
    said = rackwright(*argv)
    assert said == (
        1,
        (
            "inventory.yaml:11:5: different: hardware.e5-2620v4.secure-boot: the inventory has false, "
            "the machine has true\ne5-2620v4: 1 difference\n"
        ),
        "",
    )
    assert json.loads(rackwright(*argv, "--json").out) == [
        {
            "kind": "difference",
            "file": "inventory.yaml",
            "line": 11,
            "column": 5,
            "path": "hardware.e5-2620v4.secure-boot",
            "inventory": "false",
            "machine": "true",
        }
    ]


def test_a_copy_to_send(rackwright: Call, root: Path) -> None:
    said = rackwright("discover", "--root", root, "--record", "sent")
    files = [path for path in Path("sent").rglob("*") if path.is_symlink() or path.is_file()]
    assert said.code == 0
    assert said.out == (
        f"sent: {len(files)} files, with serial number, host name, MAC addresses and routes\n"
    )
    assert said.err.startswith("not read:\n  sys/bus/pci/devices/0000:01:00.0/net/")
    copied = rackwright("discover", "--root", "sent")
    assert copied == rackwright("discover", "--root", root)
    assert rackwright("discover", "--root", root, "--record", "sent") == (
        1,
        "",
        "rackwright: error: sent already exists\n  hint: choose a new directory\n",
    )


MISTAKES = {
    "no such root": (
        ("--root", "nowhere"),
        "--root nowhere is not a directory\n  hint: it must contain sys/ and proc/\n",
    ),
    "an empty root": (
        ("--root", "empty"),
        (
            "proc/cpuinfo cannot be read (no such file or directory): the vendor of the CPU is not "
            "known, nor are the kernel arguments of the IOMMU\n  hint: copy the file too\n"
        ),
    ),
    "no such host": (
        ("--compare", "inventory.yaml", "--host", "nfv9"),
        "inventory.yaml has no host 'nfv9'\n  hint: hosts: nfv1\n",
    ),
    "no such class": (
        ("--compare", "inventory.yaml", "--hardware", "big"),
        "inventory.yaml has no hardware class 'big'\n  hint: hardware classes: e5-2620v4\n",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(rackwright: Call, root: Path, inventory: Path, name: str) -> None:
    argv, message = MISTAKES[name]
    Path("empty").mkdir()
    base = () if "--root" in argv else ("--root", root)
    assert rackwright("discover", *base, *argv) == (1, "", f"rackwright: error: {message}")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ("--compare", "nowhere.yaml"),
            "at least one of the arguments --host --hardware is required with --compare",
        ),
        (("--hardware", "big"), "--hardware goes with --compare; --class names a new class"),
    ],
)
def test_options_that_go_together(rackwright: Call, argv: tuple[str, ...], message: str) -> None:
    """Before anything is read."""
    said = rackwright("discover", "--root", "nowhere", *argv)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: rackwright discover ")
    assert said.err.endswith(f"\nrackwright discover: error: {message}\n")


def test_names_are_those_an_inventory_takes(rackwright: Call, root: Path) -> None:
    said = rackwright("discover", "--root", root, "--class", "Big One")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(
        'rackwright discover: error: argument --class: "Big One" is not a lower-case name like '
        '"nfv"\n'
    )


def test_a_faulty_inventory_is_told_as_check_does(rackwright: Call, root: Path) -> None:
    Path("bad.yaml").write_text("version: 1\n", encoding="utf-8")
    said = rackwright("discover", "--root", root, "--compare", "bad.yaml", "--host", "a")
    assert (said.code, said.out) == (1, "")
    assert said.err == rackwright("check", "bad.yaml").err


def test_this_machine_is_the_default(rackwright: Call) -> None:
    """Whatever this machine is: no traceback, and no bug report."""
    said = rackwright("discover", "--record", "here")
    assert said.code == 0
    assert rackwright("discover").code in (0, 1)


def test_the_commands_of_the_how_to(
    rackwright: Call, root: Path, inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each `rackwright discover` line of it, on the recorded machine."""
    lines = [line.strip() for line in HOW_TO.read_text(encoding="utf-8").splitlines()]
    commands = [line.partition("#")[0].split() for line in lines if line.startswith("rackwright ")]
    ours = [words[1:] for words in commands if words[1] == "discover"]
    assert len(ours) >= 5
    Path("nfv1.tree").mkdir()
    for words in ours:
        base = [] if "--root" in words else ["--root", str(root)]
        if "--root" in words:
            words[words.index("--root") + 1] = str(root)
        if "--record" in words:
            words[words.index("--record") + 1] = "recorded"
        # The page has it as two ways to write the same file.
        Path("nfv1.yaml").unlink(missing_ok=True)
        said = rackwright(*words, *base)
        assert said.code == (1 if "--compare" in words else 0), (words, said)
        assert "rackwright: " not in said.err
