"""One round of the chronicle: the public record by its dates, then what stayed behind the curtain.

Sentences are the rules' own. A seat's line stands beneath its move, a verdict beside it in small type; what
came to nothing (a move refused, a seat that failed, words refused) is told in plain sentences.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.boards import number_of, rows_of
from orchestrator.core.design import Design
from orchestrator.core.draft import label_of_instance, scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.events import AnyEvent
from orchestrator.core.expr import Scene
from orchestrator.core.law import CIndicator, Law
from orchestrator.core.state import RunState
from orchestrator.core.text import render
from orchestrator.core.turn import FREE, WAIT
from orchestrator.views.markdown import bullet, capital, day, escaped, listed, paragraph, plain, span, table
from orchestrator.views.projections import model_name
from orchestrator.views.votes import ballots

Key = tuple[str, int]
"""A seat and the number of its move."""


class Teller:
    """Knows what things are called."""

    def __init__(self, law: Law, state: RunState | None = None) -> None:
        self.law = law
        self.state = state or RunState()

    def at(self, state: RunState) -> "Teller":
        return Teller(self.law, state)

    def seat(self, seat: str) -> str:
        """A seat's label, for the beginning of a sentence."""
        return escaped(capital(self.law.labels.get(seat, seat)))

    def entity(self, entity: str) -> str:
        held = self.law.labels.get(entity)
        if held is None and entity in self.state.instances:
            held = label_of_instance(self.law, self.state, entity, scene_of(self.law, self.state))
        return held or entity.replace("_", " ")

    def move(self, seat: str, action: str, target: str | None) -> str:
        """A move in the words of its menu, small at the beginning: `sue Google over the widget`."""
        if action == FREE:
            return "act in a way of its own"
        held = self.law.actions.get(seat, {}).get(action)
        label = action.replace("_", " ")
        if held is not None:
            bound = {"self": self.law.scenario.seats[seat].plays, "seat": seat} | ({"target": target} if target else {})
            try:
                label = render(held.label, scene_of(self.law, self.state, bound), self.entity)
            except ARITHMETIC:
                label = label if target is None else f"{label} ({self.entity(target)})"
        return escaped(label[:1].lower() + label[1:])

    def place(self, path: str) -> str:
        """A path that was set by hand, in words."""
        for item in self.law.scenario.interventions.values():
            if item.sets == path:
                return escaped(item.label)
        head, _, rest = path.partition(".")
        if head == "numbers":
            number = self.law.scenario.numbers.get(rest)
            return escaped((number.label if number else "") or rest.replace("_", " "))
        info = self.law.info_of(head, rest)
        return escaped(f"{self.entity(head)}, {info.label if info else rest}")

    def value(self, value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return (
            "nobody"
            if value is None
            else f"{value:g}"
            if isinstance(value, int | float)
            else escaped(self.entity(str(value)))
        )


class Turns(NamedTuple):
    """What belongs to the moves of a round, by seat and number."""

    chosen: dict[Key, ev.MoveChosen]
    lines: dict[Key, ev.LineSpoken]
    wordless: dict[Key, ev.WordsRefused]
    verdicts: dict[Key, list[ev.VerdictGiven]]
    unjudged: dict[Key, ev.JudgeFailed]
    mapped: dict[Key, ev.FreeMoveMapped]


def turns_of(events: Sequence[AnyEvent]) -> Turns:
    found = Turns({}, {}, {}, {}, {}, {})
    for event in events:
        match event:
            case ev.MoveChosen():
                found.chosen[event.seat, event.n] = event
            case ev.LineSpoken():
                found.lines[event.seat, event.n] = event
            case ev.WordsRefused():
                found.wordless[event.seat, event.n] = event
            case ev.VerdictGiven():
                found.verdicts.setdefault((event.seat, event.n), []).append(event)
            case ev.JudgeFailed():
                found.unjudged[event.seat, event.n] = event
            case ev.FreeMoveMapped():
                found.mapped[event.seat, event.n] = event
            case _:
                pass
    return found


def told_round(
    teller: Teller, number: int, dates: tuple[str, str], events: Sequence[AnyEvent], before: RunState, after: RunState
) -> list[str]:
    """A chapter: heading, chronicle, indicators, what stayed behind the curtain."""
    turns = turns_of(events)
    parts = [f"## Round {number}: {span(*dates)}"]
    public = [part for event in events for part in _public(teller, turns, event)]
    parts += _dated(public) + _passed(teller, turns, events)
    if not public:
        parts.append("Nothing of note becomes public.")
    parts += _numbers(teller.law, before, after)
    return parts + _curtain(teller, turns, events, before, after)


class Told(NamedTuple):
    """A piece of the chronicle on its date."""

    date: str
    text: str
    beneath: tuple[str, ...] = ()
    """Quotes and small type, ready made."""


def _dated(told: Sequence[Told]) -> list[str]:
    """Paragraphs in the order of their dates; the date stands where it is a new one."""
    parts: list[str] = []
    last = ""
    for one in sorted(told, key=lambda held: held.date):
        lead = f"**{day(one.date)}.** " if one.date != last else ""
        last = one.date
        parts += [paragraph(lead + one.text), *one.beneath]
    return parts


def _public(teller: Teller, turns: Turns, event: AnyEvent) -> Iterator[Told]:
    match event:
        case ev.RunEnded() | ev.RunForked() | ev.ValueSet():
            return
        case ev.ActionTaken() if event.text and event.audience is None:
            yield Told(event.to, escaped(capital(event.text)), tuple(_beneath(teller, turns, (event.seat, event.n))))
        case ev.ActionRefused():
            move = teller.move(event.seat, event.action, _target(turns, event))
            text = f"{teller.seat(event.seat)} meant to {move}, and the rules refused it: {escaped(event.why)}."
            yield Told(event.to, text, tuple(_beneath(teller, turns, (event.seat, event.n))))
        case ev.OffList():
            yield Told(event.to, f"{teller.seat(event.seat)} names “{escaped(event.action)}”, which is on no list.")
        case ev.SeatFailed():
            yield Told(event.to, f"{teller.seat(event.seat)} gave no usable answer and passes ({escaped(event.why)}).")
        case _ if event.text and event.audience is None:
            yield Told(event.to, escaped(capital(event.text)))
        case _:
            return


def _target(turns: Turns, event: ev.ActionRefused) -> str | None:
    chosen = turns.chosen.get((event.seat, event.n))
    return chosen.target if chosen is not None else None


def _beneath(teller: Teller, turns: Turns, key: Key) -> Iterator[str]:
    """What was said of a move, and how it was judged."""
    line = turns.lines.get(key)
    if line is not None:
        yield paragraph(f"**{teller.seat(key[0])}:** “{escaped(line.line)}”", lead="> ")
    words = turns.wordless.get(key)
    small = [] if words is None else [f"its words were left out ({escaped('; '.join(words.why))})"]
    small += list(_verdicts(turns, key))
    if small:
        yield paragraph(f"<sub>{capital('; '.join(small))}</sub>")


def _verdicts(turns: Turns, key: Key) -> Iterator[str]:
    """Each verdict on a move, or that there is none."""
    yield from (score(verdict) for verdict in turns.verdicts.get(key, ()))
    if key in turns.unjudged:
        yield f"the judge gave no verdict ({escaped(turns.unjudged[key].why)})"


def score(verdict: ev.VerdictGiven) -> str:
    """A verdict in small type; where the judge is known to be at chance, that instead of its number."""
    if verdict.calibration == "chance":
        return f"judged by {escaped(verdict.judge)}, which is no better than chance: no score is shown"
    judge = "the seat's own model" if verdict.same_model else escaped(verdict.judge)
    said = f": {escaped(verdict.reason)}" if plain(verdict.reason) else ""
    return f"plausibility {verdict.score:.1f} of 5 ({verdict.calibration}; judged by {judge}){said}"


def _passed(teller: Teller, turns: Turns, events: Sequence[AnyEvent]) -> list[str]:
    """Who of the seats that models play only waits, and how that was judged."""
    failed = {event.seat for event in events if isinstance(event, ev.SeatFailed)}
    idle = [
        key
        for key, chosen in turns.chosen.items()
        if chosen.action == WAIT and key[0] not in failed and _watched(teller, chosen)
    ]
    if not idle:
        return []
    judged = [f"{teller.seat(key[0])}: {one}" for key in idle for one in _verdicts(turns, key)]
    waits = "waits and watches" if len(idle) == 1 else "wait and watch"
    parts = [paragraph(f"*{listed([teller.seat(seat) for seat, _ in idle])} {waits}.*")]
    return parts + ([paragraph(f"<sub>{'; '.join(judged)}</sub>")] if judged else [])


def _watched(teller: Teller, chosen: ev.MoveChosen) -> bool:
    """Whether a reader follows this seat: the ones the scenario means for models, and whoever a model plays."""
    return chosen.style != "policy" or teller.law.scenario.seats[chosen.seat].by == "model"


def _numbers(law: Law, before: RunState, after: RunState) -> list[str]:
    rows = [
        _row(item, was, now)
        for item in law.indicators
        if item.visible is None
        for was, now in _reading(law, item, before, after)
    ]
    moved = [row for row in rows if row[3]]
    boards = list(_boards(law, before, after))
    if not moved:
        return boards or (["*None of the public figures moves.*"] if rows else [])
    return [table(("", "before", "now", "change"), moved, right=(1, 2, 3)), *boards]


def _boards(law: Law, before: RunState, after: RunState, visible_to: str = "public") -> Iterator[str]:
    """A table a board: a line an entity, each number with its change over the round."""
    for key, board in law.scenario.boards.items():
        rows = rows_of(law, after, key, before.values) if board.visible_to == visible_to else ()
        heads = {cell.label: cell.unit for row in rows for cell in row.cells}
        if heads:
            body = [
                (escaped(capital(row.label)), *(escaped(number_of(cell)) for cell in row.cells))
                for row in rows
                if len(row.cells) == len(heads)
            ]
            named = (escaped(f"{label} ({unit})" if unit else label) for label, unit in heads.items())
            yield table(("", *named), body, right=tuple(range(1, len(heads) + 1)))


def _row(item: CIndicator, was: float | None, now: float) -> tuple[str, str, str, str]:
    name = escaped(capital(item.label) + (f" ({item.unit})" if item.unit else ""))
    # From the figures as shown, so that a reader who adds them up finds the same.
    change = round(round(now, item.digits) - round(was, item.digits), item.digits) if was is not None else 0
    return (
        name,
        "" if was is None else f"{was:,.{item.digits}f}",
        f"{now:,.{item.digits}f}",
        f"{change:+,.{item.digits}f}" if change else "",
    )


def _reading(law: Law, item: CIndicator, before: RunState, after: RunState) -> Iterator[tuple[float | None, float]]:
    """(value at the end of the round before, value at the end of this one); nothing where it has none."""
    now = _figure(item, scene_of(law, after))
    if now is not None:
        yield _figure(item, scene_of(law, before)), now


def _figure(item: CIndicator, scene: Scene) -> float | None:
    try:
        return float(item.value.run(scene))
    except ARITHMETIC:
        return None


def _curtain(teller: Teller, turns: Turns, events: Sequence[AnyEvent], before: RunState, after: RunState) -> list[str]:
    """What only some seats could know, by whom, each item with its date."""
    by_reader: dict[tuple[str, ...], list[str]] = {}
    for event in sorted(events, key=lambda held: held.to):
        for text, beneath in _secret(teller, turns, event):
            by_reader.setdefault(_readers(teller.law, _circle(event)), []).append(
                "\n".join([f"{day(event.to)}: {text}", *beneath])
            )
    for seats, date, text in ballots(teller.law, events):
        by_reader.setdefault(_readers(teller.law, seats), []).append(f"{day(date)}: {text}")
    for item in teller.law.indicators:
        if item.visible is not None:
            readers = _readers(teller.law, item.visible)
            for was, now in _reading(teller.law, item, before, after):
                name, old, new, change = _row(item, was, now)
                if change:
                    by_reader.setdefault(readers, []).append(f"{name}: {old} → {new}")
    hidden = list(_boards(teller.law, before, after, "hidden"))
    if not by_reader and not hidden:
        return []
    parts = ["### Behind the curtain", "*Secret: known only to those named.*"]
    for readers, items in by_reader.items():
        who = f"Only {listed([teller.seat(seat) for seat in readers])}" if readers else "Nobody at the table"
        parts += [f"**{who}:**", "\n".join(_item(item) for item in items)]
    return parts + (["**On no player's board:**", *hidden] if hidden else [])


def _circle(event: AnyEvent) -> tuple[str, ...]:
    """The seats that know of it: of a private message those who read it as well."""
    own = event.audience or ()
    return (*own, *event.recipients) if isinstance(event, ev.MessageSent) else own


def _readers(law: Law, seats: Collection[str]) -> tuple[str, ...]:
    """Seats in the scenario's order, so that one circle of readers is named once; of a member its seat."""
    there = {law.seat_of.get(seat, seat) for seat in seats}
    return tuple(seat for seat in law.scenario.seats if seat in there)


def _item(item: str) -> str:
    first, *rest = item.split("\n")
    return "\n".join([bullet(first), *(f"  {line}" for line in rest)])


def _secret(teller: Teller, turns: Turns, event: AnyEvent) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A private sentence, and what stands beneath it."""
    if event.audience is None:
        return
    match event:
        case ev.MoveChosen():
            if event.action == FREE:
                yield _free(teller, turns, event), ()
            if plain(event.reason):
                yield (
                    f"why it chose to {teller.move(event.seat, event.action, event.target)}: “{escaped(event.reason)}”",
                    (),
                )
        case ev.ActionRefused() | ev.AnswerGiven():
            return  # told among the moves, and with all answers to a question
        case ev.MessageSent():
            to = listed([teller.seat(seat) for seat in event.recipients])
            yield f"{teller.seat(event.seat)} to {to}: “{escaped(event.words)}”", ()
        case ev.ActionTaken() if event.text:
            yield (
                escaped(capital(event.text)),
                tuple(line for part in _beneath(teller, turns, (event.seat, event.n)) for line in part.split("\n")),
            )
        case _ if event.text:
            bell = "**(warning)** " if isinstance(event, ev.ReportArrived) and event.bell else ""
            yield bell + escaped(capital(event.text)), ()
        case _:
            return


def _free(teller: Teller, turns: Turns, event: ev.MoveChosen) -> str:
    """A free move in the seat's words, and what the referee made of it."""
    mapped = turns.mapped.get((event.seat, event.n))
    made: list[str] = []
    for effect, target in mapped.effects if mapped is not None else ():
        held = teller.law.free[event.seat][effect]
        made.append(escaped(held.label + (f" ({teller.entity(target)})" if target else "")))
    counts = listed(made) or "nothing"
    return f"what it tried, in its own words: “{escaped(event.attempt)}”; the referee let it count as: {counts}"


def opening(teller: Teller, design: Design, events: Sequence[AnyEvent] = ()) -> list[str]:
    """What was set by hand before the beginning, and what everyone read then."""
    told = [paragraph(escaped(capital(event.text))) for event in events
            if event.round == 0 and event.text and event.audience is None]  # fmt: skip
    begun = ["## How it begins", *told] if told else []
    if not design.sets:
        return begun
    sets = [f"- {teller.place(path)}: {teller.value(value)}" for path, value in design.sets.items()]
    return ["## Before the beginning", "Set by hand, against the scenario as written:", "\n".join(sets), *begun]


def parting(teller: Teller, event: ev.RunForked) -> list[str]:
    """Where a fork left its parent, and what it changed."""
    changed = [
        f"- {teller.seat(seat)} is now played by {escaped(model_name(play) or 'its own rules')}"
        for seat, play in event.seats.items()
    ]
    changed += [f"- {teller.place(path)} is set to {teller.value(value)}" for path, value in event.sets.items()]
    changed += [f"- {teller.seat(seat)} sends no more messages and makes no promises" for seat in event.mutes]
    return [
        "---",
        f"*Here this run parts from its parent{':' if changed else ', with nothing changed but its own course.'}*",
        "\n".join(changed),
        "---",
    ]
