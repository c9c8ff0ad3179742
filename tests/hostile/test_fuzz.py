"""Twenty seconds of shipped files with pieces exchanged: each is read or refused, soon, and never anything else.

The pieces come from the files themselves and from a list of what has hurt readers of YAML, CSV and expressions
before. The seed is fixed; how far it gets in its time depends on the machine. A case that fails is named by its
number, and `cases(...)` up to it gives its text again.
"""

import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.compile import compile_law
from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import ExprProblem, Scene, compile_expr, compile_pair
from orchestrator.core.exprtypes import NUM, Names, Type
from orchestrator.core.text import compile_text, render
from orchestrator.core.walk import parts_of, texts_of
from orchestrator.core.weighing import MOST_PASSES
from orchestrator.library import load_scenario
from orchestrator.library.examine import examined
from orchestrator.library.newly import create_scenario
from tests.support.worlds import begun, play_policy

ROOT = Path(__file__).parents[2]
SECONDS = 10.0
"""Of each of the two tests."""
SLOWEST = 1.0
"""Seconds of processor time that one case may take."""
NASTY = [
    "&a ", "*a", "!!python/object ", "<<: ", "? ", "- ", ": ", "{", "}", "[", "]", '"', "'", "#", "%", "@", "|", ">",
    "\t", "\n", "\n---\n", "\x00", "\x1b", "\u202e", "\ufeff", "\u2028", "é", "\U0001f600", "null", "~", "true",
    "false", ".inf", "-.inf", ".nan", "1e999", "-0", "0x1f", "1_000", "9" * 30, "[]", "{}", "[[]]", "{a: b}", "self",
    "__class__", "seat", "target", "event.x", "known.x.count", "before(", "was(", "numbers.", "clock.", " if ",
    " else ", " for x in ", " and ", "**", "//", "%", "<", "==", "(", ")", ",", ";", "lambda", "import", "\\",
    "rows: x.csv", "rows: ../x", "source: X", "every: day", "for: utility", "upon: start", "ends: spring",
    "of: [seat, seat]", "ledger: gas", "is: ", "ref: ",
]  # fmt: skip
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def mutated(rng: random.Random, text: str, pieces: list[str]) -> str:
    """A text with one to four pieces taken out, put in, doubled or exchanged."""
    for _ in range(rng.randint(1, 4)):
        tokens = TOKEN.findall(text) or [""]
        at = rng.randrange(len(tokens))
        end = min(len(tokens), at + 1 + int(rng.expovariate(0.5)))
        match rng.randrange(7):
            case 0:
                tokens[at:end] = []
            case 1:
                tokens[at:at] = [rng.choice(NASTY)]
            case 2:
                tokens[at:end] = [rng.choice(NASTY)]
            case 3:
                tokens[at] = rng.choice(pieces)
            case 4:
                tokens[at:at] = tokens[at:end] * rng.choice((1, 1, 2, 40))
            case 5:
                other = rng.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case _:
                lines = text.splitlines(keepends=True) or [""]
                line = rng.randrange(len(lines))
                moved = lines.pop(line)
                lines.insert(rng.randrange(len(lines) + 1), rng.choice(("", "  ", "    ")) + moved.lstrip(" "))
                tokens = lines
        text = "".join(tokens)[:40_000]
    return text


def cases(seed: int, texts: list[str]) -> Iterator[tuple[int, int, str]]:
    """(number, which text, the text mutated), without end."""
    rng = random.Random(seed)
    pieces = sorted({token for text in texts for token in TOKEN.findall(text) if not token.isspace()})
    number = 0
    while True:
        which = rng.randrange(len(texts))
        yield number, which, mutated(rng, texts[which], pieces)
        number += 1


# --- files ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with small scenarios: the starter with a table and a variant, and those that are shipped."""
    folder = tmp_path_factory.mktemp("fuzz")
    create_scenario("starter", folder)
    home = folder / "scenarios" / "starter"
    (home / "towns.csv").write_text("id,label,gas,supply\neast_gas,East Gas,50,normal\nwest_gas,,,rationed\n", "utf-8")
    text = (home / "scenario.yaml").read_text("utf-8")
    towns = "  towns: {kind: utility, rows: towns.csv, gas: 40}\n  supply_board:"
    (home / "scenario.yaml").write_text(text.replace("  supply_board:", towns, 1), "utf-8")
    for name in ("commons", "escalation"):
        if (ROOT / "scenarios" / name).is_dir():
            shutil.copytree(ROOT / "scenarios" / name, folder / "scenarios" / name)
            shutil.copytree(ROOT / "personas" / name, folder / "scenarios" / name / "personas", dirs_exist_ok=True)
    return folder


def test_no_file_makes_the_loader_raise_anything_but_a_sentence(shelf: Path) -> None:
    kinds = (".yaml", ".csv", ".md")
    files = sorted(
        path for path in (shelf / "scenarios").rglob("*") if path.suffix in kinds and path.name != "README.md"
    )
    texts = [path.read_text("utf-8") for path in files]
    names = [path.relative_to(shelf / "scenarios").parts[0] for path in files]
    # The starter's files are small and hold every sort of thing: they come most often.
    often = [index for index, name in enumerate(names) for _ in range(6 if name == "starter" else 1)]
    end, done, sound = time.monotonic() + SECONDS, 0, 0
    for number, which, text in cases(20301001, [texts[index] for index in often]):
        if time.monotonic() > end:
            break
        path, name = files[often[which]], names[often[which]]
        path.write_text(text, "utf-8", errors="surrogatepass")
        try:
            start = time.process_time()
            sound += is_sound(shelf, name)
            assert time.process_time() - start < SLOWEST
        except Exception as error:
            raise AssertionError(f"case {number}, {path.name}: {type(error).__name__}: {error}") from error
        finally:
            path.write_text(texts[often[which]], "utf-8")
        done += 1
    assert done > 20
    assert sound > 0


def is_sound(shelf: Path, name: str) -> bool:
    """Whether a scenario has no problems; one that has none is played for a round."""
    found = examined(name, shelf)
    for one in (*found.problems, *found.warnings):
        assert one.message.isprintable(), one.message
        assert len(one.message) < 2000
    if found.problems or found.loaded is None:
        return False
    law = compile_law(found.loaded.scenario, found.loaded.personas).law
    assert law is not None
    play_policy(law, rounds=1)
    return True


# --- expressions ---------------------------------------------------------------------------------------------


def test_no_text_makes_the_compiler_raise_anything_but_a_clause(shelf: Path) -> None:
    loaded = load_scenario("starter", shelf)
    law = compile_law(loaded.scenario, loaded.personas).law
    assert law is not None
    parts = [*parts_of(loaded.scenario), *parts_of(dict(loaded.personas))]
    texts = sorted({text for _, part in parts for text in texts_of(part) if 3 < len(text) < 300})
    scope = {"self": Type("ref", kind="utility"), "target": Type("ref", kind="utility"), "n": NUM}
    scope |= {"seat": Type("ref", kind="seat"), "subject": Type("ref", kind="utility")}
    state = begun(law)
    bound = {"self": "north_gas", "target": "south_gas", "seat": "north_manager", "subject": "south_gas", "n": 2}
    scene = scene_of(law, state, {**bound, "added": 1.0}, seat="board_chair", event={"instance": "north_gas"})
    end, done, compiled = time.monotonic() + SECONDS, 0, 0
    for number, _, text in cases(20310331, texts):
        if time.monotonic() > end:
            break
        try:
            start = time.process_time()
            compiled += compiles(text, law.names, scope, scene)
            assert time.process_time() - start < SLOWEST
        except Exception as error:
            raise AssertionError(f"case {number}, {text!r}: {type(error).__name__}: {error}") from error
        done += 1
    assert done > 500
    assert compiled > 50


def compiles(text: str, names: Names, scope: dict[str, Type], scene: Scene) -> bool:
    """Whether a text is an expression, once it has been evaluated; as a pair and as a sentence it is tried too."""
    event = {"instance": Type("ref", kind="utility")}
    for attempt in (
        lambda: compile_pair(text, names, scope, event=event),
        lambda: evaluated(lambda: render(compile_text(text, names, scope, event, changing=True), scene, str)),
    ):
        try:
            attempt()
        except ExprProblem as problem:
            one_clause(problem)
    try:
        code = compile_expr(text, names, scope, event=event, known=True, changing=True)
    except ExprProblem as problem:
        one_clause(problem)
        return False
    if code.passes <= MOST_PASSES:
        evaluated(lambda: code.run(scene))
    return True


def one_clause(problem: ExprProblem) -> None:
    assert "\n" not in str(problem)
    assert len(str(problem)) < 500


def evaluated(run: Callable[[], Any]) -> None:
    try:
        found = run()
    except ARITHMETIC:
        return
    assert found is None or isinstance(found, bool | int | float | str)


def test_a_case_can_be_had_again() -> None:
    def first(count: int) -> list[tuple[int, int, str]]:
        found = cases(7, ["a: {b: 1}\nc: d\n", "self.x + 1"])
        return [next(found) for _ in range(count)]

    assert first(50) == first(50)
    assert len({text for _, _, text in first(50)}) > 40
