"""What a server can do to us, in classes, and what each class deserves.

One place decides whether a call is tried again, and it decides from the class, never from a bare
exception. `Health` is what all calls of one backend share (how long the server wants to be left alone,
since when nothing listens); `Tries` is the policy of one call, as tenacity takes it. No HTTP library
here: statuses, header values and the words of an error are enough.

    busy      wait as told, together with every other call of the backend
    broke     money, key or quota: never again
    broken    may pass: again with jittered backoff, limited in number and time
    refused   nothing listens: again for some seconds in all, over all calls
    asleep    the deadline of the call passed: never again
    rejected  this request will never be answered: never again
    learned   the server wants the request in another form: again at once, in that form
"""

import asyncio
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from tenacity import AsyncRetrying, RetryCallState

FaultClass = Literal["busy", "broke", "broken", "refused", "asleep", "rejected", "learned"]

BUSY = frozenset({429, 503, 529})
BROKE = frozenset({401, 402, 403})
BROKEN_BELOW_500 = frozenset({408, 409, 425})
_NO_MONEY = re.compile(r"insufficient_quota|billing|credit_balance|spend_limit|usage_limit_exceeded|payment_required")
_BUSY_WORDS = re.compile(r"rate_?limit|overloaded|too_many_requests|unavailable")
_KEY_WORDS = re.compile(r"authentication|invalid_api_key|permission_(denied|error)|unauthorized")
_REJECTED_WORDS = re.compile(r"invalid_request|not_found|context_(size|length)|bad_?request|unsupported")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Fault(Exception):
    """One try that failed, with its class. Never leaves the backends: `answer` raises what it deserves."""

    def __init__(self, kind: FaultClass, sentence: str, *, status: int = 0, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.kind: FaultClass = kind
        self.sentence = sentence
        """What the server did, cleaned for a terminal and without secrets."""
        self.status = status
        """The HTTP status; 0 where none arrived."""
        self.wait_s = wait_s
        """How long a busy server asked to be left alone, in seconds; None where it did not say."""


def class_of(status: int, words: str = "") -> FaultClass:
    """The class of an error by its HTTP status and the words of its `type` and `code`."""
    if _NO_MONEY.search(words) or status in BROKE:
        return "broke"
    if status in BUSY:
        return "busy"
    if status in BROKEN_BELOW_500 or status >= 500:
        return "broken"
    return "rejected"


def class_inside(code: int, words: str) -> FaultClass:
    """The class of an error object inside an answer with status 200, from its code and words."""
    if 400 <= code < 600:
        return class_of(code, words)
    if _NO_MONEY.search(words) or about_key(words):
        return "broke"
    if _BUSY_WORDS.search(words):
        return "busy"
    return "rejected" if _REJECTED_WORDS.search(words) else "broken"


def about_key(words: str) -> bool:
    """Whether the words of an error's `type` and `code` complain of the key."""
    return _KEY_WORDS.search(words) is not None


def told_wait(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds that a busy server asks for: `Retry-After` (seconds or date), else `x-ratelimit-reset-*`.

    Header names in lower case. A date is taken against the server's own `Date`, so that a clock that
    is wrong on either side does no harm. None where nothing readable was said.
    """
    after = headers.get("retry-after", "").strip()
    if milliseconds := _number(headers.get("retry-after-ms", "")):
        return milliseconds / 1000
    if (seconds := _number(after)) is not None:
        return seconds
    if (then := _date(after)) is not None:
        base = _date(headers.get("date", "")) or now or datetime.now(UTC)
        return max(0.0, (then - base).total_seconds())
    resets = {
        what: wait
        for what in ("requests", "tokens")
        if (wait := _duration(headers.get(f"x-ratelimit-reset-{what}", ""))) is not None
    }
    # The limit that is used up is the one to wait for; if none says so, the shorter wait is tried.
    used_up = [w for what, w in resets.items() if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"]
    return max(used_up) if used_up else min(resets.values(), default=None)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()) else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _duration(text: str) -> float | None:
    """`6m0s`, `120ms`, `1.5s` or plain seconds; a date as a number (an epoch) is not one."""
    text = text.strip()
    if (number := _number(text)) is not None:
        return number if number < 1e6 else None
    parts = _PART.findall(text)
    if not parts or "".join(a + b for a, b in parts) != text:
        return None
    return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)


@dataclass(frozen=True)
class Patience:
    """How long and how often a backend tries, in seconds. Tests make it small."""

    tries: int = 5
    """Most tries of one call that end as `broken`."""
    broken_for_s: float = 60.0
    """No new try of a broken call later than this after its first."""
    first_wait_s: float = 0.5
    """The first backoff; it doubles from there."""
    longest_wait_s: float = 8.0
    """No single backoff is longer."""
    busy_cap_s: float = 60.0
    """A busy server is left alone at most so long at a time, whatever it asks for."""
    refused_for_s: float = 15.0
    """How long nothing may listen, over all calls of the backend, before it has failed."""

    def backoff(self, times: int) -> float:
        """The jittered wait after so many failures (1, 2, ...): half to all of the doubled time."""
        whole = min(self.longest_wait_s, self.first_wait_s * 2 ** min(times - 1, 30))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries, protects nothing


@dataclass
class Health:
    """What the calls of one backend know together about their server. Times are monotonic seconds."""

    patience: Patience
    opens_at: float = 0.0
    """Nothing is sent before; moved by a busy server."""
    busy_times: int = 0
    """How often in a row it was busy after it had been left alone."""
    refused_since: float | None = None
    """Since when nothing has listened; None while something answers."""

    async def wait_turn(self) -> None:
        """Returns when the server may be asked again; the crowd that waited leaves spread out."""
        while (left := self.opens_at - time.monotonic()) > 0:
            spread = random.uniform(0, min(left, self.patience.first_wait_s) / 2)  # noqa: S311 - as above
            await asyncio.sleep(left + spread)

    def was_busy(self, sent_at: float, told_s: float | None) -> None:
        """Notes a busy answer to a request that was sent at `sent_at`."""
        if sent_at >= self.opens_at:  # else it belongs to a burst that is already being waited for
            self.busy_times += 1
        wait = min(told_s or self.patience.backoff(max(1, self.busy_times)), self.patience.busy_cap_s)
        self.opens_at = max(self.opens_at, time.monotonic() + wait)

    def was_refused(self, sent_at: float) -> None:
        """Notes that a request that was begun at `sent_at` reached nothing."""
        self.refused_since = self.refused_since or sent_at

    def was_reached(self) -> None:
        self.refused_since = None

    def was_good(self) -> None:
        self.busy_times = 0


@dataclass
class Tries:
    """The policy of one call: tenacity asks it after every try."""

    health: Health
    began: float = field(default_factory=time.monotonic)
    made: int = 0
    """Requests that were sent, or that should have been."""
    broken: int = 0
    last: Fault | None = None
    """The latest fault, which says more than a deadline does."""

    def retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=self._may_pass, wait=self._wait, stop=self._enough, sleep=asyncio.sleep, reraise=True
        )

    def note(self, fault: Fault, sent_at: float) -> None:
        """Counts a fault of this call and tells the backend's health."""
        self.last = fault
        if fault.kind == "refused":
            self.health.was_refused(sent_at)
        else:
            self.health.was_reached()
        if fault.kind == "busy":
            self.health.was_busy(sent_at, fault.wait_s)
        if fault.kind == "broken":
            self.broken += 1

    def _may_pass(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        return isinstance(error, Fault) and error.kind in ("busy", "broken", "refused", "learned")

    def _wait(self, state: RetryCallState) -> float:
        kind = self.last.kind if self.last else "learned"
        if kind == "broken":
            return self.health.patience.backoff(self.broken)
        # A busy server is waited for by all calls together, before the next try sends.
        return self.health.patience.backoff(state.attempt_number) / 2 if kind == "refused" else 0.0

    def _enough(self, state: RetryCallState) -> bool:
        patience = self.health.patience
        then = time.monotonic() + state.upcoming_sleep
        kind = self.last.kind if self.last else "learned"
        if kind == "refused":
            return then - (self.health.refused_since or then) > patience.refused_for_s
        if kind == "broken":
            return self.broken >= patience.tries or then - self.began > patience.broken_for_s
        return False
