"""The files of a plan, from the templates and programs of this installation."""

from __future__ import annotations

from builder.accept import accept_tree
from builder.command import Runner
from builder.errors import BuilderError
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.render import cmdline, render_host, render_image
from builder.render.parse import parse_back
from builder.render.tree import FileTree
from builder.render.units import without_facts
from builder.resources import read_texts
from builder.workdir import scratch_dir


def tree_of(plan: HostPlan | ImagePlan) -> FileTree:
    """All files of a host, or those that hosts of one image share."""
    templates, programs = read_texts("templates"), read_texts("systemd")
    if isinstance(plan, HostPlan):
        return render_host(plan, templates, programs)
    return render_image(plan, templates, programs)


def stock_tree_of(plan: ImagePlan) -> FileTree:
    """What a stock image gets, of which no twin is made: it has to fit into user-data."""
    return render_image(plan, read_texts("templates"), without_facts(read_texts("systemd")))


def refuse_faults(tree: FileTree, plan: ImagePlan, runner: Runner) -> None:
    """Parse a rendered tree back, with our own parsers and the distribution's.

    A fault here is ours, not the user's: it names the file, and nothing is written.
    """
    faults = parse_back(tree, cmdline(plan))
    if not faults:
        with scratch_dir() as scratch:
            faults = accept_tree(tree, runner, scratch)
    if faults:
        raise BuilderError(
            "the rendered files do not parse back",
            detail="\n".join(faults),
            hint="this is a bug in rackwright: please report it with the inventory",
        )
