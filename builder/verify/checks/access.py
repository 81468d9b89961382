"""Who may log in to a node that has an image of its own, and what it fetched.

A golden image has no users: those its node has are its bundle's, which is not judged here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from builder.plan.nouns.host import SecretPlan, UserPlan
from builder.verify.checks.case import Case, CheckResult, compare, listed, no_extra, skip
from builder.verify.facts import UserFacts

_MISSING = "no such user"


def check_access(case: Case) -> Iterator[CheckResult]:
    if case.host is None:
        return
    users = case.facts.users
    planned = case.host.access.users
    for user in planned:
        yield from _user(user, None if users is None else users.get(user.name), users is not None)
    extra = sorted(set(users or {}) - {user.name for user in planned})
    yield no_extra("access.extra", extra, "users", reported=users is not None)
    for secret in case.host.access.secrets:
        yield _secret(case, secret)


def _user(user: UserPlan, found: UserFacts | None, is_reported: bool) -> Iterator[CheckResult]:
    name = f"access.{user.name}"
    expected = {
        "shell": "/bin/bash",
        # sshd trusts a key only in directories nobody else may write to (sshd(8), StrictModes).
        "home": f"0700 {user.name}:{user.name}",
        **({"ssh": f"0700 {user.name}:{user.name}"} if user.ssh_keys else {}),
        "groups": listed(sorted(set(user.groups))),
        "password": _password(user.password_hash),
    }
    for part, text in expected.items():
        yield compare(f"{name}.{part}", text, _found(found, part, is_reported), user.why)


def _found(found: UserFacts | None, part: str, is_reported: bool) -> str | None:
    if found is None:
        return _MISSING if is_reported else None
    if part == "groups":
        return None if found.groups is None else listed(found.groups)
    if part == "password":
        return "locked" if found.password is None else f"set, sha256 {found.password}"
    value = getattr(found, part)
    return None if value is None else str(value)


def _password(crypted: str | None) -> str:
    """The hash itself stands in no report."""
    if crypted is None:
        return "locked"
    return f"set, sha256 {hashlib.sha256(crypted.encode()).hexdigest()}"


def _secret(case: Case, secret: SecretPlan) -> CheckResult:
    name, expected = f"access.secret.{secret.name}", f"{secret.mode} root:root"
    if case.facts.twin.substitutions is not None and not secret.url.startswith("file:"):
        return skip(name, expected, "the twin has no way out to fetch it", secret.why)
    return compare(name, expected, (case.facts.secrets or {}).get(secret.name), secret.why)
