"""Who may log in to a host by its own image: keys, sudo, what sshd accepts; and what is fetched.

Names, groups and password hashes are lines of files that packages have too: the image builder
adds them. A golden image has none of all this: the bundle of its host brings it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from builder.plan.nouns.host import HostPlan
from builder.render.effect import nothing, restart
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults, by_line
from builder.render.header import host_header
from builder.render.syntax import user
from builder.render.templates import Sources
from builder.render.tree import RenderedFile
from builder.render.units import LIBRARY, ONLY_OF_HOSTS, PROGRAM, UNIT, install_links


def render_users(plan: HostPlan, sources: Sources) -> Iterable[RenderedFile]:
    users = plan.access.users
    header = host_header(plan)
    if users:
        yield SSHD.fill(sources, header=header)
    may_sudo = [item for item in users if item.sudo]
    if may_sudo:
        yield SUDOERS.fill(sources, header=header, users=may_sudo)
    for item in users:
        if item.ssh_keys:
            keys = "".join(f"{key}\n" for key in item.ssh_keys)
            file = KEYS.file(keys.encode(), user(item.name))
            yield replace(file, owner=f"{item.name}:{item.name}")


def render_secrets(plan: HostPlan, sources: Sources) -> Iterable[RenderedFile]:
    """The references, and the unit that follows them when the network is up."""
    found = plan.access.secrets
    if not found:
        return
    listed = [{"name": s.name, "url": s.url, "path": s.path, "mode": s.mode} for s in found]
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]
    text = json.dumps({"id": f"secrets-{digest}", "secrets": listed}, indent=1) + "\n"
    yield SECRETS.file(text.encode())
    name = f"{ONLY_OF_HOSTS}.service"
    unit = sources.programs[name]
    programs = sources.seed_programs
    copied = (
        PROGRAM.file(programs["seed_secrets.py"].encode(), "secrets"),
        LIBRARY.file(programs["rackwright_seed.py"].encode(), "seed"),
        UNIT.file(unit.encode(), name),
        *install_links(name, unit),
    )
    yield from (replace(file, scope="host") for file in copied)


def _read_secrets(_path: str, text: str) -> Faults:
    if set(json.loads(text)) != {"id", "secrets"}:
        yield "does not have the keys id and secrets"


SSHD = FileKind(
    # sshd_config(5): the first value counts, and cloud-init's file is 50-cloud-init.conf.
    path="/etc/ssh/sshd_config.d/10-rackwright.conf",
    render=render_users,
    read_back=by_line(r"[A-Za-z]+ (yes|no)", "a setting of sshd"),
    accepted_by=None,
    needs=restart("systemctl try-reload-or-restart ssh", "sshd reads it when it starts"),
    check="access",
    scope="host",
    comments=True,
)
SUDOERS = FileKind(
    path="/etc/sudoers.d/90-rackwright",
    render=render_users,
    read_back=by_line(r"[a-z_][a-z0-9_-]* ALL=\(ALL\) NOPASSWD:ALL", "a rule of sudoers"),
    accepted_by=None,
    needs=nothing("sudo reads it each time"),
    check="access",
    scope="host",
    mode=0o440,  # sudo warns of any other (sudoers(5), "SUDOERS FILE FORMAT")
    comments=True,
)
KEYS = FileKind(
    path="/home/NAME/.ssh/authorized_keys",
    render=render_users,
    read_back=by_line(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?", "a public key"),
    accepted_by=None,
    needs=nothing("sshd reads it at each login"),
    check="access",
    scope="host",
    mode=0o600,
)
SECRETS = FileKind(
    path="/etc/rackwright/secrets.json",
    render=render_secrets,
    read_back=_read_secrets,
    accepted_by=None,
    needs=restart("systemctl restart rackwright-secrets", "they are fetched at boot"),
    check="access",
    scope="host",
    mode=0o600,  # an address may be as good as what is there
)
FILES = (SSHD, SUDOERS, KEYS, SECRETS)
