"""The bound on work: what an evaluation may cost, what a round may cost, and what is paid while it is played."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.core import workload
from orchestrator.core.asking import MOST_QUESTIONS
from orchestrator.core.compile import compile_law
from orchestrator.core.events import AnyEvent
from orchestrator.core.exprtypes import NUM, Compiled
from orchestrator.core.grown import Grown, plus
from orchestrator.core.law import Law
from orchestrator.core.observe import observe
from orchestrator.core.policy import policy_move
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.state import RunState
from orchestrator.core.weighing import MOST_DEEP, MOST_PASSES, Weigher, ordered
from orchestrator.library import load_scenario
from tests.library.kit import within
from tests.support.worlds import begun, law_of, opened, persona, play_round, problems, world

ROOT = Path(__file__).parents[2]


def code(passes: int = 1, **derived: int) -> Compiled:
    """What is derived by an expression of these costs; `k_v=3` reads k.v three times."""
    reads = tuple((name.replace("_", "."), times) for name, times in derived.items())
    return Compiled("x", NUM, lambda: abs, frozenset(), passes, reads)


def nested(depth: int, members: int) -> dict[str, Any]:
    """A kind whose derived variables sum each other over all its members."""
    kind: dict[str, Any] = {"x": {"start": 1}}
    for level in range(depth):
        kind[f"v{level}"] = {"is": f"sum(o.{'x' if level == 0 else f'v{level - 1}'} for o in k)"}
    return {"kinds": {"k": kind}, "entities": {f"k{number}": {"kind": "k"} for number in range(members)}}


def loads_of(law: Law) -> int:
    return workload.heaviest(workload.work_of(law, Weigher({}))[1])[1]


# --- one evaluation ------------------------------------------------------------------------------------------


def test_loops_in_derived_variables_multiply() -> None:
    weigh = Weigher({"k.a": code(21), "k.b": code(21, k_a=20), "k.c": code(1, k_b=2)})
    assert weigh.of(code(1, k_a=1)) == 1 + 21
    assert weigh.of(code(1, k_b=1)) == 1 + 21 + 20 * 21
    assert weigh.of(code(1, k_c=1)) == 1 + 1 + 2 * (21 + 20 * 21)
    assert weigh.wrong == []


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("alpha.x", 1),
        ("sum(f.x for f in firm)", 3),
        ("sum(f.x for f in firm) + sum(f.x for f in firm)", 5),
        ("sum(sum(f.x + g.x for f in firm) for g in firm)", 1 + 2 + 4),
        ("sum(f.x for f in firm if any(g.open for g in firm))", 1 + 2 + 4),
        ("alpha.twice", 2),
        ("sum(f.twice for f in firm)", 1 + 2 + 2),
        ("count(1 for c in case)", 1 + 128),
    ],
)
def test_a_pass_is_a_body_of_a_loop_or_a_derived_variable(text: str, cost: int) -> None:
    data = world(
        rules={"r": {"every": "month", "add": {"alpha.x": text}}}, processes={"case": {"stages": [{"id": "one"}]}}
    )
    (_, added), *_ = law_of(data).rules[0].effects.adds
    assert Weigher({"firm.twice": code()}).of(added) == cost


@pytest.mark.parametrize(
    "more",
    [
        {"rules": {"r": {"every": "month", "add": {"alpha.x": "k0.v7"}}}},
        {"indicators": {"i": {"label": "i", "is": "k0.v7"}}},
        {"processes": {"p": {"label": "{k0.v7}", "stages": [{"id": "a"}]}}},
        {"actions": {"a": {"label": "Go {k0.v7}", "purpose": "p", "by": "ann"}}},
        {},
    ],
)
def test_a_tower_of_loops_is_refused_where_it_first_gets_too_high(more: dict[str, Any]) -> None:
    with within(0.5):
        found = problems(world(**nested(8, 20), **more))
    assert found[0].startswith("kinds.k.v3.is: 'sum(o.v2 for o in k)' may take 176,841 passes")


def test_a_policy_and_a_loop_over_much_are_held_to_the_same() -> None:
    data = world(**nested(2, 120))
    assert problems(data, {"ann": persona("ann", {"do": "wait", "when": "sum(o.x for o in k) > 1"})}) == []
    heavy = "sum(o.v1 for o in k) > 1"
    assert "personas.ann.policy.0.when" in problems(data, {"ann": persona("ann", {"do": "wait", "when": heavy})})[-1]


def test_derived_variables_that_double_and_that_go_deep() -> None:
    doubling = {f"v{n}": {"is": "self.x" if n == 0 else f"self.v{n - 1} + self.v{n - 1}"} for n in range(40)}
    assert "self.v13 + self.v13" in problems(world(kinds={"firm": doubling}))[0]
    chain = {f"v{n}": {"is": "self.x" if n == 0 else f"self.v{n - 1}"} for n in range(MOST_DEEP + 1)}
    assert problems(world(kinds={"firm": chain})) == [
        f"kinds.firm.v{MOST_DEEP}.is: more than {MOST_DEEP} derived variables read each other in a row"
    ]
    many = {f"v{n}": {"is": "self.x" if n == 0 else f"self.v{n - 1}"} for n in range(5000)}
    with within(1.0):
        assert problems(world(kinds={"firm": many})) == ["kinds: 5,001 derived variables, at most 1,000"]


def test_a_circle_is_told_apart_from_what_leads_to_it_and_from_it() -> None:
    order, circles = ordered({"in": [], "a": ["b", "in"], "b": ["a"], "after": ["b"], "out": ["after", "elsewhere"]})
    assert (order, circles) == (["in"], ["a", "b"])


def test_comparisons_that_stand_inside_each_other_are_bounded() -> None:
    text = "alpha.x"
    for _ in range(20):
        text = f"(1 if 0<{text}<9 else 0)"
    with within(0.5):
        assert "nested too deeply" in problems(world(rules={"r": {"every": "month", "add": {"alpha.x": text}}}))[0]


# --- one round -----------------------------------------------------------------------------------------------


def test_takeoff_is_far_below_the_bound() -> None:
    loaded = load_scenario("takeoff", ROOT)
    law = compile_law(loaded.scenario, loaded.personas).law
    assert law is not None
    assert loads_of(law) < workload.MOST_ROUND / 8
    assert max(law.work.rules.values()) < MOST_PASSES


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"rules": {f"r{n}": {"every": "day", "add": {"alpha.x": "1"}} for n in range(2000)}}, "rules.r0"),
        ({"rules": {f"r{n}": {"every": "day", "says": "again"} for n in range(200)}}, "rules.r0"),
        (
            {
                "entities": {f"k{n}": {"kind": "firm"} for n in range(400)},
                "actions": {
                    f"a{n}": {
                        "label": "Go {target}",
                        "purpose": "p",
                        "by": "firm",
                        "target": {"kind": "firm", "where": "sum(f.x for f in firm) > 0"},
                    }
                    for n in range(12)
                },
            },
            "actions.a0",
        ),
        ({"indicators": {f"i{n}": {"label": "i", "is": "k0.v2"} for n in range(60)}}, "indicators"),
    ],
)
def test_a_round_that_would_run_long_is_refused_by_its_heaviest_part(sections: dict[str, Any], where: str) -> None:
    with within(2.0):
        found = problems(world(clock={"step": "year", "rounds": 400}, **_with(nested(3, 25), sections)))
    assert len(found) == 1
    assert found[0].startswith(where)
    assert "a round would take up to" in found[0]


def _with(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {key: {**base.get(key, {}), **more.get(key, {})} for key in {**base, **more}}


def test_what_is_compiled_for_every_seat_is_bounded() -> None:
    seats = {f"s{n}": {"label": "S", "plays": "alpha"} for n in range(100)}
    actions = {f"a{n}": {"label": "Go", "purpose": "p", "by": "firm"} for n in range(100)}
    with within(1.0):
        assert "actions times the seats" in problems(world(seats=seats, actions=actions))[0]


def test_a_hundred_problems_are_enough() -> None:
    entities = {f"thing_{n}": {"kind": "firm"} for n in range(1500)}
    rules = {f"r{n}": {"every": "month", "add": {"alpha.x": f"thing_x{n}.x"}} for n in range(1500)}
    with within(4.0):
        assert len(problems(world(entities=entities, rules=rules))) == 100


# --- while it is played --------------------------------------------------------------------------------------


def played(data: dict[str, Any], rounds: int = 1) -> tuple[list[AnyEvent], RunState]:
    law = law_of(data)
    state, events = begun(law), list[AnyEvent]()
    for _ in range(rounds):
        asked = opened(law, state)
        moves = [policy_move(law, asked, observe(law, asked, seat)) for seat in law.scenario.seats]
        happened, state = play_round(law, state, moves)
        events += happened
    return events, state


def failures(events: list[AnyEvent]) -> set[str]:
    return {str(getattr(event, "what", "")) for event in events if event.kind == "rule_failed"}


def test_events_that_multiply_stop_at_the_same_place_each_time() -> None:
    follow = {f"b{n}": {"upon": "x", "emits": "x", "says": "hi"} for n in range(10)}
    data = world(rules={"a": {"every": "day", "emits": "x"}, **follow})
    with within(10.0):
        events, state = played(data)
        again, same = played(data)
    assert [event.body() for event in events] == [event.body() for event in again]
    assert state == same
    assert failures(events) == {"too much follows from too much: the rest of what would follow is left out"}
    assert len(events) < 15_000


CHAINS: dict[str, dict[str, Any]] = {
    "events in a circle": {
        "rules": {
            "a": {"every": "day", "emits": "x"},
            "b": {"upon": "x", "emits": "y"},
            "c": {"upon": "y", "emits": "x"},
        }
    },
    "a process that begins itself": {
        "processes": {"p": {"limit": 64, "stages": [{"id": "a", "sends": {"self": "end"}, "starts": {"p": {}}}]}},
        "rules": {"r": {"every": "day", "starts": {"p": {}}}},
    },
    "a process that its end begins": {
        "processes": {"p": {"stages": [{"id": "a", "sends": {"self": "end"}}]}},
        "rules": {"r": {"upon": "p_ended", "starts": {"p": {}}}, "s": {"every": "day", "starts": {"p": {}}}},
    },
    "two processes": {
        "processes": {
            "p": {"stages": [{"id": "a", "starts": {"q": {}}, "sends": {"self": "end"}}]},
            "q": {"stages": [{"id": "a", "starts": {"p": {}}, "sends": {"self": "end"}}]},
        },
        "rules": {"s": {"every": "day", "starts": {"p": {}}}},
    },
    "stages that send each other": {
        "processes": {"p": {"stages": [{"id": "a", "sends": {"self": "b"}}, {"id": "b", "sends": {"self": "a"}}]}},
        "rules": {"s": {"every": "month", "starts": {"p": {}}}},
    },
    "a stage after itself": {
        "processes": {"p": {"stages": [{"id": "a", "after": ["a"], "lasts": {"days": 0}}]}},
        "rules": {"s": {"every": "day", "starts": {"p": {}}}},
    },
}


@pytest.mark.parametrize("name", CHAINS)
def test_what_goes_on_for_ever_ends_with_the_day(name: str) -> None:
    with within(2.0):
        events, _ = played(world(**CHAINS[name]), rounds=2)
    assert len(events) < 3000


def test_a_run_has_so_many_instances_and_no_more() -> None:
    data = world(
        clock={"step": "year"},
        processes={"p": {"limit": 4, "stages": [{"id": "a", "lasts": {"days": 1}}]}},
        rules={"r": {"every": "day", "starts": {"p": {}}}},
    )
    events, state = played(data)
    assert len(state.instances) == workload.lifetime(law_of(data).scenario.processes["p"]) == 128
    refused = [event for event in events if event.kind == "process_refused"]
    assert getattr(refused[0], "why", "") == "128 have been begun in this run, and 128 of all processes"


def test_reports_that_never_arrive_do_not_pile_up_for_ever() -> None:
    tells = {"to": "ann", "report": "x", "says": "x", "lag": {"years": 900}}
    with within(10.0):
        events, state = played(
            world(clock={"step": "year"}, rules={f"r{n}": {"every": "day", "tells": tells} for n in range(20)})
        )
    assert len(state.pending) == 5000
    assert failures(events) == {"5,000 reports are on their way already"}


def test_a_menu_of_thousands_is_spread_in_no_time() -> None:
    data = world(
        entities={f"k{n}": {"kind": "firm"} for n in range(900)},
        actions={
            name: {"label": "Go {target}", "purpose": "p", "by": "ann", "target": {"kind": "firm"}}
            for name in ("one", "two", "three")
        },
    )
    law = law_of(data)
    with within(1.0):
        options = observe(law, opened(law, begun(law)), "ann").options
    assert [option.action for option in options].count("three") == 3
    assert len(options) == 9


# --- a record that grows -------------------------------------------------------------------------------------


def test_a_grown_sequence_shares_and_never_changes() -> None:
    one = plus((), "a")
    two, other = one.plus("b"), one.plus("c")
    assert (list(one), list(two), list(other)) == (["a"], ["a", "b"], ["a", "c"])
    assert (two[-1], two[:1], two == ("a", "b"), two == other, len(other)) == ("b", ("a",), True, False, 2)
    with pytest.raises(IndexError):
        one[1]
    assert repr(Grown([1])) == "Grown([1])"


def test_a_long_record_costs_no_more_a_line() -> None:
    held: Grown[int] = Grown()
    with within(1.0):
        for number in range(200_000):
            held = held.plus(number)
    assert held[199_999] == 199_999


# --- questions -----------------------------------------------------------------------------------------------


def crowd(members: int, lines: int, every: str = "day") -> Law | None:
    """A rule that asks so many people, each with so many lines to look at."""
    ask = {"seats": "crew", "question": "it may go on", "decides": "any"}
    data = world(
        clock={"step": "year"},
        seats={"crew": {"label": "the crew", "plays": "alpha", "members": members}},
        rules={"go": {"every": every, "asks": ask}},
    )
    policy = [{"asked": "go", "when": "sum(f.x for f in firm) > 0", "do": "no"} for _ in range(lines)]
    people = {"ann": persona("ann"), "bob": persona("bob"), "crew": persona("crew", *policy)}
    scenario = Scenario.model_validate(data)
    return compile_law(scenario, {key: Persona.model_validate(held) for key, held in people.items()}).law


def test_a_question_costs_what_all_who_are_asked_cost() -> None:
    few, many = crowd(2, 10, "year"), crowd(40, 10, "year")
    assert few is not None
    assert many is not None
    assert many.work.rules["go"] - few.work.rules["go"] == 38 * (workload.EVENT + 10 * 3)
    assert crowd(50, 100) is None, "fifty people with a hundred lines each, every day of a year"


def test_a_scenario_that_asks_without_end_stops_soon() -> None:
    law = crowd(50, 10)
    assert law is not None
    with within(20):
        events, _ = play_round(law, begun(law))
    assert sum(event.kind == "question_asked" for event in events) == MOST_QUESTIONS
