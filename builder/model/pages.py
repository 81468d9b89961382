"""What a profile says of hugepages, in one form, and how it is spread over the NUMA nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from builder.diagnostics import KeyPath
from builder.model.hardware import HardwareClass
from builder.model.profile import Hugepages, Profile
from builder.model.roles import roles_of
from builder.model.sizes import HUGEPAGE_KIB

# For all nodes together, or node by node.
Amount = int | Mapping[int, int]
PageUser = Literal["pods", "virtual machines"]
_USERS: Mapping[str, PageUser] = {"pods": "pods", "vms": "virtual machines"}


@dataclass(frozen=True, slots=True)
class PageCount:
    """Pages of a size as the inventory counts them. path: its key, below `hugepages`."""

    size: str
    pages: Amount
    path: KeyPath

    @property
    def total(self) -> int:
        return self.pages if isinstance(self.pages, int) else sum(self.pages.values())

    def by_node(self, nodes: Sequence[int]) -> dict[int, int]:
        """Pages of each node; of a number, what is left over goes to the lowest, one each.

        nodes: those with CPUs (`cpu_nodes`).
        """
        if not isinstance(self.pages, int):
            return {node: self.pages.get(node, 0) for node in sorted({*nodes, *self.pages})}
        each, rest = divmod(self.pages, len(nodes)) if nodes else (0, 0)
        return {node: each + 1 if place < rest else each for place, node in enumerate(nodes)}


@dataclass(frozen=True, slots=True)
class PageWish:
    """Memory somebody besides Open vSwitch is to have, in pages of a size.

    mib: on each node with CPUs, or node by node. path: the user's key, below `hugepages`.
    """

    user: PageUser
    size: str
    mib: Amount
    path: KeyPath

    def by_node(self, nodes: Sequence[int]) -> dict[int, int]:
        """MiB of each node. nodes: those with CPUs (`cpu_nodes`)."""
        if isinstance(self.mib, int):
            return dict.fromkeys(nodes, self.mib)
        return dict(self.mib)


@dataclass(frozen=True, slots=True)
class PagesWanted:
    """sizes: those with a pool, the default first; of one without a count, pages are derived."""

    sizes: tuple[str, ...]
    counts: tuple[PageCount, ...]
    wishes: tuple[PageWish, ...]

    @property
    def largest_size(self) -> str:
        """The size Open vSwitch takes first (`builder.plan.eal_pages.pages_taken`)."""
        return max(self.sizes, key=HUGEPAGE_KIB.__getitem__)

    def count_of(self, size: str) -> PageCount | None:
        return next((count for count in self.counts if count.size == size), None)


def pages_wanted(pages: Hugepages) -> PagesWanted:
    """All that `hugepages` of a profile says."""
    counted: list[tuple[str, Amount | None, KeyPath]] = [(pages.size, pages.count, ("count",))]
    counted += [(p.size, p.count, ("more", n, "count")) for n, p in enumerate(pages.more)]
    asked = {"pods": pages.pods, "vms": pages.vms}
    wishes = tuple(
        PageWish(_USERS[key], asks.size or pages.size, asks.memory, (key,))
        for key, asks in asked.items()
        if asks is not None
    )
    sizes = (*(size for size, _, _ in counted), *(wish.size for wish in wishes))
    return PagesWanted(
        sizes=tuple(dict.fromkeys(sizes)),
        counts=tuple(PageCount(size, n, path) for size, n, path in counted if n is not None),
        wishes=wishes,
    )


def cpu_nodes(hardware: HardwareClass, profile: Profile) -> tuple[int, ...]:
    """NUMA nodes with CPUs that stay online; others get pages by a map only.

    Memory without CPUs (CXL, persistent memory) is slow, and DPDK knows nothing of it
    (`builder.plan.eal_nodes`); near CPUs that are offline no pod runs.
    """
    online = hardware.cpus - roles_of(hardware, profile).offline
    return tuple(number for number, node in enumerate(hardware.numa) if node.cpus & online)
