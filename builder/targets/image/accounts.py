"""Users of a host in the account files of its image, as useradd(8) would have added them.

A bundle has cloud-init run useradd for the same users: name, groups, shell, home and hash come
out the same. Here nothing runs on the node, so who boots an image of its own can be let in.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuilderError
from builder.jsonfile import JsonRecord
from builder.plan.nouns.host import UserPlan
from builder.render.tree import RenderedFile
from builder.targets.image.request import ImageFile

SHELL = "/bin/bash"
# UID_MIN and UID_MAX of login.defs(5) in Debian and Ubuntu; groups have the same.
FIRST_ID, LAST_ID = 1000, 60000
# HOME_MODE of Debian's login.defs; nobody else has a reason to look into an administrator's home.
HOME_MODE = stat.S_IFDIR | 0o700
DAY_S = 86400
FILES = {"passwd": 0o644, "group": 0o644, "shadow": 0o640, "gshadow": 0o640}


@dataclass(frozen=True, slots=True)
class Accounts(JsonRecord):
    """Account files of a tree by name, and what a new home begins with, by path below /etc/skel."""

    files: Mapping[str, str]
    skel: Mapping[str, str]


def read_accounts(tree: Path) -> Accounts:
    """Those of a composed tree. Texts that are no UTF-8 come back as they were."""
    skel = tree / "etc/skel"
    found = sorted(path for path in skel.rglob("*") if path.is_file() and not path.is_symlink())
    return Accounts(
        files={name: _text(tree / "etc" / name) for name in FILES},
        skel={str(path.relative_to(skel)): _text(path) for path in found},
    )


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def add_users(
    base: Accounts, users: Sequence[UserPlan], owned: Iterable[RenderedFile], epoch: int
) -> list[ImageFile]:
    """The files of an image with `users`: account files, homes, and `owned`, files of users.

    epoch: seconds, the day of passwords. Raises BuilderError for a name the image has already.
    """
    if not users:
        return []
    lines = {name: base.files[name].splitlines() for name in FILES}
    ids = _Ids(lines)
    files: list[ImageFile] = []
    for user in users:
        uid = ids.new(user.name)
        _add_lines(lines, user, uid, epoch)
        files += _home(user, uid, base.skel)
    for user in users:
        for group in user.groups:
            _join(lines, ids, group, user.name)
    shadow = ids.groups["shadow"]
    for name, mode in FILES.items():
        text = "".join(f"{line}\n" for line in lines[name]).encode("latin-1")
        files.append(ImageFile(f"/etc/{name}", mode, 0, shadow if mode == 0o640 else 0, text))
    for file in owned:
        uid = ids.users[file.owner.partition(":")[0]]
        files.append(ImageFile(file.path, file.mode, uid, uid, file.content))
    return files


class _Ids:
    """Numbers of users and groups; a new user's group has the user's own number."""

    def __init__(self, lines: Mapping[str, Sequence[str]]) -> None:
        self.users = {row[0]: int(row[2]) for row in _rows(lines["passwd"])}
        self.groups = {row[0]: int(row[2]) for row in _rows(lines["group"])}

    def new(self, name: str) -> int:
        if name in self.users or name in self.groups:
            raise BuilderError(
                f"the image already has an account or a group {name}",
                hint="a package brings it: choose another name for the user",
            )
        self.users[name] = self.groups[name] = free = self._free()
        return free

    def new_group(self, name: str) -> int:
        self.groups[name] = free = self._free()
        return free

    def _free(self) -> int:
        taken = {*self.users.values(), *self.groups.values()}
        return next(number for number in range(FIRST_ID, LAST_ID + 1) if number not in taken)


def _rows(lines: Sequence[str]) -> Iterator[list[str]]:
    return (line.split(":") for line in lines if line)


def _add_lines(lines: Mapping[str, list[str]], user: UserPlan, uid: int, epoch: int) -> None:
    """shadow(5): `!` is a hash nothing hashes to, and leaves logins by key alone."""
    secret, day = user.password_hash or "!", epoch // DAY_S
    lines["passwd"].append(f"{user.name}:x:{uid}:{uid}::/home/{user.name}:{SHELL}")
    lines["shadow"].append(f"{user.name}:{secret}:{day}:0:99999:7:::")
    _add_group(lines, user.name, uid)


def _add_group(lines: Mapping[str, list[str]], name: str, gid: int) -> None:
    lines["group"].append(f"{name}:x:{gid}:")
    lines["gshadow"].append(f"{name}:!::")


def _join(lines: Mapping[str, list[str]], ids: _Ids, group: str, member: str) -> None:
    """A group that is not there is made, as cloud-init makes it."""
    if group not in ids.groups:
        _add_group(lines, group, ids.new_group(group))
    for name in ("group", "gshadow"):
        for place, line in enumerate(lines[name]):
            head, _, members = line.rpartition(":")
            if line.split(":")[0] == group and member not in members.split(","):
                lines[name][place] = f"{head}:{members},{member}" if members else line + member


def _home(user: UserPlan, uid: int, skel: Mapping[str, str]) -> Iterator[ImageFile]:
    home = f"/home/{user.name}"
    yield ImageFile(home, HOME_MODE, uid, uid, b"")
    folders = {str(parent) for path in skel for parent in Path(path).parents} - {"."}
    if user.ssh_keys:
        folders.add(".ssh")
    for folder in sorted(folders):
        yield ImageFile(f"{home}/{folder}", HOME_MODE, uid, uid, b"")
    for path, text in sorted(skel.items()):
        yield ImageFile(f"{home}/{path}", 0o644, uid, uid, text.encode("latin-1"))
