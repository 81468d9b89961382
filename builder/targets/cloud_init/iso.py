"""An ISO 9660 volume of a few small files, as bytes: ECMA-119 with Rock Ridge for the names.

One directory, each file whole; no times, so that the same files make the same bytes.
Sources: ECMA-119 (4th edition), RRIP 1.09 (IEEE P1282 draft), SUSP 1.12.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

SECTOR = 2048
# ECMA-119, 6.2.1: the first 16 sectors are the system's.
_VOLUME, _END, _TABLE_L, _TABLE_M, _ROOT, _DATA = 16, 17, 18, 19, 20, 21
_NO_DATE = b"0" * 16 + b"\0"  # 8.4.26.1: all digits zero is "not specified"
_FILE_MODE, _DIR_MODE = 0o100444, 0o040555
_IS_DIR = 2


def make_iso(files: Mapping[str, bytes], volume: str = "cidata") -> bytes:
    """The image of a volume with `files` by name; ValueError for names it cannot have.

    volume: at most 32 characters. cloud-init looks for the label cidata (DataSourceNoCloud).
    """
    names = {_short_name(name): name for name in files}
    if len(names) != len(files):
        raise ValueError(f"two of these names are one in ISO 9660: {', '.join(sorted(files))}")
    records, data, extent = [], [], _DATA
    for short in sorted(names):
        content = files[names[short]]
        records.append(_record(short.encode(), extent, len(content), 0, _file_use(names[short])))
        padded = _pad(content)
        data.append(padded)
        extent += len(padded) // SECTOR
    dots = (
        _record(b"\0", _ROOT, SECTOR, _IS_DIR, _root_use()),
        _record(b"\1", _ROOT, SECTOR, _IS_DIR, _posix(_DIR_MODE, 2)),
    )
    root = b"".join((*dots, *records))
    if len(root) > SECTOR:
        raise ValueError(f"{len(files)} files are too many for one sector of directory")
    return b"".join(
        (
            bytes(_VOLUME * SECTOR),
            _pad(_volume(volume, extent)),
            _pad(b"\xffCD001\x01"),
            _pad(struct.pack("<BBIH", 1, 0, _ROOT, 1) + b"\0\0"),
            _pad(struct.pack(">BBIH", 1, 0, _ROOT, 1) + b"\0\0"),
            _pad(root),
            *data,
        )
    )


def _short_name(name: str) -> str:
    """The name a reader without Rock Ridge sees (7.5.1: eight d-characters at level 1)."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name) is None:
        raise ValueError(f"invalid file name: {name!r}")
    return f"{name.replace('-', '').upper()[:8]}.;1"


def _volume(volume: str, sectors: int) -> bytes:
    """The primary volume descriptor (8.4)."""
    if not 0 < len(volume) <= 32:
        raise ValueError(f"invalid volume name: {volume!r}")
    return b"".join(
        (
            b"\x01CD001\x01\0",
            b" " * 32,
            volume.encode("ascii").ljust(32),
            bytes(8),
            _both32(sectors),
            bytes(32),
            _both16(1),
            _both16(1),
            _both16(SECTOR),
            _both32(10),
            struct.pack("<II", _TABLE_L, 0),
            struct.pack(">II", _TABLE_M, 0),
            _record(b"\0", _ROOT, SECTOR, _IS_DIR, b""),
            b" " * (128 * 4 + 37 * 3),
            _NO_DATE * 4,
            b"\x01\0",
        )
    )


def _record(name: bytes, extent: int, size: int, flags: int, use: bytes) -> bytes:
    """A directory record (9.1); a date of zeros is none (9.1.5)."""
    body = b"".join(
        (
            b"\0",
            _both32(extent),
            _both32(size),
            bytes(7),
            bytes((flags, 0, 0)),
            _both16(1),
            bytes((len(name),)),
            name,
            b"" if len(name) % 2 else b"\0",
            use,
        )
    )
    body += b"\0" if len(body) % 2 == 0 else b""
    return bytes((len(body) + 1,)) + body


def _root_use() -> bytes:
    """What says that there is Rock Ridge: SP and ER stand in the root's own record only."""
    extension = b"RRIP_1991A"
    return b"".join(
        (
            b"SP\x07\x01\xbe\xef\0",
            _posix(_DIR_MODE, 2),
            b"ER" + bytes((8 + len(extension), 1, len(extension), 0, 0, 1)) + extension,
        )
    )


def _file_use(name: str) -> bytes:
    encoded = name.encode("ascii")
    return _posix(_FILE_MODE, 1) + b"NM" + bytes((5 + len(encoded), 1, 0)) + encoded


def _posix(mode: int, links: int) -> bytes:
    """PX of RRIP 1.09: mode, links, and root as owner and group."""
    return b"PX\x24\x01" + b"".join(_both32(value) for value in (mode, links, 0, 0))


def _both16(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def _both32(value: int) -> bytes:
    return struct.pack("<I", value) + struct.pack(">I", value)


def _pad(content: bytes) -> bytes:
    return content + bytes(-len(content) % SECTOR)
