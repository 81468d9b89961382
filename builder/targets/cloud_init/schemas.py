"""A bundle held against cloud-init's own schemas, of every release at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jsonschema_rs import Validator, validator_for

from builder.targets.cloud_init.seed import Seed

CLOUD_CONFIG, NETWORK = "cloud-init/cloud-config-", "cloud-init/network-config-v2-"
SeedCheck = Callable[[Seed], tuple[str, ...]]


def make_check(schemas: Mapping[str, str]) -> SeedCheck:
    """A check of seeds: what each schema has against them, none for a sound one.

    schemas: texts by path, as schema/ has them; compiled once, for any number of seeds.
    """
    config = _compile(schemas, CLOUD_CONFIG)
    network = _compile(schemas, NETWORK)

    def check(seed: Seed) -> tuple[str, ...]:
        faults = [*_faults(seed, config, "user-data", seed.config)]
        if seed.network is not None:
            faults += _faults(seed, network, "network-config", {"network": seed.network})
        return tuple(faults)

    return check


def _compile(schemas: Mapping[str, str], start: str) -> dict[str, Validator]:
    found = {
        path.removeprefix(start).removesuffix(".json"): validator_for(text)
        for path, text in sorted(schemas.items())
        if path.startswith(start)
    }
    if not found:
        raise ValueError(f"there is no schema {start}*.json")
    return found


def _faults(
    seed: Seed, validators: Mapping[str, Validator], name: str, value: Mapping[str, object]
) -> Iterator[str]:
    for release, validator in validators.items():
        if validator.is_valid(value):
            continue
        for fault in validator.iter_errors(value):
            where = ".".join(str(part) for part in fault.instance_path)
            yield f"{seed.hostname}/{name}: cloud-init {release}: {where}: {fault.message}"
