"""From today's files and settings to a design, and from a stored run to the backends that may go on with it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.backends.protocol import Backend
from orchestrator.backends.registry import Backends
from orchestrator.config import POLICY, LlamaConfig, Settings
from orchestrator.core.compile import compile_law
from orchestrator.core.design import Design, JudgePlay
from orchestrator.core.events import SeatPlay
from orchestrator.core.interventions import checked_sets
from orchestrator.core.law import Law
from orchestrator.core.logs import Logged
from orchestrator.core.value import digest
from orchestrator.errors import BadPersona, BadScenario, BadUsage, UnknownBackend
from orchestrator.library import Loaded, load_scenario
from orchestrator.runtime.recorded import Played, remember_law

PLAY_POLICY = SeatPlay(by="policy")


def load_law(name: str, working: Path, variant: str | None = None) -> tuple[Loaded, Law]:
    """A scenario of today's files, or a variant of it, with its law.

    Raises UnknownScenario, UnknownVariant; BadScenario and BadPersona with file and line.
    """
    loaded = load_scenario(name, working, variant=variant)
    compiled = compile_law(loaded.scenario, loaded.personas)
    if compiled.law is None:
        first, rest = compiled.problems[0], len(compiled.problems) - 1
        where = loaded.where(tuple(first.path))
        more = f" (and {rest} more)" if rest else ""
        kind = BadPersona if first.path[0] == "personas" else BadScenario
        raise kind(
            f"{where}: {'.'.join(first.path)}: {first.message}{more}",
            hint=f"orchestrate scenarios check {name}",
            where=where,
        )
    remember_law(loaded.design_text, compiled.law, loaded.prompts)
    return loaded, compiled.law


def seat_play(name: str, settings: Settings, backends: Backends) -> SeatPlay:
    """How a seat is played by a configured backend, or on policy.

    Raises UnknownModel, BadModelFile (a model named by its path), BadFile (a script), BadConfig.
    """
    if name == POLICY:
        return PLAY_POLICY
    from orchestrator.backends.models import catalogue_model, is_path  # where no model plays, none is looked for

    config = settings.backends[name]
    if isinstance(config, LlamaConfig) and not is_path(config.model):
        # The catalogue knows the hash: a dry run needs no file. `resolve` holds the file against it before a run.
        kind, model, label = "llama", catalogue_model(config.model).sha256, config.model
    else:
        backend = backends.get(name)
        kind, model = backend.kind, backend.model
        label = model if config.kind == "openai" else Path(config.model if config.kind == "llama" else config.path).name
    return SeatPlay(
        by="model",
        backend_kind=kind,
        model=model,
        model_label=label,
        temperature=config.temperature,
        style=config.style,
    )


def prepare(
    loaded: Loaded,
    law: Law,
    settings: Settings,
    backends: Backends,
    *,
    seed: int,
    sets: Mapping[str, str],
    judge_policy: bool,
    talk: int | None = None,
) -> tuple[Played, dict[str, str]]:
    """The design of a new run with its law, and the configured backend of each seat (and of `judge`).

    `talk`: turns of private messages a round; none: as the scenario says.
    """
    settings.check_seats(law.scenario.seats)
    named = {
        seat: settings.backend_of(seat, model_seat=held.by == "model") for seat, held in law.scenario.seats.items()
    }
    seats = {seat: seat_play(name, settings, backends) for seat, name in named.items()}
    judge: JudgePlay | None = None
    moved = [play for seat, play in seats.items() if law.scenario.seats[seat].members is None]
    if settings.judge and (judge_policy or any(play.by == "model" for play in moved)):
        judge = JudgePlay(
            plays=tuple(seat_play(name, settings, backends) for name in settings.judge), policy_too=judge_policy
        )
        named["judge"] = ",".join(settings.judge)
    data = digest(loaded.design_text)
    design = Design(
        data=data, seed=seed, seats=seats, judge=judge, sets=checked_sets(law, sets),
        talk=law.scenario.talks.turns if talk is None else talk, variant=loaded.variant,
    )  # fmt: skip
    return Played(design, law, loaded.prompts), named


def prepare_log(loaded: Loaded, law: Law, rows: tuple[Logged, ...]) -> Played:
    """The design of a run whose moves are those of a recorded log: nobody is asked, and nobody judges."""
    by_log = {seat: SeatPlay(by="log") if held.members is None else PLAY_POLICY
              for seat, held in law.scenario.seats.items()}  # fmt: skip
    data = digest(loaded.design_text)
    design = Design(data=data, seed=1, seats=by_log, judge=None, log=rows, variant=loaded.variant)
    return Played(design, law, loaded.prompts)


def wanted_by(
    plays: Mapping[str, SeatPlay], judge: JudgePlay | None, named: Mapping[str, Any]
) -> dict[tuple[str, str], str]:
    """(kind, model) -> the name under which the run knew that backend."""
    found: dict[tuple[str, str], str] = {}
    for seat, play in plays.items():
        if play.by == "model":
            name = str(named.get(seat, POLICY))
            found.setdefault((play.backend_kind, play.model), settings_default(named) if name == POLICY else name)
    for index, play in enumerate(judge.plays if judge else ()):
        names = str(named.get("judge", "")).split(",")
        found.setdefault((play.backend_kind, play.model), names[min(index, len(names) - 1)])
    return found


def settings_default(named: Mapping[str, Any]) -> str:
    """Any backend the run knew, for a seat that has none of its own."""
    return next((str(name) for name in named.values() if name not in (POLICY, "log")), "local")


def resolve(
    wanted: Mapping[tuple[str, str], str], settings: Settings, backends: Backends
) -> dict[tuple[str, str], tuple[str, Backend]]:
    """Today's backends for a run's kinds and models.

    Raises UnknownBackend, or BadUsage where today's is another model.
    """
    found: dict[tuple[str, str], tuple[str, Backend]] = {}
    for (kind, model), name in wanted.items():
        if name not in settings.backends:
            raise UnknownBackend(
                f"the run was played with a backend called '{name}', and none is configured",
                hint="name it in orchestrate.toml, or fork the run with --backend",
                where=name,
            )
        backend = backends.get(name)
        if (backend.kind, backend.model) != (kind, model):
            raise BadUsage(
                f"the run was played with {kind} {model[:40]}, and '{name}' is now {backend.kind} {backend.model[:40]}",
                hint="orchestrate fork RUN --at ROUND --backend SEAT=NAME plays on with another model", where=name,
            )  # fmt: skip
        found[kind, model] = name, backend
    return found


async def started(backends: Iterable[Backend]) -> None:
    """Makes backends ready: keys are read and models loaded before anything is asked.

    Raises MissingKey, BadModelFile.
    """
    for backend in backends:
        await backend.start()
