"""How a seat decides where a turn has several moves, or a menu too long for one question.

On policy it draws from its persona's rules once for each move, until one of them says to wait; a model that
chooses is asked for an action, for its target, and for a further move; one that composes writes a list.
"""

from typing import NamedTuple

from orchestrator.core import events as ev
from orchestrator.core import parse, speech
from orchestrator.core.dice import pick, roll
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.law import CAction
from orchestrator.core.menus import choose_action, choose_target, compose_moves
from orchestrator.core.movelist import MoveList, composed_moves
from orchestrator.core.observe import default_params, find_option
from orchestrator.core.policy import weights
from orchestrator.core.seated import Ask, Keys, Seated
from orchestrator.core.turn import WAIT, Move, Option
from orchestrator.core.turns import BESIDE, Group, left, policy_turn
from orchestrator.runtime.deciding import (
    REPAIRS,
    TRIES,
    Decided,
    chosen,
    ground,
    seat_failed,
    speak,
    spoken,
    tempered,
)


class Said(NamedTuple):
    """A move with the line that stands, and the events of both."""

    move: Move
    line: str
    events: tuple[AnyEvent, ...]


async def decide_several(at: Seated, ask: Ask) -> Decided:
    """All moves of one seat's turn, with the events that tell how they came about."""
    if at.play.by == "policy":
        return _decided([_on_policy(at, move) for move in policy_turn(at.law, at.state, at.seen)])
    keys = Keys(at.state.round, at.seat)
    return await (_choose(at, ask, keys) if at.play.style == "choose" else _compose(at, ask, keys))


def _decided(said: list[Said], before: tuple[AnyEvent, ...] = (), after: tuple[AnyEvent, ...] = ()) -> Decided:
    events = (*before, *(event for one in said for event in one.events), *after)
    first, *rest = said
    return Decided(first.move, first.line, events, rest=tuple((one.move, one.line) for one in rest))


def _on_policy(at: Seated, move: Move) -> Said:
    if move.action == WAIT:
        return Said(move, "", ())  # `round` tells it once for all who wait
    cause = Cause(kind="move", id=f"{at.seat}/{move.action}")
    return Said(move, "", (chosen(at, move, cause),))


# --- a model that chooses ----------------------------------------------------------------------------------


async def _choose(at: Seated, ask: Ask, keys: Keys) -> Decided:
    said: list[Said] = []
    told: list[str] = []
    tilts = dict(zip([option.id for option in at.seen.options], weights(at.law, at.state, at.seen), strict=True))
    for n in range(1, at.law.scenario.turns.actions_per_turn + BESIDE + 1):
        taken = [(one.move.action, one.move.target) for one in said]
        open_ = tuple(left(at.law, at.seat, at.seen.options, taken))
        if len(open_) <= 1:
            break
        picked = await _pick(at._replace(seen=at.seen._replace(options=open_)), ask, keys, n, tilts, told)
        if isinstance(picked, Decided):
            return picked if not said else _decided(said, after=picked.events)
        option, move, events = picked
        if move.action == WAIT:
            return _decided(said, after=tuple(events)) if said else Decided(move, "", tuple(events))
        line, more = ("", []) if not option.stem else await speak(at, ask, keys, move, option, tries=TRIES)
        said.append(Said(move, line, (*events, *more)))
        told.append(option.label[:1].lower() + option.label[1:])
    return _decided(said) if said else Decided(Move(at.seat, 1, WAIT, style="choose"), "", ())


async def _pick(
    at: Seated, ask: Ask, keys: Keys, n: int, tilts: dict[str, float], told: list[str]
) -> tuple[Option, Move, list[AnyEvent]] | Decided:
    """The n-th move: an action, then its target, each by the model's first token and the persona's weights."""
    key = keys.next("decide")
    call, shown, names = choose_action(at.prompter, at.state, at.seen, at.play, key, told)
    reply = await ask(call)
    events = at.dropped(key, reply, matters=("logprobs", "choices"))
    found = _masses(reply, names)
    if isinstance(found, str):
        what = "off_menu" if reply.outcome in ("ok", "length") else reply.outcome
        return seat_failed(at, key, found, [*events, at.degraded(key, what, found)])
    masses, mass = found
    tilt = [sum(tilts[option.id] for option in group.options) / len(group.options) for group in shown]
    chances = tempered([p * weight for p, weight in zip(masses, tilt, strict=True)], at.play.temperature)
    group = shown[pick(chances, roll(at.state.seed, f"r{at.state.round}", at.seat, "choose", n))]
    option = group.options[0]
    if len(group.options) > 1:
        towards = await _towards(at, ask, keys, n, group, tilts, told)
        if isinstance(towards, Decided):
            return towards._replace(events=(*events, *towards.events))
        option, key, more = towards
        events += more
    move = Move(at.seat, n, option.action, option.target, default_params(option, {}), style="choose")
    menu = list(zip(names, chances, strict=True))
    if move.action != WAIT or not told:
        events.append(chosen(at, move, Cause(kind="call", id=key), menu=menu, mass=mass))
    return option, move, events


async def _towards(
    at: Seated, ask: Ask, keys: Keys, n: int, group: Group, tilts: dict[str, float], told: list[str]
) -> tuple[Option, str, list[AnyEvent]] | Decided:
    """(the move of this action with its target, key of the question, events)."""
    key = keys.next("decide")
    call, names = choose_target(at.prompter, at.state, at.seen, at.play, key, group, told)
    reply = await ask(call)
    found = _masses(reply, names)
    if isinstance(found, str):
        what = "off_menu" if reply.outcome in ("ok", "length") else reply.outcome
        return seat_failed(at, key, found, [at.degraded(key, what, found)])
    weighed = [p * tilts[option.id] for p, option in zip(found[0], group.options, strict=True)]
    die = roll(at.state.seed, f"r{at.state.round}", at.seat, "choose", n, "target")
    return group.options[pick(tempered(weighed, at.play.temperature), die)], key, []


def _masses(reply: parse.Reply, names: tuple[str, ...]) -> tuple[list[float], float | None] | str:
    """(probability of each name, mass on the menu where it is known); or why none was named."""
    found = parse.menu_masses(reply, names)
    if found is not None:
        return found
    index = parse.named(reply, names)
    if index is None:
        named = reply.outcome in ("ok", "length")
        return f"it named no open move ({reply.text[:40]!r})" if named else f"the answer was {reply.outcome}"
    return [float(i == index) for i in range(len(names))], None


# --- a model that composes ---------------------------------------------------------------------------------


async def _compose(at: Seated, ask: Ask, keys: Keys) -> Decided:
    key = keys.next("decide")
    reply = await ask(compose_moves(at.prompter, at.state, at.seen, at.play, key))
    events = at.dropped(key, reply, matters=("schema",))
    found = composed_moves(at.law, at.seat, reply, at.seen.options)
    for _ in range(REPAIRS):
        if isinstance(found, MoveList):
            break
        events.append(at.degraded(key, found.kind, found.why))
        again = at.prompter.again(found.why, reply.text)
        key = keys.next("repair")
        reply = await ask(compose_moves(at.prompter, at.state, at.seen, at.play, key, more=again))
        found = composed_moves(at.law, at.seat, reply, at.seen.options)
    if not isinstance(found, MoveList):
        return seat_failed(at, key, found.why, [*events, at.degraded(key, found.kind, found.why)])
    if found.repaired:
        events.append(at.degraded(key, "repaired", "the JSON had to be mended"))
    if found.over:
        events.append(at.degraded(key, "off_menu", f"{found.over} more moves than a turn holds are left out"))
    cause = Cause(kind="call", id=key)
    if not found.moves:
        wait = Move(at.seat, 1, WAIT, reason=found.reason, style="compose")
        return Decided(wait, "", (*events, chosen(at, wait, cause)))
    reasons = [found.reason, *[""] * len(found.moves)]
    said = [await _said(at, ask, keys, move._replace(reason=why), key)
            for move, why in zip(found.moves, reasons, strict=False)]  # fmt: skip
    return _decided(said, tuple(events))


async def _said(at: Seated, ask: Ask, keys: Keys, move: Move, key: str) -> Said:
    """A composed move as it is told, with its words where they may stand."""
    cause = Cause(kind="call", id=key)
    if move.unlisted:
        named = ev.OffList(**at.common(cause), audience=(at.seat,), seat=at.seat, n=move.n, action=move.action)
        return Said(move, "", (named,))
    told = chosen(at, move, cause)
    action: CAction = at.law.actions[at.seat][move.action]
    option = find_option(at.seen.options, move.action, move.target)
    words = move.statement
    if option is None or not words or not (option.public or action.words):
        return Said(move, "", (told,))
    why = speech.failed(words, ground(at, ""))
    if not why:
        return Said(move, words, (told, spoken(at, move, words, key)))
    if not option.stem:
        refused = ev.WordsRefused(**at.common(cause), seat=at.seat, n=move.n, why=why)
        return Said(move, "", (told, refused))
    line, more = await speak(at, ask, keys, move, option, tries=1, refused=words)
    return Said(move, line, (told, *more))
