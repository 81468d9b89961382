"""Where templates/, systemd/ and elements/ are: beside the package in a checkout, in it in a wheel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """Directory `name` (templates, systemd or elements) of this installation."""
    packed = PACKAGE / "_data" / name
    return packed if packed.is_dir() else PACKAGE.parent / name


def read_texts(name: str) -> Mapping[str, str]:
    """All files of data directory `name`, by path relative to it.

    Read once by the CLI and handed to the pure layers as a value.
    """
    base = data_dir(name)
    return {
        str(path.relative_to(base)): path.read_text(encoding="utf-8")
        for path in sorted(base.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
