"""The judge at work: every move on its own, blind to the model behind it, each judge of a panel by itself."""

from orchestrator.core import events as ev
from orchestrator.core import parse
from orchestrator.core.design import JudgePlay
from orchestrator.core.events import AnyEvent, Cause, SeatPlay
from orchestrator.core.seated import Ask, Keys, Seated
from orchestrator.core.turn import Move

REPAIRS = 1
"""Most repair calls for one verdict."""


async def judge_move(
    at: Seated, move: Move, line: str, judge: JudgePlay, ask: Ask, keys: Keys | None = None
) -> list[AnyEvent]:
    """The verdicts on a move, one a judge; a judge without a usable answer is an event.

    `keys` numbers the calls on, where a turn has several moves.
    """
    keys = keys or Keys(at.state.round, at.seat)
    events: list[AnyEvent] = []
    for play in judge.plays:
        events += await _verdict(at, move, line, play, keys, ask)
    return events


async def _verdict(at: Seated, move: Move, line: str, play: SeatPlay, keys: Keys, ask: Ask) -> list[AnyEvent]:
    key = keys.next("judge")
    reply = await ask(at.prompter.judge(at.state, at.seen, play, move, line, key))
    events = at.dropped(key, reply, matters=("logprobs", "schema"))
    found = parse.verdict(reply)
    for _ in range(REPAIRS):
        if not isinstance(found, parse.Malformed):
            break
        events.append(at.degraded(key, found.kind, found.why))
        again = at.prompter.again(found.why, reply.text)
        key = keys.next("judge")
        reply = await ask(at.prompter.judge(at.state, at.seen, play, move, line, key, more=again))
        found = parse.verdict(reply)
    cause = Cause(kind="call", id=key)
    if isinstance(found, parse.Malformed):
        events.append(at.degraded(key, found.kind, found.why))
        return [*events, ev.JudgeFailed(**at.common(cause), seat=at.seat, n=move.n, why=found.why[:200])]
    verdict, repaired = found
    if repaired:
        events.append(at.degraded(key, "repaired", "the JSON had to be mended"))
    given = ev.VerdictGiven(
        **at.common(cause),
        seat=at.seat,
        n=move.n,
        score=verdict.score,
        ratings=verdict.ratings,
        reason=verdict.reason,
        method=verdict.method,
        judge=play.model_label or play.model,
        same_model=at.play.by == "model" and at.play.model == play.model,
    )
    return [*events, given]
