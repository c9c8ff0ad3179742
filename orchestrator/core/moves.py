"""From chosen moves to what the rules let happen: legality again, costs reserved, the die of success."""

from collections.abc import Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.deals import refusal
from orchestrator.core.dice import roll
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC, Impact
from orchestrator.core.events import AnyEvent, Cause, Happening
from orchestrator.core.expr import Scene
from orchestrator.core.happenings import OFF_LIST, chosen_name
from orchestrator.core.law import CAction, Law
from orchestrator.core.observe import option_of
from orchestrator.core.processes import NOTHING
from orchestrator.core.turn import FREE, WAIT, Move
from orchestrator.core.value import rounded


def impacts_of(draft: Draft, moves: Sequence[Move]) -> tuple[list[Impact], list[tuple[str, str | None]]]:
    """(impacts of the moves that are carried out, their actions and targets); refusals become events at once."""
    impacts: list[Impact] = []
    done: list[tuple[str, str | None]] = []
    spent: dict[tuple[str, str], float] = {}
    for move in moves:
        if move.action == WAIT or move.unlisted:
            continue  # what is on no list is in the record since it was named
        if move.missing is not None:
            _refuse(draft, move, f"there is nobody called '{move.missing}'" if move.missing else "it names nobody")
            continue
        if move.action == FREE:
            impacts += _free(draft, move)
            continue
        action = draft.law.actions[move.seat].get(move.action)
        entity = draft.law.scenario.seats[move.seat].plays
        base = draft.scene({"self": entity, "seat": move.seat})
        scene = base if move.target is None else base.with_bound(target=move.target)
        option = None if action is None else option_of(draft.law, draft.state, action, scene, move.target, words=False)
        if action is None or option is None:
            _refuse(draft, move, "it is no longer open" if action is None else _closed(action, scene))
            continue
        why = _reserve(draft, move, action, entity, spent)
        if isinstance(why, str):
            _refuse(draft, move, why)
            continue
        impact = _impact(draft, move, action, scene, entity, why)
        forbidden = refusal(draft, entity, impact) if draft.law.guards else None
        if forbidden is not None:
            for _, variable, amount in why:  # what was reserved is free again
                spent[entity, variable] -= amount
            _refuse(draft, move, forbidden)
            continue
        impacts.append(impact)
        if impact.effects is action.effects:
            done.append((move.action, move.target))
    return impacts, done


def _closed(action: CAction, scene: Scene) -> str:
    """Why a move is not among the legal ones."""
    try:
        return next((why for why, bar in action.bars if bar.run(scene)), "it is no longer open")
    except ARITHMETIC:
        return "it is no longer open"


def named(law: Law, moves: Sequence[Move]) -> tuple[tuple[Happening, Cause], ...]:
    """That seats named these actions, whatever came of it, and what is on no list: where rules follow it."""
    found: list[tuple[Happening, Cause]] = []
    for move in moves:
        name = OFF_LIST if move.unlisted else chosen_name(move.action)
        if name in law.followers:
            params = {"seat": move.seat, "actor": law.scenario.seats[move.seat].plays}
            found.append((Happening(name, params), _cause(move)))
    return tuple(found)


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
    return Cause(kind="move", id=f"{move.seat}/{OFF_LIST if move.unlisted else move.action}")


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
    draft: Draft, move: Move, action: CAction, seen: Scene, entity: str, costs: tuple[tuple[str, str, float], ...]
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

    text = None
    if effects.says is None:
        option = option_of(draft.law, draft.state, action, seen, move.target)
        label = move.action.replace("_", " ") if option is None else option.label[0].lower() + option.label[1:]
        text = f"{draft.law.labels[move.seat]} chose to {label}{'' if succeeded else ', without success'}."
    return Impact(
        _cause(move),
        effects,
        bound,
        make,
        costs=costs,
        die=die,
        text=text,
        audience=audience_of(draft.law, move, action),
        silent=False,
        emits=_happening(draft.law, move, entity) if succeeded else (),
    )


def audience_of(law: Law, move: Move, action: CAction) -> tuple[str, ...] | None:
    """Who sees a move done; None: everyone."""
    if action.visibility == "public":
        return None
    if action.visibility == "self":
        return (move.seat,)
    return tuple(seat for seat, held in law.scenario.seats.items() if seat == move.seat or held.plays == move.target)


def readers_of(law: Law, move: Move) -> tuple[str, ...] | None:
    """Who else hears what is said with a move; None: everyone."""
    seen = audience_of(law, move, law.actions[move.seat][move.action])
    return None if seen is None else tuple(seat for seat in seen if seat != move.seat)


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
