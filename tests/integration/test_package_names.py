"""Debian's archive has every package a plan can name."""

from __future__ import annotations

import os

import pytest
from image_sample import shared_cache

from builder.build_host import keyring_for, mirrors_for, proxy_variables
from builder.catalog.releases import RELEASES
from builder.command import Command, SubprocessRunner
from builder.plan.packages import possible_packages
from builder.targets.image import cache_keys, solve

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", ["debian-12", "debian-13"])
def test_every_name_is_there(name: str) -> None:
    release, runner, cache = RELEASES[name], SubprocessRunner(), shared_cache()
    sources = mirrors_for(release, None, runner)
    question = solve.Question(release.suite, "amd64", sources, keyring_for(release), ())
    # Fetches the lists.
    solve.solve(question, cache, runner, refresh=True, proxy=proxy_variables(os.environ))
    state = cache / "apt" / cache_keys.digest("apt", (sources, "amd64"))[:16]
    argv = ("apt-cache", *solve.apt_options(state, "amd64"), "pkgnames")
    said = runner.run(Command(argv, {"APT_CONFIG": str(state / "apt.conf")})).stdout
    assert possible_packages(release) - {*said.decode().split()} == set()
