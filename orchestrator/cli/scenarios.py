"""`orchestrate scenarios list|show|check`: what there is to play, and whether it holds together."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.command import Front, command, group
from orchestrator.cli.options import as_id
from orchestrator.cli.output import bold, clean, columns, table
from orchestrator.errors import BadPrompt, BadScenario

scenarios = group("What there is to play: list, show, check.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `scenarios list`.")]
WithCoverage = Annotated[
    bool, typer.Option("--coverage", help="Which entries of the source are realised, and by what.")
]


@scenarios.command("list")
@command
def list_all(front: Front) -> None:
    """List the scenarios of the working folder and those that came with the program."""
    from orchestrator.library import list_scenarios

    found = [
        {"id": one.id, "title": one.title, "seats": list(one.seats), "where": one.where, "problem": one.problem or None}
        for one in list_scenarios(Path.cwd())
    ]
    front.show({"scenarios": found}, lambda: _list_text(found))


@scenarios.command("show")
@command
def show(front: Front, name: Name) -> None:
    """Show a scenario: clock, seats and their moves, endings, and what --set may change."""
    from orchestrator.core.compile import compile_law
    from orchestrator.library import load_scenario
    from orchestrator.library.files import display
    from orchestrator.views.listing import scenario_document

    loaded = load_scenario(as_id(name), Path.cwd())
    compiled = compile_law(loaded.scenario, loaded.personas)
    if compiled.law is None:
        first = compiled.problems[0]
        raise BadScenario(
            f"{'.'.join(first.path)}: {first.message}",
            hint=f"orchestrate scenarios check {name}",
            where=loaded.where(steps(first.path)),
        )
    document = scenario_document(compiled.law, display(loaded.folder, Path.cwd()))
    front.show(document, lambda: _show_text(document))


@scenarios.command("check")
@command
def check(front: Front, name: Name, with_coverage: WithCoverage = False) -> None:
    """Check a scenario, its personas and the prompts, and tell every problem with its file and line."""
    from orchestrator.core import templates
    from orchestrator.core.compile import compile_law
    from orchestrator.core.prompts import PROMPTS
    from orchestrator.library import load_scenario, problems
    from orchestrator.views.coverage import coverage

    found = [{"where": one.where, "message": one.message} for one in problems(as_id(name), Path.cwd())]
    document: dict[str, Any] = {"ok": False, "problems": found, "entries": {}, "missing": []}
    if not found:
        loaded = load_scenario(as_id(name), Path.cwd())
        compiled = compile_law(loaded.scenario, loaded.personas)
        found += [
            {"where": loaded.where(steps(one.path)), "message": f"{'.'.join(one.path)}: {one.message}"}
            for one in compiled.problems
        ]
        try:
            templates.check(loaded.prompts, PROMPTS)
        except BadPrompt as error:
            found.append({"where": error.where, "message": error.message})
        if with_coverage:
            covered = coverage(loaded.scenario, loaded.personas)
            document |= {"entries": covered.entries, "missing": covered.missing, "assumed": covered.assumed}
    document["ok"] = not found
    front.show(document, lambda: _check_text(as_id(name), document, with_coverage=with_coverage))
    if found:
        raise typer.Exit(BadScenario.code)


def steps(path: Sequence[str]) -> tuple[str | int, ...]:
    """A compiler's path as one through the files: digits are places in a list (ids begin with a letter)."""
    return tuple(int(step) if step.isdigit() else step for step in path)


def _list_text(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "no scenario here, and none came with the program"
    rows = [(one["id"], one["title"] or "-", len(one["seats"]), one["where"]) for one in found]
    lines = [table(("name", "title", "seats", "where"), rows)]
    lines += [
        part for one in found if one["problem"] for part in _wrapped(f"{one['id']} cannot be read: {one['problem']}")
    ]
    return "\n".join(lines)


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        clean(text),
        columns(),
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
    )


def _show_text(document: Mapping[str, Any]) -> str:
    clock = document["clock"]
    lines = [bold(clean(f"{document['title']} ({document['id']}, {document['where']})")), *_wrapped(document["about"])]
    lines += ["", f"{clock['rounds']} rounds of a {clock['step']} each, {clock['start']} to {clock['end']}"]
    shown: dict[tuple[str, ...], str] = {}
    for seat in document["seats"]:
        by = (
            "a model, unless told otherwise"
            if seat["by"] == "model"
            else f"its own rules ({seat['policy_rules']} of them)"
        )
        lines += [
            "",
            *map(bold, _wrapped(f"{seat['label']} ({seat['seat']})")),
            *_wrapped(f"plays {seat['plays']}, by {by}", "  "),
        ]
        lines += [part for goal in seat["goals"] for part in _wrapped(goal, "  aim: ", "       ")]
        lines += (
            [part for line in seat["red_lines"] for part in _wrapped(line, "  never: ", "         ")]
            if seat["by"] == "model"
            else []
        )
        lines += _actions_text(seat, shown)
    lines += ["", bold("Figures on show")]
    lines += [part for item in document["indicators"] for part in _wrapped(_indicator(item), "  ", "    ")]
    lines += ["", bold("Endings")]
    lines += [part for item in document["endings"] for part in _wrapped(f"{item['id']}: {item['label']}", "  ", "    ")]
    if document["interventions"]:
        lines += ["", bold("What --set may change (NAME=VALUE)")]
        lines += [part for item in document["interventions"] for part in _wrapped(_intervention(item), "  ", "    ")]
    return "\n".join(lines)


def _actions_text(seat: Mapping[str, Any], shown: dict[tuple[str, ...], str]) -> list[str]:
    """A seat's moves; those that another seat has as well are told once."""
    ids = tuple(action["id"] for action in seat["actions"])
    if not ids:
        return ["  moves: none but to wait"]
    if ids in shown:
        return [f"  moves: those of {shown[ids]}"]
    shown[ids] = seat["label"]
    lines = ["  moves:"]
    for action in seat["actions"]:
        costs = " and ".join(f"{amount} {name}" for name, amount in action["costs"].items())
        params = "".join(f" [{name}: {values[0]} to {values[-1]}]" for name, values in action["params"].items())
        seen = "" if action["visibility"] == "public" else ", in secret"
        lines += _wrapped(
            f"{action['label']}{params}{f' (costs {costs})' if costs else ''}{seen}: {action['purpose']}",
            "    - ",
            "      ",
        )
    return lines


def _indicator(item: Mapping[str, Any]) -> str:
    unit = f" ({item['unit']})" if item["unit"] else ""
    seen = "" if item["seen_by"] is None else f"; only for {', '.join(item['seen_by']) or 'nobody'}"
    return f"{item['label']}{unit}{seen}"


def _intervention(item: Mapping[str, Any]) -> str:
    now = item["now"]
    held = (
        f"drawn between {now[0]:g} and {now[2]:g}"
        if isinstance(now, list)
        else f"now {f'{now:g}' if isinstance(now, float) else now}"
    )
    bounds = f", from {item['range'][0]:g} to {item['range'][1]:g}" if item["range"] else ""
    return f"{item['id']}: {item['label']}{bounds} ({item['sets']}, {held})"


def _check_text(name: str, document: Mapping[str, Any], *, with_coverage: bool) -> str:
    found = document["problems"]
    lines = [part for one in found for part in _wrapped(f"{one['where']}: {one['message']}", "", "  ")]
    lines.append(
        f"{name}: {len(found)} {'problem' if len(found) == 1 else 'problems'}" if found else f"{name} holds together"
    )
    if with_coverage and document["entries"]:
        rows = [(entry, ", ".join(by) or "(missing)") for entry, by in document["entries"].items()]
        lines += ["", *(part for entry, by in rows for part in _wrapped(by, f"{entry:<5} ", " " * 6))]
        missing, total = document["missing"], len(document["entries"])
        lines += ["", f"{total - len(missing)} of {total} entries are realised"]
        lines += _wrapped("missing: " + ", ".join(missing)) if missing else []
        lines += ["", f"{len(document['assumed'])} assumptions beside the source:"] if document["assumed"] else []
        for one in document["assumed"]:
            band = f" (could as well lie from {one['band'][0]:g} to {one['band'][1]:g})" if one["band"] else ""
            lines += _wrapped(f"{one['what']}: {one['why']}{band}", "  ", "    ")
    return "\n".join(lines)
