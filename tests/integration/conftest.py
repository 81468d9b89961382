"""One image, and the cache it was built with, for all tests that start from one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from image_sample import own_cache, sample_request
from recording import NullMonitor

from builder.command import SubprocessRunner
from builder.targets.image.build import build_image
from builder.targets.image.request import Artefacts, ImageFile, ImageRequest

ODD = ImageFile('/etc/rackwright/a "b" c', 0o4750, 1, 2, b"odd\n")


@pytest.fixture(scope="session")
def request_(tmp_path_factory: pytest.TempPathFactory) -> ImageRequest:
    out = tmp_path_factory.mktemp("image") / "out"
    request = own_cache(sample_request(out), out.parent / "cache")
    formats = ("raw", "qcow2", "raw.zst")
    return replace(request, files=(*request.files, ODD), formats=formats)


@pytest.fixture(scope="session")
def built(request_: ImageRequest) -> Artefacts:
    return build_image(request_, SubprocessRunner(), NullMonitor())
