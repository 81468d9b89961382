"""The seed cloud-init gives a machine its identity from, and a stock image everything else."""
