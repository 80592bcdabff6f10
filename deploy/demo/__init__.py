"""`tidemark demo`: the whole platform on this machine, one recording through it, and what came out."""
