"""rackwright: Kubernetes NFV nodes, tuned at first boot, from one YAML inventory."""

__version__ = "0.1.0"
