"""`orchestrate scenarios list|show|check|new`: what there is to play, whether it holds together, a new one."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.command import Front, command, group
from orchestrator.cli.options import as_id
from orchestrator.cli.output import bold, clean, columns, table
from orchestrator.errors import BadScenario

scenarios = group("What there is to play: list, show, check, new.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `scenarios list`.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Of the new scenario: a-z, 0-9 and _.")]
Into = Annotated[
    Path,
    typer.Option("--into", metavar="FOLDER", help="The folder that holds `scenarios/`. Default: the working folder."),
]
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
    from orchestrator.library import list_variants, load_scenario
    from orchestrator.library.examine import steps
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
    document["variants"] = [{"id": one.id, "title": one.title} for one in list_variants(loaded.folder, Path.cwd())]
    front.show(document, lambda: _show_text(document))


@scenarios.command("check")
@command
def check(front: Front, name: Name, with_coverage: WithCoverage = False) -> None:
    """Check a scenario, its variants, its personas and the prompts; tell every problem with its file and line."""
    from orchestrator.cli.checking import check_document, check_text

    document = check_document(as_id(name), Path.cwd(), with_coverage=with_coverage)
    front.show(document, lambda: check_text(as_id(name), document, with_coverage=with_coverage))
    if not document["ok"]:
        raise typer.Exit(BadScenario.code)


@scenarios.command("new")
@command
def new(front: Front, name: NewName, into: Into = Path()) -> None:
    """Write a small, complete scenario to change into your own; it runs at once."""
    from orchestrator.library.files import display
    from orchestrator.library.newly import create_scenario

    made = create_scenario(as_id(name), into)
    folder = made[0].parent
    root = display(folder.parent.parent, Path.cwd())
    then = [] if root == "." else [f"cd {root}"]
    then += [f"orchestrate scenarios check {folder.name}", f"orchestrate run --scenario {folder.name} --policy all"]
    then.append("orchestrate story last")
    files = [display(file, Path.cwd()) for file in made]
    front.show(
        {"scenario": folder.name, "folder": display(folder, Path.cwd()), "files": files, "next": then},
        lambda: "\n".join([*(f"wrote {file}" for file in files), "", *then]),
    )


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
        if seat["members"] is None:
            lines += _actions_text(seat, shown)
        if seat["answers"]:
            who = f"each of its {seat['members']} members" if seat["members"] else "when it is asked"
            lines += _wrapped(f"answers, {who}: {', '.join(seat['answers'])}", "  ", "    ")
    lines += ["", bold("Figures on show")]
    lines += [part for item in document["indicators"] for part in _wrapped(_indicator(item), "  ", "    ")]
    lines += ["", bold("Endings")]
    lines += [part for item in document["endings"] for part in _wrapped(f"{item['id']}: {item['label']}", "  ", "    ")]
    if document["variants"]:
        lines += ["", bold("Variants (run --variant NAME)")]
        lines += [
            part for one in document["variants"] for part in _wrapped(f"{one['id']}: {one['title']}", "  ", "    ")
        ]
    if document["questions"]:
        lines += ["", bold("Questions, answered when the run is over")]
        lines += [part for item in document["questions"] for part in _wrapped(item["asks"], "  ", "    ")]
    if document["relations"]:
        lines += ["", bold("Relations")]
        lines += [part for item in document["relations"] for part in _wrapped(_relation(item), "  ", "    ")]
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


def _relation(item: Mapping[str, Any]) -> str:
    unit = f" ({item['unit']})" if item["unit"] else ""
    seen = "" if item["seen_by"] is None else f"; only for {', '.join(item['seen_by']) or 'nobody'}"
    return f"{item['id']}[{', '.join(item['of'])}]: {item['label']}{unit}{seen}"


def _intervention(item: Mapping[str, Any]) -> str:
    now = item["now"]
    held = (
        f"drawn between {now[0]:g} and {now[2]:g}"
        if isinstance(now, list)
        else f"now {f'{now:g}' if isinstance(now, float) else now}"
    )
    bounds = f", from {item['range'][0]:g} to {item['range'][1]:g}" if item["range"] else ""
    return f"{item['id']}: {item['label']}{bounds} ({item['sets']}, {held})"
