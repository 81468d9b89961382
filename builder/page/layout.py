"""The drawing of a machine: where each NUMA node's CPUs, memory and ports go, as numbers and text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.model.sizes import mib_text
from builder.model.values import CpuSet
from builder.page.holders import DrawnPort, Share, devices_on, memory_shares
from builder.phrases import count_text
from builder.plan.nouns.cpus import Role
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan

# Units of the drawing; a browser scales it to the room there is.
NARROW, WIDE = 560, 1140
PAD, GAP = 16, 6
CELL_WIDTH, CELL_HEIGHT = 40, 22
BAR_HEIGHT, LINE = 18, 18
CARD_HEIGHT, INDENT = 42, 22
HEAD = 44
# Width of a letter of the drawing's monospaced font, at its 12 units of height.
LETTER = 7.3
# Roles told by letter, as colours are not for everybody.
LETTERS: dict[Role, str] = {"housekeeping": "H", "pmd": "D", "pods": "P", "offline": "x"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A logical CPU."""

    x: int
    y: int
    text: str
    role: Role


@dataclass(frozen=True, slots=True)
class Core:
    """A frame around SMT siblings."""

    x: int
    y: int
    width: int
    height: int
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the memory bar, to scale, and its line below it."""

    x: float
    y: int
    width: float
    share: Share
    text_y: int


@dataclass(frozen=True, slots=True)
class Row:
    """A port or VFs. stem: where the line to it leaves the bus, or the port the VFs are of.

    whole: all of the text, of which some may not fit.
    """

    x: int
    y: int
    width: int
    stem_x: int
    stem_y: int
    text: str
    detail: str
    whole: str
    is_vf: bool


@dataclass(frozen=True, slots=True)
class Bus:
    """The line a node's ports hang on."""

    x: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class NodeDrawing:
    """One NUMA node. name: of the drawing, for the page's references to it."""

    name: str
    width: int
    height: int
    title: str
    about: str
    description: str
    cores: tuple[Core, ...]
    segments: tuple[Segment, ...]
    bus: Bus | None
    rows: tuple[Row, ...]


def draw_machine(plan: HostPlan) -> tuple[NodeDrawing, ...]:
    """A drawing for each NUMA node, and one for ports whose node is not known."""
    nodes = len(plan.image.cpus.nodes)
    width = WIDE if nodes == 1 else NARROW
    drawings = [_draw_node(plan, node, width) for node in range(nodes)]
    homeless = devices_on(plan, None)
    if homeless:
        bus, rows, bottom = _draw_devices(homeless, width, HEAD)
        drawings.append(
            NodeDrawing(
                name="node-unknown",
                width=width,
                height=bottom + PAD,
                title="NUMA node not known",
                about=count_text(sum(not one.depth for one in homeless), "port"),
                description=_tell_devices(homeless),
                cores=(),
                segments=(),
                bus=bus,
                rows=rows,
            )
        )
    return tuple(drawings)


def _draw_node(plan: HostPlan, node: int, width: int) -> NodeDrawing:
    image = plan.image
    cpus, mib = image.cpus.nodes[node], image.memory_mib[node]
    cores, below = _draw_cores(image, cpus, width)
    shares = memory_shares(image, node)
    segments = _draw_memory(shares, width, below + PAD)
    bottom = segments[-1].text_y + GAP
    devices = devices_on(plan, node)
    bus, rows, bottom = _draw_devices(devices, width, bottom + GAP)
    roles = ", ".join(
        f"{role} {found}" for role in LETTERS if (found := image.cpus.with_role(role) & cpus)
    )
    return NodeDrawing(
        name=f"node-{node}",
        width=width,
        height=bottom + PAD,
        title=f"NUMA node {node}",
        about=f"{count_text(len(cores), 'core')}, {count_text(len(cpus), 'CPU')}, {mib_text(mib)}",
        description=". ".join(
            [
                f"CPUs: {roles or 'none'}",
                f"Memory: {'; '.join(share.text for share in shares)}",
                _tell_devices(devices),
            ]
        ),
        cores=cores,
        segments=segments,
        bus=bus,
        rows=rows,
    )


def _tell_devices(devices: tuple[DrawnPort, ...]) -> str:
    told = (f"{one.name} {one.address} {one.driver} {one.user}" for one in devices)
    return f"Ports: {'; '.join(told) or 'none'}"


def _draw_cores(image: ImagePlan, cpus: CpuSet, width: int) -> tuple[tuple[Core, ...], int]:
    """Cores from left to right, siblings below each other; with where they end."""
    mine = [core & cpus for core in image.cpus.cores if core & cpus]
    threads = max((len(core) for core in mine), default=1)
    step_x, step_y = CELL_WIDTH + GAP, threads * CELL_HEIGHT + GAP
    in_line = max(1, (width - 2 * PAD + GAP) // step_x)
    cores = tuple(
        _draw_core(image, core, PAD + place % in_line * step_x, HEAD + place // in_line * step_y)
        for place, core in enumerate(mine)
    )
    lines = -(-len(mine) // in_line)
    return cores, HEAD + lines * step_y - (GAP if lines else 0)


def _draw_core(image: ImagePlan, core: CpuSet, x: int, y: int) -> Core:
    cells = tuple(
        Cell(
            x,
            y + place * CELL_HEIGHT,
            f"{cpu}{LETTERS[image.cpus.roles[cpu]]}",
            image.cpus.roles[cpu],
        )
        for place, cpu in enumerate(core)
    )
    told = ", ".join(f"CPU {cpu} {image.cpus.roles[cpu]}" for cpu in core)
    return Core(x, y, CELL_WIDTH, len(core) * CELL_HEIGHT, f"one core: {told}", cells)


def _draw_memory(shares: tuple[Share, ...], width: int, top: int) -> tuple[Segment, ...]:
    """The bar to scale, and a line for each of its parts."""
    whole = sum(share.mib for share in shares) or 1
    room, x = width - 2 * PAD, float(PAD)
    segments: list[Segment] = []
    for place, share in enumerate(shares):
        part = round(room * share.mib / whole, 2)
        text_y = top + BAR_HEIGHT + LINE * (place + 1)
        segments.append(Segment(round(x, 2), top, part, share, text_y))
        x += part
    return tuple(segments)


def _draw_devices(
    devices: tuple[DrawnPort, ...], width: int, top: int
) -> tuple[Bus | None, tuple[Row, ...], int]:
    """Ports below each other on a line, VFs set in; with where they end."""
    rows: list[Row] = []
    y = below_port = top + GAP
    for device in devices:
        rows.append(_draw_device(device, y, width, below_port))
        y += CARD_HEIGHT + GAP
        if not device.depth:
            below_port = y - GAP
    if not rows:
        return None, (), top
    last = next(row for row in reversed(rows) if not row.is_vf)
    return Bus(PAD, top, last.y + LINE), tuple(rows), y - GAP


def _draw_device(device: DrawnPort, y: int, width: int, below_port: int) -> Row:
    is_vf = device.depth > 0
    x = PAD + INDENT * (2 if is_vf else 1)
    room = width - PAD - x
    text = f"{device.name}  {device.address}  {device.driver}"
    letters = int((room - 2 * GAP) / LETTER)
    return Row(
        x=x,
        y=y,
        width=room,
        stem_x=PAD + INDENT * 3 // 2 if is_vf else PAD,
        stem_y=below_port if is_vf else y + LINE,
        text=_fit(text, letters),
        detail=_fit(f"→ {device.user}", letters),
        whole=f"{text}  {device.user}",
        is_vf=is_vf,
    )


def _fit(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def roles_shown(image: ImagePlan) -> Iterator[tuple[Role, str, str]]:
    """Role, its letter and its CPUs, for the legend; roles no CPU has are left out."""
    for role, letter in LETTERS.items():
        cpus = image.cpus.with_role(role)
        if cpus:
            yield role, letter, str(cpus)
