"""What will happen, and when: drawn from one seed, so that a run can be repeated. Times are seconds from its start."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST_STOP_SECONDS = 10.0
_PAUSE_SECONDS = (2.0, 6.0)
_BROKEN_SHARE = 0.08


class Blow(StrEnum):
    """What is done to a process."""

    KILL = "killed"
    STOP = "stopped"


@dataclass(frozen=True)
class Upload:
    """One file on its way in: which clip, by which door, as which of the callers."""

    at: float
    clip: str
    door: str
    caller: int


@dataclass(frozen=True)
class Strike:
    """One blow. `share`, from 0 to 1, picks one of several processes; `seconds` is how long it is stopped."""

    at: float
    target: str
    blow: Blow
    share: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A whole run."""

    seed: int
    seconds: float
    uploads: tuple[Upload, ...]
    strikes: tuple[Strike, ...]


@dataclass(frozen=True)
class Cast:
    """Who and what a plan is drawn from."""

    good: Sequence[str]
    broken: Sequence[str]
    doors: Sequence[str]
    targets: Sequence[str]
    blows: Sequence[Blow] = tuple(Blow)
    callers: int = 3


def draw(seed: int, jobs: int, seconds: float, cast: Cast) -> Plan:
    """The plan of a seed: `jobs` uploads at a steady rate over `seconds`, and a strike every few seconds meanwhile.

    Each clip comes once before any of them is repeated, so that a short run has seen them all.
    """
    chance = random.Random(seed)  # noqa: S311 -- that it can be repeated is the point
    uploads = tuple(
        Upload(at=number * seconds / jobs, clip=clip, door=door, caller=chance.randrange(cast.callers))
        for number, (clip, door) in enumerate(_mix(chance, jobs, cast))
    )
    strikes: list[Strike] = []
    while (at := (strikes[-1].at if strikes else 0.0) + chance.uniform(*_PAUSE_SECONDS)) < seconds:
        strikes.append(_strike(chance, at, cast))
    return Plan(seed=seed, seconds=seconds, uploads=uploads, strikes=tuple(strikes))


def _mix(chance: random.Random, jobs: int, cast: Cast) -> list[tuple[str, str]]:
    mixed = [(clip, cast.doors[number % len(cast.doors)]) for number, clip in enumerate((*cast.good, *cast.broken))]
    chance.shuffle(mixed)
    while len(mixed) < jobs:
        clips = cast.broken if chance.random() < _BROKEN_SHARE else cast.good
        mixed.append((chance.choice(clips), chance.choice(cast.doors)))
    return mixed[:jobs]


def _strike(chance: random.Random, at: float, cast: Cast) -> Strike:
    blow = chance.choice(cast.blows)
    return Strike(
        at=at,
        target=chance.choice(cast.targets),
        blow=blow,
        share=chance.random(),
        seconds=round(chance.uniform(1, LONGEST_STOP_SECONDS), 1) if blow is Blow.STOP else 0.0,
    )
