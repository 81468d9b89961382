"""How much user-data a provider takes, and which form of it goes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from builder.errors import BuilderError
from builder.targets.cloud_init.seed import Seed


@dataclass(frozen=True, slots=True)
class Provider:
    """limit: bytes of user-data, before any base64 of the provider's own. source: who says so."""

    limit: int
    source: str


# base64 makes 4 bytes of 3: what is limited to 65535 characters of it holds 49149 bytes.
PROVIDERS: dict[str, Provider] = {
    "ec2": Provider(16 * 1024, "EC2 User Guide: user data is limited to 16 KB, before base64"),
    "openstack": Provider(49149, "nova: MAX_USERDATA_SIZE is 65535, of base64"),
    "azure": Provider(65535, "Azure: custom data is limited to 64 KB, before base64"),
    "gce": Provider(256 * 1024, "Compute Engine: 256 KB for each metadata value"),
}
USER_DATA_FORMS: Mapping[str, Callable[[Seed], bytes]] = {
    "user-data": lambda seed: seed.user_data,
    "user-data.gz": lambda seed: seed.compressed(),
}


def choose_form(seed: Seed, provider: str) -> tuple[str, bytes]:
    """The first form of user-data that `provider` takes; BuilderError if there is none."""
    limit = PROVIDERS[provider].limit
    sizes = {}
    for name, make in USER_DATA_FORMS.items():
        content = make(seed)
        sizes[name] = len(content)
        if len(content) <= limit:
            return name, content
    whole, packed = sizes.values()
    raise BuilderError(
        f"user-data of {seed.hostname} is {whole} bytes, {packed} compressed, "
        f"and {provider} takes {limit}",
        detail=PROVIDERS[provider].source,
        hint="boot the golden image (--boots golden), or serve the bundle over https and pass "
        "the provider two lines: #include, and the address of the host's user-data",
    )
