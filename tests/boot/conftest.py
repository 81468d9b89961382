"""Images of the seed's node, built once and changed file by file, and what their twins report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from boot_seed import HOST, SEED, TIMEOUT_S

from builder.command import SubprocessRunner
from builder.monitor import TextMonitor
from builder.plan.nouns.host import HostPlan
from builder.prepare import host_named, prepare
from builder.render.tree import FileTree
from builder.targets.image.build import build_image
from builder.targets.image.from_plan import request_for
from builder.targets.image.request import ImageFile, ImageRequest
from builder.trees import tree_of
from builder.verbs import image

Edit = Callable[[bytes], bytes]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.boot)
            # Three attempts at a boot, on a build host that does other things too.
            item.add_marker(pytest.mark.timeout(3 * TIMEOUT_S))


@pytest.fixture(scope="session")
def cache() -> Path:
    """RACKWRIGHT_TEST_CACHE keeps packages between runs; by default the user's own cache does."""
    return Path(os.environ.get("RACKWRIGHT_TEST_CACHE", image.default_cache()))


@pytest.fixture(scope="session")
def plan() -> HostPlan:
    return prepare(SEED, host_named(HOST)).plan


@pytest.fixture(scope="session")
def request_of(plan: HostPlan, cache: Path) -> Callable[[Path, FileTree], ImageRequest]:
    """What `rackwright image --host nfv1 --format raw` asks for, with a tree of our own."""

    def make(out: Path, tree: FileTree) -> ImageRequest:
        return request_for(plan, tree, ("raw",), out, cache)

    return make


@pytest.fixture
def built(
    tmp_path: Path, plan: HostPlan, request_of: Callable[[Path, FileTree], ImageRequest]
) -> Callable[..., Path]:
    """Build the seed's image with some files edited, others added; returns the raw image."""

    def build(
        edits: Mapping[str, Edit] | None = None,
        extra: tuple[ImageFile, ...] = (),
        cmdline: Callable[[str], str] = lambda word: word,
    ) -> Path:
        request = request_of(tmp_path / "image", tree_of(plan))
        files = tuple(edited(file, edits or {}) for file in request.files)
        assert set(edits or {}) <= {file.path for file in files}
        changed = {file.path for file in extra}
        request = replace(
            request,
            files=(*(file for file in files if file.path not in changed), *extra),
            cmdline=tuple(cmdline(word) for word in request.cmdline),
        )
        artefacts = build_image(request, SubprocessRunner(), TextMonitor())
        return artefacts.files["raw"].path

    return build


def edited(file: ImageFile, edits: Mapping[str, Edit]) -> ImageFile:
    """The file with its edit, which must change it."""
    if file.path not in edits:
        return file
    content = edits[file.path](file.content)
    assert content != file.content, file.path
    return file._replace(content=content)
