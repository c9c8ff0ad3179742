"""From a reply to a value, or to the reason why it is none. Nothing is guessed in silence: a repaired or
partial answer says so.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from orchestrator.core import speech
from orchestrator.core.call import Reply, TokenChoice
from orchestrator.core.pledging import EVERYONE, NONE
from orchestrator.core.prompts import CRITERIA, LINE
from orchestrator.core.turn import FREE, Option, Promise, Verdict

MAX_DEPTH = 8
LONGEST = 20_000
"""Longest text, in characters, whose JSON is mended."""


class Malformed(NamedTuple):
    """An answer that cannot be used, and why (for the repair and the record)."""

    why: str
    kind: str = "malformed"
    """`malformed`, or the reply's outcome: `length`, `refused`, `filtered`, `empty`; `off_menu`."""


class Chosen(NamedTuple):
    """A composed move as it was written."""

    option: Option | None
    """None: a free move."""
    params: dict[str, Any]
    reason: str
    statement: str
    attempt: str
    repaired: bool


def lean(reply: Reply) -> Reply:
    """The reply as it is stored: text that any database holds, and alternatives kept only where the program
    reads them (the first token and ratings)."""
    kept = tuple(
        TokenChoice(
            token=storable(token.token),
            logprob=_finite(token.logprob),
            top=tuple((storable(text), _finite(logprob)) for text, logprob in token.top)
            if index == 0 or token.token.strip() in _DIGITS
            else (),
        )
        for index, token in enumerate(reply.tokens)
    )
    return reply.model_copy(update={"text": storable(reply.text), "tokens": kept})


def storable(text: str) -> str:
    """Without half surrogates and zero bytes, which some stores refuse."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def _finite(logprob: float) -> float:
    return logprob if math.isfinite(logprob) else -1e4


def obj(reply: Reply) -> tuple[dict[str, Any], bool] | Malformed:
    """The one JSON object of a reply, and whether it had to be repaired."""
    if reply.outcome in ("refused", "filtered", "empty"):
        return Malformed(f"the answer was {reply.outcome}", reply.outcome)
    text = reply.text.strip()
    try:
        found = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_small, parse_float=_number
        )
        repaired = False
    except (ValueError, RecursionError):
        found, repaired = _repaired(text), True
    if not isinstance(found, dict) or _depth(cast("Any", found)) > MAX_DEPTH:
        why = "it was cut off before the JSON object ended" if reply.outcome == "length" else "it held no JSON object"
        return Malformed(why, "length" if reply.outcome == "length" else "malformed")
    return {str(key): value for key, value in cast("dict[Any, Any]", found).items()}, repaired


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number that is too large")
    return value


def _small(digits: str) -> int:
    if len(digits) > 16:
        raise ValueError("a number that is too long")
    return int(digits)


def _repaired(text: str) -> Any:
    import json_repair

    start, end = text.find("{"), text.rfind("}")
    if start < 0 or len(text) > LONGEST or text.count("{") + text.count("[") > 40:
        return None
    try:
        return json_repair.loads(text[start : end + 1] if end > start else text[start:])
    except (ValueError, RecursionError):
        return None


def _depth(value: Any) -> int:
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(cast("dict[Any, Any]", value).values())
    elif isinstance(value, list):
        inner = cast("list[Any]", value)
    else:
        return 0
    return 1 + max((_depth(each) for each in inner), default=0)


def composed(reply: Reply, options: Sequence[Option], *, free: bool) -> Chosen | Malformed:
    """A composed move. Off-menu actions are malformed, and said to be so."""
    found = obj(reply)
    if isinstance(found, Malformed):
        return found
    data, repaired = found
    action = data.get("action")
    if not isinstance(action, str):
        return Malformed('"action" is missing')
    reason, statement, attempt = (text_of(data, name) for name in ("reason", "statement", "attempt"))
    if action == FREE and free:
        if not attempt.strip():
            return Malformed('"free" needs words in "attempt"')
        return Chosen(None, {}, reason, statement, attempt, repaired)
    wanted = action.strip().replace("-", "_")
    option = next((option for option in options if wanted in (option.id, option.label)), None)
    if option is None:
        return Malformed(f'"{action[:60]}" is not among the open moves', "off_menu")
    params: dict[str, Any] = {}
    for name, values in option.params.items():
        if data.get(name) not in values:
            return Malformed(f'"{name}" should be one of {", ".join(str(value) for value in values[:12])}')
        params[name] = values[values.index(data[name])]  # 1, where 1.0 or true was written
    return Chosen(option, params, reason, statement, "", repaired)


def promised(
    reply: Reply, listed: Mapping[str, tuple[bool, str, str | None]], rounds: int, others: Sequence[str]
) -> tuple[Promise, ...] | Malformed:
    """The promise that a composed move carries, if any: one of the list, to everyone or to one seat."""
    found = obj(reply)
    if isinstance(found, Malformed) or not listed:
        return ()
    said, reach, to = (found[0].get(name) for name in ("promise", "promise_rounds", "promise_to"))
    if said in (None, NONE, ""):
        return ()
    if not isinstance(said, str) or said not in listed:
        return Malformed("it promises something that is not on the list", "off_menu")
    if isinstance(reach, bool) or not isinstance(reach, int) or not 1 <= reach <= rounds:
        return Malformed(f'"promise_rounds" should be a whole number from 1 to {rounds}')
    if to not in (EVERYONE, *others):
        return Malformed('"promise_to" should be everyone or the id of another seat', "off_menu")
    will, action, target = listed[said]
    return (Promise(will, action, target, reach, None if to == EVERYONE else (str(to),)),)


def text_of(data: Mapping[str, Any], name: str) -> str:
    """The text under this name, or nothing."""
    found = data.get(name)
    return found if isinstance(found, str) else ""


def effects(
    reply: Reply, ids: Mapping[str, tuple[str, str | None]], most: int
) -> tuple[tuple[str, str | None], ...] | Malformed:
    """The declared effects a referee named, at most so many, each once."""
    found = obj(reply)
    if isinstance(found, Malformed):
        return found
    listed = found[0].get("effects")
    names = [name for name in cast("list[Any]", listed) if isinstance(name, str)] if isinstance(listed, list) else []
    if not isinstance(listed, list) or len(names) < len(cast("list[Any]", listed)) or not set(names) <= set(ids):
        return Malformed('"effects" should be a list of the ids given')
    return tuple(ids[name] for name in dict.fromkeys(names[:most]))


def answer(reply: Reply) -> tuple[str, str, bool] | Malformed:
    """(`yes` or `no`, the reason, whether the JSON had to be repaired)."""
    found = obj(reply)
    if isinstance(found, Malformed):
        return found
    data, repaired = found
    word = data.get("answer")
    if not isinstance(word, str) or word.strip().lower() not in ("yes", "no"):
        return Malformed('"answer" should be "yes" or "no"', "off_menu" if isinstance(word, str) else "malformed")
    return word.strip().lower(), text_of(data, "reason"), repaired


def verdict(reply: Reply) -> tuple[Verdict, bool] | Malformed:
    """A verdict, and whether it had to be repaired. Ratings are the probability-weighted mean of the rating
    token where log-probabilities are there, else the number written."""
    found = obj(reply)
    if isinstance(found, Malformed):
        return found
    data, repaired = found
    ratings: dict[str, float] = {}
    weighed = True
    for name in (*CRITERIA, "plausibility"):
        written = data.get(name)
        if isinstance(written, bool) or not isinstance(written, (int, float)) or written not in (1, 2, 3, 4, 5):
            return Malformed(f'"{name}" should be a whole number from 1 to 5')
        mean = None if repaired else expected(reply, name)
        weighed = weighed and mean is not None
        ratings[name] = round(float(written) if mean is None else mean, 3)
    method = "logprobs" if weighed else "sampled"
    score = ratings.pop("plausibility")
    return Verdict(score, ratings, sentence(str(data.get("reason") or "")), method), repaired


def sentence(text: str) -> str:
    """Sentences on one line; one that was cut off is left out, or ends at its last whole word, with dots."""
    text = " ".join(text.split()).lstrip(",;. ")[:300]
    if not text or text.endswith((".", "!", "?")):
        return text
    if ". " in text:
        return text[: text.rindex(". ") + 1]
    whole, _, _ = text.rpartition(" ")
    return f"{whole.rstrip(',;:') or text} ..."


_DIGITS: tuple[str, ...] = ("1", "2", "3", "4", "5")


def expected(reply: Reply, name: str) -> float | None:
    """The mean rating under its token's probabilities, renormalised over 1 to 5; None without them, or where
    the digit shares its token with other signs."""
    written = re.search(rf'"{name}"\s*:\s*', "".join(token.token for token in reply.tokens))
    if written is None:
        return None
    reached = 0
    for token in reply.tokens:
        reached += len(token.token)
        if reached > written.end():
            return _mean_rating(token) if token.token.strip() in _DIGITS else None
    return None


def _mean_rating(token: TokenChoice) -> float | None:
    masses = dict.fromkeys(_DIGITS, 0.0)
    for text, logprob in token.top:
        if text.strip() in masses:
            masses[text.strip()] += math.exp(logprob)
    total = math.fsum(masses.values())
    return math.fsum(int(digit) * mass for digit, mass in masses.items()) / total if total > 0 else None


def menu_masses(reply: Reply, names: Sequence[str]) -> tuple[list[float], float] | None:
    """(probability of each name, renormalised; mass on the menu before the grammar) from the first token.

    A token that begins several names is shared among them. None where there are no log-probabilities.
    """
    if not reply.tokens or not reply.tokens[0].top:
        return None
    masses = [0.0] * len(names)
    for text, logprob in reply.tokens[0].top:
        word = text.strip().lower()
        fits = [index for index, name in enumerate(names) if word and name.lower().startswith(word)]
        for index in fits:
            masses[index] += math.exp(logprob) / len(fits)
    total = math.fsum(masses)
    if total <= 0:
        return None
    return [mass / total for mass in masses], min(1.0, total)


def named(reply: Reply, names: Sequence[str]) -> int | None:
    """Which of the names a reply writes, by its beginning."""
    text = " ".join(reply.text.split()).strip("\"'-. ").lower()
    if not text:
        return None
    fits = [index for index, name in enumerate(names) if name.lower().startswith(text) or text.startswith(name.lower())]
    return fits[0] if len(fits) == 1 else None


def spoken_words(reply: Reply, stem: str) -> str:
    """The words after the begun stem, on one line, trimmed to a whole clause."""
    text = " ".join(reply.text.split()).strip()
    if stem and text.lower().startswith(stem.lower()):
        text = text[len(stem) :].strip()
    text = re.sub(r"\s*[\"'“”‘’]+([.!?]?)$", r"\1", text.strip("\"'“”‘’ "))
    for end in (". ", "! ", "? "):
        if end in text:
            text = text[: text.index(end) + 1]
    if reply.outcome == "length" or LINE - 5 <= len(text) <= LINE:  # where a grammar stops, a full stop says nothing
        cut = max(text.rfind(mark) for mark in (", ", "; ", " and ", " but ", " which ", " while "))
        text = text[:cut] if cut > 20 else text.rstrip(".!?")
        while speech.hangs(text):
            text = text.rpartition(" ")[0]
    return text if text.endswith((".", "!", "?")) else text.rstrip(" ,;:") + ("." if text else "")
