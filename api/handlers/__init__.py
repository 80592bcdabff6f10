"""Handlers by noun. Each takes a request, and the body or query that its route declares, already validated."""
