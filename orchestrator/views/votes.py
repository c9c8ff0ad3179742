"""Who answered what, behind the count of a decision: told where the members differ, give a reason or fail."""

from collections.abc import Iterator, Sequence

from orchestrator.core import events as ev
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.views.markdown import escaped, listed, plain


def ballots(law: Law, events: Sequence[AnyEvent]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(seats that were asked, date, sentence) of each decided question of one round that has more to tell."""
    asked = {event.n: event for event in events if isinstance(event, ev.QuestionAsked)}
    given: dict[int, list[ev.AnswerGiven | ev.AnswerFailed]] = {}
    for event in events:
        if isinstance(event, ev.AnswerGiven | ev.AnswerFailed):
            given.setdefault(event.n, []).append(event)
    for number, held in given.items():
        said: dict[str, list[str]] = {}
        for answer in held:
            said.setdefault(_said(answer), []).append(escaped(law.labels[answer.member]))
        if len(said) == 1 and not plain(held[0].why):
            continue
        about = asked[number].about
        what = f"“{escaped(about)}”" if about.endswith("?") else f"whether {escaped(about)}"
        each = "; ".join(f"{listed(members)}: {words}" for words, members in said.items())
        yield asked[number].seats, held[0].to, f"asked {what}, {each}"


def _said(event: ev.AnswerGiven | ev.AnswerFailed) -> str:
    """An answer with its reason: a model's in quotes, of a persona's line its condition."""
    why = escaped(event.why) if plain(event.why) else ""
    if isinstance(event, ev.AnswerFailed):
        return f"no usable answer ({why})"
    if not why:
        return event.answer
    return f"{event.answer}, “{why}”" if event.style != "policy" else f"{event.answer} ({why})"
