"""What a bundle takes back of what the one before granted, and when it does not dare to."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rackwright_seed
import seed_access
from rackwright_seed import Failed, Node
from seed_access import GRANTED, SUDOERS, withdraw_access

ANN, BOB, OWN = "AAAAann", "AAAAbob", "AAAAown"
SUDO = """\
# Created by cloud-init
admin-of-the-site ALL=(ALL) NOPASSWD:ALL

# User rules for ann
ann ALL=(ALL) NOPASSWD:ALL

# User rules for bob
bob ALL=(ALL) NOPASSWD:ALL
"""


def grant(
    *keys: str, password: bool = False, sudo: bool = False, groups: tuple[str, ...] = ()
) -> dict[str, Any]:
    found = sorted(hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys)
    return {"keys": found, "password": password, "sudo": sudo, "groups": sorted(groups)}


class House:
    """A node with accounts, and bundles that come one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[str] = []
        self.number = 0
        self.write("etc/passwd", "")
        self.write("etc/shadow", "")
        self.write(SUDOERS, SUDO)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def add(self, name: str, *lines: str, password: str = "!") -> None:
        """As cloud-init does. Everybody's number is root's: nobody else may write here."""
        for path, line in (
            ("etc/passwd", f"{name}:x:0:0::/home/{name}:/bin/bash\n"),
            ("etc/shadow", f"{name}:{password}:20000:0:99999:7:::\n"),
        ):
            self.write(path, (self.root / path).read_text(encoding="utf-8") + line)
        if lines:
            self.write(f"home/{name}/.ssh/authorized_keys", "".join(f"{x}\n" for x in lines))

    def keys(self, name: str) -> str:
        return (self.root / f"home/{name}/.ssh/authorized_keys").read_text(encoding="utf-8")

    def bundle(self, users: dict[str, Any]) -> list[str]:
        """What the node runs when a bundle with these users comes."""
        self.number += 1
        self.ran = []
        access = {"id": f"{self.number:016x}", "users": users}
        withdraw_access(Node(self.root, {"id": "f" * 16, "access": access}, {}))
        return self.ran

    def run(self, *argv: str) -> int:
        self.ran.append(" ".join(argv))
        return 0


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = House(tmp_path)
    monkeypatch.setattr(seed_access, "run", made.run)
    monkeypatch.setattr(seed_access, "try_to_run", made.run)
    monkeypatch.setattr(rackwright_seed.os, "sync", lambda: None)
    monkeypatch.setattr(rackwright_seed.shutil, "chown", lambda *_: None)
    made.add("ann", f'from="10.0.0.0/8" ssh-ed25519 {ANN} ann@old', f"ssh-rsa {OWN} her own")
    made.add("bob", f"ssh-ed25519 {BOB}")
    return made


BOTH = {"ann": grant(ANN, sudo=True, groups=("adm",)), "bob": grant(BOB, sudo=True)}


def test_the_first_bundle_takes_nothing(house: House) -> None:
    before = house.keys("ann")
    assert house.bundle(BOTH) == []
    assert house.keys("ann") == before
    assert (house.root / SUDOERS).read_text(encoding="utf-8") == SUDO


def test_a_user_who_is_gone_cannot_log_in(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Not with a key added since either; and what is theirs stays."""
    house.bundle(BOTH)
    assert house.bundle({"bob": BOTH["bob"]}) == [
        "usermod --lock --expiredate 1 ann",
        "gpasswd --delete ann adm",
    ]
    assert house.keys("ann") == f"ssh-rsa {OWN} her own\n"
    assert stat.S_IMODE((house.root / "home/ann/.ssh/authorized_keys").stat().st_mode) == 0o600
    sudoers = (house.root / SUDOERS).read_text(encoding="utf-8")
    assert "ann" not in sudoers
    assert "admin-of-the-site ALL" in sudoers
    assert "\nbob ALL=(ALL) NOPASSWD:ALL\n" in sudoers
    assert stat.S_IMODE((house.root / SUDOERS).stat().st_mode) == 0o440
    assert capsys.readouterr().out.splitlines() == [
        "rackwright: access: ann is not in the inventory any more and cannot log in from now on",
        "rackwright: access: 1 of the keys of ann are withdrawn",
        "rackwright: access: ann may not use sudo any more",
    ]
    # Later bundles without her have nothing to do, and one with her lets her in.
    assert house.bundle({"bob": grant(BOB)}) == []
    assert house.bundle(BOTH) == [
        "usermod --expiredate  ann",
    ]


def test_a_key_that_is_gone_opens_nothing(house: House) -> None:
    """Told by the key alone: its remark is nobody's."""
    house.bundle(BOTH)
    house.add("eve", "ssh-ed25519 AAAAnew")
    assert house.bundle({**BOTH, "ann": grant("AAAAnew", sudo=True, groups=("adm",))}) == []
    assert house.keys("ann") == f"ssh-rsa {OWN} her own\n"
    assert house.keys("bob") == f"ssh-ed25519 {BOB}\n"


def test_groups_follow_the_inventory(house: House) -> None:
    house.bundle(BOTH)
    assert house.bundle({**BOTH, "ann": grant(ANN, sudo=True, groups=("kvm",))}) == [
        "gpasswd --delete ann adm",
        "groupadd --force kvm",
        "usermod --append --groups kvm ann",
    ]


@pytest.mark.parametrize(
    "users",
    [{}, {"new": grant("AAAAnew")}, {"new": grant(password=True)}, {"ann": grant("AAAAother")}],
)
def test_the_last_way_in_is_not_locked(house: House, users: dict[str, Any]) -> None:
    """Nobody of the new bundle is there yet: cloud-init failed, or the inventory names nobody."""
    house.bundle(BOTH)
    before = house.keys("ann")
    with pytest.raises(Failed) as caught:
        house.bundle(users)
    assert str(caught.value) == (
        "access: nothing is withdrawn, because nobody in this bundle can log in to this node: add"
        " a user with an SSH key to access.users of the inventory, and make the bundle again"
    )
    assert (house.ran, house.keys("ann")) == ([], before)
    # As soon as there is a way in, it is done.
    house.add("carl", "ssh-ed25519 AAAAcarl")
    assert house.bundle({"carl": grant("AAAAcarl")})[:1] == ["usermod --lock --expiredate 1 ann"]


def test_a_password_is_a_way_in(house: House) -> None:
    house.bundle(BOTH)
    house.add("carl", password="$y$j9T$x")
    assert "usermod --lock --expiredate 1 bob" in house.bundle({"carl": grant(password=True)})


def test_a_cut_in_the_middle_is_gone_over_again(house: House) -> None:
    house.bundle(BOTH)
    record = next((house.root / GRANTED).iterdir()).read_bytes()
    wanted = {"bob": BOTH["bob"]}
    first = house.bundle(wanted)
    # As if the power had gone before the record was on the disk.
    for path in (house.root / GRANTED).iterdir():
        path.unlink()
    (house.root / GRANTED / ("0" * 16)).write_bytes(record)
    assert house.bundle(wanted) == first
    assert [path.name for path in (house.root / GRANTED).iterdir()] == [f"{house.number:016x}"]
    assert json.loads(next((house.root / GRANTED).iterdir()).read_text(encoding="utf-8")) == {
        "ann": None,
        **wanted,
    }


def test_of_two_records_the_later_was_carried_out(house: House) -> None:
    """The power was cut between writing the second and removing the first."""
    house.add("ann", f"ssh-ed25519 {ANN} ann")
    house.add("bob", f"ssh-ed25519 {BOB} bob")
    house.bundle({"ann": grant(ANN)})
    first = house.root / GRANTED / f"{house.number:016x}"
    text = first.read_text(encoding="utf-8")
    house.bundle({"ann": grant(ANN), "bob": grant(BOB)})
    first.write_text(text, encoding="utf-8")
    os.utime(first, (1, 1))
    assert house.bundle({"ann": grant(ANN)}) == ["usermod --lock --expiredate 1 bob"]


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_not_waited_for(house: House, make: Callable[[Path], None]) -> None:
    """Whoever reads a pipe waits for its other end, at each boot."""
    house.bundle(BOTH)
    keys = house.root / "home/ann/.ssh/authorized_keys"
    keys.unlink()
    make(keys)
    assert "usermod --lock --expiredate 1 ann" in house.bundle({"bob": BOTH["bob"]})
    assert list((house.root / GRANTED).iterdir()) != []


def test_a_home_in_the_way_keeps_no_other_in(house: House) -> None:
    house.bundle(BOTH)
    (house.root / "home/ann/.ssh/.authorized_keys.rackwright").mkdir()
    house.add("carl", "ssh-ed25519 AAAAcarl")
    with pytest.raises(Failed, match=r"access: ann: .*authorized_keys"):
        house.bundle({"carl": grant("AAAAcarl")})
    assert "usermod --lock --expiredate 1 bob" in house.ran
    assert BOB not in house.keys("bob")


def test_nobody_leads_root_out_of_a_home(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a user are read and written as that user."""
    calls: list[tuple[str, Any]] = []
    monkeypatch.setattr(seed_access.os, "geteuid", lambda: 0)
    monkeypatch.setattr(seed_access.os, "getgroups", lambda: [0])
    for name in ("setgroups", "setegid", "seteuid"):
        monkeypatch.setattr(
            seed_access.os, name, lambda value, name=name: calls.append((name, value))
        )
    with seed_access.acting_as(seed_access.Account("ann", 1000, 1001, Path("/x"))):
        calls.append(("work", None))
    assert calls == [
        *(("setgroups", []), ("setegid", 1001), ("seteuid", 1000), ("work", None)),
        *(("seteuid", 0), ("setegid", 0), ("setgroups", [0])),
    ]


def test_a_line_that_is_no_text(house: House) -> None:
    path = house.root / "home/ann/.ssh/authorized_keys"
    path.write_bytes(b"# \xff\x85 \xe2\x80\xa8 caf\xe9\nssh-ed25519 " + ANN.encode() + b"\n")
    house.bundle(BOTH)
    house.bundle({**BOTH, "ann": grant(OWN, sudo=True, groups=("adm",))})
    assert path.read_bytes() == b"# \xff\x85 \xe2\x80\xa8 caf\xe9\n"
