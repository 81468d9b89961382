"""Users in the account files of a host's image."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import BuilderError
from builder.plan.nouns.host import UserPlan
from builder.plan.nouns.why import Why
from builder.render.tree import RenderedFile
from builder.targets.image.accounts import Accounts, add_users, read_accounts
from builder.targets.image.request import ImageFile

WHY = Why("set in the inventory", ())
HASH = "$6$abcdefgh$0123456789012345678901"
BASE = Accounts(
    files={
        "passwd": "root:x:0:0:root:/root:/bin/bash\n_chrony:x:102:103::/var/lib/chrony:/bin/false\n",
        "group": "root:x:0:\nadm:x:4:syslog\nsudo:x:27:\nshadow:x:42:\n",
        "shadow": "root:*:1:0:99999:7:::\n",
        "gshadow": "root:*::\nadm:*::syslog\nsudo:*::\nshadow:*::\n",
    },
    skel={".profile": "umask 022\n", ".config/a": "é"},
)
KEYS = RenderedFile("/home/ops/.ssh/authorized_keys", b"ssh-ed25519 A\n", 0o600, "ops:ops")


def user(name: str, **wanted: object) -> UserPlan:
    values = {"ssh_keys": (), "password_hash": None, "sudo": False, "groups": (), **wanted}
    return UserPlan(name, why=WHY, **values)


def by_path(files: list[ImageFile]) -> dict[str, ImageFile]:
    assert len({file.path for file in files}) == len(files)
    return {file.path: file for file in files}


def test_lines_as_useradd_writes_them() -> None:
    users = (user("admin", password_hash=HASH, groups=("adm", "docker", "adm")), user("ops"))
    made = by_path(add_users(BASE, users, (), 3 * 86400 + 5))
    text = {path: file.content.decode("latin-1") for path, file in made.items()}
    assert text["/etc/passwd"] == BASE.files["passwd"] + (
        "admin:x:1000:1000::/home/admin:/bin/bash\nops:x:1001:1001::/home/ops:/bin/bash\n"
    )
    assert text["/etc/shadow"] == BASE.files["shadow"] + (
        f"admin:{HASH}:3:0:99999:7:::\nops:!:3:0:99999:7:::\n"
    )
    assert text["/etc/group"] == (
        "root:x:0:\nadm:x:4:syslog,admin\nsudo:x:27:\nshadow:x:42:\n"
        "admin:x:1000:\nops:x:1001:\ndocker:x:1002:admin\n"
    )
    assert text["/etc/gshadow"] == (
        "root:*::\nadm:*::syslog,admin\nsudo:*::\nshadow:*::\nadmin:!::\nops:!::\ndocker:!::admin\n"
    )
    owners = {path: (file.mode, file.uid, file.gid) for path, file in made.items()}
    assert owners["/etc/passwd"] == (0o644, 0, 0)
    assert owners["/etc/shadow"] == owners["/etc/gshadow"] == (0o640, 0, 42)


def test_a_home_is_its_user_s_and_nobody_else_s() -> None:
    users = (user("admin"), user("ops", ssh_keys=("ssh-ed25519 A",)))
    made = by_path(add_users(BASE, users, (KEYS,), 0))
    homes = {path: file for path, file in made.items() if path.startswith("/home/")}
    assert {(path, file.mode, file.uid, file.gid) for path, file in homes.items()} == {
        ("/home/admin", 0o40700, 1000, 1000),
        ("/home/admin/.config", 0o40700, 1000, 1000),
        ("/home/admin/.config/a", 0o644, 1000, 1000),
        ("/home/admin/.profile", 0o644, 1000, 1000),
        ("/home/ops", 0o40700, 1001, 1001),
        ("/home/ops/.config", 0o40700, 1001, 1001),
        ("/home/ops/.config/a", 0o644, 1001, 1001),
        ("/home/ops/.profile", 0o644, 1001, 1001),
        ("/home/ops/.ssh", 0o40700, 1001, 1001),
        ("/home/ops/.ssh/authorized_keys", 0o600, 1001, 1001),
    }
    assert homes["/home/ops/.ssh/authorized_keys"].content == KEYS.content


def test_nothing_is_written_without_users() -> None:
    assert add_users(BASE, (), (), 0) == []


@pytest.mark.parametrize("name", ["_chrony", "adm"])
def test_a_name_a_package_has(name: str) -> None:
    with pytest.raises(BuilderError) as caught:
        add_users(BASE, (user(name),), (), 0)
    assert caught.value.message == f"the image already has an account or a group {name}"


def test_what_a_tree_has(tmp_path: Path) -> None:
    (tmp_path / "etc/skel/.config").mkdir(parents=True)
    for name, text in BASE.files.items():
        (tmp_path / "etc" / name).write_text(text)
    for name, text in BASE.skel.items():
        (tmp_path / "etc/skel" / name).write_bytes(text.encode("latin-1"))
    assert read_accounts(tmp_path) == BASE
