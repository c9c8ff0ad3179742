"""The call that puts a question to one member: the shared record and world first, then its desk, then the question."""

from collections.abc import Sequence
from typing import Any

from orchestrator.core.answering import Question
from orchestrator.core.call import Call, Message, Shape
from orchestrator.core.dice import shuffled
from orchestrator.core.prompts import Prompter, fill, quoted
from orchestrator.core.seated import Seated

RULES = {
    "any": "One yes is enough.",
    "unanimous": "It is a yes only where everyone who is asked says yes; one no is enough to refuse.",
    "majority": "More than half of those who are asked decide.",
}
ANSWERS = ("yes", "no")


def vote_call(at: Seated, question: Question, key: str, more: Sequence[Message] = ()) -> Call:
    """Yes or no, chosen by the first token (`choose`) or in one JSON object with a reason (`compose`)."""
    prompter, brief = at.prompter, at.play.style == "choose"
    order = shuffled(len(ANSWERS), prompter.seed, *question.dice(at.state.round, "order"))
    first, second = (ANSWERS[index] for index in order)
    tail = fill("vote", prompter.prompts, {**_asked(prompter, question), "brief": brief, "first": first,
                                           "second": second, "label": at.seen.label})  # fmt: skip
    parts = (prompter.world(at.state, at.seen, brief=brief), prompter.desk(at.seen, brief=brief), tail)
    if brief:
        return prompter.call(key, at.play, parts, Shape(choices=(first, second)), 1, top=20, temperature=0.0)
    properties: dict[str, Any] = {
        "reason": {"type": "string", "maxLength": 240},
        "answer": {"type": "string", "enum": [first, second]},
    }
    schema = {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip
    return prompter.call(key, at.play, parts, Shape(json_schema=schema), 150, more=more)


def _asked(prompter: Prompter, question: Question) -> dict[str, Any]:
    law, ask, about = prompter.law, question.ask, quoted(question.held.about, 600)
    labels = [law.labels[seat] for seat in ask.seats]
    who = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    several = sum(len(law.people[seat]) for seat in ask.seats) > 1
    return {
        "who": f"{who[:1].upper()}{who[1:]} {'are' if several else 'is'}",
        "what": about.removesuffix("?") + "?" if about.endswith("?") else f"whether {about}",
        "rule": RULES[ask.decides] if several else "",
        "others": several,
    }
