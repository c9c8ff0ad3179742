"""The options of all commands, once: name, help, allowed range, and what a bad value is told.

A command writes `rounds: Rounds = None`. Numbers are read by `whole` and `decimal`, whose error names the
option, the range and the value. `seat_flags` and `assignments` turn repeated options into mappings.
"""

import math
import re
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.errors import BadUsage, UnknownSeat

LARGEST_SEED = 2**63 - 1


def as_id(text: str) -> str:
    """An id as it is stored: on the command line `-` may stand for `_`."""
    return text.strip().replace("-", "_")


def whole(flag: str, low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number from low to high; its BadUsage names flag, range and value."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        # int() would take "1_0", " 3" and digits of other scripts.
        number = int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
        if number is None or not low <= number <= high:
            raise BadUsage(f"{flag} should be a whole number from {low} to {high}, not {text!r}", where=flag)
        return number

    return read


def decimal(flag: str, low: float, high: float) -> Callable[[str], float]:
    """Reads a number from low to high; its BadUsage names flag, range and value."""

    def read(text: str) -> float:
        # float() would take "1_0", " 1", "nan" and digits of other scripts.
        number = float(text) if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text) else math.nan
        if not low <= number <= high:
            raise BadUsage(f"{flag} should be a number from {low:g} to {high:g}, not {text!r}", where=flag)
        return number

    return read


def one_of(flag: str, *words: str) -> Callable[[str], str]:
    """Reads one of the words; its BadUsage names them."""

    def read(text: str) -> str:
        if text not in words:
            raise BadUsage(f"{flag} should be one of {', '.join(words)}, not {text!r}", where=flag)
        return text

    return read


# Options of every command; `command` adds them.
Db = Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store. [ORCHESTRATE_DB]")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration. [ORCHESTRATE_CONFIG]")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]

# What a run is.
Run = Annotated[str, typer.Argument(metavar="RUN", help="An id, the start of one, a name, or `last`.")]
Runs = Annotated[list[str] | None, typer.Argument(metavar="[RUN...]", help="Ids, starts of ids, names, or `last`.")]
Scenario = Annotated[
    str, typer.Option("--scenario", metavar="NAME", parser=as_id, help="See `orchestrate scenarios list`.")
]
Variant = Annotated[
    str | None,
    typer.Option("--variant", metavar="NAME", help="A variant of the scenario; see `orchestrate scenarios show`."),
]
Rounds = Annotated[
    int | None,
    typer.Option("--rounds", metavar="N", parser=whole("--rounds", 1, 400), help="Rounds to play, 1 to 400."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", parser=whole("--seed", 0, LARGEST_SEED), help="Of all dice; 1."),
]
Many = Annotated[
    int | None,
    typer.Option(
        "--runs", metavar="N", parser=whole("--runs", 1, 100_000), help="So many runs: seeds S to S+N-1, NAME-0001 ..."
    ),
]
Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="A name to call the run by.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Another value of a variable. May be repeated."),
]
At = Annotated[int, typer.Option("--at", metavar="ROUND", parser=whole("--at", 0, 400), help="The last round kept.")]
Round = Annotated[
    int | None,
    typer.Option("--round", metavar="N", parser=whole("--round", 0, 400), help="That round only; 0: the start."),
]

# Who plays and who judges.
Backend = Annotated[
    list[str] | None,
    typer.Option("--backend", metavar="[SEAT=]NAME", help="Who answers, for all or one seat. May be repeated."),
]
Policy = Annotated[
    list[str] | None,
    typer.Option("--policy", metavar="SEAT|all", help="Plays by its persona's own rules. May be repeated."),
]
Judge = Annotated[str | None, typer.Option("--judge", metavar="NAME|off", help="The backend that judges.")]
JudgeMode = Annotated[
    str,
    typer.Option("--judge-mode", metavar="score", parser=one_of("--judge-mode", "score"), help="What a score does."),
]
JudgePolicy = Annotated[bool, typer.Option("--judge-policy", help="Judge seats on policy, too.")]

Talk = Annotated[
    int | None,
    typer.Option(
        "--talk", metavar="N", parser=whole("--talk", 0, 4), help="Private messages before each round's moves, 0 to 4."
    ),
]
Mute = Annotated[
    list[str] | None,
    typer.Option("--mute", metavar="SEAT", help="Sends no messages, makes no promises. May be repeated."),
]

# Limits and manners.
MaxCalls = Annotated[
    int | None,
    typer.Option("--max-calls", metavar="N", parser=whole("--max-calls", 1, 10**9), help="Stop after so many calls."),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        metavar="N",
        parser=whole("--max-tokens", 1, 10**12),
        help="Stop after so many tokens.",
    ),
]
Pace = Annotated[
    float | None,
    typer.Option("--pace", metavar="SECONDS", parser=decimal("--pace", 0, 3600), help="Between two events."),
]
What = Annotated[
    str, typer.Argument(metavar="NAME", help="ENTITY.VARIABLE, an indicator of one variable, outcome or bells.")
]
Depth = Annotated[
    int | None,
    typer.Option("--depth", metavar="N", parser=whole("--depth", 0, 6), help="How far back what causes read goes."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be asked, and ask nothing.")]
NoDownload = Annotated[bool, typer.Option("--no-download", help="Refuse to fetch a missing model.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask no question.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there.")]


def seat_flags(
    backends: Sequence[str] | None,
    judge: str | None,
    policies: Sequence[str] | None,
    *,
    seats: Collection[str],
) -> dict[str, object]:
    """`--backend`, `--judge` and `--policy` as flags of `config.load`; `seats` are the scenario's.

    Raises UnknownSeat for a seat the scenario has not, BadUsage where a seat is given twice.
    """
    flags: dict[str, object] = {} if judge is None else {"seats.judge": judge}

    def put(flag: str, seat: str, name: str) -> None:
        key = f"seats.{as_id(seat)}"
        if key != "seats.default" and as_id(seat) not in seats:
            near = get_close_matches(as_id(seat), seats, n=1)
            guess = f", did you mean {near[0]!r}?" if near else f" (its seats: {', '.join(sorted(seats))})"
            raise UnknownSeat(f"{flag} names the seat {seat!r}, and the scenario has none{guess}", where=flag)
        if flags.setdefault(key, name) != name:
            raise BadUsage(f"{flag}: {seat} cannot be both {flags[key]!r} and {name!r}", where=flag)

    for text in backends or ():
        seat, equals, name = text.rpartition("=")
        if not name or (equals and not seat):
            raise BadUsage(f"--backend should be NAME or SEAT=NAME, not {text!r}", where="--backend")
        put("--backend", seat or "default", name)
    for text in policies or ():
        for seat in sorted(seats) if text == "all" else [text]:
            if text != "all" or f"seats.{seat}" not in flags:
                put("--policy", seat, "policy")
    if "all" in (policies or ()):
        flags.setdefault("seats.default", "policy")
    return flags


def muted(texts: Sequence[str] | None, *, seats: Collection[str]) -> tuple[str, ...]:
    """The seats that `--mute` names, each once. Raises UnknownSeat."""
    found: list[str] = []
    for text in texts or ():
        seat = as_id(text)
        if seat not in seats:
            near = get_close_matches(seat, seats, n=1)
            guess = f", did you mean {near[0]!r}?" if near else f" (its seats: {', '.join(sorted(seats))})"
            raise UnknownSeat(f"--mute names the seat {seat!r}, and the scenario has none{guess}", where="--mute")
        found.append(seat)
    return tuple(dict.fromkeys(found))


def assignments(texts: Sequence[str] | None) -> dict[str, str]:
    """`PATH=VALUE` texts as a mapping of ids to unread values. Raises BadUsage."""
    found: dict[str, str] = {}
    for text in texts or ():
        path, equals, value = text.partition("=")
        if not (path.strip() and equals and value.strip()):
            raise BadUsage(f"--set should be PATH=VALUE, not {text!r}", where="--set")
        if as_id(path) in found:
            raise BadUsage(f"--set gives {as_id(path)} twice", where="--set")
        found[as_id(path)] = value.strip()
    return found
