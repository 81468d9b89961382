"""The files a build hands out: formats made from the raw disk, their digests, the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder.command import Command, Runner
from builder.targets.image.cached_base import BaseFacts
from builder.targets.image.manifest import (
    DIGITS,
    FORMAT_VERSION,
    Manifest,
    ManifestFile,
    ManifestRelease,
)
from builder.targets.image.request import Artefact, ImageRequest
from builder.targets.registry import QCOW2, RAW, RAW_ZST

_CHUNK = 4 * 1024 * 1024


def convert(raw: Path, target: Path, kind: str) -> Command:
    """The command that makes `target` of format `kind` from the disk `raw`."""
    if kind == QCOW2:
        options = ("-c", "-o", "compression_type=zstd", "-m", "4", "-W")
        return Command(
            ("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, str(raw), str(target))
        )
    return Command(("zstd", "-q", "-3", "-T0", "-f", "-o", str(target), str(raw)))


def make_formats(
    work: Path, name: str, formats: Sequence[str], runner: Runner
) -> dict[str, Artefact]:
    """All `formats` of `work`/NAME.raw, hashed; formats and digests are made side by side."""
    raw = work / f"{name}.raw"
    converted = [kind for kind in (QCOW2, RAW_ZST) if kind in formats]
    with ThreadPoolExecutor(max_workers=4) as pool:
        kinds = {"kernel": f"{name}.vmlinuz", "initrd": f"{name}.initrd"}
        if RAW in formats:
            kinds[RAW] = raw.name
        jobs = {kind: pool.submit(describe_artefact, work / file) for kind, file in kinds.items()}
        for kind in converted:
            jobs[kind] = pool.submit(_convert_and_describe, raw, kind, runner)
        return {kind: job.result() for kind, job in jobs.items()}


def describe_artefact(path: Path) -> Artefact:
    """Size and sha256 of one file."""
    digest = hashlib.sha256()
    buffer = bytearray(_CHUNK)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return Artefact(path, path.stat().st_size, digest.hexdigest())


def make_manifest(
    request: ImageRequest, facts: BaseFacts, files: Mapping[str, Artefact], root_uuid: str
) -> Manifest:
    """What was made, from what, with which versions."""
    release = request.release
    artefacts = {
        kind: ManifestFile(_named(file, request.name), file.size, file.sha256)
        for kind, file in sorted(files.items())
    }
    return Manifest(
        format_version=FORMAT_VERSION,
        name=request.name,
        host=request.host,
        plan_id=request.plan_id,
        release=ManifestRelease(release.id, release.suite, release.family),
        kernel=facts.kernel,
        root_uuid=root_uuid,
        cmdline=request.cmdline,
        base=facts.key,
        source_date_epoch=facts.epoch,
        artefacts=artefacts,
        packages=dict(facts.packages),
    )


def _named(file: Artefact, name: str) -> str:
    """NAME-DIGEST.raw for a NAME.raw."""
    return f"{name}-{file.sha256[:DIGITS]}{file.path.name.removeprefix(name)}"


def _convert_and_describe(raw: Path, kind: str, runner: Runner) -> Artefact:
    target = raw.with_name(f"{raw.name.removesuffix('.raw')}.{kind}")
    runner.run(convert(raw, target, kind))
    return describe_artefact(target)
