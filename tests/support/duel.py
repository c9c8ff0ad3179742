"""A small world whose seats act several times a turn, one after the other: bounds bite at once, words are moves."""

from typing import Any

from tests.support.worlds import persona, world

PERSONAS: dict[str, dict[str, Any]] = {
    "ann": persona("ann", {"do": "give", "weight": 5}, {"do": "lift", "weight": 5}),
    "bob": persona("bob"),
}
DUEL: dict[str, Any] = world(
    turns={"apply": "in_order", "actions_per_turn": 2, "menu": 40},
    kinds={"firm": {"points": {"start": 0}, "named": {"start": 0}, "astray": {"start": 0}}},
    briefing="Alpha and Beta have known each other for long.",
    boards={"firm": ["cap", "money"]},
    actions={
        "lift": {"label": "Lift our own", "purpose": "more", "by": {"kind": "firm"}, "add": {"self.cap": 45},
                 "stem": "We lift, because"},
        "give": {"label": "Give to {target}", "purpose": "they gain", "by": "firm", "repeat": True,
                 "target": {"kind": "firm", "self": True}, "add": {"self.cap": -15, "target.cap": 20}},
        "halve": {"label": "Halve {target}", "purpose": "they lose", "by": "firm", "repeat": True,
                  "target": {"kind": "firm", "self": True}, "scale": {"self.cap": 0.5, "target.cap": 0.5}},
        "write": {"label": "Write to {target}", "purpose": "words", "by": "firm", "target": {"kind": "firm"},
                  "repeat": True, "beside": True, "words": True, "visibility": "addressee",
                  "says": "{self} writes to {target}.", "stem": "We write because"},
        "cry": {"label": "Address all", "purpose": "words", "by": "firm", "repeat": True, "beside": True,
                "words": True, "stem": "We say that"},
    },
    rules={
        "counts": {"upon": ["lift_chosen", "give_chosen"], "add": {"event.actor.points": 3, "event.actor.named": 1}},
        "strays": {"upon": "off_list", "add": {"event.actor.astray": 1}},
    },
    log={
        "columns": {"day": "month"},
        "names": {"Alpha": "alpha", "Beta": "beta"},
        "actions": {"Wait": "wait", "Lift it": "lift", "Give": "give", "Halve": "halve", "Say": "write"},
        "instead": {"World": {"write": "cry"}},
    },
)  # fmt: skip
"""Alpha is played by Ann, Beta by Bob; `cap` lies between 0 and 50."""
