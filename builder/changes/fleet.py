"""What differs between two states of an inventory, host by host, and what each needs for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from builder.changes.commands import KUBELET, commands_for, strongest_level
from builder.changes.file_effects import FileChange, file_effects
from builder.plan.encode import plan_data
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan, Scope
from builder.render import host_files, image_files
from builder.render.effect import LEVELS, Effect, Level, nothing, reboot, restart
from builder.render.node import LISTING
from builder.render.templates import Sources, make_sources
from builder.render.tree import FileTree, RenderedFile, diff_trees

ChangeKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """A file, package or other part of a plan that differs, and what that needs.

    what: `file`, `package`, `release`, `kubelet`, `pool` or `access`. scope image: part of the golden
    image all machines of a class and profile share.
    """

    kind: ChangeKind
    what: str
    name: str
    scope: Scope
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class HostGroup:
    """Hosts with the same changes. commands: for a running node that has the new files."""

    hosts: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def verdict(self) -> Level:
        return strongest_level(effect.level for effect in self._effects)

    @property
    def commands(self) -> tuple[str, ...]:
        return commands_for(self._effects)

    @property
    def has_new_image(self) -> bool:
        """Whether the golden image of these hosts is another one."""
        return any(change.scope == "image" for change in self.changes)

    @property
    def _effects(self) -> list[Effect]:
        return [effect for change in self.changes for effect in change.effects]


@dataclass(frozen=True, slots=True)
class FleetDiff:
    """groups: strongest need first. same: hosts without any change."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    same: tuple[str, ...]
    groups: tuple[HostGroup, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.groups)


def compare_fleets(
    before: Mapping[str, HostPlan],
    after: Mapping[str, HostPlan],
    templates: Mapping[str, str],
    programs: Mapping[str, str],
) -> FleetDiff:
    """Plans by host name -> what differs; images are compared once for all hosts that share them."""
    sources = make_sources(templates, programs)
    images: dict[tuple[str, str], tuple[Change, ...]] = {}
    found: dict[tuple[Change, ...], list[str]] = {}
    for name in (host for host in after if host in before):
        old, new = before[name], after[name]
        pair = (old.image.plan_id, new.image.plan_id)
        if pair not in images:
            images[pair] = _image_changes(old.image, new.image, sources)
        changes = (*images[pair], *_own_changes(old, new, sources))
        listed = [change for change in changes if change.what == "file"]
        if any(change.kind != "changed" for change in listed):
            own = replace(LISTING.file(b""), scope="host")
            changes = (*changes, _file_change("changed", own))
        found.setdefault(changes, []).append(name)
    same = found.pop((), [])
    groups = [HostGroup(tuple(hosts), changes) for changes, hosts in found.items()]
    return FleetDiff(
        added=tuple(host for host in after if host not in before),
        removed=tuple(host for host in before if host not in after),
        same=tuple(same),
        groups=tuple(sorted(groups, key=_weakness)),
    )


def _weakness(group: HostGroup) -> tuple[int, int, str]:
    return -LEVELS.index(group.verdict), -len(group.hosts), group.hosts[0]


def _image_changes(old: ImagePlan, new: ImagePlan, sources: Sources) -> tuple[Change, ...]:
    if old.plan_id == new.plan_id:
        return ()
    before, after = (FileTree(tuple(image_files(plan, sources))) for plan in (old, new))
    return (
        *_release_changes(old, new),
        *_kubelet_changes(old, new),
        *_pool_changes(old, new),
        *_files(before, after),
    )


def _release_changes(old: ImagePlan, new: ImagePlan) -> Iterator[Change]:
    if old.release.id != new.release.id:
        effect = Effect("image", "another distribution release")
        yield Change(
            "changed", "release", f"{old.release.id} -> {new.release.id}", "image", (effect,)
        )
    packages = [{package.name for package in plan.packages} for plan in (old, new)]
    effect = Effect("image", "packages are installed when the image is built")
    for name in sorted(packages[1] - packages[0]):
        yield Change("added", "package", name, "image", (effect,))
    for name in sorted(packages[0] - packages[1]):
        yield Change("removed", "package", name, "image", (effect,))


def _kubelet_changes(old: ImagePlan, new: ImagePlan) -> Iterator[Change]:
    if plan_data(old.kubelet, reasons=False) != plan_data(new.kubelet, reasons=False):
        effect = restart(
            KUBELET,
            "first copy the new values from plan --json into the node's KubeletConfiguration: "
            "rackwright renders no file for them",
        )
        yield Change("changed", "kubelet", "KubeletConfiguration values", "host", (effect,))


def _pool_changes(old: ImagePlan, new: ImagePlan) -> Iterator[Change]:
    """Pools are the device plugin's resources, which no file of ours has."""
    before, after = ({vf.pool for pf in p.pfs for vf in pf.vfs if vf.pool} for p in (old, new))
    effect = nothing(
        "update the SR-IOV device plugin and the pods that request it: rackwright renders "
        "no file for it"
    )
    for name in sorted(after - before):
        yield Change("added", "pool", name, "host", (effect,))
    for name in sorted(before - after):
        yield Change("removed", "pool", name, "host", (effect,))


def _own_changes(old: HostPlan, new: HostPlan, sources: Sources) -> tuple[Change, ...]:
    if old.plan_id == new.plan_id:
        return ()
    changes: list[Change] = []
    if _data(old.access) != _data(new.access):
        effect = reboot(
            "cloud-init applies them at the first boot with a new bundle, because its "
            "instance-id differs; a host with an image of its own needs that image built again, or "
            "its files changed"
        )
        changes.append(Change("changed", "access", "logins and secrets", "host", (effect,)))
    if _data(old.interfaces) != _data(new.interfaces):
        before, after = (FileTree(tuple(host_files(plan, sources))) for plan in (old, new))
        changes += _files(before, after)
    return tuple(changes)


def _data(part: object) -> object:
    return plan_data(part, reasons=False)


def _files(before: FileTree, after: FileTree) -> Iterable[Change]:
    found = diff_trees(before, after)
    changes = [
        *(_file_change("added", file, after=file.content) for file in found.added),
        *(_file_change("removed", file, before=file.content) for file in found.removed),
        *(
            _file_change("changed", new, before=old.content, after=new.content)
            for old, new in found.changed
        ),
    ]
    return sorted(changes, key=lambda change: change.name)


def _file_change(
    kind: ChangeKind, file: RenderedFile, before: bytes | None = None, after: bytes | None = None
) -> Change:
    effects = file_effects(FileChange(file.path, before, after))
    return Change(kind, "file", file.path, file.scope, effects)
