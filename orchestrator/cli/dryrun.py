"""What `run --dry-run` shows: the design, the first prompts and the number of calls. Nothing is asked or written."""

from collections.abc import Mapping
from typing import Any

from orchestrator.cli.output import clean
from orchestrator.core import rules
from orchestrator.core.call import Call
from orchestrator.core.events import SeatPlay
from orchestrator.core.menus import choose_action, compose_moves
from orchestrator.core.observe import observe
from orchestrator.core.prompts import PROMPTS, Prompter
from orchestrator.core.seated import Keys
from orchestrator.core.state import fold
from orchestrator.core.turns import BESIDE, several
from orchestrator.runtime.recorded import Played


def dry_document(played: Played, named: Mapping[str, str], rounds: int | None) -> dict[str, Any]:
    """The design and the first round's questions as plain data."""
    law, design = played.law, played.design
    total = min(rounds or law.scenario.clock.rounds, law.scenario.clock.rounds)
    seats = rules.acting(law)
    models = [seat for seat in seats if design.seats[seat].by == "model"]
    judged = len(design.judge.plays) if design.judge else 0
    acting = len(seats) if design.judge and design.judge.policy_too else len(models)
    least = (1 + design.talk) * len(models) + judged * acting
    speaking = sum(design.seats[seat].style == "choose" for seat in models)
    most = least + 3 * speaking
    if several(law):
        beside = BESIDE if any(action.beside for action in law.scenario.actions.values()) else 0
        moves = law.scenario.turns.actions_per_turn + beside
        # Choosing asks for each move's action and target and at most three lines; composing for a line a move.
        most = (moves * (1 + judged) + design.talk) * acting + 5 * moves * speaking
    return {
        "scenario": law.scenario.scenario,
        "variant": design.variant,
        "seed": design.seed,
        "design": design.hash(),
        "rounds": total,
        "seats": [
            {"seat": seat, "played_by": named.get(seat, "policy"), "model": play.model_label, "style": _style(play)}
            for seat, play in design.seats.items()
        ],
        "judge": [play.model_label for play in design.judge.plays] if design.judge else None,
        "sets": design.sets,
        "calls": {"per_round": [least, most], "total": [least * total, most * total]},
        "votes": {
            ask.place: sum(len(law.people[seat]) for seat in ask.seats if design.seats[seat].by == "model")
            for ask in law.asks.values()
        },
        "prompts": [
            {"key": call.key, "messages": [message.model_dump() for message in call.messages]}
            for call in first_calls(played)
        ],
    }


def _style(play: SeatPlay) -> str:
    return play.style if play.by == "model" else "policy"


def rehearse(played: Played) -> None:
    """Builds the first questions and reads every template, where anybody will be asked. Raises BadPrompt."""
    design = played.design
    if design.judge is not None or any(play.by == "model" for play in design.seats.values()):
        from orchestrator.core.templates import check

        check(played.prompts, PROMPTS)
        first_calls(played)


def first_calls(played: Played) -> list[Call]:
    """The first question to each model seat."""
    law, design = played.law, played.design
    events = rules.open_run(law, design.seed, design.hash(), design.sets)
    state = fold(events)
    state = fold(rules.open_round(law, state), state)
    prompter = Prompter(law, played.prompts, design.seed)
    calls: list[Call] = []
    for seat in rules.acting(law):
        play = design.seats[seat]
        if play.by == "model":
            seen, key = observe(law, state, seat), Keys(1, seat).next("decide")
            if several(law):
                composed = play.style != "choose"
                calls.append(
                    compose_moves(prompter, state, seen, play, key)
                    if composed
                    else choose_action(prompter, state, seen, play, key, ())[0]
                )
                continue
            calls.append(
                prompter.choose(state, seen, play, key)[0]
                if play.style == "choose"
                else prompter.compose(state, seen, play, key)
            )
    return calls


def dry_text(document: Mapping[str, Any]) -> str:
    """The same for people."""
    low, high = document["calls"]["total"]
    lines = [
        f"{document['scenario']}{f' ({variant})' if (variant := document['variant']) else ''}, "
        f"seed {document['seed']}, {document['rounds']} rounds, "
        f"design {document['design'][:12]}",
        "",
    ]
    lines += [
        f"  {seat['seat']:<24} {seat['played_by']:<12} {seat['model']} {seat['style']}" for seat in document["seats"]
    ]
    lines += [
        "",
        f"judge: {', '.join(document['judge']) if document['judge'] else 'off'}",
        f"calls: {low} to {high}, repairs not counted; nothing was asked",
        *(
            f"each time it is put, {place} takes {count} calls more"
            for place, count in document["votes"].items()
            if count
        ),
        "",
    ]
    for prompt in document["prompts"]:
        lines.append(f"=== {prompt['key']}")
        lines += [f"--- {message['role']}\n{clean(message['content'])}" for message in prompt["messages"]]
    return "\n".join(lines)
