"""What cloud-init is told for all nodes of an image, whatever bundle they get."""

from __future__ import annotations

from collections.abc import Iterable

from builder.plan.nouns.image import ImagePlan
from builder.render.effect import nothing
from builder.render.file_kind import FileKind
from builder.render.grammar import read_yaml_mapping
from builder.render.header import image_header
from builder.render.templates import Sources
from builder.render.tree import RenderedFile


def render_cloud_init(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    yield APT.fill(sources, header=image_header(plan))


APT = FileKind(
    path="/etc/cloud/cloud.cfg.d/90-rackwright-apt.cfg",
    render=render_cloud_init,
    read_back=read_yaml_mapping,
    accepted_by=None,
    needs=nothing("cloud-init reads it at each boot"),
    check="sources",
    comments=True,
)
FILES = (APT,)
