"""Rules on hugepages: the CPU has the size, the nodes are there, no size is counted twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.diagnostics import KeyPath
from builder.model.inventory import Inventory
from builder.model.pages import PagesWanted, cpu_nodes, pages_wanted
from builder.model.profile import Profile
from builder.model.rules.pairs import Pair, pairs
from builder.phrases import count_text, nodes_text
from builder.rule import SEE, Finding, Rule, each


def _by_node(wanted: PagesWanted) -> Iterator[tuple[KeyPath, Mapping[int, int]]]:
    """Everything that is said node by node, of pages and of memory."""
    for count in wanted.counts:
        if not isinstance(count.pages, int):
            yield count.path, count.pages
    for wish in wanted.wishes:
        if not isinstance(wish.mib, int):
            yield (*wish.path, "memory"), wish.mib


def check_any_page(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        wanted = pages_wanted(profile.hugepages)
        derived = wanted.wishes or profile.hugepages.count is None
        if _uses_dpdk(profile) and not derived and not any(n.total for n in wanted.counts):
            message = "there are no hugepages: OVS-DPDK and DPDK pods cannot start"
            yield Finding(("profiles", name, "hugepages", "count"), message)


def _uses_dpdk(profile: Profile) -> bool:
    drivers = {
        driver
        for policy in profile.sriov
        for driver in (policy.driver, *(v.driver for v in policy.vfs))
    }
    return profile.ovs is not None or not drivers.isdisjoint(DPDK_DRIVERS)


def check_nodes_exist(pair: Pair) -> Iterator[Finding]:
    nodes = len(pair.hardware.numa)
    for key, by_node in _by_node(pages_wanted(pair.profile.hugepages)):
        for node in by_node:
            if node >= nodes:
                path = (*pair.path, "hugepages", *key, node)
                message = f"hardware class {pair.class_name} has no node {node}"
                hint = f"it has {nodes_text(nodes)}"
                yield Finding(path, message, hint, at_key=True)


def check_even_spread(pair: Pair) -> Iterator[Finding]:
    nodes = cpu_nodes(pair.hardware, pair.profile)
    for count in pages_wanted(pair.profile.hugepages).counts:
        if not isinstance(count.pages, int) or not nodes or count.pages % len(nodes) == 0:
            continue
        spread = count.by_node(nodes)
        split = ", ".join(f"{node}: {here}" for node, here in spread.items())
        message = (
            f"{count_text(count.pages, 'page')} cannot be spread evenly over the {len(nodes)} nodes "
            f"of hardware class {pair.class_name}: the lowest nodes get one more"
        )
        path = (*pair.path, "hugepages", *count.path)
        yield Finding(path, message, f"say it: count: {{{split}}}")


def check_size_once(inventory: Inventory) -> Iterator[Finding]:
    """The kernel keeps one pool of a size on a node: the later `hugepages=` would win."""
    for name, profile in inventory.profiles.items():
        base: KeyPath = ("profiles", name, "hugepages")
        first: dict[str, KeyPath] = {profile.hugepages.size: (*base, "size")}
        for place, pool in enumerate(profile.hugepages.more):
            path = (*base, "more", place, "size")
            if first.setdefault(pool.size, path) != path:
                message = f"there is already a pool of {pool.size} pages: {SEE}"
                yield Finding(
                    path, message, "use more for the other page size", see=first[pool.size]
                )


def check_1g_pages(pair: Pair) -> Iterator[Finding]:
    """Without the flag the kernel says "unsupported hugepagesz=1G" and reserves nothing."""
    if pair.hardware.cpu.pdpe1gb:
        return
    pages = pair.profile.hugepages
    sizes: list[tuple[KeyPath, str | None]] = [(("size",), pages.size)]
    sizes += [(("more", place, "size"), pool.size) for place, pool in enumerate(pages.more)]
    sizes += [(("pods", "size"), pages.pods.size)] if pages.pods else []
    sizes += [(("vms", "size"), pages.vms.size)] if pages.vms else []
    for key, size in sizes:
        if size == "1G":
            flag = (*pair.class_path, "cpu", "pdpe1gb")
            message = f"the CPU of hardware class {pair.class_name} does not support 1G pages"
            hint = f"see {SEE}; use size: 2M"
            yield Finding((*pair.path, "hugepages", *key), message, hint, see=flag)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "hugepages-any", "error", "There are hugepages for OVS-DPDK and DPDK pods.", check_any_page
    ),
    Rule(
        "hugepages-nodes-exist",
        "error",
        "Hugepages are counted and requested on existing NUMA nodes.",
        each(pairs, check_nodes_exist),
    ),
    Rule(
        "hugepages-even",
        "warning",
        "A total number of hugepages can be spread evenly over the NUMA nodes.",
        each(pairs, check_even_spread),
    ),
    Rule(
        "hugepages-size-once",
        "error",
        "Hugepages of one size are counted in one place.",
        check_size_once,
    ),
    Rule(
        "hugepages-1g",
        "error",
        "1G hugepages require a CPU that supports them (`pdpe1gb`).",
        each(pairs, check_1g_pages),
    ),
)
