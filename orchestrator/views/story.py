"""A run as a chronicle in Markdown: what the rules wrote, in the order of its dates, with what was said beneath.

The record is the rules'; the seats' lines stand beneath their moves as quotes, verdicts beside them in small
type. What only some could know is told apart, at the end of each chapter, and marked. This module sets the
frame (who plays, how it ends, what went wrong); `chapters` tells a round.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.design import Design
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.questions import asked, last_day
from orchestrator.core.state import RunState, fold
from orchestrator.views.chapters import Teller, opening, parting, told_round
from orchestrator.views.markdown import bullet, capital, counted, date, day, escaped, listed, paragraph, table
from orchestrator.views.projections import by_round, model_name, plays_now

FAILED = {
    "repaired": "answers whose form had to be mended",
    "malformed": "answers of no usable form",
    "length": "answers cut off at their limit",
    "refused": "answers that refused",
    "filtered": "answers a server's filter withheld",
    "empty": "empty answers",
    "off_menu": "answers that named no open move",
    "dropped": "settings a backend did not honour",
    "seat_failed": "turns passed for want of an answer",
    "judge_failed": "verdicts that never came",
    "answer_failed": "questions left without an answer",
    "words_refused": "moves left without words",
    "message_refused": "messages that were not delivered",
    "action_refused": "moves the rules refused",
    "off_list": "moves named that are on no list",
    "rule_failed": "rules without a result",
    "conflict": "rules that contradicted each other",
    "ledger_leaked": "ledgers that leaked (a defect of the program)",
}
"""What `failures` counts, in words."""


def story(law: Law, design: Design, events: Sequence[AnyEvent], document: Mapping[str, Any]) -> str:
    """The whole run as Markdown. `document`: see `projections.run_document`."""
    teller = Teller(law)
    parts = [*_title(law, document), *_table_of_seats(law, design, document), *opening(teller, design, events)]
    before = RunState()
    rounds = list(by_round(events))
    for number, state, span in rounds:
        within = [event for event in events if event.round == number]
        if number > 0:
            parts += told_round(teller.at(state), number, span, within, before, state)
        parts += [part for event in within if isinstance(event, ev.RunForked) for part in parting(teller, event)]
        before = state
    parts += _ending(law, events, document)
    parts += _appendix(law, design, events, document)
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(law: Law, document: Mapping[str, Any]) -> list[str]:
    scenario, clock = law.scenario, law.scenario.clock
    facts = [f"Seed {document['seed']}", f"{counted(document['rounds'], clock.step)} from {date(clock.start)}"]
    if document["variant"]:
        facts.insert(0, f"Variant {document['variant'].replace('_', ' ')}")
    if document["outcome"]:
        facts.append(f"ends with “{scenario.endings[document['outcome']].label}”")
    if document["parent"]:
        facts.append(f"a fork: its first {counted(document['fork_round'], 'round')} are its parent's")
    return [f"# {escaped(scenario.title)}", f"*{escaped('; '.join(facts))}.*", paragraph(escaped(scenario.about))]


def _table_of_seats(law: Law, design: Design, document: Mapping[str, Any]) -> list[str]:
    """Who plays, and who judges."""
    plays = plays_now(design)
    names = {seat: escaped(law.labels[seat]) for seat in law.scenario.seats}
    models = [seat for seat in law.scenario.seats if seat in plays and plays[seat].by == "model"]
    logged = [names[seat] for seat in law.scenario.seats if seat in plays and plays[seat].by == "log"]
    others = [names[seat] for seat in law.scenario.seats if seat not in models and names[seat] not in logged]
    parts = ["## At the table"]
    if models:
        backends = {row["seat"]: row["backend"] for row in document["seats"]}
        rows = [
            (
                capital(names[seat]),
                escaped(capital(law.personas[seat].goals[0])),
                escaped(f"{model_name(plays[seat])} ({backends[seat]})"),
            )
            for seat in models
        ]
        parts.append(table(("Seat", "First of its aims", "Played by"), rows))
        if others:
            verb = "follows its persona's" if len(others) == 1 else "follow their personas'"
            parts.append(paragraph(f"{capital(listed(others))} {verb} own rules; no model is asked for them."))
    elif others:
        parts.append(paragraph(f"No model was asked: {listed(others)} follow their personas' own rules, with dice."))
    if logged:
        parts.append(paragraph(f"The moves of {listed(logged)} are those of a recorded log, in its order."))
    judge = document["judge"]
    if judge is not None:
        parts.append(paragraph(_judged(judge)))
    return parts


def _judged(judge: Mapping[str, Any]) -> str:
    names = escaped(str(judge["model"]).replace(",", ", "))
    how = {
        "logprobs": "means over the probabilities of the rating",
        "sampled": "single ratings as written",
        "mixed": "partly means over probabilities, partly single ratings",
    }
    method = f", {how[judge['method']]}" if judge["method"] in how else ""
    calibration = judge["calibration"]
    said = f"Moves are judged by {names}: plausibility from 1 to 5{method}. "
    if calibration is None:
        return said + "**This judge is uncalibrated**: nobody has measured whether its scores mean anything."
    if calibration["verdict"] == "chance":
        return (
            said
            + "**Measured against labelled claims this judge does no better than chance**, so no score of it is shown."
        )
    return said + f"Measured against labelled claims it is {calibration['verdict']}."


def _ending(law: Law, events: Sequence[AnyEvent], document: Mapping[str, Any]) -> list[str]:
    last = next((event for event in reversed(events) if isinstance(event, ev.RunEnded)), None)
    if last is not None:
        label = law.scenario.endings[last.outcome].label
        parts = [f"## The end: {escaped(label)}", paragraph(f"**{date(last.to)}.** {escaped(last.text)}")]
        return parts + _answers(law, events, last.answers)
    rounds = counted(document["rounds"], "round")
    if document["status"] == "finished":
        said, more = f"was cut short after {rounds}, before any ending", " --rounds N"
    else:
        said, more = f"is {document['status']} after {rounds}", ""
    return ["## Here the record stops", f"The run {said}. `orchestrate resume {document['run']}{more}` goes on."]


def _answers(law: Law, events: Sequence[AnyEvent], answers: Mapping[str, bool | None]) -> list[str]:
    """The scenario's questions as they came out."""
    if not answers:
        return []
    words = {True: "yes", False: "no", None: "no answer"}
    state = fold(events)
    told = [
        f"- {escaped(asked(law, question, state, date(last_day(law))))} **{capital(words[answers[question.id]])}.**"
        for question in law.questions
        if question.id in answers
    ]
    return ["### Questions", "\n".join(told)]


def _appendix(law: Law, design: Design, events: Sequence[AnyEvent], document: Mapping[str, Any]) -> list[str]:
    calls, tokens, seconds = document["calls"], document["tokens"], document["seconds"]
    said = [f"{counted(len(events), 'event')} in {counted(document['rounds'], 'round')}"]
    if calls["total"]:
        kinds = listed([f"{number} to {kind}" for kind, number in calls["by_kind"].items()])
        said.append(
            f"{counted(calls['total'], 'call')} ({kinds}), {calls['reused']} of them reused"
            if calls["reused"]
            else f"{counted(calls['total'], 'call')} ({kinds})"
        )
        cost = "at an unknown price" if document["cost_usd"] is None else f"for {document['cost_usd']:.2f} USD"
        said.append(f"{tokens['prompt'] + tokens['completion']:,} tokens {cost}")
        said.append(f"{seconds['wall']:.0f} s, {seconds['model']:.0f} of them waiting for answers")
    parts = ["## Appendix: counts and failures", paragraph("; ".join(said) + ".")]
    failures = _failures(law, design, events)
    if failures:
        rows = [(whose, what, str(number)) for (whose, what), number in failures.items()]
        parts.append(table(("Whose", "What", "How often"), rows, right=(2,)))
        parts.append("\n".join(bullet(line) for line in _broken(law, events)))
    else:
        parts.append("Nothing failed: no answer was refused, cut or mended, and the rules refused no move.")
    run = document["run"]
    place = f"Record `{document['hash'][:16]}`, run `{run}`, engine {document['engine']}."
    return [*parts, paragraph(f"{place} `orchestrate replay {run}` shows it again.")]


def _failures(law: Law, design: Design, events: Sequence[AnyEvent]) -> dict[tuple[str, str], int]:
    """(whose, what) -> how often; whose with the model that answered."""
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        what = event.what if isinstance(event, ev.AnswerDegraded) else event.kind
        if what in FAILED:
            key = _whose(law, design, event), FAILED[what]
            counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))


def _whose(law: Law, design: Design, event: AnyEvent) -> str:
    if isinstance(event, ev.JudgeFailed) or (isinstance(event, ev.AnswerDegraded) and event.call == "judge"):
        return "The judge"
    seat = getattr(event, "seat", "")
    if not seat:
        return "The rules"
    model = model_name(plays_now(design)[seat]) if seat in plays_now(design) else None
    return escaped(capital(law.labels.get(seat, seat)) + (f" ({model})" if model else ""))


def _broken(law: Law, events: Sequence[AnyEvent]) -> list[str]:
    """Which rules had no result, and where two contradicted each other."""
    found: dict[str, None] = {}
    for event in events:
        name = event.cause.id.rpartition("/")[2]
        rule = law.scenario.rules.get(name)
        label = escaped((rule.label if rule else "") or name.replace("_", " "))
        if isinstance(event, ev.RuleFailed):
            found[f"{label}: {escaped(event.what)}, first on {day(event.to)}"] = None
        if isinstance(event, ev.Conflict):
            place = f"{law.labels.get(event.entity, event.entity)}, {event.variable.replace('_', ' ')}"
            found[
                f"{escaped(place)}: assigned {escaped(listed([str(value) for value in event.values]))} on one date"
            ] = None
    return list(found)[:20]
