"""How stored runs look on a screen of 80 columns. Text of models and scenarios is cleaned on its way out."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from orchestrator.cli.output import bold, clean, columns, table

if TYPE_CHECKING:
    from orchestrator.core.law import Law
    from orchestrator.ledger.rows import RunRow


def list_text(found: Sequence[Mapping[str, Any]], store: str) -> str:
    """The table of runs."""
    if not found:
        return f"no run yet in {store}\nhint: orchestrate run --scenario takeoff"
    rows = [
        (
            doc["run"],
            doc["name"] or "-",
            doc["scenario"],
            doc["seed"],
            doc["status"],
            doc["rounds"],
            doc["outcome"] or doc["reason"] or "-",
        )
        for doc in found
    ]
    return table(("run", "name", "scenario", "seed", "status", "rounds", "outcome"), rows)


def standing(document: Mapping[str, Any]) -> str:
    """How a run stands, in a clause: `finished with rival_first after 13 rounds`."""
    rounds = f"after {document['rounds']} {'round' if document['rounds'] == 1 else 'rounds'}"
    if document["status"] == "finished":
        return (
            f"finished with {document['outcome']} {rounds}"
            if document["outcome"]
            else f"finished {rounds}, cut short by --rounds"
        )
    why = f" ({document['reason']})" if document["reason"] else ""
    return f"{document['status']} {rounds}{why}"


def _variant(document: Mapping[str, Any]) -> str:
    return f" (variant {document['variant']})" if document["variant"] else ""


def show_text(document: Mapping[str, Any], row: "RunRow") -> str:
    """One run."""
    named = f"  {document['name']}" if document["name"] else ""
    calls, tokens, seconds = document["calls"], document["tokens"], document["seconds"]
    facts = [
        ("scenario", f"{document['scenario']}{_variant(document)}, seed {document['seed']}"),
        ("status", standing(document)),
        ("stopped by", row.error or ""),
        ("fork of", f"{document['parent']}, after round {document['fork_round']}" if document["parent"] else ""),
        ("calls", calls_line(calls)),
        ("tokens", tokens_line(tokens) if calls["asked"] else ""),
        ("cost", cost_line(document["cost_usd"]) if calls["asked"] else ""),
        (
            "seconds",
            f"{seconds['wall']:.1f}, of them {seconds['model']:.1f} waiting for answers"
            if calls["asked"]
            else f"{seconds['wall']:.1f}",
        ),
        ("judge", _judge(document["judge"])),
        ("failures", ", ".join(f"{number} {kind}" for kind, number in document["failures"].items()) or "none"),
        ("hash", document["hash"]),
        ("engine", f"{document['engine']}, rules version {row.rules_version}"),
        ("begun", row.created_at[:19].replace("T", " ") + " UTC"),
    ]
    lines = [bold(f"run {document['run']}{clean(named)}")]
    for name, value in facts:
        if value:
            lines += textwrap.wrap(clean(value), columns(), initial_indent=f"{name:<11}", subsequent_indent=" " * 11)
    on_policy = [seat["seat"] for seat in document["seats"] if seat["backend"] == "policy"]
    played = [
        (seat["seat"], seat["backend"], seat["model"]) for seat in document["seats"] if seat["backend"] != "policy"
    ]
    if played:
        lines += ["", table(("seat", "backend", "model"), played)]
    if on_policy:
        said = "on their own rules: " if played else "every seat plays by its own rules: "
        lines += ["", *textwrap.wrap(said + ", ".join(on_policy), columns())]
    return "\n".join(lines)


def calls_line(calls: Mapping[str, Any]) -> str:
    if not calls["total"]:
        return "none"
    kinds = ", ".join(f"{number} {kind}" for kind, number in calls["by_kind"].items())
    reused = f", {calls['reused']} of them reused" if calls["reused"] else ""
    return f"{calls['total']} ({kinds}){reused}"


def tokens_line(tokens: Mapping[str, int]) -> str:
    share = f", {100 * tokens['cached'] / tokens['prompt']:.0f} % of them from the cache" if tokens["prompt"] else ""
    return f"{tokens['prompt']:,} in{share}; {tokens['completion']:,} out"


def cost_line(cost: float | None) -> str:
    return (
        "unknown: no price for a model that was used ([prices] in orchestrate.toml)"
        if cost is None
        else f"{cost:.4f} USD"
        if cost
        else "nothing"
    )


def _judge(judge: Mapping[str, Any] | None) -> str:
    if judge is None:
        return "none"
    calibration = judge["calibration"]
    said = (
        "uncalibrated"
        if calibration is None
        else "at chance: its scores say nothing"
        if calibration["verdict"] == "chance"
        else calibration["verdict"]
    )
    return f"{judge['model']} on {judge['backend']}, {judge['method'] or 'no verdict yet'} ({said})"


def value_text(value: Any, digits: int = 4) -> str:
    """A value of the world."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.{digits}f}".rstrip("0").rstrip(".")
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def state_text(rounds: Sequence[Mapping[str, Any]], law: "Law") -> str:
    """One round whole, or the first whole and then what changed."""
    parts: list[str] = []
    for index, one in enumerate(rounds):
        title = "At the start" if one["round"] == 0 else f"After round {one['round']}"
        dates = one["from"] if one["from"] == one["to"] else f"{one['from']} to {one['to']}"
        before = rounds[index - 1]["values"] if index else None
        rows: list[tuple[str, ...]] = []
        for entity, held in one["values"].items():
            for name, value in held.items():
                old = None if before is None else before.get(entity, {}).get(name)
                if before is None:
                    rows.append((entity, name, value_text(value), _unit(law, entity, name)))
                elif old != value:
                    rows.append((entity, name, value_text(old), value_text(value), _unit(law, entity, name)))
        headers = (
            ("entity", "variable", "value", "unit")
            if before is None
            else ("entity", "variable", "before", "now", "unit")
        )
        parts.append(bold(f"{title} ({dates})") + "\n" + (table(headers, rows) if rows else "nothing changed"))
    return "\n\n".join(parts)


def _unit(law: "Law", entity: str, name: str) -> str:
    info = law.info_of(entity, name)
    return info.unit if info is not None else ""


def event_text(event: Mapping[str, Any]) -> str:
    """One event: what it is and who caused it, then its sentence, then what it changed."""
    cause = event["cause"]["id"]
    if event["kind"] == "round_started":
        return "\n" + bold(f"Round {event['round']}: {event['from']} to {event['to']}")
    cites = f"  [{', '.join(event['cites'])}]" if event["cites"] else ""
    who = f"  {event['member']}: {event.get('answer', 'no usable answer')}" if "member" in event else ""
    lines = [f"{event['seq']:>5}  {event['to']}  {event['kind']:<16} {cause}{who}{cites}"]
    said = (
        event.get("text")
        or event.get("line")
        or event.get("reason")
        or event.get("why")
        or event.get("what")
        or event.get("says")
        or event.get("about")
        or ""
    )
    if isinstance(said, list):
        said = ", ".join(str(one) for one in cast("list[Any]", said))
    private = (
        ""
        if event.get("audience") is None
        else f"(only {', '.join(event['audience'])}) "
        if event["audience"]
        else "(nobody) "
    )
    if said:
        lines.append(private + str(said))
    changes = [_change(change) for change in event.get("changes", ())]
    if changes:
        lines.append("; ".join(changes))
    width = columns()
    return "\n".join(
        [
            _cut(clean(lines[0]), width),
            *(
                part
                for line in lines[1:]
                for part in textwrap.wrap(clean(line), width, initial_indent=" " * 7, subsequent_indent=" " * 7)
            ),
        ]
    )


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _change(change: Mapping[str, Any]) -> str:
    delta = change.get("delta")
    share = "" if delta is None else f" ({delta:+g})"
    return f"{change['entity']}.{change['variable']} {value_text(change['value'])}{share}"


def calls_text(calls: Sequence[Mapping[str, Any]]) -> str:
    """The table of calls."""
    if not calls:
        return "no call: every seat played by its own rules"
    rows = [
        (
            call["key"],
            call["backend"],
            call["outcome"] + (" (reused)" if call["reused"] else ""),
            call["tokens"]["prompt"],
            call["tokens"]["cached"],
            call["tokens"]["completion"],
            round(call["seconds"], 1),
        )
        for call in calls
    ]
    return table(("key", "backend", "outcome", "in", "cached", "out", "seconds"), rows)


def call_text(call: Mapping[str, Any]) -> str:
    """One call with what was asked and answered."""
    tokens = call["tokens"]
    used = f"{tokens['prompt']} in, {tokens['completion']} out, {call['seconds']:.1f} s"
    head = f"{call['key']}  {call['backend']}  {call['outcome']}  {used}"
    parts = [bold(clean(head))]
    for message in call["messages"]:
        parts += [f"[{message['role']}]", clean(message["content"])]
    begun = f"{call['begun']} " if call["begun"] else ""
    return "\n".join([*parts, "[answer]", clean(begun + call["reply"]["text"]), ""])


def diff_text(document: Mapping[str, Any], law: "Law") -> str:
    """Where two runs part and what differs."""
    one, two = document["runs"]
    first = document["first"]
    lines: list[str] = []
    if document["designs"]:
        lines += textwrap.wrap(clean("Designs differ in: " + "; ".join(document["designs"]) + "."), columns())
    if first is None:
        return "\n".join([*lines, f"Runs {one} and {two} tell the same events."])
    lines += textwrap.wrap(
        clean(f"They part at event {first['seq']}, in round {first['round']}: {first['what']}."), columns()
    )
    outcomes = [outcome or "none" for outcome in document["outcomes"]]
    lines.append(f"Endings: {outcomes[0]} / {outcomes[1]}.")
    dice = document["dice"]
    alone = dice["only_first"], dice["only_second"]
    lines.append(
        f"Dice: {dice['shared']} shared, {alone[0]} / {alone[1]} rolled in one run alone"
        + (f", {dice['differing']} otherwise." if dice["differing"] else ".")
    )
    rows = [
        (law.labels.get(entity, entity), name.replace("_", " "), value_text(pair[0]), value_text(pair[1]))
        for entity, held in document["indicators"].items()
        for name, pair in held.items()
    ]
    if not rows:
        return "\n".join([*lines, f"After round {document['round']} their worlds are the same."])
    return "\n".join(
        [
            *lines,
            "",
            f"After round {document['round']}, {len(rows)} variables differ:",
            table(("of", "variable", "first run", "second run"), rows),
        ]
    )
