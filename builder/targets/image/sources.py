"""The package sources an image is installed from."""

from __future__ import annotations

from builder.build_host import apt_sources, knows_suite, mirrors_for
from builder.command import Command, Runner, contained, is_out_of_space
from builder.errors import BuilderError, CommandFailed
from builder.execute import write_file
from builder.targets.image import cache_keys
from builder.targets.image.request import ImageRequest
from builder.workdir import work_dir


def package_sources(request: ImageRequest, runner: Runner) -> tuple[str, ...]:
    """Lines of sources.list(5): the named mirror's, this machine's own, or mmdebstrap's default."""
    return mirrors_for(request.release, request.mirror, runner) or _defaults(request, runner)


def _defaults(request: ImageRequest, runner: Runner) -> tuple[str, ...]:
    """What mmdebstrap would use, remembered once it is known.

    `--simulate` leaves a directory with apt's configuration and installs nothing.
    """
    if not knows_suite(request.release):
        raise BuilderError(
            f"no mirror of {request.release.id} is known: distro-info-data, which tells mmdebstrap "
            f"of {request.release.suite}, is not installed or too old",
            hint="apt-get install distro-info-data, or name a mirror in the inventory: image.mirror",
        )
    suite = request.release.suite
    components = ",".join(request.release.components)
    key = cache_keys.digest("sources", (suite, components))[:16]
    memo = request.cache_dir / "sources" / f"{suite}-{key}.list"
    if not memo.exists():
        lines = _ask(suite, components, request, runner)
        write_file(memo, "".join(f"{line}\n" for line in lines).encode())
    return tuple(memo.read_text(encoding="utf-8").splitlines())


def _ask(suite: str, components: str, request: ImageRequest, runner: Runner) -> tuple[str, ...]:
    with work_dir(request.cache_dir) as work:
        root = work / "root"
        options = ("--simulate", "--mode=root", "--variant=apt", "--format=directory")
        named = (f"--components={components}", f"--keyring={request.keyring}")
        argv = contained("mmdebstrap", *options, *named, suite, str(root))
        env = {**request.proxy, "TMPDIR": str(work)}
        try:
            runner.run(Command(argv, env, timeout_s=600))
        except CommandFailed as fault:
            if is_out_of_space(fault.detail or ""):
                raise  # told by who knows the directory
            raise BuilderError(
                f"mmdebstrap cannot use its own package sources of {suite}",
                hint="check the network, or name a mirror in the inventory",
                detail=fault.detail,
            ) from None
        found = apt_sources(runner, root)
    return tuple(f"deb {one.uri} {one.suite} {' '.join(one.components)}" for one in found)
