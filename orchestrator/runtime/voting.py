"""How a question is answered: each member by itself, by its persona's lines or by a model of its own call."""

from collections.abc import Sequence

from orchestrator.core import events as ev
from orchestrator.core import parse
from orchestrator.core.answering import Question, observe_member, policy_answer, tilts
from orchestrator.core.dice import pick, roll
from orchestrator.core.events import AnyEvent, Cause, SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.prompts import Prompter
from orchestrator.core.seated import Ask, Keys, Seated
from orchestrator.core.state import RunState
from orchestrator.core.value import rounded
from orchestrator.core.votecalls import vote_call
from orchestrator.runtime.deciding import REPAIRS, tempered


async def answer(
    law: Law, prompter: Prompter, state: RunState, play: SeatPlay, question: Question, keys: Keys, ask: Ask
) -> list[AnyEvent]:
    """One member's answer with the events of how it came about; an answer that failed is one of them."""
    if play.by != "model":
        return [policy_answer(law, state, question)]
    at = Seated(law, prompter, state, observe_member(law, state, question), play)
    return await (_choose if play.style == "choose" else _compose)(at, question, keys, ask)


def once_dropped(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The events, where members of one seat found the same setting dropped it is told once."""
    seen: set[tuple[str, str]] = set()
    kept: list[AnyEvent] = []
    for event in events:
        if isinstance(event, ev.AnswerDegraded) and event.what == "dropped":
            if (event.seat, event.detail) in seen:
                continue
            seen.add((event.seat, event.detail))
        kept.append(event)
    return kept


async def _choose(at: Seated, question: Question, keys: Keys, ask: Ask) -> list[AnyEvent]:
    """The model's first token over yes and no, times the weights of the persona's lines, picked by a die."""
    key = keys.next("vote")
    call = vote_call(at, question, key)
    reply = await ask(call)
    events = at.dropped(key, reply, matters=("logprobs", "choices"))
    found = parse.menu_masses(reply, call.shape.choices)
    mass = None if found is None else found[1]
    if found is None:
        index = parse.named(reply, call.shape.choices)
        if index is None:
            said = reply.outcome in ("ok", "length")
            why = f"it said neither yes nor no ({reply.text[:40]!r})" if said else f"the answer was {reply.outcome}"
            flaw = at.degraded(key, "off_menu" if said else reply.outcome, why)
            return [*events, flaw, _failed(at, question, key, why)]
        found = [float(number == index) for number in range(len(call.shape.choices))], 1.0
    tilt = tilts(at.law, at.state, question)
    chances = tempered(
        [p * tilt[word] for word, p in zip(call.shape.choices, found[0], strict=True)], at.play.temperature
    )
    die = roll(at.state.seed, *question.dice(at.state.round, "choose"))
    word = call.shape.choices[pick(chances, die)]
    menu = tuple((name, rounded(p)) for name, p in zip(call.shape.choices, chances, strict=True))
    return [*events, _given(at, question, key, word, menu=menu, mass=None if mass is None else rounded(mass))]


async def _compose(at: Seated, question: Question, keys: Keys, ask: Ask) -> list[AnyEvent]:
    """One JSON object; repaired at most twice by asking with the error, each time in a call of its own."""
    key = keys.next("vote")
    reply = await ask(vote_call(at, question, key))
    events = at.dropped(key, reply, matters=("schema",))
    found = parse.answer(reply)
    for _ in range(REPAIRS):
        if not isinstance(found, parse.Malformed):
            break
        events.append(at.degraded(key, found.kind, found.why))
        again = at.prompter.again(found.why, reply.text)
        key = keys.next("vote")
        reply = await ask(vote_call(at, question, key, again))
        found = parse.answer(reply)
    if isinstance(found, parse.Malformed):
        return [*events, at.degraded(key, found.kind, found.why), _failed(at, question, key, found.why)]
    word, reason, repaired = found
    if repaired:
        events.append(at.degraded(key, "repaired", "the JSON had to be mended"))
    return [*events, _given(at, question, key, word, reason=reason)]


def _given(
    at: Seated,
    question: Question,
    key: str,
    word: str,
    *,
    reason: str = "",
    menu: Sequence[tuple[str, float]] = (),
    mass: float | None = None,
) -> AnyEvent:
    """The answer; the member's own notebook keeps it, with its reason."""
    about = question.held.about
    asked = f"Asked “{about}”" if about.endswith("?") else f"Asked whether {about}"
    because = f" Our reason: {' '.join(reason.split())[:160]}" if reason.strip() else ""
    return ev.AnswerGiven(
        **at.common(
            Cause(kind="call", id=key),
            **{name: value for name, value in question.common.items() if name != "to"},
            text=f"{asked}, we answered {word}.{because}",
            audience=(question.member,),
        ),
        answer="yes" if word == "yes" else "no", why=reason[:300], style=at.play.style, menu=tuple(menu), mass=mass,
    )  # fmt: skip


def _failed(at: Seated, question: Question, key: str, why: str) -> AnyEvent:
    common = {name: value for name, value in question.common.items() if name != "to"}
    return ev.AnswerFailed(**at.common(Cause(kind="call", id=key), **common, audience=()), why=why[:200])
