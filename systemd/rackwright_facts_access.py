# SPDX-License-Identifier: Apache-2.0
"""Facts about who may log in, and about files that were fetched."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

from rackwright_facts_system import Fact, group_name, user_name
from rackwright_node import Machine

# UID_MIN and UID_MAX of login.defs(5).
FIRST_USER, LAST_USER = 1000, 60000


def read_users(machine: Machine) -> Fact:
    """Accounts of people, by name: what lets them in. Of a password only whether there is one."""
    shadow = {row[0]: row[1] for row in read_rows(machine, "etc/shadow")}
    groups = read_rows(machine, "etc/group")
    found: dict[str, Fact] = {}
    for row in read_rows(machine, "etc/passwd"):
        if FIRST_USER <= int(row[2]) <= LAST_USER:
            home = row[5].lstrip("/")
            secret = shadow.get(row[0], "")
            found[row[0]] = {
                "home": read_directory(machine.path(home)),
                "ssh": read_directory(machine.path(f"{home}/.ssh")),
                "shell": row[6],
                "groups": [*sorted(group[0] for group in groups if row[0] in group[3].split(","))],
                # Of a hash nobody can go back from this; a locked account has no hash.
                "password": None
                if secret.startswith(("!", "*"))
                else hashlib.sha256(secret.encode()).hexdigest(),
            }
    return found


def read_rows(machine: Machine, path: str) -> list[list[str]]:
    return [line.split(":") for line in (machine.read(path) or "").splitlines() if line]


def read_directory(path: Path) -> str | None:
    """Mode and owner of a directory, which sshd looks at before it trusts a key in it."""
    try:
        found = path.lstat()
    except OSError:
        return None
    mode = f"{stat.S_IMODE(found.st_mode):04o}"
    return f"{mode} {user_name(found.st_uid)}:{group_name(found.st_gid)}"


def read_fetched(machine: Machine) -> Fact:
    """The files secrets were fetched to: mode and owner, never what is in them."""
    text = machine.read("etc/rackwright/secrets.json")
    listed = [] if text is None else json.loads(text)["secrets"]
    return {item["name"]: read_directory(machine.path(item["path"])) for item in listed}
