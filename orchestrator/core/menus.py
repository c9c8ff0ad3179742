"""Menus of several moves: many actions with many targets, and turns of more than one move.

A long menu is told action by action, each with those it may concern. Where a model chooses, it is asked for the
action first and for the target then, and once more for each further move; where it composes, for a list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.call import Call, Message, Shape
from orchestrator.core.dice import shuffled
from orchestrator.core.events import SeatPlay
from orchestrator.core.prompts import Prompter, distinct, fill, obj_schema, option_line
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Observation, Option
from orchestrator.core.turns import BESIDE, Group, groups

NOBODY = "none"
"""The target of a composed move that has none."""
DONE = Option(WAIT, None, "Nothing more", "leave it at that for today", (), False, "", {})


def group_name(group: Group) -> str:
    """What a menu calls an action: its one move's label, or the action itself where the target is still open."""
    if len(group.options) == 1:
        return group.options[0].label
    words = group.action.replace("_", " ")
    return words[:1].upper() + words[1:]


def choose_action(
    prompter: Prompter, state: RunState, seen: Observation, play: SeatPlay, key: str, so_far: Sequence[str]
) -> tuple[Call, tuple[Group, ...], tuple[str, ...]]:
    """(call, the actions in the order shown, their names): the name of one is to be written."""
    every = groups([DONE if option.action == WAIT and so_far else option for option in seen.options])
    order = shuffled(len(every), prompter.seed, f"r{state.round}", seen.seat, "menu")
    shown = tuple(every[index] for index in order)
    names = distinct([group_name(group) for group in shown])
    lines = [option_line(group.options[0], name) for group, name in zip(shown, names, strict=True)]
    question = "Which one further action serves your aims best?" if so_far else "Which action serves your aims best?"
    return _act(prompter, state, seen, play, key, lines, names, question, so_far), shown, names


def choose_target(
    prompter: Prompter,
    state: RunState,
    seen: Observation,
    play: SeatPlay,
    key: str,
    group: Group,
    so_far: Sequence[str],
) -> tuple[Call, tuple[str, ...]]:
    """(call, the names of those whom the action may concern, in the order of its moves)."""
    labels = prompter.law.labels
    names = distinct([labels.get(target, target.replace("_", " ")) for target in group.targets])
    lines = [f"{name}: {option.label}" for name, option in zip(names, group.options, strict=True)]
    question = f"You have decided to {group_name(group)[:1].lower()}{group_name(group)[1:]}. Whom shall it concern?"
    return _act(prompter, state, seen, play, key, lines, names, question, so_far), names


def _act(
    prompter: Prompter,
    state: RunState,
    seen: Observation,
    play: SeatPlay,
    key: str,
    lines: Sequence[str],
    names: tuple[str, ...],
    question: str,
    so_far: Sequence[str],
) -> Call:
    values = {"options": list(lines), "label": seen.label, "question": question, "so_far": "; ".join(so_far)}
    parts = (
        prompter.world(state, seen, brief=True),
        prompter.desk(seen, brief=True),
        fill("act", prompter.prompts, values),
    )
    return prompter.call(key, play, parts, Shape(choices=names), 1, top=20, temperature=0.0)


def compose_moves(
    prompter: Prompter, state: RunState, seen: Observation, play: SeatPlay, key: str, more: Sequence[Message] = ()
) -> Call:
    """One JSON object: a reason and a list of moves, each with its target, parameters and words."""
    law, turns = prompter.law, prompter.law.scenario.turns
    every = [group for group in groups(seen.options) if group.action != WAIT]
    order = shuffled(len(every), prompter.seed, f"r{state.round}", seen.seat, "menu")
    shown = [every[index] for index in order]
    targets = list(dict.fromkeys(target for group in every for target in group.targets))
    params = {name: held for option in seen.options for name, held in option.params.items()}
    beside = [group.action for group in every if law.actions[seen.seat][group.action].beside]
    values = {
        "options": [_line(group) for group in shown],
        "label": seen.label,
        "targets": targets,
        "params": list(params),
        "most": turns.actions_per_turn,
        "beside": ", ".join(beside),
        "spare": BESIDE,
    }
    most = turns.actions_per_turn + (BESIDE if beside else 0)
    schema = moves_schema([group.action for group in shown], targets, params, most)
    parts = (prompter.world(state, seen), prompter.desk(seen, brief=False), fill("moves", prompter.prompts, values))
    return prompter.call(key, play, parts, Shape(json_schema=schema), 300 + 60 * most, more=more)


def _line(group: Group) -> str:
    """`blockade (red, pink): cuts its supply lines`; moves that differ in more than the target stand one by one."""
    told = {(option.purpose, option.costs) for option in group.options}
    if len(told) == 1 and group.targets:
        return option_line(group.options[0], f"{group.action} ({', '.join(group.targets)})")
    return "; ".join(option_line(option, f"{option.id}, {option.label}") for option in group.options)


def moves_schema(
    actions: Sequence[str], targets: Sequence[str], params: Mapping[str, tuple[Any, ...]], most: int
) -> dict[str, Any]:
    """The JSON schema of a composed list of moves."""
    target = {"target": {"type": "string", "enum": [*targets, NOBODY]}} if targets else {}
    middle = {
        name: {"enum": list(values)} if isinstance(values[0], str) else {"type": "integer", "enum": list(values)}
        for name, values in params.items()
    }
    move = obj_schema(
        {
            "action": {"type": "string", "enum": list(actions)},
            **target,
            **middle,
            "words": {"type": "string", "maxLength": 400},
        }
    )
    return obj_schema(
        {
            "reason": {"type": "string", "maxLength": 240},
            "moves": {"type": "array", "items": move, "maxItems": most},
        }
    )
