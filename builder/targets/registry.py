"""What each target gives and takes: plain data, so that help and `doctor` import no target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RAW, QCOW2, RAW_ZST = "raw", "qcow2", "raw.zst"
ISO, MIME = "iso", "mime"


@dataclass(frozen=True, slots=True)
class TargetForm:
    """A file a target writes, on demand. tools: programs this form alone is made by."""

    about: str
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One way from a plan to machines; builder/verbs has a module of its name.

    forms: by the end of the file's name. tools: programs every call may need, each by its name
    on PATH.
    """

    summary: str
    example: str
    forms: Mapping[str, TargetForm]
    tools: tuple[str, ...] = ()
    needs_root: bool = False

    def tools_for(self, forms: tuple[str, ...]) -> tuple[str, ...]:
        """What has to be installed to make `forms`, each once."""
        own = [tool for form in forms for tool in self.forms[form].tools]
        return tuple(dict.fromkeys((*self.tools, *own)))

    @property
    def all_tools(self) -> tuple[str, ...]:
        return self.tools_for(tuple(self.forms))


# By the name of the verb, in the order of the help.
TARGETS: dict[str, Target] = {
    "cloud-init": Target(
        summary="write cloud-init bundles (NoCloud) for hosts",
        example="rackwright cloud-init inventory.yaml --host nfv1 -o bundle --iso",
        forms={
            ISO: TargetForm("a volume named cidata"),
            MIME: TargetForm("user-data as one MIME message"),
        },
    ),
    "image": Target(
        summary="build a golden image, or the image of one host",
        example="rackwright image inventory.yaml --profile nfv -o build/nfv",
        forms={
            RAW: TargetForm("the disk, byte for byte"),
            QCOW2: TargetForm("the disk for a hypervisor, compressed", ("qemu-img",)),
            RAW_ZST: TargetForm("the disk, compressed to send and to write", ("zstd",)),
        },
        # Solving, patching and checking; then what diskimage-builder and our elements call.
        tools=(
            *(
                "apt-get",
                "mmdebstrap",
                "mke2fs",
                "debugfs",
                "e2fsck",
                "tune2fs",
                "mformat",
                "mcopy",
                "mmd",
            ),
            *("zstd", "tar", "unshare", "setpriv", "fstrim", "flock"),
        ),
        needs_root=True,
    ),
}
