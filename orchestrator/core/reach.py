"""What of a scenario can come about at all: from what begins by itself, round after round to what follows from it.

A rule that nothing bars, an action that somebody may take, what those emit, begin and end, and so on until
nothing is added. Conditions count as possible unless `possible` can show that they never hold, so what is
left out here is surely dead.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.core.exprtypes import NUM, Type
from orchestrator.core.law import CAction, Law
from orchestrator.core.parts import Effects, Process, Rule, Stage
from orchestrator.core.possible import never, span_of_text
from orchestrator.core.value import Value
from orchestrator.core.walk import parts_of

_APART = ("rules", "processes", "actions")


class Reach:
    """Everything that can come about; `why` says of what cannot, why."""

    def __init__(self, law: Law) -> None:
        self.law = law
        self.happenings: set[str] = set()
        self.processes: set[str] = set()
        self.stages: set[tuple[str, str]] = set()
        self.sent: set[str] = set()
        """Stages named by `sends`, of whatever process."""
        self.endings: set[str] = {law.scenario.clock.ends}
        self.rules: set[str] = set()
        self.actions: set[str] = set()
        self.why: dict[tuple[str, str], str] = {}
        """(section, id) -> why it can never take place."""
        self._taken: set[int] = set()
        self._told = _told(law)
        self._bars()
        self._spread()

    def _bars(self) -> None:
        """What no condition lets happen, whatever else does."""
        for key, rule in self.law.scenario.rules.items():
            scope = rule_scope(rule)
            texts = [rule.when, *([] if rule.becomes is None else [rule.becomes])]
            empty = next((kind for kind in self._kinds(rule) if not self._members(kind)), None)
            why = f"there is no {empty}" if empty else never(self.law, texts, scope)
            if why is None and span_of_text(self.law, rule.chance, scope).high <= 0:
                why = f"its chance `{rule.chance}` is never above 0"
            if why is not None:
                self.why["rules", key] = why
        for key in self.law.scenario.actions:
            if (why := self._unplayable(key)) is not None:
                self.why["actions", key] = why

    def _kinds(self, rule: Rule) -> list[str]:
        return [kind for kind in (rule.for_, *(pick.first for pick in rule.with_.values())) if kind is not None]

    def _members(self, kind: str) -> bool:
        return kind in self.law.scenario.processes or bool(self.law.members.get(kind))

    def _unplayable(self, key: str) -> str | None:
        """Why nobody can ever take an action; None where somebody may."""
        seats = [seat for seat, held in self.law.actions.items() if key in held]
        if not seats:
            return "no seat may take it (`by`)"
        whys = [self._barred(seat, self.law.actions[seat][key]) for seat in seats]
        return whys[0] if all(why is not None for why in whys) else None

    def _barred(self, seat: str, action: CAction) -> str | None:
        plays = self.law.scenario.seats[seat].plays
        own = self.law.names.entities.get(plays, "")
        scope = {"self": Type("ref", kind=own), "seat": Type("ref", kind="seat")}
        texts = list(self.law.scenario.actions[action.id].needs)
        if (kind := action.target_kind) is not None:
            scope["target"] = Type("ref", kind=kind)
            others = [one for one in self.law.members.get(kind, ()) if one != plays or action.target_self]
            if kind not in self.law.scenario.processes and not others:
                return f"there is no {kind} to be its target"
            if action.target_where is not None:
                texts.insert(0, action.target_where.text)
        for name in action.params:
            scope[name] = NUM
        if (why := never(self.law, texts, scope)) is not None:
            return why
        for variable, amount in action.costs:
            held = self.law.variables[own, variable].range
            if held is not None and span_of_text(self.law, amount.text, scope).low > held[1]:
                return f"its cost of {amount.text} {variable} is more than anyone can hold ({held[1]:g})"
        return None

    def _spread(self) -> None:
        """Adds what follows from what is there, until nothing is added."""
        scenario = self.law.scenario
        for section in type(scenario).model_fields:
            if section not in _APART:
                self._take(getattr(scenario, section))
        before = -1
        while before != (now := self._size()):
            before = now
            for key, action in scenario.actions.items():
                if ("actions", key) not in self.why and key not in self.actions and self._targeted(key):
                    self.actions.add(key)
                    self.happenings.add(key)
                    self._take(action)
            for key, rule in scenario.rules.items():
                heard = not rule.upon or any(name in self.happenings or name not in self._told for name in rule.upon)
                there = all(kind not in scenario.processes or kind in self.processes for kind in self._kinds(rule))
                if ("rules", key) not in self.why and key not in self.rules and heard and there:
                    self.rules.add(key)
                    self._take(rule)
            for name in list(self.processes):
                self._run(name, scenario.processes[name])

    def _size(self) -> int:
        held = (self.happenings, self.processes, self.stages, self.sent, self.endings, self.rules, self.actions)
        return sum(len(one) for one in held)

    def _targeted(self, key: str) -> bool:
        target = self.law.scenario.actions[key].target
        return target is None or target.process is None or target.process in self.processes

    def _run(self, name: str, process: Process) -> None:
        self.happenings |= {f"{name}_started", f"{name}_ended"}
        ids = [stage.id for stage in process.stages]
        self.stages.add((name, ids[0]))
        self.stages |= {(name, stage) for stage in ids if stage in self.sent}
        for stage in process.stages:
            if (name, stage.id) in self.stages:
                self._enter(stage)
                for block, next_ in self._leads(name, process, stage):
                    self._once(block)
                    if next_ in ids:
                        self.stages.add((name, next_))

    def _leads(self, name: str, process: Process, stage: Stage) -> Iterator[tuple[Value | None, str | None]]:
        """(what takes place, the stage that follows) of each way out of a stage that may be taken."""
        scope = process_scope(name, process)
        for action, counter in stage.countered_by.items():
            if action in self.actions:
                yield counter, counter.back_to
        if (why := self.stuck(name, process, stage)) is not None:
            self.why["processes", f"{name}.{stage.id}"] = why
            return
        follower = next((other.id for other in process.stages if stage.id in other.after), None)
        if stage.asks is not None:
            yield None, follower
            for decision in stage.asks.decisions().values():
                yield decision, decision.next
        elif not stage.outcomes:
            yield None, follower
        for outcome in stage.outcomes.values():
            if never(self.law, [outcome.when], scope) is None:
                yield outcome, outcome.next

    def stuck(self, name: str, process: Process, stage: Stage) -> str | None:
        """Why a stage never ends by itself."""
        scope = process_scope(name, process)
        return None if stage.lasts is not None else never(self.law, stage.needs, scope)

    def _take(self, value: Any) -> None:
        """Everything that these blocks of effects bring about."""
        for _, part in parts_of(value):
            if isinstance(part, Effects):
                self._enter(part)

    def _once(self, block: Value | None) -> None:
        """The same of one block, the first time that it is met."""
        if block is not None and id(block) not in self._taken:
            self._taken.add(id(block))
            self._take(block)

    def _enter(self, block: Effects) -> None:
        """What a block brings about by itself, without the blocks within it."""
        self.happenings |= block.emits.keys()
        self.processes |= block.starts.keys() & self.law.scenario.processes.keys()
        self.sent |= set(block.sends.values())
        if block.ends is not None:
            self.endings.add(block.ends)


def _told(law: Law) -> set[str]:
    """Happenings of which it is known what brings them about; any other may come at any time."""
    scenario = law.scenario
    emitted = {name for _, part in parts_of(scenario) if isinstance(part, Effects) for name in part.emits}
    ends = {f"{name}_{word}" for name in scenario.processes for word in ("started", "ended")}
    return emitted | ends | set(scenario.actions)


def rule_scope(rule: Rule) -> dict[str, Type]:
    """The names that a rule's conditions find beside the scenario's own."""
    scope = {} if rule.for_ is None else {"self": Type("ref", kind=rule.for_)}
    return {**scope, **{name: Type("ref", kind=pick.first) for name, pick in rule.with_.items()}}


def process_scope(name: str, process: Process) -> dict[str, Type]:
    """The names that a stage's conditions find."""
    return {"self": Type("ref", kind=name), **{role: Type("ref", kind=kind) for role, kind in process.roles.items()}}


def ended_by(blocks: Iterable[tuple[tuple[str, ...], Value]]) -> Mapping[str, list[tuple[str, ...]]]:
    """Ending -> the paths of the blocks that bring it about."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for path, part in blocks:
        if isinstance(part, Effects) and part.ends is not None:
            found.setdefault(part.ends, []).append(path)
    return found
