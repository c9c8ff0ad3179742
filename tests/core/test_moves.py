"""From chosen moves to what the rules let happen: legality, costs, chances, who sees it, free moves."""

from typing import Any

import pytest

from orchestrator.core.observe import legal
from orchestrator.core.prompts import effect_ids
from orchestrator.core.turn import FREE, Move
from tests.support.worlds import begun, deltas, first_round, law_of, move, of_kind, opened, play_round, world


def action(**more: Any) -> dict[str, Any]:
    return {"label": "Buy things", "purpose": "p", "by": "ann", **more}


def test_an_action_costs_acts_and_is_told() -> None:
    buy = action(costs={"self.money": "30"}, add={"self.x": "2"}, source="M1")
    events, state = first_round(world(actions={"buy": buy}), move("ann", "buy"))
    [taken] = of_kind(events, "action_taken")
    assert (taken.cause.kind, taken.cause.id, taken.cites, taken.succeeded) == ("move", "ann/buy", ("M1",), True)
    assert (state.values["alpha"]["money"], state.values["alpha"]["x"]) == (70, 10)
    assert deltas(events, "alpha", "money") == [-30]
    assert state.record[0].text == "Ann chose to buy things."
    assert state.taken == {"ann": {"buy": 1}}


def test_costs_of_one_player_are_reserved_in_order_and_the_rest_is_refused() -> None:
    seats = {"carl": {"label": "Carl", "plays": "alpha"}}
    data = world(actions={"buy": action(by=["ann", "carl"], costs={"self.money": "60"})}, seats=seats)
    carl = {"carl": {"seat": "carl", "organisation": "c", "goals": ["g"], "prose": "p"}}
    law = law_of(data, carl)
    events, state = play_round(law, begun(law), [move("ann", "buy"), move("carl", "buy")])
    [refused] = of_kind(events, "action_refused")
    assert (refused.seat, refused.why) == ("carl", "it costs 60 money and 40 are left")
    assert state.values["alpha"]["money"] == 40
    assert [line.text for line in state.notebook["carl"]] == [f"We chose to buy, and it was refused: {refused.why}."]
    assert state.taken == {"ann": {"buy": 1}}


@pytest.mark.parametrize(
    "more",
    [
        {"needs": "self.cap > 10"},
        {"needs": ["true", "false"]},
        {"costs": {"self.money": "101"}},
        {"needs": "log(0) > 1"},
    ],
)
def test_what_is_not_open_is_neither_in_the_menu_nor_carried_out(more: dict[str, Any]) -> None:
    data = world(actions={"buy": action(**more)})
    law = law_of(data)
    assert [option.action for option in legal(law, opened(law, begun(law)), "ann")] == ["wait"]
    events, state = first_round(data, move("ann", "buy"))
    assert [event.why for event in of_kind(events, "action_refused")] == ["it is no longer open"]
    assert not of_kind(events, "action_taken")
    assert state.values["alpha"]["money"] == 100


def test_an_unknown_action_is_refused() -> None:
    events, _ = first_round(world(actions={"buy": action(by="bob")}), move("ann", "buy"), move("ann", "nonsense"))
    assert len(of_kind(events, "action_refused")) == 2


def test_waiting_is_no_event() -> None:
    events, _ = first_round(world(), move("ann"))
    assert not of_kind(events, "action_taken", "action_refused")


def test_a_chance_is_an_addressed_die_and_failure_has_effects_of_its_own() -> None:
    risky = action(chance="0.4", costs={"self.money": "10"}, add={"self.x": "1"}, fails={"add": {"self.x": "-1"}})
    law = law_of(world(actions={"buy": risky}))
    won = 0
    for seed in range(100):
        events, state = play_round(law, begun(law, seed), [move("ann", "buy")])
        [taken] = of_kind(events, "action_taken")
        won += taken.succeeded
        assert taken.succeeded == (taken.die < 0.4)
        assert state.values["alpha"]["x"] == (9 if taken.succeeded else 7)
        assert state.values["alpha"]["money"] == 90
        ending = "" if taken.succeeded else ", without success"
        assert state.record[0].text == f"Ann chose to buy things{ending}."
    assert 25 < won < 55


def test_a_failure_is_not_followed() -> None:
    data = world(actions={"buy": action(chance="0")}, rules={"after": {"upon": "buy", "add": {"alpha.x": "1"}}})
    assert first_round(data, move("ann", "buy"))[1].values["alpha"]["x"] == 8


def test_a_chance_without_a_value_is_recorded_and_counts_as_certain() -> None:
    events, _ = first_round(world(actions={"buy": action(chance="log(0)")}), move("ann", "buy"))
    assert len(of_kind(events, "rule_failed")) == 1
    assert of_kind(events, "action_taken")[0].succeeded


@pytest.mark.parametrize(("visibility", "readers"), [("self", {"ann"}), ("addressee", {"ann", "bob"})])
def test_who_sees_a_move(visibility: str, readers: set[str]) -> None:
    hit = action(label="Warn {target}", target={"kind": "firm"}, visibility=visibility)
    _, state = first_round(world(actions={"warn": hit}), move("ann", "warn", "beta"))
    assert not state.record
    assert set(state.notebook) == readers


def test_targets_are_those_that_fit_and_not_oneself_unless_it_may_be() -> None:
    def targets(**more: Any) -> list[str | None]:
        law = law_of(world(actions={"hit": action(label="Hit {target}", target={"kind": "firm", **more})}))
        return [option.target for option in legal(law, opened(law, begun(law)), "ann") if option.action == "hit"]

    assert targets() == ["beta"]
    assert targets(self=True) == ["alpha", "beta"]
    assert targets(self=True, where="target.cap < 15") == ["alpha"]
    assert targets(where="target.owner.cap > 0") == []


def test_a_move_leaves_the_menu_for_a_round_unless_it_may_be_repeated() -> None:
    data = world(actions={"buy": action(), "look": action(label="Look around", repeat=True)}, clock={"rounds": 9})
    law = law_of(data)
    state = begun(law)
    menus: list[list[str]] = []
    for chosen in ("buy", "look", "wait"):
        menus.append([option.action for option in legal(law, opened(law, state), "ann")])
        _, state = play_round(law, state, [move("ann", chosen)])
    assert menus == [["buy", "look", "wait"], ["look", "wait"], ["buy", "look", "wait"]]


def test_a_menu_has_at_most_nine_entries_and_keeps_every_action() -> None:
    firms = {f"firm_{n}": {"kind": "firm"} for n in range(12)}
    hit = action(label="Hit {target}", target={"kind": "firm"})
    law = law_of(world(entities=firms, actions={"hit": hit, "buy": action()}))
    menu = [option.id for option in legal(law, opened(law, begun(law)), "ann")]
    assert len(menu) == 9
    assert menu[-2:] == ["buy", "wait"]
    assert menu[0] == "hit beta"


def test_parameters_are_in_scope_of_costs_and_effects() -> None:
    raise_ = action(
        params={"n": {"low": 1, "high": 5}, "how": {"enum": ["soft", "hard"]}},
        costs={"self.money": "10 * n"},
        add={"self.x": "n if how == 'hard' else 0"},
    )
    _, state = first_round(world(actions={"raise_it": raise_}), move("ann", "raise_it", n=4, how="hard"))
    assert (state.values["alpha"]["money"], state.values["alpha"]["x"]) == (60, 12)


# --- free moves ---------------------------------------------------------------------------------------------

FREE_PART: dict[str, Any] = {
    "at_most": 2,
    "by": "ann",
    "may": {
        "lift": {
            "label": "a little help",
            "target": {"kind": "firm", "where": "target.cap > 15"},
            "add": {"target.x": "1"},
        },
        "rest": {"label": "rest", "add": {"self.x": "0.5"}},
        "other": {"label": "not for Ann", "by": "bob", "add": {"self.x": "99"}},
    },
}


def test_a_free_move_has_the_declared_effects_it_was_mapped_onto() -> None:
    free = Move("ann", 1, FREE, style="compose", attempt="something", effects=(("lift", "beta"), ("rest", None)))
    events, state = first_round(world(free=FREE_PART), free)
    assert (state.values["alpha"]["x"], state.values["beta"]["x"]) == (8.5, 9)
    assert of_kind(events, "action_taken")[0].action == FREE
    assert {event.cause.id for event in of_kind(events, "rule_fired")} == {"ann/free"}


def test_what_a_free_move_may_be_mapped_onto_is_the_seat_s_and_has_fitting_targets() -> None:
    law = law_of(world(free=FREE_PART))
    ids = effect_ids(law, opened(law, begun(law)), "ann")
    assert ids == {"lift beta": ("lift", "beta"), "rest": ("rest", None)}
    assert "bob" not in law.free
