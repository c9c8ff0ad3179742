"""Pairs of a relation in what looks at a run: causes, states, golden texts."""

from orchestrator.views.causes import explained, past_of
from tests.golden import lines_of
from tests.support.worlds import law_of, play_policy, world

RULES = {
    "first": {"every": "month", "add": {"evidence[ann, alpha]": 1}},
    "then": {"every": "month", "add": {"alpha.x": "evidence[ann, alpha]"}},
    "last": {"every": "month", "add": {"evidence[bob, alpha]": "alpha.x"}},
}
DATA = world(
    relations={"evidence": {"of": ["seat", "firm"], "unit": "exhibits", "label": "evidence against"}}, rules=RULES
)


def test_a_pair_is_explained_through_what_its_causes_read() -> None:
    law = law_of(DATA)
    events, _ = play_policy(law)
    node = explained(law, past_of(law, events), ("evidence", "bob.alpha"), 3)
    assert [(cause["id"], cause["share"]) for cause in node["causes"]] == [("last", 25)]
    (read,) = node["causes"][0]["reads"]
    assert (read["entity"], read["variable"]) == ("alpha", "x")
    assert ("evidence", "ann.alpha") in [(one["entity"], one["variable"]) for one in read["causes"][0]["reads"]]


def test_a_golden_text_tells_pairs() -> None:
    text = "\n".join(lines_of(law_of(DATA)))
    assert "bob.alpha" in text
