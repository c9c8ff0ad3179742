"""`orchestrate explain`: why a variable or the outcome is what it is, and which warnings rang."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.cli.command import Front, command
from orchestrator.cli.options import Depth, Round, Run, What
from orchestrator.cli.output import bold, clean, columns, table
from orchestrator.cli.store import stored
from orchestrator.errors import BadUsage, UnknownRound

if TYPE_CHECKING:
    from orchestrator.core.law import Law
    from orchestrator.runtime.recorded import Recorded
    from orchestrator.views.causes import Past

Json = Mapping[str, Any]
MOST = 8
"""Causes of one variable that are shown to people; --json has all."""


@command
def explain(front: Front, run: Run, name: What, upto: Round = None, deep: Depth = None) -> None:
    """Say why a variable, `outcome` or `bells` is what it is, back to moves, rules and dice."""
    from orchestrator.runtime.recorded import recorded

    depth = 2 if deep is None else deep
    with stored(front) as (ledger, _):
        held = recorded(ledger, ledger.find(run))
    if upto is not None and upto > held.state.round:
        raise UnknownRound(
            f"run {held.row.id} has completed {held.state.round} rounds; there is no round {upto}", where="--round"
        )
    match name:
        case "outcome":
            _outcome(front, held, depth)
        case "bells":
            _bells(front, held)
        case _:
            _variable(front, held, name.replace("-", "_"), upto, depth)


def _variable(front: Front, held: "Recorded", name: str, upto: int | None, depth: int) -> None:
    from orchestrator.views.causes import explained, past_of

    law = held.played.law
    past = past_of(law, held.events, upto)
    entity, variable = _place(law, past, held.row.id, name)
    found = explained(law, past, (entity, variable), depth)
    front.show({"run": held.row.id, "name": name, "round": past.end.round, **found}, lambda: _told(law, found))


def _place(law: "Law", past: "Past", run: str, name: str) -> tuple[str, str]:
    """`entity.variable`, or an indicator that is one. Raises BadUsage."""
    from difflib import get_close_matches

    from orchestrator.views.causes import is_derived

    indicator = law.scenario.indicators.get(name)
    entity, _, variable = (name if indicator is None else indicator.is_).partition(".")
    if variable in past.end.values.get(entity, {}) or is_derived(law, past, (entity, variable)):
        return entity, variable
    known = [f"{one}.{each}" for one, values in past.end.values.items() for each in values]
    near = get_close_matches(name, [*known, *law.scenario.indicators, "outcome", "bells"], n=1)
    guess = f", did you mean {near[0]!r}?" if near else ""
    raise BadUsage(
        f"there is no variable {name!r} in run {run}{guess}; expected ENTITY.VARIABLE, an indicator of one variable, "
        "outcome or bells",
        hint=f"orchestrate runs state {run}",
        where="NAME",
    )


def _outcome(front: Front, held: "Recorded", depth: int) -> None:
    from orchestrator.views.outcome import outcome_explained

    law = held.played.law
    found = outcome_explained(law, held.events, depth)
    document = {"run": held.row.id, "name": "outcome", **(found or {"outcome": None})}
    front.show(document, lambda: _path(law, found) if found else "No ending was reached: the run was cut short.")


def _bells(front: Front, held: "Recorded") -> None:
    from orchestrator.views.outcome import bells

    until = held.state.ending_date or held.events[-1].to
    found = bells(held.played.law, held.events, until)
    front.show({"run": held.row.id, "name": "bells", "bells": found}, lambda: _rung(held.played.law, found))


def _told(law: "Law", node: Json, level: int = 0) -> str:
    """A variable, its causes and what they read, indented."""
    pad = "    " * level
    name = f"{node['entity']}.{node['variable']}"
    title = f"{name}: {_value(node['from'])} -> {_value(node['to'])}"
    if node.get("change") is not None:
        title += f" ({node['change']:+.4g}{_unit(node)})"
    lines = [pad + (bold(title) if level == 0 else title)]
    lines += [_told(law, read, level + 1) for read in node.get("reads", [])[:MOST]]
    causes = node.get("causes", [])
    for cause in causes[: MOST if level == 0 else 3]:
        lines += _cause(law, cause, level)
    rest = causes[MOST if level == 0 else 3 :]
    if rest:
        total = sum(cause["share"] or 0.0 for cause in rest)
        lines.append(f"{pad}  {total:+.4g}  {len(rest)} more")
    if level == 0 and node.get("rounding") and abs(node["rounding"]) > 5e-13 * max(1.0, abs(node["change"])):
        lines.append(f"{pad}  {node['rounding']:+.2g}  rounding")
    return "\n".join(lines)


def _unit(node: Json) -> str:
    return f" {node['unit']}" if node.get("unit") else ""


def _cause(law: "Law", cause: Json, level: int) -> list[str]:
    pad = "    " * level
    share = f"-> {_value(cause['to'])}" if cause["share"] is None else f"{cause['share']:+.4g}"
    part = "" if cause["part"] is None else f" ({cause['part']:.0%})"
    cites = f" [{', '.join(cause['cites'][:6])}]" if cause["cites"] else ""
    dates = cause["first"] if cause["times"] == 1 else f"{cause['times']} times, {cause['first']} to {cause['last']}"
    dice = f"; die {cause['dice'][-1]:.3f}" if cause["dice"] else ""
    lines = [clean(f"{pad}  {share}{part}  {_named(law, cause)}: {dates}{dice}{cites}")]
    if cause["says"] and level == 0:
        indent = pad + " " * 10
        lines += textwrap.wrap(clean(cause["says"]), columns(), initial_indent=indent, subsequent_indent=indent)
    for read in cause.get("reads", [])[:3]:
        lines.append(_told(law, read, level + 2))
    return lines


def _named(law: "Law", cause: Json) -> str:
    if cause["kind"] == "move":
        seat, _, action = cause["id"].partition("/")
        return f"{law.labels.get(seat, seat)}: {action.replace('_', ' ')}"
    if cause["kind"] == "clamp":
        return f"held at its range (with {cause['id'].replace('_', ' ')})"
    return f"{cause['kind']} {cause['id']}"


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value).replace("_", " ").lower()
    return f"{value:.4g}"


def _path(law: "Law", found: Json) -> str:
    """The ending, its chain, the weakest link, what the condition read, the bells."""
    cites = f" [{', '.join(found['cites'])}]" if found["cites"] else ""
    lines = [bold(f"{found['label']}, {found['date']}"), f"  by {found['cause']['kind']} {found['cause']['id']}{cites}"]
    for at, link in enumerate(found["chain"]):
        weakest = "  <- the weakest link" if at == found["weakest"] else ""
        cites = f" [{', '.join(link['cites'][:5])}]" if link["cites"] else ""
        lines.append(clean(f"  {link['from']} to {link['to']}  {link['instance']}: {link['label']}{cites}{weakest}"))
        lines += [clean(f"      needed {need}") for need in link["needs"]]
        for sign in link["signs"][:3]:
            who = ", ".join(law.labels.get(seat, seat) for seat in sign["seats"])
            lines.append(clean(f"      {sign['date']}  {'bell' if sign['bell'] else 'sign'} to {who}: {sign['says']}"))
        for way in link["could_break"]:
            rounds = ", ".join(str(number) for number in way["rounds"])
            who = law.labels.get(way["seat"], way["seat"])
            lines.append(clean(f"      {who} could have: {way['action'].replace('_', ' ')} (round {rounds})"))
    if not found["chain"]:
        lines.append("  no chain of stages led here; what its condition read:")
    lines += [_told(law, node, 1) for node in found["reads"]]
    rang = [bell for bell in found["bells"] if bell["rang"]]
    if rang:
        lines += ["", _rung(law, rang)]
    return "\n".join(lines)


def _rung(law: "Law", found: Sequence[Json]) -> str:
    def who(seats: list[str]) -> str:
        return ", ".join(law.labels.get(seat, seat) for seat in seats)

    rows = [
        [
            bell["report"].replace("_", " "),
            bell["first"] or "never",
            len(bell["rang"]) or "",
            who(bell["noticed"] or bell["declared_for"]),
            "; ".join(f"{one['action'].replace('_', ' ')} {one['date']}" for one in bell["acted"][:2]) or "nobody",
            "" if bell["days_left"] is None else bell["days_left"],
        ]
        for bell in found
    ]
    return table(["bell", "first rang", "times", "seen by", "acted", "days left"], rows)
