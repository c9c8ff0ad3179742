"""A persona's own rules: from what the seat may know and addressed dice to a move. No call, no row in `calls`."""

import math

from orchestrator.core.answering import own_names
from orchestrator.core.dice import roll
from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import Scene
from orchestrator.core.law import CPolicy, Law
from orchestrator.core.observe import default_params
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Move, Observation, Option


def policy_move(law: Law, state: RunState, seen: Observation, n: int = 1) -> Move:
    """Picks by weight among the rules that hold; waits where none does.

    Each rule has a die of its own and the smallest -ln(u)/weight wins: the chances are those of the weights
    (the minimum of exponential waiting times), and a rule that is added moves no other rule's draw.
    """
    seat = seen.seat
    scene = scene_of(law, state, own_names(law, state, seat, seat), seat=seat)
    best: tuple[float, Option, CPolicy] | None = None
    for rule in law.policies[seat]:
        options = fitting(scene, seen, rule)
        if not options:
            continue
        die = roll(state.seed, f"r{state.round}", seat, "policy", rule.id, n)
        reached = -math.log(1.0 - die) / rule.weight
        if best is None or reached < best[0]:
            which = int(roll(state.seed, f"r{state.round}", seat, "policy", rule.id, n, "target") * len(options))
            best = reached, options[which], rule
    if best is None:
        return Move(seat, n, WAIT)
    _, option, rule = best
    params = default_params(option, _given(rule, scene))
    return Move(seat, n, option.action, option.target, params, promises=rule.promises)


def _given(rule: CPolicy, scene: Scene) -> dict[str, object]:
    """The parameters that a rule names; one without a value is left to the action's default."""
    found: dict[str, object] = {}
    for name, code in rule.params.items():
        try:
            value = code.run(scene)
        except ARITHMETIC:
            continue
        found[name] = int(value) if isinstance(value, float) and value.is_integer() else value
    return found


def fitting(scene: Scene, seen: Observation, rule: CPolicy) -> list[Option]:
    """The legal moves that a policy rule names, where it holds. `scene` is that of the seat."""
    named = [option for option in seen.options if option.action == rule.do]
    try:
        if not named or not rule.when.run(scene):
            return []
        where = rule.target
        return (
            named
            if where is None
            else [option for option in named if where.run(scene.with_bound(target=option.target))]
        )
    except ARITHMETIC:
        return []  # a condition without a value does not hold


def weights(law: Law, state: RunState, seen: Observation) -> list[float]:
    """For each legal move 1, plus the weight of every policy rule that holds and names it."""
    totals = [1.0] * len(seen.options)
    scene = scene_of(law, state, own_names(law, state, seen.seat, seen.seat), seat=seen.seat)
    for rule in law.policies[seen.seat]:
        named = fitting(scene, seen, rule)
        for index, option in enumerate(seen.options):
            if option in named:
                totals[index] += rule.weight
    return totals
