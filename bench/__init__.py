"""Each figure of the README, as a command: `python -m bench.NAME`. Peers and ceilings are measured in the same run."""
