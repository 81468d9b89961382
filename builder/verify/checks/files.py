"""Rendered files: on the node with the mode, owner and bytes they were rendered with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.render.node import LISTING
from builder.render.tree import RenderedFile
from builder.verify.checks.case import Case, CheckResult, compare, no_extra
from builder.verify.facts import FileFacts


def check_files(case: Case) -> Iterator[CheckResult]:
    reported = case.facts.files
    for file in case.tree:
        if file.path != LISTING.path:  # the list the node reports from, which cannot list itself
            yield _file(file, reported)
    extra = sorted(set(reported or {}) - {file.path for file in case.tree})
    yield no_extra("files.extra", extra, "files", reported=reported is not None)


def _file(file: RenderedFile, reported: Mapping[str, FileFacts | None] | None) -> CheckResult:
    name, expected = f"files.{file.path}", _wording(file.mode_text, file.owner, file.sha256)
    if reported is None or file.path not in reported:
        return compare(name, expected, None)
    fact = reported[file.path]
    if fact is None:
        return compare(name, expected, "missing")
    if fact.mode is None or fact.owner is None or fact.sha256 is None:
        return compare(name, expected, None)
    return compare(name, expected, _wording(fact.mode, fact.owner, fact.sha256))


def _wording(mode: str, owner: str, sha256: str) -> str:
    return f"{mode} {owner} sha256 {sha256}"
