# SPDX-License-Identifier: Apache-2.0
"""Takes back what an earlier bundle granted and this one does not: users, keys, sudo, groups.

cloud-init only ever adds. What was granted is in a file named for it, written when all is as it
says; nothing else of an account is touched, and none is deleted with what it has.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwright_seed import Failed, Node, replace, run, say, try_to_run

GRANTED = "var/lib/rackwright/seed/access"
# Of cloud-init (distros/__init__.py, ci_sudoers_fn).
SUDOERS = "etc/sudoers.d/90-cloud-init-users"
RULE = "ALL=(ALL) NOPASSWD:ALL"
# name -> `keys` (digests), `password`, `sudo`, `groups`; None: withdrawn by us.
Users = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """A line of passwd(5)."""

    name: str
    uid: int
    gid: int
    keys: Path


def withdraw_access(node: Node) -> None:
    directory, access = node.root / GRANTED, node.order["access"]
    record = directory / access["id"]
    if not record.exists():
        before = read_granted(directory)
        wanted: Users = access["users"]
        if before and takes_back(before, wanted):
            refuse_lockout(node, wanted)
        withdraw(node, before, wanted)
        gone = {name: None for name in before if name not in wanted}
        text = json.dumps({**gone, **wanted}, indent=1, sort_keys=True) + "\n"
        os.sync()
        directory.mkdir(parents=True, exist_ok=True)
        replace(record, text.encode(), 0o600, "root:root")
        os.sync()
    for other in directory.glob("[0-9a-f]*"):
        if other != record:
            other.unlink()


def withdraw(node: Node, before: Users, wanted: Users) -> None:
    """From everybody, also where somebody's home is in the way of it."""
    faults = []
    for name, was in before.items():
        try:
            change(node, name, was, wanted.get(name))
        except OSError as fault:
            faults.append(f"access: {name}: {fault}")
    if faults:
        raise Failed("; ".join(faults))


def read_granted(directory: Path) -> Users:
    """What the bundle before granted; of two, when a cut left both, the later: it was carried out."""
    records = sorted(directory.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
    return dict(json.loads(records[-1].read_text())) if records else {}


def takes_back(before: Users, wanted: Users) -> bool:
    """Whether somebody loses something they could log in with."""
    return any(
        was is not None and (name not in wanted or {*was["keys"]} - {*wanted[name]["keys"]})
        for name, was in before.items()
    )


def refuse_lockout(node: Node, wanted: Users) -> None:
    """Nothing is taken back before somebody of the new bundle has a way in that is there."""
    shadow = dict(
        line.split(":", 2)[:2] for line in lines_of(node.root / "etc/shadow") if ":" in line
    )
    for name, user in wanted.items():
        account = find_account(node.root, name)
        if account is None:
            continue
        if user["password"] and shadow.get(name, "!")[:1] not in ("", "!", "*"):
            return
        if {*user["keys"]} & {word for line in read_keys(account) for word in digests(line)}:
            return
    raise Failed(
        "access: nothing is withdrawn, because nobody in this bundle can log in to this node:"
        " add a user with an SSH key to access.users of the inventory, and make the bundle again"
    )


def change(node: Node, name: str, was: Any, now: Any) -> None:
    account = find_account(node.root, name)
    if account is None:
        return
    if was is None:
        if now is not None:
            say(f"access: {name} may log in again")
            run("usermod", "--expiredate", "", name)
        return
    now_has = now or {"keys": [], "password": False, "sudo": False, "groups": []}
    if now is None:
        # Without a password no key is refused; past its date every login is (usermod(8)).
        say(f"access: {name} is not in the inventory any more and cannot log in from now on")
        run("usermod", "--lock", "--expiredate", "1", name)
    drop_keys(account, {*was["keys"]} - {*now_has["keys"]})
    if was["sudo"] and not now_has["sudo"]:
        drop_sudo(node, name)
    for group in sorted({*was["groups"]} - {*now_has["groups"]}):
        try_to_run("gpasswd", "--delete", name, group)
    # cloud-init leaves the groups of an account alone that is there already.
    for group in sorted({*now_has["groups"]} - {*was["groups"]}):
        run("groupadd", "--force", group)
        run("usermod", "--append", "--groups", group, name)


def find_account(root: Path, name: str) -> Account | None:
    for line in lines_of(root / "etc/passwd"):
        fields = line.split(":")
        if fields[0] == name:
            keys = root / fields[5].lstrip("/") / ".ssh/authorized_keys"
            return Account(name, int(fields[2]), int(fields[3]), keys)
    return None


@contextlib.contextmanager
def acting_as(account: Account) -> Iterator[None]:
    """Below somebody's home as they are: they could have put a link there to a file of root's."""
    if os.geteuid() != 0 or account.uid == 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def read_keys(account: Account) -> list[str]:
    """None where sshd takes none either: of what is no file (auth2-pubkeyfile.c), or unreadable."""
    with acting_as(account):
        try:
            return lines_of(account.keys) if account.keys.is_file() else []
        except OSError:
            return []


def drop_keys(account: Account, gone: set[str]) -> None:
    lines = read_keys(account)
    kept = [line for line in lines if not gone & digests(line)]
    if kept != lines:
        say(f"access: {len(lines) - len(kept)} of the keys of {account.name} are withdrawn")
        with acting_as(account):
            content = "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape")
            replace(account.keys, content, 0o600, "root:root")


def drop_sudo(node: Node, name: str) -> None:
    path = node.root / SUDOERS
    lines = lines_of(path)
    ours = (f"{name} {RULE}", f"# User rules for {name}")
    kept = [line for line in lines if line.strip() not in ours]
    if kept != lines:
        say(f"access: {name} may not use sudo any more")
        replace(path, "".join(f"{line}\n" for line in kept).encode(), 0o440, "root:root")


def digests(line: str) -> set[str]:
    """Of each word of a line of authorized_keys, one of which is the key (sshd(8))."""
    return {
        hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        for word in line.split()
    }


def lines_of(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return text.removesuffix("\n").split("\n") if text else []
