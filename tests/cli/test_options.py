"""Options: ranges that are named, ids that may be typed with dashes, repeated options as mappings."""

import json

import pytest
import typer

from orchestrator.cli.command import Front, command, quiet_typer
from orchestrator.cli.errors import bounded
from orchestrator.cli.options import (
    LARGEST_SEED,
    At,
    JudgeMode,
    MaxCalls,
    MaxTokens,
    Pace,
    Round,
    Rounds,
    Scenario,
    Seed,
    as_id,
    assignments,
    seat_flags,
    whole,
)
from orchestrator.errors import BadUsage, UnknownSeat

SEATS = ("alpha_lab", "beta")


def run(*words: str) -> int:
    """A command with every numeric option, called as the program calls its own."""
    app = quiet_typer()

    @app.command()
    @command
    def play(
        front: Front,
        scenario: Scenario = "none",
        rounds: Rounds = None,
        seed: Seed = None,
        judge_mode: JudgeMode = "score",
        max_calls: MaxCalls = None,
        max_tokens: MaxTokens = None,
        pace: Pace = 0.0,
        at: At = 0,
        round_: Round = None,
    ) -> None:
        """Plays."""
        values = [scenario, rounds, seed, judge_mode, max_calls, max_tokens, pace, at, round_, front.db]
        front.show(values, lambda: "text")

    def call() -> None:
        made = typer.main.get_command(app)
        with made.make_context("orchestrate", list(words)) as context:
            made.invoke(context)

    return bounded(call, as_json="--json" in words)


def test_good_values_arrive(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--scenario take-off --rounds 400 --seed 9223372036854775807 --max-calls 5 --max-tokens 7"
    assert run(*words.split(), "--pace", "0.5", "--at", "3", "--round", "0", "--db", "x", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == ["take_off", 400, LARGEST_SEED, "score", 5, 7, 0.5, 3, 0, "x"]


RANGES = [
    ("--rounds", "from 1 to 400"),
    ("--seed", f"from 0 to {LARGEST_SEED}"),
    ("--max-calls", "from 1 to 1000000000"),
    ("--max-tokens", "from 1 to 1000000000000"),
    ("--pace", "from 0 to 3600"),
    ("--at", "from 0 to 400"),
    ("--round", "from 0 to 400"),
]


@pytest.mark.parametrize(("flag", "allowed"), RANGES)
@pytest.mark.parametrize("value", ["-1", "many", "1e99", "nan", "inf", "", "99999999999999999999", "٣", "1_0", " 1"])
def test_an_impossible_number_is_told_the_range(
    flag: str, allowed: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(flag, value) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {flag} should be a ")
    assert allowed in error
    assert repr(value) in error


def test_zero_rounds_and_an_unknown_mode_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--rounds", "0") == 2
    assert "from 1 to 400, not '0'" in capsys.readouterr().err
    assert run("--judge-mode", "gate") == 2
    assert "--judge-mode should be one of score, not 'gate'" in capsys.readouterr().err


def test_an_id_may_be_typed_with_dashes() -> None:
    assert as_id("openai-alignment-lead") == "openai_alignment_lead"
    assert whole("--n", -5, 5)("-3") == -3


def test_seats_are_put_on_backends_and_policy() -> None:
    flags = seat_flags(["lab", "alpha-lab=local"], "off", ["beta"], seats=SEATS)
    assert flags == {
        "seats.judge": "off",
        "seats.default": "lab",
        "seats.alpha_lab": "local",
        "seats.beta": "policy",
    }
    assert seat_flags(None, None, None, seats=SEATS) == {}


def test_all_on_policy_leaves_a_seat_that_is_named() -> None:
    assert seat_flags(["beta=lab"], None, ["all"], seats=SEATS) == {
        "seats.beta": "lab",
        "seats.alpha_lab": "policy",
        "seats.default": "policy",
    }


def test_a_seat_that_is_not_there_or_given_twice_is_refused() -> None:
    with pytest.raises(UnknownSeat, match="did you mean 'alpha_lab'"):
        seat_flags(["alpha-lob=local"], None, None, seats=SEATS)
    with pytest.raises(UnknownSeat, match="its seats: alpha_lab, beta"):
        seat_flags(None, None, ["zzz"], seats=SEATS)
    with pytest.raises(BadUsage, match="cannot be both 'lab' and 'policy'"):
        seat_flags(["beta=lab"], None, ["beta"], seats=SEATS)
    for text in ("", "=lab", "beta="):
        with pytest.raises(BadUsage, match="SEAT=NAME"):
            seat_flags([text], None, None, seats=SEATS)


def test_assignments() -> None:
    assert assignments(["open-ai.cash = 1=2", "b.c=x"]) == {"open_ai.cash": "1=2", "b.c": "x"}
    assert assignments(None) == {}
    for texts, said in [(["a.b"], "PATH"), (["=1"], "PATH"), (["a="], "PATH"), (["a=1", "a=2"], "twice")]:
        with pytest.raises(BadUsage, match=said):
            assignments(texts)
