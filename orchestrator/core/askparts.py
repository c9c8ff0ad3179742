"""Compiles what is asked and who answers: questions of rules and stages, groups and their members, the lines of a
persona that answer.
"""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.core.blocks import Builder, Scope
from orchestrator.core.exprtypes import Type, near
from orchestrator.core.law import CAsk, CDecision, CProcess, CRule, CVote
from orchestrator.core.parts import Asks
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.value import canonical, digest


def compile_ask(
    build: Builder,
    ask: Asks,
    place: str,
    scope: Scope,
    at: tuple[str, ...],
    cites: tuple[str, ...],
    stages: Sequence[str] | None = None,
    follower: str = "end",
) -> CAsk:
    """A question of a rule, or of a stage whose process has these `stages`; `follower`: where a plain yes leads."""
    at = (*at, "asks")
    seats = build.who(ask.seats, (*at, "seats"))
    decisions: dict[str, CDecision] = {}
    for word, block in ask.decisions().items():
        here = (*at, word)
        if block.next is not None and stages is None:
            build.say((*here, "next"), "only the question of a stage has `next`; use `sends` to move a process")
        elif block.next is not None and stages is not None and block.next not in (*stages, "end"):
            build.say((*here, "next"), f"no stage is called '{block.next}'{near(block.next, stages)}")
        plain = follower if stages is not None and word == "yes" else None
        decisions[word] = CDecision(build.effects(block, scope, here), block.next or plain)
    return CAsk(
        place=place,
        id=ask.id or place.rpartition(".")[2],
        seats=seats,
        question=build.text(ask.question, scope._replace(seats=seats), (*at, "question"), changing=False),
        decides=ask.decides,
        default=ask.else_,
        decisions=decisions,
        words={"yes": ask.says_yes, "no": ask.says_no},
        audience=_audience(build, ask, seats, (*at, "audience")),
        cites=cites,
    )


def _audience(build: Builder, ask: Asks, seats: tuple[str, ...], at: tuple[str, ...]) -> tuple[str, ...] | None:
    """Those who read the decision: those asked, and whoever else is named."""
    given = build.audience(ask.audience, at)
    return None if given is None else tuple(seat for seat in build.scenario.seats if seat in {*given, *seats})


def asks_of(rules: Iterable[CRule], processes: Mapping[str, CProcess]) -> dict[str, CAsk]:
    """Place -> question of every rule and stage that asks."""
    found = [rule.asks for rule in rules]
    found += [stage.asks for process in processes.values() for stage in process.stages.values()]
    return {ask.place: ask for ask in found if ask is not None}


def members_of(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Seat -> its members; itself where it is one person."""
    return {
        key: (key,) if seat.members is None else tuple(f"{key}_{number}" for number in range(1, seat.members + 1))
        for key, seat in scenario.seats.items()
    }


def member_labels(scenario: Scenario) -> dict[str, str]:
    """Member of a group -> what people call it: `senior engineer 3`."""
    found: dict[str, str] = {}
    for key, members in members_of(scenario).items():
        seat = scenario.seats[key]
        if seat.members is not None:
            one = seat.member.strip() or seat.label.strip() or key.replace("_", " ")
            found |= {member: f"{one} {number}" for number, member in enumerate(members, start=1)}
    return found


def acts(scenario: Scenario, seat: str) -> bool:
    """Whether a seat takes turns: a group only answers."""
    return scenario.seats[seat].members is None


def own_scope(build: Builder, seat: str, persona: Persona) -> Scope:
    """What the lines of a persona's policy may read."""
    mine = Type("draws", tuple(persona.draws))
    return build.actor(seat, sees=True).more(my=mine)._replace(known=True)


def compile_votes(
    build: Builder, seat: str, persona: Persona, asks: Mapping[str, CAsk]
) -> dict[str, tuple[CVote, ...]]:
    """Question -> the lines that answer it."""
    found: dict[str, tuple[CVote, ...]] = {}
    mine = {ask.id for ask in asks.values() if seat in ask.seats}
    scope = own_scope(build, seat, persona)
    for index, rule in enumerate(persona.policy):
        at = ("personas", seat, "policy", str(index))
        if rule.asked is None:
            if not acts(build.scenario, seat):
                build.say(at, f"{seat} is a group and takes no turn: a line of its policy answers a question (`asked`)")
            continue
        if rule.asked not in mine:
            known = sorted({ask.id for ask in asks.values()})
            why = "is not asked" if rule.asked in known else "there is no question"
            build.say((*at, "asked"), f"{seat}: {why} '{rule.asked}'{near(rule.asked, mine or known)}")
            continue
        said = digest(canonical(rule.model_dump(mode="json", exclude={"weight"}, exclude_defaults=True)))[:8]
        held = found.get(rule.asked, ())
        same = sum(1 for vote in held if vote.id.split("_")[0] == said)
        when = build.expr(rule.when, scope, (*at, "when"), "bool")
        found[rule.asked] = (*held, CVote(f"{said}_{same + 1}", when, "yes" if rule.do == "yes" else "no", rule.weight))
    return found


def check_people(build: Builder, asks: Mapping[str, CAsk]) -> None:
    """Groups answer and do not act, somebody asks them, and no member is called as something else is."""
    scenario = build.scenario
    groups = [key for key in scenario.seats if not acts(scenario, key)]
    for key in groups:
        for member in members_of(scenario)[key]:
            for section in ("seats", "entities", "groups"):
                if member in getattr(scenario, section):
                    build.say((section, member), f"'{member}' is what a member of {key} is called")
        if not any(key in ask.seats for ask in asks.values()):
            build.say(("seats", key, "members"), f"no question is put to {key}, and a group does nothing but answer")
        for name, action in scenario.actions.items():
            if key in action.by:
                build.say(("actions", name, "by"), f"{key} is a group: it answers questions and takes no turn")
        for where in (("turns", "order"), ("free", "by")):
            held = scenario.turns.order if where[0] == "turns" else scenario.free.by if scenario.free else ()
            if key in held:
                build.say(where, f"{key} is a group: it answers questions and takes no turn")
