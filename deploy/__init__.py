"""Ways to run it: the command line, the embedded stack of one machine, containers."""
