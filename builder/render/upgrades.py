"""Files that keep upgrades of packages from interrupting the data path."""

from __future__ import annotations

from collections.abc import Iterable

from builder.plan.nouns.image import ImagePlan
from builder.render.effect import nothing
from builder.render.file_kind import FileKind
from builder.render.grammar import by_line
from builder.render.header import image_header
from builder.render.templates import Sources
from builder.render.tree import RenderedFile

# What names of packages begin with: kernels with their modules, headers and firmware; the switch;
# DPDK with its libraries, which Debian policy 8.1 names librte-*, and its modules.
KERNEL = ("linux-",)
DATA_PATH = ("openvswitch-", "dpdk", "librte-")


def held_starts(plan: ImagePlan) -> tuple[str, ...]:
    """Beginnings of the names of packages that only a new image or bundle changes."""
    return KERNEL if plan.ovs is None else (*KERNEL, *DATA_PATH)


def render_upgrades(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    header = image_header(plan)
    yield APT.fill(sources, header=header, starts=held_starts(plan))
    yield NEEDRESTART.fill(sources, header=header)


APT = FileKind(
    # apt.conf(5): files are read in order of name and the last value counts; unattended-upgrades
    # has 20auto-upgrades and 50unattended-upgrades.
    path="/etc/apt/apt.conf.d/99-zz-rackwright.conf",
    render=render_upgrades,
    read_back=by_line(r'[A-Za-z:-]+ ("[a-z0-9]+";|\{)|    "[a-z0-9-]+";|\};', "an option of apt"),
    accepted_by=None,
    needs=nothing("apt reads it each time it runs"),
    check="upgrades",
    comments=True,
)
NEEDRESTART = FileKind(
    path="/etc/needrestart/conf.d/99-zz-rackwright.conf",
    render=render_upgrades,
    read_back=by_line(
        r"\$nrconf\{override_rc\}->\{qr\([^()]*\([^()]*\)\)\} = 0;", "a service not to restart"
    ),
    accepted_by=None,
    needs=nothing("needrestart reads it each time it runs"),
    check="files",
    comments=True,
)
FILES = (APT, NEEDRESTART)
