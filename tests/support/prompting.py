"""The shipped prompt templates, and a seat at its turn for tests of asking and deciding."""

from pathlib import Path

from orchestrator.core.events import SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.observe import observe
from orchestrator.core.prompts import Prompter
from orchestrator.core.seated import Seated
from orchestrator.core.state import RunState
from tests.support.worlds import begun, opened

PROMPTS = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parents[2] / "prompts").glob("*.j2")}
COMPOSE = SeatPlay(by="model", backend_kind="script", model="m", model_label="model m")
CHOOSE = SeatPlay(by="model", backend_kind="script", model="m", style="choose", temperature=1.0)
POLICY = SeatPlay(by="policy")


def prompter(law: Law, seed: int = 1) -> Prompter:
    return Prompter(law, PROMPTS, seed)


def seated(law: Law, seat: str = "ann", play: SeatPlay = COMPOSE, state: RunState | None = None) -> Seated:
    """A seat in the first round, or in the round that `state` has opened."""
    state = opened(law, begun(law)) if state is None else state
    return Seated(law, prompter(law, state.seed), state, observe(law, state, seat), play)
