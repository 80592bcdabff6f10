"""The HTTP side, on aiohttp: the table of routes, its handlers, and the fan-out of progress to watchers."""
