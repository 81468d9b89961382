"""Images of the seed's node on machines of any size, changed file by file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from boot_seed import HOST, TIMEOUT_S, smaller_seed
from cloud_node import write_inventory

from builder.command import SubprocessRunner
from builder.monitor import TextMonitor
from builder.prepare import host_named, prepare
from builder.targets.image.build import build_image
from builder.targets.image.from_plan import request_for
from builder.targets.image.request import ImageFile
from builder.trees import tree_of
from builder.verbs import image

Edit = Callable[[bytes], bytes]


# The longest first, so that of two workers neither waits long for the other in the end.
# Beside the one that makes the stock image's packages, the other makes the node's.
FIRST = (
    "test_cloud_cut",
    "test_seed",
    "test_cloud_stock",
    "test_small_node",
    "test_ubuntu_rehearsal",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else 9)
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
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of the seed's node on a machine of 4 CPUs."""
    path = tmp_path_factory.mktemp("small") / "inventory.yaml"
    path.write_text(smaller_seed(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of the node that bundles make."""
    return write_inventory(tmp_path_factory.mktemp("cloud") / "inventory.yaml")


@pytest.fixture(scope="session")
def build(cache: Path) -> Callable[..., Path]:
    """Build the image of the node of an inventory into a directory; returns the raw image.

    Some of its files are edited, others added, and words of the command line changed.
    """

    def build(
        inventory: Path,
        out: Path,
        edits: Mapping[str, Edit] | None = None,
        extra: tuple[ImageFile, ...] = (),
        cmdline: Callable[[str], str] = lambda word: word,
    ) -> Path:
        plan = prepare(inventory, host_named(HOST)).plan
        request = request_for(plan, tree_of(plan), ("raw",), out, cache)
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
