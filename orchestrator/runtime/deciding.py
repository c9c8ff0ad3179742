"""How a seat decides: on policy, by choosing from the menu, or by composing; and how its line is checked."""

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.core import events as ev
from orchestrator.core import parse, speech
from orchestrator.core.boards import line_of
from orchestrator.core.dice import pick, roll
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.moves import readers_of
from orchestrator.core.observe import default_params
from orchestrator.core.pledging import ahead, choices
from orchestrator.core.policy import policy_move, weights
from orchestrator.core.prompts import effect_ids, move_line
from orchestrator.core.seated import Ask, Keys, Seated
from orchestrator.core.speakcalls import speak_call
from orchestrator.core.turn import FREE, WAIT, Move, Option
from orchestrator.core.value import rounded

REPAIRS = 2
"""Most repair calls for one answer."""
TRIES = 3
"""Most candidates for a spoken line."""


class Decided(NamedTuple):
    move: Move
    line: str
    """The spoken line that stands, or nothing."""
    events: tuple[AnyEvent, ...]
    judged: bool = True
    """False: the seat gave no usable answer, so there is nothing to judge."""
    rest: tuple[tuple[Move, str], ...] = ()
    """Further moves of the turn, each with the line that stands."""

    @property
    def all(self) -> tuple[tuple[Move, str], ...]:
        """Every move of the turn with its line."""
        return (self.move, self.line), *self.rest


async def decide(at: Seated, ask: Ask) -> Decided:
    """One move of one seat, with the events that tell how it came about."""
    if at.play.by == "policy":
        move = policy_move(at.law, at.state, at.seen)
        if move.action == WAIT:
            return Decided(move, "", ())  # `round` tells it once for all who wait
        return Decided(move, "", (chosen(at, move, Cause(kind="move", id=f"{at.seat}/{move.action}")),))
    keys = Keys(at.state.round, at.seat)
    return await (choose(at, ask, keys) if at.play.style == "choose" else compose(at, ask, keys))


def chosen(
    at: Seated, move: Move, cause: Cause, *, menu: Sequence[tuple[str, float]] = (), mass: float | None = None
) -> AnyEvent:
    """The event of a choice; a model's own notebook keeps it, with its reason."""
    words = "act in our own way" if move.action == FREE else _decapitalised(move_line(at.seen, move).split(":")[0])
    reason = f" Our reason: {move.reason[:160]}" if move.reason else ""
    own = move.style == "policy"  # nobody reads the notebook of a seat on policy
    text = "" if own or (move.action == WAIT and not reason) else f"We chose to {words}.{reason}"
    return ev.MoveChosen(
        **at.common(cause, text=text, audience=None if own else (at.seat,)),
        seat=at.seat,
        n=move.n,
        action=move.action,
        target=move.target,
        params=move.params,
        reason=move.reason[:300],
        style=move.style,
        attempt=move.attempt[:300],
        menu=tuple((name, rounded(p)) for name, p in menu),
        mass=None if mass is None else rounded(mass),
        offered=len(at.seen.options),
    )


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


async def choose(at: Seated, ask: Ask, keys: Keys) -> Decided:
    """The model's first token over the menu, times the persona's weights, picked by a die."""
    key = keys.next("decide")
    call, options, names = at.prompter.choose(at.state, at.seen, at.play, key)
    reply = await ask(call)
    events = at.dropped(key, reply, matters=("logprobs", "choices"))
    found = parse.menu_masses(reply, names)
    if found is None:
        index = parse.named(reply, names)
        if index is None:
            why = (
                f"it named no open move ({reply.text[:40]!r})"
                if reply.outcome in ("ok", "length")
                else f"the answer was {reply.outcome}"
            )
            what = "off_menu" if reply.outcome in ("ok", "length") else reply.outcome
            return seat_failed(at, key, why, [*events, at.degraded(key, what, why)])
        found = [float(i == index) for i in range(len(names))], 1.0
        mass = None
    else:
        mass = found[1]
    tilt = {
        option.id: weight for option, weight in zip(at.seen.options, weights(at.law, at.state, at.seen), strict=True)
    }
    chances = tempered([p * tilt[option.id] for option, p in zip(options, found[0], strict=True)], at.play.temperature)
    option = options[pick(chances, roll(at.state.seed, f"r{at.state.round}", at.seat, "choose", 1))]
    move = Move(at.seat, 1, option.action, option.target, default_params(option, {}), style="choose")
    menu = list(zip(names, chances, strict=True))
    events.append(chosen(at, move, Cause(kind="call", id=key), menu=menu, mass=mass))
    if not option.stem:
        return Decided(move, "", tuple(events))
    line, more = await speak(at, ask, keys, move, option, tries=TRIES)
    return Decided(move, line, (*events, *more))


def tempered(chances: Sequence[float], temperature: float) -> list[float]:
    """p to the power 1/temperature, renormalised; temperature 0 leaves only the largest (the first of equals)."""
    best = max(range(len(chances)), key=lambda index: chances[index])
    if temperature <= 0.01:
        return [float(index == best) for index in range(len(chances))]
    raised = [(p / chances[best]) ** (1 / temperature) for p in chances]
    total = sum(raised)
    return [p / total for p in raised]


async def compose(at: Seated, ask: Ask, keys: Keys) -> Decided:
    """One JSON object; repaired at most twice by asking with the error."""
    key = keys.next("decide")
    reply = await ask(at.prompter.compose(at.state, at.seen, at.play, key))
    events = at.dropped(key, reply, matters=("schema",))
    free = at.seat in at.law.free
    found = parse.composed(reply, at.seen.options, free=free)
    for _ in range(REPAIRS):
        if not isinstance(found, parse.Malformed):
            break
        events.append(at.degraded(key, found.kind, found.why))
        again = at.prompter.again(found.why, reply.text)
        key = keys.next("repair")
        reply = await ask(at.prompter.compose(at.state, at.seen, at.play, key, more=again))
        found = parse.composed(reply, at.seen.options, free=free)
    if isinstance(found, parse.Malformed):
        return seat_failed(at, key, found.why, [*events, at.degraded(key, found.kind, found.why)])
    if found.repaired:
        events.append(at.degraded(key, "repaired", "the JSON had to be mended"))
    if found.option is None:
        return await free_move(at, ask, keys, found, key, events)
    option = found.option
    others = [seat for seat in at.law.scenario.seats if seat != at.seat]
    listed, rounds = choices(at.law, at.state, at.seen), ahead(at.law, at.state)
    promises = parse.promised(reply, listed, rounds, others)
    if isinstance(promises, parse.Malformed):
        events.append(at.degraded(key, promises.kind, promises.why))
        promises = ()
    move = Move(at.seat, 1, option.action, option.target, found.params, found.reason, found.statement, "compose")
    move = move._replace(promises=promises)
    events.append(chosen(at, move, Cause(kind="call", id=key)))
    if not option.public or not found.statement.strip():
        return Decided(move, "", tuple(events))
    words = " ".join(found.statement.split())
    why = speech.failed(words, ground(at, ""))
    if not why:
        return Decided(move, words, (*events, spoken(at, move, words, key)))
    line, more = await speak(at, ask, keys, move, option, tries=1, refused=words)
    return Decided(move, line, (*events, *more))


async def free_move(at: Seated, ask: Ask, keys: Keys, found: parse.Chosen, key: str, events: list[AnyEvent]) -> Decided:
    """A move in the seat's own words: a referee's call maps it onto declared, bounded effects."""
    move = Move(at.seat, 1, FREE, reason=found.reason, style="compose", attempt=" ".join(found.attempt.split())[:300])
    events.append(chosen(at, move, Cause(kind="call", id=key)))
    ids = effect_ids(at.law, at.state, at.seat)
    assert at.law.scenario.free is not None
    where = keys.next("referee")
    reply = await ask(at.prompter.referee(at.state, at.seen, at.play, move, where))
    mapped = parse.effects(reply, ids, at.law.scenario.free.at_most)
    if isinstance(mapped, parse.Malformed):
        events.append(at.degraded(where, mapped.kind, mapped.why))
        mapped = ()
    events.append(ev.FreeMoveMapped(**at.common(Cause(kind="call", id=where)), seat=at.seat, n=1, effects=mapped))
    return Decided(move._replace(effects=mapped), "", tuple(events))


def seat_failed(at: Seated, key: str, why: str, events: list[AnyEvent]) -> Decided:
    """No usable answer: the seat passes, at no cost, by event."""
    failed = ev.SeatFailed(**at.common(Cause(kind="call", id=key)), seat=at.seat, why=why[:200])
    return Decided(Move(at.seat, 1, WAIT, style="compose"), "", (*events, failed), judged=False)


async def speak(
    at: Seated, ask: Ask, keys: Keys, move: Move, option: Option, *, tries: int, refused: str = ""
) -> tuple[str, list[AnyEvent]]:
    """The words for a move that others see, or none: each candidate is checked, the first that stands is kept.
    `refused` are words that were said without being asked for, and failed."""
    against = ground(at, option.stem)
    why: tuple[str, ...] = speech.failed(refused, against._replace(stem="")) if refused else ()
    runs = speech.repeated(refused, against)
    events: list[AnyEvent] = []
    key = ""
    for _ in range(tries):
        key = keys.next("speak")
        reply = await ask(speak_call(at, option, key, ", ".join(why), runs))
        if reply.outcome != "ok":  # cut, refused, filtered, empty: recorded, whether or not its words stand
            events.append(at.degraded(key, reply.outcome, "a spoken line"))
        if key.endswith("/1"):
            events += at.dropped(key, reply, matters=("copying",))
        words = parse.spoken_words(reply, option.stem)
        why = (
            (f"the answer was {reply.outcome}",)
            if reply.outcome in ("refused", "filtered", "empty")
            else speech.failed(words, against)
        )
        if not why:
            line = f"{option.stem} {words}".strip()
            return line, [*events, spoken(at, move, line, key)]
        runs += speech.repeated(words, against)
    return "", [*events, ev.WordsRefused(**at.common(Cause(kind="call", id=key)), seat=at.seat, n=move.n, why=why)]


def spoken(at: Seated, move: Move, line: str, key: str) -> AnyEvent:
    """The event of a line: for everyone, or for those who see the move done."""
    readers = readers_of(at.law, move)
    return ev.LineSpoken(**at.common(Cause(kind="call", id=key)), audience=readers, seat=at.seat, n=move.n, line=line)


def ground(at: Seated, stem: str) -> speech.Ground:
    """What this seat's line is checked against."""
    law, seen = at.law, at.seen
    own = law.scenario.seats[at.seat].plays
    others = [
        label
        for name, label in law.labels.items()
        if name not in (own, at.seat)
        and (name in law.scenario.seats or name in {seat.plays for seat in law.scenario.seats.values()})
    ]
    earlier = [line.text for line in seen.record if line.speaker]
    texts = [line.text for line in seen.record if not line.speaker] + [
        option.label + " " + option.purpose for option in seen.options
    ]
    texts += map(line_of, seen.boards)
    told = [line.text for line in seen.notebook if not line.text.startswith(("We chose to ", "We wrote to "))]
    private = [*(fact.fact for fact in law.personas[at.seat].private), *told]
    mine = [law.personas[at.seat].organisation, law.labels[at.seat], law.labels[own]]
    return speech.Ground(stem, earlier, at.prompter.prompts["speak"], private, others, texts, seen.public, mine)
