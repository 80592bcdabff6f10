"""`tidemark dead-letters list | show | replay`: what failed for good, and trying it again."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from deploy.operate.output import moment, plain, say, say_json, table
from schemas.letters import Letter, LetterList, Replayed, page
from schemas.problems import Problem
from schemas.settings import Settings
from stores.dead_letters import DeadLetters
from stores.documents import connect, disconnect
from stores.jobs import Jobs
from stores.outbox import Outbox
from stores.publisher import Publisher
from stores.recordings import Recordings
from stores.replay import Replay


async def list_letters(settings: Settings, limit: int, before: int | None, *, as_json: bool) -> None:
    """Says which letters there are, newest first. Raises StoreUnavailable."""
    found = page(await DeadLetters(settings).newest(limit + 1, before), limit)
    if as_json:
        say_json(found)
    else:
        say(*_listed(found))


def _listed(letters: LetterList) -> Iterator[str]:
    if not letters.items:
        yield "There are no dead letters."
        return
    head = ("NUMBER", "WHEN (UTC)", "STAGE", "CODE", "ATTEMPTS", "ABOUT")
    yield from table(
        head,
        [
            (
                *(str(letter.number), moment(letter.at), letter.stage or "-", letter.code, str(letter.attempts)),
                f"job {letter.job_id}" if letter.job_id else f"a message on {letter.original_topic or 'no topic'}",
            )
            for letter in letters.items
        ],
    )
    if letters.next_cursor:
        yield f"There are older ones: --before {letters.next_cursor}"


async def show_letter(settings: Settings, number: int, *, as_json: bool) -> None:
    """Says all that there is of a letter. Raises StoreUnavailable, Problem where there is none."""
    letter = await DeadLetters(settings).get(number)
    if letter is None:
        raise Problem("not_found", f"There is no dead letter {number}, or no longer.")
    if as_json:
        say_json(letter)
    else:
        say(*_shown(letter))


def _shown(letter: Letter) -> Iterator[str]:
    facts = {
        "number": str(letter.number),
        "when": f"{moment(letter.at)} UTC",
        "stage": letter.stage,
        "code": letter.code,
        "detail": letter.detail,
        "attempts": str(letter.attempts),
        "job": letter.job_id,
        "recording": letter.recording_id,
        "topic": letter.original_topic,
        "key": letter.original_key,
    }
    for name, value in facts.items():
        if value is not None:
            yield f"{name + ':':<11}{plain(value)}"
    yield from _history(letter)
    yield from _original(letter)


def _history(letter: Letter) -> Iterator[str]:
    if letter.history:
        yield "history:"
    for record in letter.history:
        begun = moment(record.started_at)
        told = f"{record.code}: {record.detail}"
        yield f"  attempt {record.attempt}, {begun} to {moment(record.ended_at)}, {plain(record.worker or '-')}"
        yield f"    {plain(told)}"


def _original(letter: Letter) -> Iterator[str]:
    as_it_is = isinstance(letter.original, dict) or letter.encoding == "text"
    yield f"original{'' if as_it_is else ' in base64'}{', of which only the beginning was kept' if letter.cut else ''}:"
    whole = json.dumps(letter.original, indent=2) if isinstance(letter.original, dict) else letter.original
    yield from (f"  {plain(line)}" for line in whole.split("\n"))


async def replay_letter(settings: Settings, number: int, *, as_json: bool) -> None:
    """Replays a letter and says what that came to. Raises StoreUnavailable, Problem where it cannot be."""
    async with _replaying(settings) as replay:
        replayed = await replay.replay(number)
    if as_json:
        say_json(replayed)
    else:
        say(_told(replayed))


def _told(replayed: Replayed) -> str:
    if replayed.job_id:
        return f"Job {replayed.job_id} goes on at its failed steps."
    return f"The message is on {replayed.topic} again."


@asynccontextmanager
async def _replaying(settings: Settings) -> AsyncIterator[Replay]:
    database = connect(settings)
    try:
        jobs = Jobs(database)
        async with (
            Publisher(settings) as publisher,
            Outbox(jobs, Recordings(database), publisher) as outbox,
        ):
            yield Replay(DeadLetters(settings), jobs, outbox, publisher)
    finally:
        disconnect(database)
