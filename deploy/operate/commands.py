"""The arguments of what operators do: `tidemark dead-letters …`, `tidemark stages …` and `tidemark reconcile`.

Each command imports what it needs when it runs.
"""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from deploy.operate.settings import add_data, operator_settings
from schemas.pipeline import STAGE_NAMES

_Commands = Any
"""What `add_subparsers` gives; argparse has no public name for it."""


def add_commands(commands: _Commands) -> None:
    """Adds them to the command line; `options.run(options)` runs one."""
    _add_dead_letters(commands.add_parser("dead-letters", help="what failed for good: look at it, try it again"))
    _add_stages(commands.add_parser("stages", help="who works on what; tell a stopped stage to go on"))
    _add_reconcile(commands)


def _add_dead_letters(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="list|show|replay")
    listing = _action(actions, "list", "dead letters, newest first", _list_letters)
    listing.add_argument("--limit", type=_count, default=20, help="how many (20)")
    listing.add_argument("--before", type=_number, metavar="NUMBER", help="only those with lower numbers")
    show = _action(actions, "show", "one dead letter, whole", _show_letter)
    show.add_argument("number", type=_number, metavar="NUMBER")
    replay = _action(actions, "replay", "set its job going again, or send its message again", _replay_letter)
    replay.add_argument("number", type=_number, metavar="NUMBER")


def _add_stages(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="list|resume")
    _action(actions, "list", "every stage with its workers", _list_stages)
    resume = _action(actions, "resume", "tell a stopped stage to go on", _resume_stage)
    resume.add_argument("stage", metavar="STAGE", choices=STAGE_NAMES, help=", ".join(STAGE_NAMES))


def _add_reconcile(commands: _Commands) -> None:
    parser = _action(commands, "reconcile", "hold documents and objects against each other, and repair", _reconcile)
    parser.add_argument("--dry-run", action="store_true", help="say what would be found, and change nothing")
    parser.add_argument("--all", action="store_true", help="also what is held since there is suspiciously much of it")


def _action(
    actions: _Commands, name: str, explained: str, run: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=explained, description=explained)
    parser.add_argument("--json", action="store_true", help="for machines: the same as the API answers")
    add_data(parser)
    parser.set_defaults(run=run)
    return parser


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a dead letter")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


def _list_letters(options: argparse.Namespace) -> None:
    from deploy.operate.dead_letters import list_letters

    settings = operator_settings(options.data)
    asyncio.run(list_letters(settings, options.limit, options.before, as_json=options.json))


def _show_letter(options: argparse.Namespace) -> None:
    from deploy.operate.dead_letters import show_letter

    asyncio.run(show_letter(operator_settings(options.data), options.number, as_json=options.json))


def _replay_letter(options: argparse.Namespace) -> None:
    from deploy.operate.dead_letters import replay_letter

    asyncio.run(replay_letter(operator_settings(options.data), options.number, as_json=options.json))


def _list_stages(options: argparse.Namespace) -> None:
    from deploy.operate.stages import list_stages

    asyncio.run(list_stages(operator_settings(options.data), as_json=options.json))


def _resume_stage(options: argparse.Namespace) -> None:
    from deploy.operate.stages import resume_stage

    asyncio.run(resume_stage(operator_settings(options.data), options.stage, as_json=options.json))


def _reconcile(options: argparse.Namespace) -> None:
    from deploy.operate.reconcile import reconcile

    settings = operator_settings(options.data)
    asyncio.run(reconcile(settings, dry_run=options.dry_run, everything=options.all, as_json=options.json))
