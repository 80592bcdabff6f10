"""The log of the process: one line an event, for people or as JSON, libraries' lines included."""

import logging
import sys

import structlog

from schemas.settings import Settings

_QUIET = ("aiohttp.access", "urllib3", "pymongo")
_SILENT = ("aiokafka",)
"""Repeats itself many times a second while Kafka is away; api/progress and api/health say it once."""


def configure_logging(settings: Settings) -> None:
    """Sets up structlog and the standard library's logging. A repeat replaces the first."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _rendering(settings: Settings) -> list[structlog.types.Processor]:
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # plain traces: the other kinds show the values of variables, and those can be secrets
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
