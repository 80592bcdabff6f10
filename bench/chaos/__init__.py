"""The proof by chaos: real recordings go through the embedded stack while its processes are killed and stopped.

Run: python -m bench.chaos [--jobs N] [--minutes M] [--seed S] [--data DIR]. The exit code is 0 only if, at the end,
every accepted upload has ended as it should, with exactly one set of results, and nothing is left over.

plan      what is sent and who is struck, and when: all of it drawn from one seed
clips     the recordings: short pieces of real ones, and files that are to be refused or to fail
caller    a client that behaves like a real one; doors: the ways in; uploader: sends the plan's uploads
striker   kills, stops and continues what this run has started, and nothing else
evidence  what documents, objects and topics say afterwards; verdict: what is wrong with it; report: the table
run       all of it, in order
"""
