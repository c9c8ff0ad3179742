"""The call for the words of a move that others see: no private fact and no example stands in its prompt.

The answer is begun with the move's own words, so that the line fits what was done; the persona's first aim gives it
a voice. A further candidate goes without the aim, is told which words were refused, is drawn more freely and held
off the words of its prompt more firmly: at the settings of the first try a small model falls into the same line
again.
"""

from collections.abc import Sequence

from orchestrator.core.call import Call, Shape
from orchestrator.core.prompts import LINE, fill
from orchestrator.core.seated import Seated
from orchestrator.core.turn import Option

TOKENS = 60
"""More than a line of `LINE` characters takes: the form ends it, not the room."""
COPYING = 1.5
"""How strongly the first try is held off the words of its prompt (`Sampling.copying`)."""
WARMER = 0.25
"""How much warmer each further try is drawn."""
HOTTEST = 1.2
RUNS = 3
"""Most refused runs of words that are named."""


def speak_call(at: Seated, option: Option, key: str, refused: str = "", runs: Sequence[str] = ()) -> Call:
    """The rest of the sentence that `option.stem` begins; `runs` are words of earlier lines that were used again."""
    prompter, number = at.prompter, int(key.rpartition("/")[2])
    persona = prompter.law.personas[at.seat]
    values = {
        "organisation": persona.organisation,
        "aim": persona.goals[0] if persona.goals and not refused else "",
        # What speaks against a move stands after a semicolon: it is no reason to give.
        "move": f"{option.label}: {option.purpose.partition(';')[0]}",
        "refused": refused,
        "runs": "; ".join(runs[-RUNS:]),  # without quotation marks, at which llama.cpp stops comparing
        "stem": option.stem,
        "reader": "the public" if option.public else prompter.law.labels.get(option.target or "", "those who see it"),
    }
    world = prompter.world(at.state, at.seen, brief=at.play.style == "choose")
    heat = min(max(HOTTEST, at.play.temperature), at.play.temperature + WARMER * (number - 1))
    return prompter.call(
        key,
        at.play,
        (world, fill("speak", prompter.prompts, values)),
        Shape(line=LINE),
        TOKENS,
        begun=option.stem,
        temperature=heat,
        copying=COPYING * number,
    )
