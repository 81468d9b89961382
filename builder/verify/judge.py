"""The verdict on an image: of a boot now, or of what an earlier one reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.errors import BuilderError
from builder.execute import write_file
from builder.monitor import Monitor
from builder.plan.nouns.host import HostPlan
from builder.trees import tree_of
from builder.verify.checks import run_checks
from builder.verify.facts import parse_facts
from builder.verify.qemu import boot
from builder.verify.report import Verdict, to_json
from builder.verify.twin import TwinMachine
from builder.verify.verified_image import VerifiedImage
from builder.workdir import scratch_dir


def judge_boot(
    plan: HostPlan,
    verified: VerifiedImage,
    twin: TwinMachine,
    out: Path | None,
    *,
    timeout_s: float,
    monitor: Monitor,
) -> Verdict:
    """Boot the image and judge what it reports. out: keeps facts, report and console, if given.

    Raises BuilderError when no facts come.
    """
    with _scratch(out) as directory:
        result = boot(twin, verified.path, timeout_s=timeout_s, workdir=directory, monitor=monitor)
        verdict = judge(plan, verified, twin, result.facts_json, result.seconds)
        _keep(verdict, result.facts_json, directory)
    return verdict


def judge_facts(
    plan: HostPlan, verified: VerifiedImage, twin: TwinMachine, out: Path | None, path: Path
) -> Verdict:
    """Judge the facts of an earlier boot. out: keeps them and the report, if given."""
    try:
        facts = path.read_bytes()
    except OSError as fault:
        raise BuilderError(
            f"{path}: {fault.strerror}", hint="verify -o DIR keeps them, as DIR/facts.json"
        ) from None
    verdict = judge(plan, verified, twin, facts, None)
    if out is not None:
        _keep(verdict, facts, out)
    return verdict


def judge(
    plan: HostPlan, verified: VerifiedImage, twin: TwinMachine, facts: bytes, seconds: float | None
) -> Verdict:
    """The verdict: an image of one host is judged by all its files, a golden one by its own."""
    judged = plan if verified.host is not None else plan.image
    return Verdict(
        results=run_checks(
            judged, tree_of(judged), parse_facts(facts), twin.substitutions, firmware=twin.firmware
        ),
        plan_id=judged.plan_id,
        image=str(verified.path),
        image_sha256=verified.sha256,
        firmware=twin.firmware,
        seconds=seconds,
        substitutions=twin.substitutions,
        not_emulated=twin.limits,
    )


@contextmanager
def _scratch(out: Path | None) -> Iterator[Path]:
    """The directory of the results: the one asked for, or one that goes away."""
    if out is not None:
        yield out
        return
    with scratch_dir() as work:
        yield work


def _keep(verdict: Verdict, facts: bytes, out: Path) -> None:
    write_file(out / "facts.json", facts)
    report = json.dumps(to_json(verdict), indent=1) + "\n"
    write_file(out / "report.json", report.encode())
