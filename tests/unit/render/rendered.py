"""Rendered trees as tests look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.render.tree import FileTree

Texts = Mapping[str, str]
RenderImage = Callable[[ImagePlan], FileTree]
RenderHost = Callable[[HostPlan], FileTree]


def text_of(tree: FileTree, path: str) -> str:
    file = tree.get(path)
    assert file is not None, path
    return file.text


def data_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]
