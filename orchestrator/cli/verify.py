"""`orchestrate verify`: does what is stored hold together, and does it follow from itself?"""

from typing import Any

import typer

from orchestrator.cli.command import Front, command
from orchestrator.cli.options import Runs
from orchestrator.cli.output import clean, say
from orchestrator.cli.store import stored
from orchestrator.errors import DamageFound


@command
def verify(front: Front, run: Runs = None) -> None:
    """Chain, fold, calls and replay of runs agree; all runs without an argument."""
    from orchestrator.ledger.store import Ledger
    from orchestrator.runtime.replay import check_all

    found: list[dict[str, Any]] = []
    storage: list[str] = []
    if run or Ledger.exists(front.settings().db):
        with stored(front) as (ledger, settings):
            wanted = [ledger.find(text).id for text in run or ()] or [row.id for row in ledger.runs()]
            storage = ledger.storage_problems()
            for one in check_all(ledger, settings.db, list(dict.fromkeys(wanted))):
                found.append(one._asdict())
                if not front.json:
                    say(clean(_sentence(found[-1])))
    ok = not storage and all(one["ok"] for one in found)
    document: dict[str, Any] = {"runs": found, "ok": ok}
    if storage:
        document["storage"] = storage
    front.show(document, lambda: clean(_verdict(found, storage)))
    if not ok:
        raise typer.Exit(DamageFound.code)


def _sentence(one: dict[str, Any]) -> str:
    if not one["ok"]:
        return f"run {one['run']}: DAMAGED: {one['problem']}"
    again = "derived again, byte for byte" if one["rederived"] else "played under other rules, so not derived again"
    return f"run {one['run']}: ok, {one['events']} events and {one['calls']} calls, {again}"


def _verdict(found: list[dict[str, Any]], storage: list[str]) -> str:
    bad = sum(not one["ok"] for one in found)
    lines = [f"the store: DAMAGED: {problem}" for problem in storage]
    if not found:
        return "\n".join([*lines, "no run to verify"])
    return "\n".join(
        [*lines, f"{len(found) - bad} of {len(found)} runs are whole" + (f", {bad} damaged" if bad else "")]
    )
