"""How what happens in a run reads, in words and numbers: shared by the live screen and the plain lines.

Nothing here prints and nothing knows a terminal. Whoever runs the exercise sees everything: what only some
seats may read is told too, and marked with who reads it. All text that a model, a scenario or a server wrote
passes through `words` before it goes on.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from orchestrator.cli.output import clean
from orchestrator.core import events as ev
from orchestrator.core.calendar import civil, day_number, spoken
from orchestrator.core.draft import label_of_instance, scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.events import AnyEvent, VerdictGiven
from orchestrator.core.law import Law
from orchestrator.core.state import RunState
from orchestrator.core.text import render
from orchestrator.core.turn import FREE, WAIT

MARKS = {"uncalibrated": "uncal.", "useful": "", "weak": "weak", "chance": "chance"}
"""Calibration of a judge -> the short mark beside its score."""
_SAID = {
    "uncalibrated": "uncalibrated",
    "useful": "calibrated",
    "weak": "by a weak judge",
    "chance": "by a judge no better than chance",
}


class Entry(NamedTuple):
    """One dated line of what happened."""

    date: str
    """ISO."""
    text: str
    readers: tuple[str, ...] | None = None
    """Labels of the seats who read it; None: everyone."""
    mark: str = ""
    """`bell`: a warning sign; `fault`: something did not happen as the rules were asked to."""


class Moved(NamedTuple):
    """A number that is another one than when the round began."""

    label: str
    was: str
    now: str
    unit: str
    """Of all three; empty where the label says enough."""
    change: str
    """With its sign."""
    rose: bool
    private: bool
    """Only some seats see it."""


class Note(NamedTuple):
    """Something that went otherwise than asked in a seat's turn."""

    text: str
    grave: bool = False
    """It changed what happened, and not only how an answer was got."""


def words(text: str) -> str:
    """Foreign text as one line without controls."""
    return " ".join((text if text.isprintable() else clean(text)).split())


def capital(text: str) -> str:
    """The text with its first letter as at the start of a sentence."""
    return text[:1].upper() + text[1:]


def dates(first: str, last: str) -> str:
    """Two ISO dates as `1 July to 30 September 2023`."""
    one, two = spoken(day_number(first)), spoken(day_number(last))
    if one == two:
        return one
    return f"{one.removesuffix(first[:4]).strip() if first[:4] == last[:4] else one} to {two}"


def short_date(iso: str) -> str:
    """`2023-07-01` as `1 Jul`."""
    _, _, day = civil(day_number(iso))
    return f"{day} {spoken(day_number(iso)).split()[1][:3]}"


def full_date(iso: str) -> str:
    """`2023-07-01` as `1 July 2023`."""
    return spoken(day_number(iso))


def duration(seconds: float) -> str:
    """`7 s`, `2 min 05 s`, `1 h 02 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def label_of(law: Law, state: RunState, entity: str) -> str:
    """What people call an entity, a seat or a process instance; its id in words where it is not known yet."""
    held = law.labels.get(entity)
    if held is not None:
        return words(held)
    if entity not in state.instances:
        return words(entity.replace("_", " "))
    return words(label_of_instance(law, state, entity, scene_of(law, state)))


def move_words(law: Law, state: RunState, event: ev.MoveChosen) -> str:
    """The chosen move in the words of its menu, with its parameters; `state` is that of the round."""
    if event.action == WAIT:
        return "Wait"
    if event.action == FREE:
        return f"On its own: {words(event.attempt)}"
    chosen = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in event.params.items())
    return words(_label(law, state, event) + (f" [{chosen}]" if chosen else ""))


def _label(law: Law, state: RunState, event: ev.MoveChosen) -> str:
    action = law.actions[event.seat].get(event.action)
    target = {} if event.target is None else {"target": event.target}
    if action is not None:
        scene = scene_of(law, state, {"self": law.scenario.seats[event.seat].plays, "seat": event.seat, **target})
        try:
            return render(action.label, scene, lambda entity: label_of(law, state, entity))
        except ARITHMETIC:
            pass  # the target began within this round, and the round's first state does not know it: by its id
    return " ".join((event.action.replace("_", " "), *(label_of(law, state, name) for name in target.values())))


def score(verdicts: Sequence[VerdictGiven]) -> str:
    """`4.1 uncal.`; of a panel `4.1/3.4 uncal.`; a star where a judge is the seat's own model."""
    marks = list(dict.fromkeys(MARKS[verdict.calibration] for verdict in verdicts))
    each = "/".join(f"{verdict.score:.1f}{'*' if verdict.same_model else ''}" for verdict in verdicts)
    return " ".join((each, *(mark for mark in marks if mark)))


def judged(verdict: VerdictGiven) -> str:
    """A verdict in a sentence."""
    own = ", the seat's own model" if verdict.same_model else ""
    reason = words(verdict.reason)
    return (
        f"plausibility {verdict.score:.1f} of 5 ({_SAID[verdict.calibration]}; judge {words(verdict.judge)}{own})"
        + (f": {reason}" if reason else "")
    )


def legend(verdicts: Iterable[VerdictGiven]) -> str:
    """What the marks beside these scores mean; empty without scores."""
    held = list(verdicts)
    if not held:
        return ""
    judges = ", ".join(dict.fromkeys(words(verdict.judge) for verdict in held))
    parts = [f"Scores: plausibility, 1 to 5, by {judges}."]
    found = {verdict.calibration for verdict in held}
    if "uncalibrated" in found:
        parts.append("uncal.: uncalibrated, nobody has measured how good this judge is.")
    if "weak" in found:
        parts.append("weak: this judge is a little better than chance.")
    if "chance" in found:
        parts.append("chance: this judge is no better than chance.")
    if any(verdict.same_model for verdict in held):
        parts.append("*: by the seat's own model.")
    return " ".join(parts)


def note(event: AnyEvent) -> Note | None:
    """What went otherwise than asked in a seat's turn, as a clause; None for every other event."""
    match event:
        case ev.WordsRefused():
            return Note(f"nothing said; refused for {words(', '.join(event.why))}")
        case ev.MessageRefused():
            return Note(f"message not delivered: {words(', '.join(event.why))}")
        case ev.SeatFailed():
            return Note(f"no usable answer: {words(event.why)}", grave=True)
        case ev.JudgeFailed():
            return Note(f"not judged: {words(event.why)}", grave=True)
        case ev.AnswerDegraded(what="dropped"):
            return Note(f"the backend does not honour {words(event.detail)}")
        case ev.AnswerDegraded():
            detail = f": {words(event.detail)}" if event.detail else ""
            return Note(f"{words(event.call)} answer {event.what.replace('_', ' ')}{detail}")
        case ev.ActionRefused():
            return Note(f"refused by the rules: {words(event.why)}", grave=True)
        case ev.OffList():
            return Note(f"names “{words(event.action)}”, which is on no list", grave=True)
        case ev.AnswerFailed():
            return Note(f"no usable answer: {words(event.why)}", grave=True)
        case ev.ActionTaken(succeeded=False):
            return Note("without success", grave=True)
        case _:
            return None


def vote_words(event: ev.AnswerGiven) -> str:
    """What a model answered a question: `Yes: the wind is fair`."""
    why = words(event.why)
    return capital(event.answer) + (f": {why}" if why else "")


def told(law: Law, events: Iterable[AnyEvent]) -> list[Entry]:
    """The record of a round in order: what everyone reads, what a move did out of sight, bells, faults."""
    found: list[Entry] = []
    for event in events:
        readers = (
            None
            if event.audience is None or set(event.audience) >= set(law.scenario.seats)
            else _labels(law, event.audience)
        )
        match event:
            case ev.ReportArrived(bell=True):
                found.append(Entry(event.to, words(event.text), readers, "bell"))
            case ev.ActionTaken() | ev.QuestionDecided() if event.text and readers != ():
                found.append(Entry(event.to, words(event.text), readers))
            case ev.MessageSent():
                to = ", ".join(_labels(law, event.recipients))
                said = f"{words(law.labels[event.seat])} to {to}: “{words(event.words)}”"
                circle = (event.seat, *event.recipients)
                everyone = set(circle) >= set(law.scenario.seats)
                found.append(Entry(event.to, said, None if everyone else _labels(law, circle)))
            case ev.RuleFailed():
                found.append(
                    Entry(event.to, f"{words(event.cause.id)} came to nothing: {words(event.what)}", (), "fault")
                )
            case ev.Conflict():
                what = f"{event.entity}.{event.variable}"
                found.append(Entry(event.to, f"{what} was assigned two values and stays as it was", (), "fault"))
            case ev.ProcessRefused():
                found.append(Entry(event.to, f"{words(event.process)} did not begin: {words(event.why)}", (), "fault"))
            case _ if event.text and readers is None:
                found.append(Entry(event.to, words(event.text)))
            case _:
                pass
    return found


def _labels(law: Law, seats: Iterable[str]) -> tuple[str, ...]:
    return tuple(words(law.labels[seat]) for seat in seats)


def moved(law: Law, before: RunState, after: RunState) -> list[Moved]:
    """The indicators that read otherwise than when the round began, in the scenario's order."""
    earlier, scene = scene_of(law, before), scene_of(law, after)
    found: list[Moved] = []
    for item in law.indicators:
        try:
            was, now = item.value.run(earlier), item.value.run(scene)
        except ARITHMETIC:
            continue  # an indicator without a value is not shown
        if (change := _moved(item.digits, was, now)) is not None:
            unit = "" if "=" in item.unit else words(item.unit)  # `start = 100` explains an index; it is no unit
            one, two = (f"{value:,.{item.digits}f}" for value in (was, now))
            delta = f"{change:+,.{item.digits}f}"
            found.append(Moved(capital(words(item.label)), one, two, unit, delta, change > 0, item.visible is not None))
    return found


def _moved(digits: int, was: Any, now: Any) -> float | None:
    """The change as shown; None where none shows."""
    change = round(round(now, digits) - round(was, digits), digits)
    return change or None


def ending(law: Law, after: RunState) -> str:
    """The label of the ending reached; empty while the run goes on."""
    return words(law.scenario.endings[after.ending].label) if after.ended and after.ending else ""
