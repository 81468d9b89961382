"""What a changed file needs of a running node: what its kind says, or judged by both contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from builder.changes.node_effects import node_effects
from builder.render.effect import Effect, nothing, reboot, restart
from builder.render.file_kind import Judge
from builder.render.files import kind_of


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file before and after; None where there is none. A symlink's content is its target."""

    path: str
    before: bytes | None
    after: bytes | None


def file_effects(change: FileChange) -> tuple[Effect, ...]:
    """What the change of one file needs, each with its reason; never empty."""
    kind = kind_of(change.path)
    if kind is None:
        return (Effect("image", "what a running node does with this file is not known"),)
    is_text = kind.comments and change.before != change.after
    if is_text and _settings(change.before) == _settings(change.after):
        return (nothing("only comments differ"),)
    needs = kind.needs
    return (needs,) if isinstance(needs, Effect) else JUDGES[needs](change)


def _settings(content: bytes | None) -> list[bytes] | None:
    """The lines that are no comment; None for a file that is not there."""
    if content is None:
        return None
    lines = (line.strip() for line in content.splitlines())
    return [line for line in lines if line and not line.startswith(b"#")]


def _sysctl(change: FileChange) -> tuple[Effect, ...]:
    before, after = (_keys(content) for content in (change.before, change.after))
    gone = sorted(before - after)
    if gone:
        return (
            reboot(f"{', '.join(gone)}: no longer set, but keeps its value until the next boot"),
        )
    return (
        restart("systemctl restart systemd-sysctl", "the kernel accepts these values at any time"),
    )


def _keys(content: bytes | None) -> set[str]:
    lines = _settings(content) or []
    return {line.decode("utf-8", "replace").partition("=")[0].strip(" -") for line in lines}


def _modules(change: FileChange) -> tuple[Effect, ...]:
    gone = set(_settings(change.before) or ()) - set(_settings(change.after) or ())
    if gone:
        names = ", ".join(sorted(name.decode("utf-8", "replace") for name in gone))
        return (nothing(f"{names}: stays loaded until the next boot, which does no harm"),)
    return (
        restart(
            "systemctl restart systemd-modules-load", "loads the modules that are not loaded yet"
        ),
    )


def _node(change: FileChange) -> tuple[Effect, ...]:
    """The node's own programs do what node.json says: section by section."""
    return node_effects(change.before, change.after)


JUDGES: dict[Judge, Callable[[FileChange], tuple[Effect, ...]]] = {
    "modules": _modules,
    "sysctl keys": _sysctl,
    "sections of node.json": _node,
}
