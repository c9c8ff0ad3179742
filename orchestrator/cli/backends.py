"""`orchestrate backends list`: what may answer for a seat, as configured. Asks nothing of anyone."""

import os
from typing import Any

from orchestrator.cli.command import Front, command, group
from orchestrator.cli.output import table
from orchestrator.config import BackendConfig, LlamaConfig, OpenAIConfig, Settings

backends = group("What may answer for a seat, as configured.")


@backends.command("list")
@command
def list_backends(front: Front) -> None:
    """List the configured backends, who uses each, and whether its key is set. No probe is sent."""
    settings = front.settings()
    rows = [_row(settings, name, backend) for name, backend in settings.backends.items()]
    front.show({"backends": rows}, lambda: _text(rows))


def _row(settings: Settings, name: str, backend: BackendConfig) -> dict[str, Any]:
    used = ["default"] if settings.default == name else []
    used += [seat for seat, chosen in settings.seats.items() if chosen == name]
    used += ["judge"] if name in settings.judge else []
    row: dict[str, Any] = {"name": name, "kind": backend.kind, "model": None, "style": backend.style}
    row |= {
        "temperature": backend.temperature,
        "used_by": used,
        "origin": settings.origin(f"backends.{name}"),
    }
    match backend:
        case LlamaConfig():
            row["model"] = backend.model
        case OpenAIConfig():
            key = backend.api_key_env
            row |= {"model": backend.model, "base_url": backend.base_url, "concurrency": backend.concurrency}
            row |= {"api_key_env": key, "key_set": None if key is None else bool(os.environ.get(key))}
        case _:
            row["path"] = backend.path
    return row


def _text(rows: list[dict[str, Any]]) -> str:
    shown = [
        (
            row["name"],
            row["kind"],
            row["model"] or row.get("path"),
            row["style"],
            ", ".join(row["used_by"]) or "-",
        )
        for row in rows
    ]
    lines = [table(("name", "kind", "model", "style", "used by"), shown)]
    lines += [
        f"{row['name']}: the variable {row['api_key_env']} that should hold its key is not set"
        for row in rows
        if row.get("key_set") is False
    ]
    return "\n".join(lines)
