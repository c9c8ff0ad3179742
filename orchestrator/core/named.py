"""Names in a scenario: those an author may not take, and entries of the source that must be listed."""

from orchestrator.core.blocks import Builder
from orchestrator.core.expr import near
from orchestrator.core.parts import Sourced
from orchestrator.core.scenario import Scenario
from orchestrator.core.walk import parts_of

RESERVED = frozenset({
    "added", "before", "clock", "event", "false", "known", "my", "null", "numbers", "seat", "self", "target", "true",
    "value", "was",
})  # fmt: skip
"""Names with a meaning of their own in expressions."""


def check_distinct(scenario: Scenario, build: Builder) -> None:
    """No name of the author's hides one of the language's, or the name of an instance to come."""
    for section, given in (("entities", scenario.entities), ("relations", scenario.relations)):
        for key in given:
            head, _, number = key.rpartition("_")
            if head in scenario.processes and number.isdigit():
                build.say((section, key), f"'{key}' is what an instance of the process {head} is called")
            elif key in RESERVED:
                build.say((section, key), f"'{key}' means something else in expressions: choose another name")
    for name, process in scenario.processes.items():
        for section, given in (("roles", process.roles), ("holds", process.holds)):
            for key in given:
                if key in RESERVED or key in ("stage", "outcome", "running"):
                    build.say(("processes", name, section, key), f"every instance has a '{key}' already")
    for name, rule in scenario.rules.items():
        for key in rule.with_:
            if key in RESERVED:
                build.say(("rules", name, "with", key), f"'{key}' means something else in expressions")


def check_forms(scenario: Scenario, build: Builder) -> None:
    """Every variable is of one form: a number, or one of `enum`, `bool` and `ref`."""
    held = [(("kinds", name, key), one) for name, kind in scenario.kinds.items() for key, one in kind.variables.items()]
    for name, process in scenario.processes.items():
        held += [(("processes", name, "holds", key), one) for key, one in process.holds.items()]
    for path, variable in held:
        forms = [
            word for word, given in (("enum", variable.enum), ("bool", variable.bool_), ("ref", variable.ref)) if given
        ]
        if len(forms) > 1:
            build.say(path, f"is either `{'` or `'.join(forms)}`")
        elif forms and variable.range is not None:
            build.say((*path, "range"), f"`range` is for numbers alone, and this has `{forms[0]}`")


def check_cited(scenario: Scenario, build: Builder) -> None:
    """Every `source:` names an entry of `sources`; what is assumed says why."""
    for path, part in parts_of(scenario):
        if not isinstance(part, Sourced):
            continue
        for cited in part.source:
            if cited != "assumed" and cited not in scenario.sources:
                hint = near(cited, scenario.sources)
                build.say((*path, "source"), f"'{cited}' is not listed under sources{hint}")
        if "assumed" in part.source and not part.why:
            build.say(path, "`source: assumed` needs a `why`")
