"""Checks on every spoken line, in both styles of decision: a quote may add colour, never facts or secrets."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orchestrator.core.turn import Reading

LONGEST = 260
_WORD = re.compile(r"[a-zà-öø-ÿ0-9']+")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_FIRST = re.compile(r"\b(we|our|ours|us|i|my)\b", re.IGNORECASE)
_UP = re.compile(
    r"\b(ris(e|es|en|ing)|rose|increas\w+|grow(s|n|ing)?|grew|up|higher|climb\w*|gain\w*)\b", re.IGNORECASE
)
_DOWN = re.compile(
    r"\b(fall(s|en|ing)?|fell|decreas\w+|shr[iau]nk\w*|down|lower(ed|ing)?|drop\w*|declin\w*|los(es|t|ing))\b",
    re.IGNORECASE,
)
_HOLDS = r"(believe|think|consider)(s|d)?|thought"
_HANGING = re.compile(
    r"(?<![\w'’])([a-hj-z]|an|the|of|to|into|at|from|as|and|or|but|nor|than|which|who|whose|because|if|our|their|its|my|your)"
    r"[ .!?,;:]*$",
    re.IGNORECASE,
)
"""Words on which no sentence ends, single letters among them."""
_SMALL = 12
"""Whole numbers up to this may be words of speech ("two of our three teams")."""


class Ground(NamedTuple):
    """What a line is checked against."""

    stem: str
    earlier: Sequence[str]
    """Lines spoken before, of all seats."""
    instructions: str
    """The question's own text."""
    private: Sequence[str]
    """Facts that only this seat knows."""
    others: Sequence[str]
    """Names of the other organisations."""
    texts: Sequence[str]
    """Public texts whose figures may be repeated."""
    readings: Sequence[Reading]
    own: Sequence[str] = ()
    """Names of the speaker's own organisation."""


def fours(text: str) -> set[tuple[str, ...]]:
    """Every four words in a row, lower case."""
    words = _WORD.findall(text.lower())
    return {tuple(words[index : index + 4]) for index in range(len(words) - 3)}


def failed(words: str, ground: Ground) -> tuple[str, ...]:
    """The checks that these words (after the begun stem) fail; none: the line stands."""
    found: list[str] = []
    line = f"{ground.stem} {words}".strip()
    if len(_WORD.findall(words.lower())) < 3:
        found.append("too short")
    if len(line) > LONGEST:
        found.append("too long")
    if any(
        ord(sign) < 32 or 127 <= ord(sign) < 160 or "\u200b" <= sign <= "\u202e" or sign in "<>{}[]|`" for sign in words
    ):
        found.append("signs that are no speech")
    if any(sign.isalpha() and not ("a" <= sign.lower() <= "z" or "\u00c0" <= sign <= "\u024f") for sign in words):
        found.append("another script")
    if hangs(words):
        found.append("no whole sentence")
    said = fours(words)
    if any(said & fours(text) for text in ground.private):
        found.append("words of a private fact")
    if any(said & fours(text) for text in ground.earlier):
        found.append("words of an earlier line")
    if said & fours(ground.instructions):
        found.append("words of the instructions")
    if not _FIRST.search(line) or holds(words, ground.own):
        found.append("not in the first person")
    if speaks_for(words, ground.others) or holds(words, ground.others):
        found.append("speaks for another organisation")
    found += figures(words, ground)
    return tuple(found)


def hangs(words: str) -> bool:
    """Whether the words break off: on a word that wants another, or on a single letter."""
    return bool(_HANGING.search(words))


def repeated(words: str, ground: Ground, most: int = 6) -> list[str]:
    """The runs of four words and more that stand in an earlier line or in the instructions, cut to `most`
    words each. Never those of a private fact: what comes out here is put into a prompt."""
    known = fours(ground.instructions).union(*(fours(text) for text in ground.earlier))
    said = _WORD.findall(words.lower())
    at = [index for index in range(len(said) - 3) if tuple(said[index : index + 4]) in known]
    runs: list[str] = []
    for index in at:
        if index - 1 not in at:
            end = index
            while end + 1 in at:
                end += 1
            runs.append(" ".join(said[index : min(end + 4, index + most)]))
    return runs


def holds(words: str, names: Iterable[str]) -> bool:
    """Whether the words report what a named organisation believes: "the X believes that"."""
    return any(re.search(rf"\b{re.escape(_bare(name))} ({_HOLDS})\b", words, re.IGNORECASE) for name in names)


def _bare(name: str) -> str:
    return name.removeprefix("the ").removeprefix("The ")


def speaks_for(words: str, others: Iterable[str]) -> bool:
    """Whether the words claim to be someone else's: "we at X", "as the X", "we, X"."""
    for name in others:
        bare = re.escape(_bare(name))
        claims = (
            rf"\b(we|us|i) (at|from|of|in) (the )?{bare}\b",
            rf"\bas (the )?{bare}\b[,.]",
            rf"\bwe, (the )?{bare}\b",
            rf"\bour (colleagues at|own) (the )?{bare}\b",
        )
        if any(re.search(claim, words, re.IGNORECASE) for claim in claims):
            return True
    return False


def figures(words: str, ground: Ground) -> list[str]:
    """Figures must stand in the record or the state, and a direction must be the one that the state shows."""
    found: list[str] = []
    known = {value for text in ground.texts for value in numbers(text)} | {
        float(reading.value) for reading in ground.readings if not isinstance(reading.value, str)
    }
    for said in numbers(words):
        small = said.is_integer() and said <= _SMALL
        if not small and not any(abs(said - value) <= 0.051 * max(1.0, 0.02 * abs(value)) for value in known):
            found.append("a figure that the record does not hold")
            break
    for reading in ground.readings:
        if reading.was is None or isinstance(reading.value, str) or reading.label.lower() not in words.lower():
            continue
        change = reading.value - reading.was
        if (change < 0 and _UP.search(words) and not _DOWN.search(words)) or (
            change > 0 and _DOWN.search(words) and not _UP.search(words)
        ):
            found.append("a direction that the record contradicts")
            break
    return found


def numbers(text: str) -> list[float]:
    """The numbers written in a text, years and dates left out."""
    values: list[float] = []
    for match in _NUMBER.findall(text):
        value = float(match.replace(",", ""))
        if not (1990 <= value <= 2060 and value.is_integer()):
            values.append(value)
    return values
