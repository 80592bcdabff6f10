"""The command line: `tidemark api | worker [STAGE...] | topics | up | demo [FILE]`, and deploy/operate for operators.

Each command imports what it needs when it runs: the production image has no embedded stack, and need not have one.
What goes wrong at start is told in a sentence, with exit code 2 for a setting and 1 for the rest; never a traceback.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from deploy.embedded.failures import EmbeddedError, embedded_extra
from deploy.logs import configure_logging
from deploy.operate.commands import add_commands
from schemas.failures import StepFailure
from schemas.problems import Problem
from schemas.settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except SettingsError as error:
        return _fail(str(error), 2)
    except (StepFailure, EmbeddedError, Problem) as error:
        return _fail(str(error), 1)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _fail(f"{what}. Give a folder that can be written to: --data, make up DATA=...", 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tidemark", description="Recordings in; media, transcripts, analyses out.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    api = commands.add_parser("api", help="serve the API until SIGTERM")
    api.set_defaults(run=_api)

    worker = commands.add_parser("worker", help="work on stages until SIGTERM")
    worker.add_argument("stages", nargs="*", metavar="STAGE", help="the stages to host; all of them by default")
    worker.set_defaults(run=_worker)

    topics = commands.add_parser("topics", help="create topics, indexes and the bucket; a repeat changes nothing")
    topics.set_defaults(run=_topics)

    up = commands.add_parser("up", help="run everything on this machine, with nothing but Python")
    up.add_argument("--port", type=_port, default=8080, help="where the API answers (8080)")
    up.add_argument("--data", type=Path, default=Path(".data"), help="the folder that keeps everything (.data)")
    up.set_defaults(run=_up)

    demo = commands.add_parser("demo", help="send a recording through everything on this machine")
    demo.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a recording; one comes along")
    demo.add_argument("--data", type=Path, default=Path(".data"), help="the folder that keeps everything (.data)")
    demo.set_defaults(run=_demo)
    add_commands(commands)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535 is needed")
    return int(text)


def _settings() -> Settings:
    settings = load_settings()
    configure_logging(settings)
    return settings


def _api(_: argparse.Namespace) -> None:
    from api.main import run

    run(_settings())


def _worker(options: argparse.Namespace) -> None:
    from streams.main import run

    run(_settings(), tuple(options.stages))


def _topics(_: argparse.Namespace) -> None:
    from stores.prepare import prepare

    asyncio.run(prepare(_settings()))


def _up(options: argparse.Namespace) -> None:
    with embedded_extra():
        from deploy.embedded.stack import default_cache
        from deploy.up import until_signal, up
    load_settings()  # a wrong setting is told before anything starts
    asyncio.run(until_signal(up(options.data, default_cache(), options.port)))


def _demo(options: argparse.Namespace) -> None:
    with embedded_extra():
        from deploy.demo.main import SAMPLE, DemoFailed, demo
        from deploy.embedded.stack import default_cache
        from deploy.up import until_signal
    load_settings()
    try:
        ended = asyncio.run(until_signal(demo(options.file or SAMPLE, options.data, default_cache())))
    except DemoFailed as error:
        raise EmbeddedError(str(error)) from error
    if not ended:
        raise EmbeddedError("The demo was stopped before its end; everything that it started is stopped, too.")


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"tidemark: {sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
