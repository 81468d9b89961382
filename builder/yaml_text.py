"""Text in files people read: in quotes that no reader takes for more than text, and in comments."""

from __future__ import annotations

import json
import re
import textwrap

COMMENT_WIDTH = 96
# What PyYAML refuses or takes for a line end (reader.py, NON_PRINTABLE; scanner.py, scan_line_break).
UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"
_ESCAPED = re.compile(f"[{UNSAFE}]")


def quoted(text: str) -> str:
    """One double-quoted YAML scalar: JSON's, with what YAML 1.1 would change escaped."""
    return _ESCAPED.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)
    )


def comment_lines(text: str, indent: int = 0) -> list[str]:
    """`text` as `#` lines, whatever it holds.

    A backslash would continue a line of modprobe.d (kmod joins lines before it looks for
    `#`), a line end would end the comment: neither is left.
    """
    inert = "".join(c if c.isprintable() and c != "\\" else " " for c in text)
    lines = textwrap.wrap(
        inert, COMMENT_WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False
    )
    return [f"{' ' * indent}# {line}" for line in lines or [""]]
