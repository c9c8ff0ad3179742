"""The reference of the scenario language is that of the models as they are now."""

import re

from tests import reference


def test_the_reference_is_not_stale() -> None:
    assert reference.FILE.read_text("utf-8") == reference.reference(), "run `make reference`"


def test_every_key_says_what_it_means() -> None:
    silent = [
        f"{model.__name__}.{name}"
        for model in reference.models()
        for name in reference.own_fields(model)
        if not reference.meaning_of(model, name)
    ]
    assert not silent, f"no docstring under: {silent}"


def test_every_link_leads_to_a_heading() -> None:
    text = reference.reference()
    headings = {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}
    assert {"scenario", "persona", "rule", "effects", "relation", "question", "tell"} <= headings
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= headings


def test_a_key_is_told_with_its_type_its_default_and_its_meaning() -> None:
    lines = reference.reference().splitlines()
    assert "- **`chance`** (an expression; default `1`): That the report is made when its occasion is there." in lines
    assert "- **`plays`** (a name; must be given): The entity that `self` is." in lines
    assert not [line for line in lines if len(line) > 120]
