"""From values and template texts to calls. Shared text first, personal text last, the question at the end.

All seats of a round share one prefix (rules of the exercise, record, state of the world), and each round
extends the last one's, so a server's prefix cache holds most of every prompt. Words of a seat stand between
marks that are fixed for a scenario; look-alikes are stripped from whatever is quoted.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.boards import line_of
from orchestrator.core.calendar import day_number, span_of, spoken
from orchestrator.core.call import Call, Message, Sampling, Shape
from orchestrator.core.dice import seed_for, shuffled
from orchestrator.core.draft import scene_of
from orchestrator.core.events import SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.observe import candidates
from orchestrator.core.pledging import schema as promise_schema
from orchestrator.core.quoting import letters
from orchestrator.core.quoting import quoted as quoted
from orchestrator.core.state import RunState
from orchestrator.core.turn import FREE, Move, Observation, Option, Reading
from orchestrator.core.value import canonical, digest

LINE = 180
"""Most characters of a spoken line after its begun words; one that reaches it was cut."""
NOTES = 5
"""Most lines of a seat's notebook in its prompt."""
OPENING = 2
"""Sentences of a persona that a small model gets: of the rest it makes nothing that could be measured."""
OLD = 4
"""Rounds that stay whole in the record; older ones are shortened, four at a time."""
SHORT = 3
"""Lines kept of a shortened round."""
CRITERIA = ("resources", "incentive", "information", "timing", "authority")
PROMPTS = (
    "system", "world", "desk", "choose", "compose", "speak", "referee", "judge", "repair", "vote", "talk", "act",
    "moves",
)  # fmt: skip


def marks(law: Law) -> tuple[str, str]:
    """The marks around speech: fixed for a scenario, from its content."""
    tag = digest(canonical([law.scenario.scenario, law.scenario.title, sorted(law.scenario.actions)]))[:6]
    return f"<words {tag}>", f"</words {tag}>"


def fill(name: str, prompts: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """One rendered template; see `templates.fill`. Imported at the first question: a run on policy asks none."""
    from orchestrator.core import templates

    return templates.fill(name, prompts, values)


class Prompter:
    """Builds every call of one run. `play` says how each seat is played; the judge has plays of its own."""

    def __init__(self, law: Law, prompts: Mapping[str, str], seed: int) -> None:
        self.law, self.prompts, self.seed = law, prompts, seed
        self.open, self.close = marks(law)
        self._shared: tuple[RunState | None, dict[bool, str]] = (None, {})

    # --- the shared part -------------------------------------------------------------------------------

    def system(self) -> str:
        scenario = self.law.scenario
        seats = "; ".join(self._player(seat) for seat in scenario.seats)
        return fill(
            "system",
            self.prompts,
            {
                "title": scenario.title,
                "about": scenario.about.strip(),
                "briefing": scenario.briefing.strip(),
                "moves": "one move" if (most := scenario.turns.actions_per_turn) == 1 else f"up to {most} moves",
                "seats": seats,
                "step": scenario.clock.step,
                "open": self.open,
                "close": self.close,
            },
        ).strip()

    def _player(self, seat: str) -> str:
        """A player as all know it: its name and, where it decides for itself, its authority."""
        held, authority = self.law.scenario.seats[seat], self.law.personas[seat].authority
        return f"{held.label} ({', '.join(authority)})" if held.by == "model" and authority else held.label

    def world(self, state: RunState, seen: Observation, *, brief: bool = False) -> str:
        """Record and state of the world: the same for all seats of a round. `brief` (the style `choose`) leaves
        out what was said: a small model takes over words and voice of whoever is quoted."""
        if self._shared[0] is not state:
            self._shared = state, {}
        found = self._shared[1]
        if brief not in found:
            step = self.law.scenario.clock.step
            said = [
                {"who": self.law.labels[line.speaker], "text": quoted(line.text, 240)}
                for line in state.record
                if line.speaker and line.round >= state.round - 1 and not brief
            ]
            values = {
                "record": self.sections(state),
                "date": spoken(day_number(seen.date)),
                "public": [*(reading_line(one, step, seen.since) for one in seen.public), *map(line_of, seen.boards)],
                "said": said,
                "step": step,
                "open": self.open,
                "close": self.close,
            }
            found[brief] = fill("world", self.prompts, values).strip()
        return found[brief]

    def sections(self, state: RunState) -> list[dict[str, Any]]:
        """The record a round at a time; old rounds are shortened at fixed rounds, so the prefix stays stable."""
        whole_from = (state.round - 1) // OLD * OLD - OLD + 1
        made: list[dict[str, Any]] = []
        for round_ in range(min([1, *(line.round for line in state.record[:1])]), state.round + 1):
            lines = [line for line in state.record if line.round == round_ and not line.speaker]
            if round_ == state.round and not lines:
                break  # where seats act in order, the later ones read what the earlier ones did
            if 0 < round_ < whole_from:
                lines = lines[:: max(1, -(-len(lines) // SHORT))]
            first, last = span_of(self.law.start, self.law.scenario.clock.step, max(1, round_))
            dated = [
                {"date": spoken(day_number(line.date)).rsplit(" ", 1)[0], "text": quoted(line.text)} for line in lines
            ]
            when = f"{spoken(first)} to {spoken(last)}" if last > first else spoken(first)
            made.append({"title": f"round {round_}, {when}" if round_ else "before the first round", "lines": dated})
        return made

    def desk(self, seen: Observation, *, brief: bool) -> str:
        """What only this seat reads; `brief` (the style `choose`) keeps the persona's opening sentences."""
        persona = self.law.personas[seen.seat]
        step = self.law.scenario.clock.step
        values = {
            "brief": brief,
            "opening": " ".join(re.split(r"(?<=[.!?])\s+", " ".join(persona.prose.split()))[:OPENING]),
            "prose": persona.prose.strip(),
            "goals": "; ".join(persona.goals),
            "red_lines": "; ".join(persona.red_lines),
            "authority": "; ".join(persona.authority),
            "private": "; ".join(fact.fact.rstrip(". ") for fact in persona.private),
            "date": spoken(day_number(seen.date)),
            "readings": "; ".join(reading_line(reading, step, seen.since) for reading in seen.private),
            "notebook": [
                {"date": spoken(day_number(line.date)), "text": quoted(line.text, 200)}
                for line in [held for held in seen.notebook if not held.speaker][
                    -NOTES * self.law.scenario.turns.actions_per_turn :
                ]
            ],
            "letters": letters(self.law, seen),
            "open": self.open,
            "close": self.close,
        }
        return fill("desk", self.prompts, values).strip()

    # --- the calls -------------------------------------------------------------------------------------

    def call(
        self,
        key: str,
        play: SeatPlay,
        parts: Sequence[str],
        shape: Shape,
        tokens: int,
        *,
        top: int = 0,
        begun: str = "",
        temperature: float | None = None,
        copying: float = 0.0,
        more: Sequence[Message] = (),
    ) -> Call:
        """A call with the shared system message and these parts of the question."""
        messages = (
            Message(role="system", content=self.system()),
            Message(role="user", content="\n\n".join(part.strip() for part in parts)),
            *more,
        )
        sampling = Sampling(
            max_tokens=tokens,
            temperature=play.temperature if temperature is None else temperature,
            top_logprobs=top,
            copying=copying,
        )
        return Call(
            key=key,
            messages=messages,
            shape=shape,
            begun=begun,
            sampling=sampling,
            seed=seed_for(self.seed, *key.split("/")),
            backend_kind=play.backend_kind,
            model=play.model,
        )

    def choose(
        self, state: RunState, seen: Observation, play: SeatPlay, key: str
    ) -> tuple[Call, tuple[Option, ...], tuple[str, ...]]:
        """(call, the options in the order shown, their names): the names of the moves, one to be written."""
        order = shuffled(len(seen.options), self.seed, f"r{state.round}", seen.seat, "menu")
        options = tuple(seen.options[index] for index in order)
        names = distinct([option.label for option in options])
        shown = [option_line(option, name) for option, name in zip(options, names, strict=True)]
        tail = fill("choose", self.prompts, {"options": shown, "label": seen.label})
        parts = (self.world(state, seen, brief=True), self.desk(seen, brief=True), tail)
        return self.call(key, play, parts, Shape(choices=names), 1, top=20, temperature=0.0), options, names

    def compose(
        self, state: RunState, seen: Observation, play: SeatPlay, key: str, more: Sequence[Message] = ()
    ) -> Call:
        """One JSON object: reason, action with its parameters, statement, and a free move where it is open."""
        free = seen.seat in self.law.free
        order = shuffled(len(seen.options), self.seed, f"r{state.round}", seen.seat, "menu")
        options = [seen.options[index] for index in order]
        params = {name: values for option in options for name, values in option.params.items()}
        shown = [f"{option.id}: {option_line(option, option.label)}" for option in options]
        pledges = promise_schema(self.law, state, seen)
        values = {"options": shown, "label": seen.label, "free": free, "params": list(params)}
        tail = fill("compose", self.prompts, {**values, "promises": bool(pledges)})
        schema = compose_schema([option.id for option in options], params, free=free, more=pledges)
        return self.call(
            key,
            play,
            (self.world(state, seen), self.desk(seen, brief=False), tail),
            Shape(json_schema=schema),
            400,
            more=more,
        )

    def referee(self, state: RunState, seen: Observation, play: SeatPlay, move: Move, key: str) -> Call:
        """What comes of a free move: ids of declared effects, each with its target where it has one."""
        assert self.law.scenario.free is not None
        ids = effect_ids(self.law, state, move.seat)
        labels, effects = self.law.labels, self.law.free[move.seat]
        shown = [
            f"{name}: {effects[effect].label}{f' ({labels.get(target, target)})' if target else ''}"
            for name, (effect, target) in ids.items()
        ]
        most = self.law.scenario.free.at_most
        values = {
            "label": seen.label,
            "attempt": quoted(move.attempt),
            "effects": shown,
            "at_most": most,
            "open": self.open,
            "close": self.close,
        }
        item = {"type": "string", "enum": list(ids)}
        schema = obj_schema({"effects": {"type": "array", "items": item, "maxItems": most}})
        return self.call(
            key,
            play,
            (self.world(state, seen, brief=play.style == "choose"), fill("referee", self.prompts, values)),
            Shape(json_schema=schema),
            120,
            temperature=0.0,
        )

    def judge(
        self,
        state: RunState,
        seen: Observation,
        play: SeatPlay,
        move: Move,
        line: str,
        key: str,
        more: Sequence[Message] = (),
    ) -> Call:
        """A verdict on one move, blind to the model behind it."""
        what = (
            f"something of its own: {self.open}{quoted(move.attempt)}{self.close}"
            if move.action == FREE
            else move_line(seen, move)
        )
        values = {
            "label": seen.label,
            "move": what,
            "line": quoted(line),
            "open": self.open,
            "close": self.close,
            "brief": play.style == "choose",
        }
        ratings = {key_0: {"type": "integer", "enum": [1, 2, 3, 4, 5]} for key_0 in (*CRITERIA, "plausibility")}
        reason = {"reason": {"type": "string", "maxLength": 120 if play.style == "choose" else 240}}
        # Reasons first help a strong model; a small one copies the move and then rates its own copy.
        schema = obj_schema({**ratings, **reason} if play.style == "choose" else {**reason, **ratings})
        parts = (self.world(state, seen, brief=play.style == "choose"), fill("judge", self.prompts, values))
        return self.call(key, play, parts, Shape(json_schema=schema), 150, top=10, temperature=0.0, more=more)

    def again(self, why: str, answer: str) -> tuple[Message, Message]:
        """What a repair adds: the answer that failed, and why."""
        return Message(role="assistant", content=answer[:2000]), Message(
            role="user", content=fill("repair", self.prompts, {"why": why}).strip()
        )


def effect_ids(law: Law, state: RunState, seat: str) -> dict[str, tuple[str, str | None]]:
    """The declared effects a seat's free move may have: id -> (effect, target), at most 24."""
    found: dict[str, tuple[str, str | None]] = {}
    scene = scene_of(law, state, {"self": law.scenario.seats[seat].plays, "seat": seat})
    for effect in law.free[seat].values():
        if effect.target_kind is None:
            found[effect.id] = effect.id, None
            continue
        for target in candidates(effect.target_kind, effect.target_where, scene, itself=effect.target_self):
            found[f"{effect.id} {target}"] = effect.id, target
    return dict(list(found.items())[:24])


def obj_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object that holds all of these and nothing else."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def compose_schema(
    ids: Sequence[str], params: Mapping[str, tuple[Any, ...]], *, free: bool, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The JSON schema of a composed move; `more`: further properties."""
    actions = [*ids, FREE] if free else list(ids)
    middle = {
        name: {"enum": list(values)} if isinstance(values[0], str) else {"type": "integer", "enum": list(values)}
        for name, values in params.items()
    }
    attempt = {"attempt": {"type": "string", "maxLength": 300}} if free else {}
    return obj_schema(
        {
            "reason": {"type": "string", "maxLength": 240},
            "action": {"type": "string", "enum": actions},
            **attempt,
            **middle,
            **(more or {}),
            "statement": {"type": "string", "maxLength": 240},
        }
    )


def reading_line(reading: Reading, step: str, since: str = "") -> str:
    """`Big-tech index: 112.0 (+3.1 last quarter)`, or since when it is said to have changed."""
    if isinstance(reading.value, str):
        return f"{reading.label}: {reading.value}"
    unit = f" ({reading.unit})" if "=" in reading.unit else f" {reading.unit}" if reading.unit else ""
    shown = f"{reading.label}: {reading.value:,.{reading.digits}f}{unit}"
    if reading.was is None:
        return shown
    change = round(reading.value - reading.was, reading.digits)
    return f"{shown} ({change:+,.{reading.digits}f} {since or f'last {step}'})" if change else shown


def option_line(option: Option, name: str) -> str:
    """`Open a case (costs 3 staff): purpose`."""
    costs = " and ".join(f"{amount:g} {variable.replace('_', ' ')}" for variable, amount in option.costs)
    return f"{name}{f' (costs {costs})' if costs else ''}: {option.purpose}"


def move_line(seen: Observation, move: Move) -> str:
    """The chosen move in the words of its menu."""
    for option in seen.options:
        if option.action == move.action and option.target == move.target:
            chosen = ", ".join(f"{name} {value}" for name, value in move.params.items())
            return option_line(option, option.label) + (f" [{chosen}]" if chosen else "")
    return move.action.replace("_", " ")


def distinct(labels: Sequence[str]) -> tuple[str, ...]:
    """Names that begin with different words, so that the first token tells them apart."""
    seen: set[str] = set()
    made: list[str] = []
    for number, label in enumerate(labels, start=1):
        name = label
        if name.split()[0].lower() in seen:
            words = label.split()
            rest = next((word for word in words[1:] if word[:1].isupper() and word.lower() not in seen), "")
            name = f"{rest}: {label[0].lower()}{label[1:]}" if rest else f"{number}: {label}"
        while name.split()[0].lower() in seen:  # a label that looks like a number of ours
            number += len(labels)
            name = f"{number}: {label}"
        seen.add(name.split()[0].lower())
        made.append(name)
    return tuple(made)
