"""Who may log in to the nodes, and what a node fetches because it must not be written down."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

from pydantic import Field

from builder.model.base import Part, kebab
from builder.model.values import Flag, WrongKindError, parsed, text
from builder.phrases import quote

# Debian's adduser and shadow's useradd agree on these (useradd(8), NAME_REGEX of adduser.conf).
_USER = r"[a-z_][a-z0-9_-]*"
# sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; DSA keys are gone since OpenSSH 7.0.
_KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_KEY_EXAMPLE = "ssh-ed25519 AAAAC3Nz… admin@example"
_HASH_EXAMPLE = "$y$j9T$…"
# crypt(5). Those of bcrypt differ in what they do with a character above 7 bits: 2x alone is wrong.
_METHODS = "y|gy|7|2[aby]|6|5"


def _parse_user(value: object) -> str:
    if not isinstance(value, str):
        raise WrongKindError('a user name like "admin"')
    if value == "root":
        raise ValueError("root is not a personal account: define a user with sudo: true")
    if len(value) > 32:
        raise ValueError(f"too long: {len(value)} characters, at most 32 are allowed")
    if re.fullmatch(_USER, value) is None:
        raise ValueError(f'{quote(value)} is not a user name like "admin"')
    return value


def _parse_ssh_key(value: object) -> str:
    wanted = f"an SSH public key like {quote(_KEY_EXAMPLE)}"
    if not isinstance(value, str):
        raise WrongKindError(wanted)
    if "PRIVATE KEY" in value:
        raise ValueError("this is a private key: the public key is in the *.pub file next to it")
    kind, _, rest = value.partition(" ")
    body, _, remark = rest.partition(" ")
    if kind not in _KEY_TYPES or not _names_itself(kind, body):
        raise ValueError(f"{quote(value)} is not {wanted}")
    if not all(c.isprintable() for c in remark):
        raise ValueError("the comment of an SSH public key must be one line")
    return value


def _names_itself(kind: str, body: str) -> bool:
    """Whether a key's blob begins with its own type, as RFC 4253, 6.6 has it."""
    try:
        blob = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return False
    return blob.startswith(len(kind).to_bytes(4, "big") + kind.encode())


def _parse_hash(value: object) -> str:
    if not isinstance(value, str):
        raise WrongKindError(f"a password hash like {quote(_HASH_EXAMPLE)}")
    if re.fullmatch(rf"\$({_METHODS})\$[./A-Za-z0-9=,$]{{20,380}}", value) is None:
        weak = re.match(r"\$(1|2x|md5)\$", value) is not None
        # The message does not repeat it: it may be the password.
        found = "an outdated hash" if weak else "not a crypt(5) hash"
        raise ValueError(f"this is {found}: write what `mkpasswd -m yescrypt` prints")
    return value


def _parse_secret_url(value: object) -> str:
    if not isinstance(value, str):
        raise WrongKindError('an address like "https://vault.example/join/{hostname}"')
    if value.startswith("http://"):
        raise ValueError("a secret sent over http can be intercepted: use https")
    scheme = r"(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?|file://)"
    rest = value.replace("{hostname}", "x")
    if re.match(r"https://[^/]*@", value):
        raise ValueError("the URL contains a password, which is also a secret")
    if re.fullmatch(scheme + r"/[A-Za-z0-9._~/%?&=+-]*", rest) is None:
        raise ValueError(
            f"{quote(value)} is not an address of a secret like"
            ' "https://vault.example/join/{hostname}"'
        )
    return value


UserName = Annotated[str, *parsed(_parse_user, "User name", "admin", pattern=f"^{_USER}$")]
SshKey = Annotated[
    str, *parsed(_parse_ssh_key, "An SSH public key, as in *.pub", _KEY_EXAMPLE, pattern="^[a-z]")
]
PasswordHash = Annotated[
    str,
    *parsed(
        _parse_hash,
        "Hash of a password, crypt(5): mkpasswd -m yescrypt",
        _HASH_EXAMPLE,
        pattern=rf"^\$({_METHODS})\$",
    ),
]
SecretUrl = Annotated[
    str,
    *parsed(
        _parse_secret_url,
        "URL from which the node fetches it; {hostname} stands for the name of the node",
        "https://vault.example/join/{hostname}",
        pattern="^(https|file)://",
    ),
]
GroupName = Annotated[str, *text(_USER, "a group", "adm", longest=32)]
SecretName = Annotated[
    str, *text(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", "a lower-case name", "join", longest=63)
]
NodePath = Annotated[
    str,
    *text(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+", "an absolute path", "/etc/rackwright/join.yaml"),
]
FileMode = Annotated[str, *text(r"0[0-7]{3}", "permissions", "0600")]


# Mark of a field whose text no message and no log repeats, also and above all when it is not a
# sound one.
CONFIDENTIAL = "confidential"


class User(Part):
    """Somebody who may log in."""

    ssh_keys: Annotated[
        tuple[SshKey, ...],
        CONFIDENTIAL,
        Field(description="Public keys the user logs in with"),
    ] = ()
    password_hash: Annotated[
        PasswordHash | None,
        CONFIDENTIAL,
        Field(description="For console login; sshd does not accept passwords"),
    ] = None
    sudo: Annotated[Flag, Field(description="May use sudo without a password")] = False
    groups: Annotated[tuple[GroupName, ...], Field(description="Additional groups")] = ()


class Secret(Part):
    """A file the node fetches, once, after its first boot."""

    url: Annotated[SecretUrl, CONFIDENTIAL, Field(description="URL to fetch it from")]
    path: Annotated[NodePath, Field(description="Path on the node")]
    mode: Annotated[FileMode, Field(description="File mode, octal, in quotes")] = "0600"


class Access(Part):
    """Who may log in, and what is fetched by reference."""

    users: Annotated[dict[UserName, User], Field(description="Users by name")] = Field(
        default_factory=dict
    )
    secrets: Annotated[dict[SecretName, Secret], Field(description="Secrets by name")] = Field(
        default_factory=dict
    )


# Keys below `access` whose values are confidential. There is no `password`, but who writes one
# writes the password itself.
CONFIDENTIAL_KEYS = frozenset(
    {
        "password",
        *(
            kebab(name)
            for part in (User, Secret)
            for name, field in part.model_fields.items()
            if CONFIDENTIAL in field.metadata
        ),
    }
)
