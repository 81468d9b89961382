"""The difference of two trees, as text."""

from __future__ import annotations

from builder.render.tree import SYMLINK, FileTree, RenderedFile
from builder.render.tree_diff import diff_text

BEFORE = FileTree((
    RenderedFile("/etc/a", b"one\ntwo\n"),
    RenderedFile("/etc/b", b"same\n"),
    RenderedFile("/etc/gone", b"x\n", mode=0o600, scope="host"),
    RenderedFile("/etc/link", b"/dev/null", SYMLINK),
))  # fmt: skip
AFTER = FileTree((
    RenderedFile("/etc/a", b"one\n2"),
    RenderedFile("/etc/b", b"same\n", mode=0o755, owner="root:adm"),
    RenderedFile("/etc/link", b"/usr/lib/x", SYMLINK),
    RenderedFile("/etc/new", b"y\n"),
))  # fmt: skip
EXPECTED = """\
diff /etc/a
--- a/etc/a
+++ b/etc/a
@@ -1,2 +1,2 @@
 one
-two
+2
\\ No newline at end of file
diff /etc/b
0644 root:root -> 0755 root:adm
diff /etc/gone
deleted file 0600 root:root
--- a/etc/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
diff /etc/link
--- a/etc/link
+++ b/etc/link
@@ -1 +1 @@
--> /dev/null
+-> /usr/lib/x
diff /etc/new
new file 0644 root:root
--- /dev/null
+++ b/etc/new
@@ -0,0 +1 @@
+y
"""


def test_diff_text() -> None:
    assert diff_text(BEFORE, AFTER) == EXPECTED


def test_like_trees_differ_in_nothing() -> None:
    assert diff_text(BEFORE, BEFORE) == ""
