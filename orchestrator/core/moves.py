"""From chosen moves to what the rules let happen: legality again, costs reserved, the die of success."""

from collections.abc import Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.dice import roll
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC, Impact
from orchestrator.core.events import AnyEvent, Cause, Happening
from orchestrator.core.law import CAction, Law
from orchestrator.core.observe import option_of
from orchestrator.core.processes import NOTHING
from orchestrator.core.turn import FREE, WAIT, Move, Option
from orchestrator.core.value import rounded


def impacts_of(draft: Draft, moves: Sequence[Move]) -> tuple[list[Impact], list[tuple[str, str | None]]]:
    """(impacts of the moves that are carried out, their actions and targets); refusals become events at once."""
    impacts: list[Impact] = []
    done: list[tuple[str, str | None]] = []
    spent: dict[tuple[str, str], float] = {}
    for move in moves:
        if move.action == WAIT:
            continue
        if move.action == FREE:
            impacts += _free(draft, move)
            continue
        action = draft.law.actions[move.seat].get(move.action)
        entity = draft.law.scenario.seats[move.seat].plays
        base = draft.scene({"self": entity, "seat": move.seat})
        scene = base if move.target is None else base.with_bound(target=move.target)
        option = None if action is None else option_of(draft.law, draft.state, action, scene, move.target)
        if action is None or option is None:
            _refuse(draft, move, "it is no longer open")
            continue
        why = _reserve(draft, move, action, entity, spent)
        if isinstance(why, str):
            _refuse(draft, move, why)
            continue
        impact = _impact(draft, move, action, option, entity, why)
        impacts.append(impact)
        if impact.effects is action.effects:
            done.append((move.action, move.target))
    return impacts, done


def _refuse(draft: Draft, move: Move, why: str) -> None:
    text = f"We chose to {move.action.replace('_', ' ')}, and it was refused: {why}."
    draft.emit(
        ev.ActionRefused(
            **draft.common(_cause(move), text=text, audience=(move.seat,)),
            seat=move.seat,
            n=move.n,
            action=move.action,
            why=why,
        )
    )


def _cause(move: Move) -> Cause:
    return Cause(kind="move", id=f"{move.seat}/{move.action}")


def _bound(move: Move, entity: str) -> dict[str, Any]:
    target = {} if move.target is None else {"target": move.target}
    return {"self": entity, "seat": move.seat, **target, **move.params}


def _reserve(
    draft: Draft, move: Move, action: CAction, entity: str, spent: dict[tuple[str, str], float]
) -> str | tuple[tuple[str, str, float], ...]:
    """The costs, reserved; or why they cannot be paid."""
    scene = draft.scene(_bound(move, entity))
    costs: list[tuple[str, str, float]] = []
    for variable, code in action.costs:
        try:
            amount = rounded(max(0.0, code.run(scene)))
        except ARITHMETIC:
            return f"its cost in {variable} has no value"
        has = draft.state.values[entity][variable] - spent.get((entity, variable), 0.0)
        if amount > has:
            return f"it costs {amount:g} {variable.replace('_', ' ')} and {has:g} are left"
        costs.append((entity, variable, amount))
    for _, variable, amount in costs:
        spent[entity, variable] = spent.get((entity, variable), 0.0) + amount
    return tuple(costs)


def _impact(
    draft: Draft, move: Move, action: CAction, option: Option, entity: str, costs: tuple[tuple[str, str, float], ...]
) -> Impact:
    bound = _bound(move, entity)
    die = None
    succeeded = True
    try:
        chance = action.chance.run(draft.scene(bound))
    except ARITHMETIC:
        chance = 1.0
        draft.failed(_cause(move), "its chance has no value", action.effects.cites)
    if chance < 1:
        die = rounded(
            roll(draft.state.seed, f"r{draft.state.round}", move.seat, "act", move.action, str(move.target), move.n)
        )
        succeeded = die < chance
    effects = action.effects if succeeded else (action.fails or NOTHING)

    def make(**common: Any) -> AnyEvent:
        return ev.ActionTaken(
            **common,
            seat=move.seat,
            n=move.n,
            action=move.action,
            target=move.target,
            params=move.params,
            succeeded=succeeded,
        )

    label = option.label[0].lower() + option.label[1:]
    text = f"{draft.law.labels[move.seat]} chooses to {label}{'' if succeeded else ', without success'}."
    return Impact(
        _cause(move),
        effects,
        bound,
        make,
        costs=costs,
        die=die,
        text=text,
        audience=_audience(draft.law, move, action),
        silent=False,
        emits=_happening(draft.law, move, entity) if succeeded else (),
    )


def _audience(law: Law, move: Move, action: CAction) -> tuple[str, ...] | None:
    if action.visibility == "public":
        return None
    if action.visibility == "self":
        return (move.seat,)
    return tuple(seat for seat, held in law.scenario.seats.items() if seat == move.seat or held.plays == move.target)


def _happening(law: Law, move: Move, entity: str) -> tuple[Happening, ...]:
    """The action as something that rules can follow, where any does."""
    if move.action not in law.followers:
        return ()
    target = {} if move.target is None else {"target": move.target}
    return (Happening(name=move.action, params={"seat": move.seat, "actor": entity, **target, **move.params}),)


def _free(draft: Draft, move: Move) -> list[Impact]:
    """A free move: the declared effects that the referee mapped it onto, each bounded by the scenario."""
    entity = draft.law.scenario.seats[move.seat].plays

    def taken(**common: Any) -> AnyEvent:
        return ev.ActionTaken(**common, seat=move.seat, n=move.n, action=FREE)

    text = f"{draft.law.labels[move.seat]} acts outside its usual means."
    found = [Impact(_cause(move), NOTHING, {}, taken, text=text, silent=False)]
    for name, target in move.effects:
        held = draft.law.free[move.seat][name]

        def make(**common: Any) -> AnyEvent:
            return ev.RuleFired(**common)

        found.append(Impact(_cause(move), held.effects, _bound(move._replace(target=target), entity), make))
    return found
