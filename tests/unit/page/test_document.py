"""The page of a plan: a drawing that is true, text that never becomes markup, colours one can read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.model.values import CpuSet, PciAddress
from builder.page.document import PAGE, plan_page
from builder.page.holders import Share, devices_on, memory_shares
from builder.page.layout import LETTERS, NARROW, PAD, NodeDrawing, draw_machine
from builder.plan.nouns.host import HostPlan
from builder.plan.subjects import subjects_of
from builder.resources import read_texts
from tests.plans import SEED, plan_of

TEMPLATES = read_texts("templates")


def make_plan(edit: Callable[[dict[str, Any]], None] | None = None) -> HostPlan:
    data = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    if edit is not None:
        edit(data)
    return plan_of(yaml.safe_dump(data, sort_keys=False))


def large(data: dict[str, Any]) -> None:
    """Eight nodes, 256 CPUs, 16 ports, the last of which stands on no node."""
    machine = data["hardware"]["e5-2620v4"]
    machine["siblings"] = 128
    machine["numa"] = [
        {"cpus": f"{n * 16}-{n * 16 + 15},{n * 16 + 128}-{n * 16 + 143}", "memory": "64GiB"}
        for n in range(8)
    ]
    machine["nics"] += [
        {"pci": f"0000:{0x20 + n:02x}:00.0", "id": "8086:10fb", "driver": "ixgbe",
         "name": f"xe{n}", **({"numa": n % 8} if n < 11 else {})}
        for n in range(12)
    ]  # fmt: skip
    profile = data["profiles"]["nfv"]
    profile["cpu"]["offline-cores-per-node"] = 1
    profile["hugepages"] = {"size": "1G", "pods": {"size": "2M", "memory": "1GiB"}}
    profile["sriov"] += [{"pf": f"xe{n}", "num-vfs": 63, "pool": f"pool{n}"} for n in range(12)]


def small(data: dict[str, Any]) -> None:
    """One node of eight CPUs without siblings."""
    machine = data["hardware"]["e5-2620v4"]
    machine.pop("siblings")
    machine["numa"] = [{"cpus": "0-7", "memory": "16GiB"}]


SHAPES = {"seed": None, "large": large, "small": small}


@pytest.fixture(scope="module", params=SHAPES.values(), ids=SHAPES.keys())
def plan(request: pytest.FixtureRequest) -> HostPlan:
    return make_plan(request.param)


class Outline(HTMLParser):
    """Tags, ids and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", ()))


def test_the_page_needs_nothing_else(plan: HostPlan) -> None:
    page = plan_page(plan, TEMPLATES)
    outline = Outline(page)
    assert {tag for tag, _ in outline.tags} & {"script", "link", "img", "iframe", "object"} == set()
    links = [value for name, value in outline.attributes if name in ("href", "src", "xlink:href")]
    assert [link for link in links if not link.startswith("#")] == []
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) == {"#"}


def test_each_name_in_the_page_is_there_once(plan: HostPlan) -> None:
    attributes = Outline(plan_page(plan, TEMPLATES)).attributes
    ids = [value for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    asked = [value for name, value in attributes if name == "aria-labelledby"]
    asked += [value[1:] for name, value in attributes if name == "href"]
    assert {one for value in asked for one in value.split()} - set(ids) == set()


def test_drawings_are_well_formed(plan: HostPlan) -> None:
    found = re.findall(r"<svg .*?</svg>", plan_page(plan, TEMPLATES), re.DOTALL)
    named = [svg for svg in found if 'role="img"' in svg]
    assert [ET.fromstring(svg).tag for svg in named] == ["svg"] * len(draw_machine(plan))


def test_every_value_reason_and_line_is_told(plan: HostPlan) -> None:
    text = Outline(plan_page(plan, TEMPLATES)).text
    lines = [line for subject in subjects_of(plan) for line in subject.lines]
    wanted = [line.value for line in lines] + [line.why.reason for line in lines]
    wanted += [origin for line in lines for origin in line.why.places]
    assert [one for one in wanted if one not in text] == []
    assert " ".join(str(arg) for arg in plan.image.kernel_args) in text


def test_bytes_are_the_same_each_time(plan: HostPlan) -> None:
    assert plan_page(plan, TEMPLATES) == plan_page(plan, TEMPLATES)


def test_each_cpu_is_drawn_once_with_its_role(plan: HostPlan) -> None:
    cells = [cell for node in draw_machine(plan) for core in node.cores for cell in core.cells]
    roles = plan.image.cpus.roles
    assert sorted(cell.text for cell in cells) == sorted(
        f"{cpu}{LETTERS[role]}" for cpu, role in roles.items()
    )
    assert {cell.text[-1] for cell in cells if cell.role == "pmd"} == {"D"}


def test_siblings_share_a_frame(plan: HostPlan) -> None:
    drawn = {
        CpuSet.of(int(cell.text[:-1]) for cell in core.cells)
        for node in draw_machine(plan)
        for core in node.cores
    }
    assert drawn == set(plan.image.cpus.cores)


def boxes(node: NodeDrawing) -> list[tuple[float, float, float, float]]:
    """All that stands on its own, as left, top, right, bottom."""
    cores = [(c.x, c.y, c.x + c.width, c.y + c.height) for c in node.cores]
    bars = [(s.x, s.y, s.x + s.width, s.y + 18) for s in node.segments]
    texts = [(PAD, s.text_y - 11, node.width - PAD, s.text_y + 3) for s in node.segments]
    rows = [(r.x, r.y, r.x + r.width, r.y + 42) for r in node.rows]
    return [*cores, *bars, *texts, *rows]


def test_nothing_is_drawn_over_something_else(plan: HostPlan) -> None:
    for node in draw_machine(plan):
        found = boxes(node)
        for left, top, right, bottom in found:
            assert PAD <= left <= right <= node.width - PAD + 0.1
            assert 40 <= top < bottom < node.height
        for place, a in enumerate(found):
            for b in found[place + 1 :]:
                apart = a[2] <= b[0] + 0.05 or b[2] <= a[0] + 0.05 or a[3] <= b[1] or b[3] <= a[1]
                assert apart, (a, b)


def test_the_bar_is_to_scale(plan: HostPlan) -> None:
    for node in draw_machine(plan):
        if not node.segments:
            continue
        assert sum(part.width for part in node.segments) == pytest.approx(
            node.width - 2 * PAD, abs=0.1
        )
        total = sum(part.share.mib for part in node.segments)
        assert total == plan.image.memory_mib[int(node.name.removeprefix("node-"))]


def test_who_holds_the_seeds_memory() -> None:
    assert memory_shares(make_plan().image, 0) == (
        Share("switch", 2048, "2 pages of 1G: Open vSwitch"),
        Share("pods", 2048, "1024 pages of 2M: pods"),
        Share("small", 44032, "43 GiB in ordinary pages: the system"),
    )


def test_promised_pages_have_their_holder() -> None:
    assert [share.text for share in memory_shares(make_plan(large).image, 0)] == [
        "2 pages of 1G: Open vSwitch",
        "512 pages of 2M: pods",
        "61 GiB in ordinary pages: the system",
    ]


def test_who_has_the_seeds_ports() -> None:
    told = [
        (one.depth, f"{one.name} | {one.address} | {one.driver} | {one.user}")
        for one in devices_on(make_plan(), 0)
    ]
    assert told == [
        (0, "ens11f0 | 0000:01:00.0  8086:10fb | ixgbe | kernel"),
        (
            1,
            "VF 0 | 0000:01:10.0 | vfio-pci | br0 / dpdk1  mtu=1500 n_rxq=1  trust on  spoofchk off",
        ),
        (1, "VF 1 | 0000:01:10.2 | vfio-pci | pool dpdk_vfs"),
        (0, "ens11f1 | 0000:01:00.1  8086:10fb | ixgbe | kernel"),
        (1, "VFs 0-1 | 0000:01:10.1 to 0000:01:10.3 | kernel driver | pool net_vfs"),
        (0, "enp8s0 | 0000:08:00.0  8086:1533 | igb | kernel, management"),
        (0, "enp9s0 | 0000:09:00.0  8086:1533 | vfio-pci | br0 / dpdk0  mtu=1500 n_rxq=1"),
    ]
    assert devices_on(make_plan(), 1) == ()


def test_ports_of_no_node_have_a_box() -> None:
    last = draw_machine(make_plan(large))[-1]
    assert (last.title, last.about, len(last.rows)) == ("NUMA node not known", "1 port", 2)


def test_what_does_not_fit_is_told_whole() -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["sriov"][1]["pool"] = "p" * 63
        data["profiles"]["nfv"]["sriov"][1]["vfs"] = [
            {"index": 0, "mac": "02:00:00:00:00:01", "vlan": 7, "trust": True, "spoofchk": False}
        ]

    rows = [row for node in draw_machine(make_plan(edit)) for row in node.rows]
    cut, _ = [row for row in rows if row.detail.endswith("…")]
    assert cut.whole.endswith("mac 02:00:00:00:00:01  vlan 7  trust on  spoofchk off")
    assert cut.x + 8 + len(cut.detail) * 7.3 <= NARROW - PAD


def with_text(value: Any, text: str) -> Any:
    """A plan in which every free text is `text`."""
    if isinstance(value, str):
        return text
    if isinstance(value, Mapping):
        return {key: with_text(item, text) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(with_text(item, text) for item in value)
    if is_dataclass(value) and not isinstance(value, type | PciAddress | CpuSet):
        kept = {"roles", "use", "who", "other_config", "key"}
        changes = {
            field.name: with_text(getattr(value, field.name), text)
            for field in fields(value)
            if field.name not in kept and getattr(value, field.name) is not None
        }
        return replace(value, **changes)
    return value


HOSTILE = ["</title><script>alert(1)</script>", '"><svg onload=x>', "{{ plan }}", "<!--", "]]>&lt;"]
SEED_PLAN = make_plan()
PLAIN = Outline(plan_page(with_text(SEED_PLAN, "x"), TEMPLATES))


@given(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=30)))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_text_never_becomes_markup(text: str) -> None:
    page = plan_page(with_text(SEED_PLAN, text), TEMPLATES)
    outline = Outline(page)
    assert outline.tags == PLAIN.tags
    shown = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    assert shown in outline.text
    page.encode("utf-8")


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """WCAG 2.1, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_can_be_read(place: int) -> None:
    found = colours(re.findall(r":root \{(.*?)\}", TEMPLATES[PAGE], re.DOTALL)[place])
    behind = found.keys() - {"ink", "soft", "rule"}
    assert len(behind) == 11
    assert {name for name in behind if contrast(found["ink"], found[name]) < 4.5} == set()
    assert {n for n in ("paper", "card") if contrast(found["soft"], found[n]) < 4.5} == set()
