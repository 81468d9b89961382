"""Scripts for debugfs: order, replacement, quoting, refusals."""

from __future__ import annotations

import pytest

from builder.errors import BuilderError
from builder.targets.image.installed import Listing
from builder.targets.image.patch import debugfs_quote, plan_patch
from builder.targets.image.request import ImageFile

LISTING = Listing(
    {
        "/etc": "d",
        "/etc/fstab": "f",
        "/etc/old": "l:fstab",
        "/lib": "l:usr/lib",
        "/usr": "d",
        "/usr/lib": "d",
        "/var": "d",
        "/var/run": "l:/run",
        "/run": "d",
        "/loop": "l:loop",
    }
)


def lines(*files: ImageFile) -> list[str]:
    return list(plan_patch(files, LISTING, "/stage").lines)


def test_new_file_with_its_parents() -> None:
    script = plan_patch((ImageFile("/etc/a/b/c", 0o640, 1, 42, b"x"),), LISTING, "/stage")
    assert script.contents == (("000000", b"x"),)
    assert script.lines == (
        'mkdir "/etc/a"',
        'set_inode_field "/etc/a" mode 040755',
        'mkdir "/etc/a/b"',
        'set_inode_field "/etc/a/b" mode 040755',
        'write "/stage/000000" "/etc/a/b/c"',
        'set_inode_field "/etc/a/b/c" mode 0100640',
        'set_inode_field "/etc/a/b/c" uid 1',
        'set_inode_field "/etc/a/b/c" gid 42',
    )


def test_existing_file_is_removed_first() -> None:
    assert lines(ImageFile("/etc/fstab", 0o644, 0, 0, b""))[:2] == [
        'rm "/etc/fstab"',
        'write "/stage/000000" "/etc/fstab"',
    ]


def test_a_link_is_replaced_not_followed() -> None:
    assert lines(ImageFile("/etc/old", 0o644, 0, 0, b""))[0] == 'rm "/etc/old"'


def test_links_in_parents_are_followed() -> None:
    assert lines(ImageFile("/lib/x", 0o644, 0, 0, b""))[0] == 'write "/stage/000000" "/usr/lib/x"'
    assert lines(ImageFile("/var/run/x", 0o644, 0, 0, b""))[0] == 'write "/stage/000000" "/run/x"'


def test_symbolic_link() -> None:
    assert lines(ImageFile("/etc/l", 0o120777, 0, 0, b"../usr/x y")) == [
        'symlink "/etc/l" "../usr/x y"',
        'set_inode_field "/etc/l" mode 0120777',
        'set_inode_field "/etc/l" uid 0',
        'set_inode_field "/etc/l" gid 0',
    ]


def test_directory_with_a_mode() -> None:
    made = lines(ImageFile("/etc/d", 0o40700, 0, 0, b""), ImageFile("/etc/d/f", 0o600, 0, 0, b""))
    assert made[:3] == [
        'mkdir "/etc/d"',
        'set_inode_field "/etc/d" mode 040755',
        'set_inode_field "/etc/d" mode 040700',
    ]
    assert 'write "/stage/000000" "/etc/d/f"' in made


def test_order_does_not_matter() -> None:
    one, two = ImageFile("/etc/1", 0o644, 0, 0, b"1"), ImageFile("/etc/2", 0o644, 0, 0, b"2")
    assert lines(one, two) == lines(two, one)


def test_quote() -> None:
    assert debugfs_quote('/etc/a "b"') == '"/etc/a ""b"""'


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (ImageFile("etc/x", 0o644, 0, 0, b""), "path 'etc/x' is not an absolute path below /"),
        (
            ImageFile("/etc/../x", 0o644, 0, 0, b""),
            "path '/etc/../x' is not an absolute path below /",
        ),
        (ImageFile("/etc/a\nb", 0o644, 0, 0, b""), "path '/etc/a\\nb' has a control character"),
        (
            ImageFile("/etc", 0o644, 0, 0, b""),
            "/etc is a directory in the image and is not replaced",
        ),
        (
            ImageFile("/etc/fstab/x", 0o644, 0, 0, b""),
            "/etc/fstab must be a directory, but is a file in the image",
        ),
        (
            ImageFile("/dev/null", 0o20666, 0, 0, b""),
            "/dev/null: mode 20666 is not a file, directory or link",
        ),
        (
            ImageFile("/loop/x", 0o644, 0, 0, b""),
            "/loop/x: too many levels of symbolic links in the image",
        ),
    ],
)
def test_refused(file: ImageFile, message: str) -> None:
    with pytest.raises(BuilderError) as caught:
        lines(file)
    assert caught.value.message == message


def test_the_same_place_twice() -> None:
    with pytest.raises(BuilderError) as caught:
        lines(ImageFile("/usr/lib/x", 0o644, 0, 0, b""), ImageFile("/lib/x", 0o644, 0, 0, b""))
    assert caught.value.message == "/lib/x is written twice (as /usr/lib/x in the image)"
