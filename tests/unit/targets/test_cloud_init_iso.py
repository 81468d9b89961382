"""The volume, read back by a library that knows the standards better than we do."""

from __future__ import annotations

import hashlib
import io

import pycdlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.targets.cloud_init.iso import make_iso

FILES = {
    "user-data": b"#cloud-config\n" * 400,
    "meta-data": b"instance-id: x\n",
    "vendor-data": b"",
    "network-config": b"a" * 2048,
}


def read_back(image: bytes) -> tuple[str, dict[str, bytes]]:
    """Label, and files by the names Rock Ridge has for them."""
    volume = pycdlib.PyCdlib()
    volume.open_fp(io.BytesIO(image))
    assert volume.rock_ridge == "1.09"
    files = {}
    for child in volume.list_children(rr_path="/"):
        name = child.rock_ridge.name().decode()
        if name not in {".", ".."}:
            content = io.BytesIO()
            volume.get_file_from_iso_fp(content, rr_path=f"/{name}")
            files[name] = content.getvalue()
    label = volume.pvd.volume_identifier.decode().rstrip()
    volume.close()
    return label, files


def test_holds_the_files_under_their_names() -> None:
    assert read_back(make_iso(FILES)) == ("cidata", FILES)


@given(st.dictionaries(st.sampled_from(sorted(FILES)), st.binary(max_size=5000)))
def test_holds_any_content(files: dict[str, bytes]) -> None:
    image = make_iso(files)
    assert read_back(image)[1] == files
    assert len(image) % 2048 == 0


def test_bytes_depend_on_the_files_alone() -> None:
    image = make_iso(dict(reversed(FILES.items())))
    assert image == make_iso(FILES)
    # Another layout is no fault, but every ISO already handed out would differ: on purpose only.
    assert (
        hashlib.sha256(image).hexdigest()
        == "54e5d112f5f5d94bf918f631a5f007ea2941b8fb9f92ba73f5576da91c581460"
    )


@pytest.mark.parametrize(
    ("files", "volume", "message"),
    [
        ({"a b": b""}, "cidata", "invalid file name: 'a b'"),
        ({"network-config": b"", "network-cold": b""}, "cidata", "two of these names are one"),
        ({}, "", "invalid volume name: ''"),
        ({f"file{n}": b"" for n in range(30)}, "cidata", "30 files are too many"),
    ],
)
def test_refuses_names_it_cannot_have(files: dict[str, bytes], volume: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_iso(files, volume)
