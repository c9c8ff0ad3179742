"""Golden playthroughs: a readable text of an all-policy run of each shipped scenario.

Every round shows the state, hidden parts marked, what everyone reads, and for each seat what it alone sees,
its legal moves with their costs and the move it makes; then the record. A leak of private knowledge or a
changed rule shows as a changed line. `python -m tests.golden` writes the files anew; read the difference
before you keep it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator.core import rules
from orchestrator.core.answering import observe_member, pending, policy_answers
from orchestrator.core.boards import line_of
from orchestrator.core.calendar import iso, span_of
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.observe import observe
from orchestrator.core.prompts import reading_line
from orchestrator.core.state import Line, RunState, fold
from orchestrator.core.turn import Move, Observation, Option
from orchestrator.core.turns import Group, groups, policy_turn, several
from orchestrator.runtime.prepare import load_law
from tests.support.worlds import play_round

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "golden"
SEED = 1
KEY = """\
hidden{} nobody sees; some{} only some seats see; everything else is public.
Of the world, a round shows what changed since the round before; the first shows all.
"""


def scenarios() -> list[str]:
    """The ids of the shipped scenarios."""
    return sorted(path.parent.name for path in (ROOT / "scenarios").glob("*/scenario.yaml"))


def path_of(scenario: str) -> Path:
    return FOLDER / f"{scenario}.txt"


def playthrough(scenario: str) -> str:
    """The whole text of one scenario, seed 1, every seat on policy."""
    _, law = load_law(scenario, ROOT)
    return "\n".join(lines_of(law)) + "\n"


def lines_of(law: Law) -> Iterator[str]:
    yield f"{law.scenario.title} ({law.scenario.scenario}), seed {SEED}, every seat on policy"
    yield KEY
    state = fold(rules.open_run(law, SEED, "golden", {}))
    yield "Numbers drawn: " + ", ".join(f"{name} {value:.6g}" for name, value in state.numbers.items())
    shown: dict[str, str] = {}
    menus: dict[str, list[str]] = {}
    for member, own in state.draws.items():
        yield f"Drawn by {member}: " + ", ".join(f"{name} {value:.6g}" for name, value in own.items())
    yield from (f"Before the first round: {line.text}" for line in state.record)
    while not state.ended:
        before = state
        state = fold(rules.open_round(law, state), state)
        seen = [observe(law, state, seat) for seat in rules.acting(law)]
        turns = [policy_turn(law, state, each) for each in seen]
        yield from _opening(law, state, seen[0], shown)
        for each, moves in zip(seen, turns, strict=True):
            yield from _seat(law, state, before, each, moves, menus)
        asked: list[str] = []
        moves = [move for moves in turns for move in moves]
        happened, state = play_round(law, before, moves, lambda law, state, asked=asked: _answered(law, state, asked))
        yield from _record(before, state, happened)
        yield from asked
    yield f"\nEnds: {state.ending}"


def _opening(law: Law, state: RunState, seen: Observation, shown: dict[str, str]) -> Iterator[str]:
    """The dates, the state of the world and what everyone reads."""
    first, last = span_of(law.start, law.scenario.clock.step, state.round)
    yield f"\n=== Round {state.round}: {iso(first)} to {iso(last)} " + "=" * 40
    yield "World"
    for entity in state.values:
        line = _entity(law, state, entity, shown)
        if line:
            yield f"  {entity}: {line}"
    for item in state.pending:
        yield f"  on its way to {', '.join(item.seats)}, due {iso(item.due)}: {item.says} [{item.report}]"
    yield "Everyone reads"
    for reading in seen.public:
        yield f"  {reading_line(reading, law.scenario.clock.step)}"
    for row in seen.boards:
        yield f"  {line_of(row)}"


def _entity(law: Law, state: RunState, entity: str, shown: dict[str, str]) -> str:
    """What changed of an entity; in braces what not everyone sees."""
    kind = law.kind_of(entity, state.instances)
    parts: dict[str, list[str]] = {}
    for name, value in state.values[entity].items():
        if shown.get(f"{entity}.{name}") == _value(value):
            continue
        shown[f"{entity}.{name}"] = _value(value)
        visible = law.variables[kind, name].visible
        group = "" if visible is None else "some" if visible else "hidden"
        parts.setdefault(group, []).append(f"{name} {_value(value)}")
    marked = [f"{group}{{{', '.join(parts[group])}}}" for group in ("some", "hidden") if group in parts]
    return " ".join([*([", ".join(parts[""])] if "" in parts else []), *marked])


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)


def _seat(
    law: Law,
    state: RunState,
    before: RunState,
    seen: Observation,
    moves: Sequence[Move],
    menus: dict[str, list[str]],
) -> Iterator[str]:
    """What one seat alone sees, what it may do, what it does. A long menu is told by action, and once."""
    yield f"{seen.seat} ({seen.label})"
    readings = [reading_line(reading, "round") for reading in seen.private]
    yield f"  alone sees: {'; '.join(readings) or 'nothing'}"
    for line in seen.notebook:
        if line.round == before.round and line.round:
            yield f"  alone read on {line.date}: {line.text}"
    for report, held in state.known.get(seen.seat, {}).items():
        yield f"  was told {report} {held.count} times, last {_value(held.value)}"
    menu = [_option(option) for option in seen.options]
    if several(law):
        menu = [_group(group) for group in groups(seen.options)]
    if several(law) and menus.get(seen.seat) == menu:
        yield "  may: as in the round before"
    else:
        yield "  may:"
        yield from (f"    {line}" for line in menu)
    menus[seen.seat] = menu
    for move in moves:
        chosen = " ".join(f"{name}={value}" for name, value in move.params.items())
        yield f"  does: {' '.join(part for part in (move.action, move.target or '', chosen) if part)}"


def _group(group: Group) -> str:
    """An action with those it may concern; the first move's words stand for all."""
    to = f" towards {', '.join(group.targets)}" if group.targets else ""
    return _option(group.options[0]).replace(group.options[0].id, f"{group.action}{to}", 1)


def _option(option: Option) -> str:
    costs = ", ".join(f"{amount:g} {variable}" for variable, amount in option.costs)
    params = ", ".join(f"{name} in {values[0]}..{values[-1]}" for name, values in option.params.items())
    notes = "; ".join(
        part for part in (f"costs {costs}" if costs else "", params, "" if option.public else "unseen") if part
    )
    return f"{option.id}: {option.label}{f' ({notes})' if notes else ''}"


def _answered(law: Law, state: RunState, lines: list[str]) -> Sequence[AnyEvent]:
    """Answers on policy; into `lines` goes what each group alone sees when it is asked, and what its members say."""
    given = policy_answers(law, state)
    for question in pending(law, state):
        answer = next(event for event in given if (event.n, event.member) == (question.held.n, question.member))
        if question.member == law.people[question.seat][0]:
            seen = observe_member(law, state, question)
            lines.append(f"Asked on {question.held.date}: {question.ask.id} of {question.seat}: {question.held.about}")
            lines.append(f"  alone sees: {'; '.join(reading_line(each, 'round', 'so far') for each in seen.private)}")
            notes = [line for line in seen.notebook if line.round == state.round]
            lines += [f"  alone read on {line.date}: {line.text}" for line in notes]
            lines.append("  answers:")
        lines[-1] += f" {question.member} {answer.answer}{f' ({answer.why})' if answer.why else ''},"
    return given


def _record(before: RunState, state: RunState, happened: Sequence[AnyEvent]) -> Iterator[str]:
    """What everyone reads of the round, and what went otherwise than chosen."""
    yield "Record"
    new: Sequence[Line] = state.record[len(before.record) :]
    for line in new:
        yield f"  {line.date} {line.text}"
    if not new:
        yield "  nothing"
    for event in happened:
        if event.kind == "action_refused":
            yield f"  refused: {event.seat} {event.action}, {event.why}"
        elif event.kind in ("rule_failed", "conflict", "process_refused", "clamped", "transfer_cut"):
            yield f"  {event.kind}: {event.to} {event.cause.kind} {event.cause.id} {_what(event)}".rstrip()


def _what(event: AnyEvent) -> str:
    match event.kind:
        case "rule_failed":
            return event.what
        case "conflict":
            return f"{event.entity}.{event.variable}"
        case "process_refused":
            return f"{event.process}: {event.why}"
        case "transfer_cut":
            return f"{event.ledger}: {event.moved:g} of {event.asked:g}"
        case _:
            return ", ".join(f"{change.entity}.{change.variable} at {_value(change.value)}" for change in event.changes)


def main() -> None:
    """Writes every playthrough anew and removes those of scenarios that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        if path.stem not in scenarios():
            path.unlink()
    for scenario in scenarios():
        path_of(scenario).write_text(playthrough(scenario), "utf-8")


if __name__ == "__main__":
    main()
