"""`orchestrate config show`: every setting that holds here, and where it came from."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from orchestrator.cli.command import Front, command, group
from orchestrator.cli.output import table
from orchestrator.config import Settings

config = group("The settings that hold here, and where each came from.")


@config.command("show")
@command
def show(front: Front) -> None:
    """Show every setting, and whether a flag, the environment, a line of the file or a default set it."""
    settings = front.settings()
    rows = [(name, value, settings.origin(name)) for name, value in _values(settings)]
    document = {
        "file": str(settings.file) if settings.file else None,
        "folder": str(settings.base),
        "settings": [{"name": name, "value": value, "origin": origin} for name, value, origin in rows],
    }
    front.show(document, lambda: _text(settings, rows))


def _text(settings: Settings, rows: list[tuple[str, object, str]]) -> str:
    file = settings.file or "none (orchestrate.toml in the working folder, then in the user's config folder)"
    return f"configuration file: {file}\n\n" + table(
        ("setting", "value", "from"), [(a, _shown(b), c) for a, b, c in rows]
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "off"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return "-" if value is None else str(value)


def _values(settings: Settings) -> Iterator[tuple[str, object]]:
    yield "db", without_password(settings.db)
    yield "seats.default", settings.default
    for seat, name in settings.seats.items():
        yield f"seats.{seat}", name
    yield "seats.judge", list(settings.judge)
    for name, backend in settings.backends.items():
        for field, value in backend.model_dump().items():
            yield f"backends.{name}.{field}", value
    for model, price in settings.prices.items():
        for field, value in price.model_dump().items():
            yield f"prices.{model}.{field}", value


def without_password(db: str) -> str:
    """A database URL as it may be shown."""
    if "://" not in db:
        return db
    parts = urlsplit(db)
    if parts.password is None:
        return db
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@", 1)).geturl()
