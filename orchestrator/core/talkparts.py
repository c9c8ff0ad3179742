"""Compiles what a persona says of itself: the promises of its policy and the messages it writes."""

from collections.abc import Iterable

from orchestrator.core.askparts import acts, own_scope
from orchestrator.core.blocks import Builder
from orchestrator.core.dealparts import Pledge
from orchestrator.core.exprtypes import near
from orchestrator.core.law import CTalk
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.turn import Promise
from orchestrator.core.value import canonical, digest


def compile_pledges(build: Builder, seat: str, given: Iterable[Pledge], at: tuple[str, ...]) -> tuple[Promise, ...]:
    """The promises that a policy line makes."""
    made: list[Promise] = []
    scenario = build.scenario
    for number, pledge in enumerate(given):
        here = (*at, str(number))
        if scenario.promises is None:
            build.say(here, "the scenario knows no promises: give it `promises: {rounds: 3}`")
            return ()
        action = pledge.will or pledge.wont or ""
        word = "will" if pledge.will else "wont"
        held = scenario.actions.get(action)
        if held is None or seat not in build.who(held.by, here):
            mine = [key for key, one in scenario.actions.items() if seat in build.who(one.by, here)]
            build.say((*here, word), f"{seat} has no action '{action}'{near(action, mine)}")
            continue
        if pledge.rounds > scenario.promises.rounds:
            build.say((*here, "rounds"), f"a promise reaches at most {scenario.promises.rounds} rounds ahead here")
        to = tuple(one for one in build.who(pledge.to, (*here, "to")) if one != seat) if pledge.to else None
        made.append(Promise(pledge.will is not None, action, None, pledge.rounds, to))
    return tuple(made)


def compile_talk(build: Builder, seat: str, persona: Persona) -> tuple[CTalk, ...]:
    """The messages that a seat on policy writes where talks are held."""
    made: list[CTalk] = []
    scope = own_scope(build, seat, persona)
    plain = build.actor(seat, sees=True)
    for number, line in enumerate(persona.talk):
        at = ("personas", seat, "talk", str(number))
        if not acts(build.scenario, seat):
            build.say(at, f"{seat} is a group: it answers questions and writes no messages")
            return ()
        to = tuple(one for one in build.who(line.to, (*at, "to")) if one != seat and acts(build.scenario, one))
        if not to:
            build.say((*at, "to"), "reaches nobody but the seat itself")
        words = len(line.says.split())
        if words > build.scenario.talks.words:
            build.say((*at, "says"), f"has {words} words, and a message has at most {build.scenario.talks.words}")
        said = digest(canonical(line.model_dump(mode="json", exclude={"weight"}, exclude_defaults=True)))[:8]
        same = sum(1 for other in made if other.id.split("_")[0] == said)
        when = build.expr(line.when, scope, (*at, "when"), "bool")
        says = build.text(line.says, plain, (*at, "says"), changing=False)
        made.append(CTalk(f"{said}_{same + 1}", when, to, says, line.weight))
    return tuple(made)


def writing(scenario: Scenario) -> tuple[str, ...]:
    """The seats that may write to each other: all but groups of people."""
    return tuple(seat for seat in scenario.seats if acts(scenario, seat))
