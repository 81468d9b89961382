"""The package sources of a release nobody named a mirror for: mmdebstrap's own default."""

from __future__ import annotations

from builder.build_host import parse_deb822, parse_one_line
from builder.command import Command, Runner, contained
from builder.errors import BuilderError, CommandFailed
from builder.execute import write_file
from builder.targets.image import cache_keys
from builder.targets.image.request import ImageRequest
from builder.workdir import work_dir


def default_sources(suite: str, request: ImageRequest, runner: Runner) -> tuple[str, ...]:
    """Source lines mmdebstrap would use for `suite`, remembered once they are known.

    `--simulate` leaves a directory with apt's configuration and installs nothing.
    """
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
            raise BuilderError(
                f"mmdebstrap cannot use its own package sources of {suite}",
                hint="check the network, or name a mirror in the inventory",
                detail=fault.detail,
            ) from None
        found = []
        for path in sorted((root / "etc/apt").rglob("*")):
            if path.suffix == ".list":
                found += parse_one_line(path.read_text(encoding="utf-8"))
            elif path.suffix == ".sources":
                found += parse_deb822(path.read_text(encoding="utf-8"))
    return tuple(
        f"deb {source.uri} {one} {' '.join(source.components)}"
        for source in found
        for one in source.suites
    )
