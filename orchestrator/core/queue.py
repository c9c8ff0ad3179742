"""The queue of a round's dates: which day comes next, and what falls on it."""

from bisect import bisect_right

from orchestrator.core.calendar import civil, is_month_end, span_of
from orchestrator.core.law import CRule, Law
from orchestrator.core.state import RunState


class Dates:
    """The dates of one round of a law: beats are known in advance, timers and reports are looked up."""

    def __init__(self, law: Law, round_: int) -> None:
        self.first, self.last = span_of(law.start, law.scenario.clock.step, round_)
        staged = {stage.every for process in law.processes.values() for stage in process.stages.values()}
        beaten: dict[str, list[int]] = {}
        for index, rule in enumerate(law.rules):
            for beat in (rule.every, rule.on):
                if beat is not None:
                    beaten.setdefault(beat, []).append(index)
        self.beats: dict[int, frozenset[str]] = {}
        """Day -> the beats that fall on it, a date of the year (`06-01`) among them."""
        self.rules: dict[int, tuple[CRule, ...]] = {}
        """Day -> the rules that are due, in the order of the file."""
        for day in range(self.first, self.last + 1):
            _, month, of_month = civil(day)
            found = beats_on(day, self.first, self.last, law.scenario.clock.step) | {f"{month:02d}-{of_month:02d}"}
            due = sorted({index for beat in found if beat in beaten for index in beaten[beat]})
            if due or found & staged:
                self.beats[day] = found
                self.rules[day] = tuple(law.rules[index] for index in due)
        self._days = sorted(self.beats)

    def next_day(self, state: RunState, after: int) -> int | None:
        """The first day later than `after` on which anything is due, within the round."""
        at = bisect_right(self._days, after)
        days = self._days[at : at + 1]
        days += [due for due in state.due.values() if after < due <= self.last]
        days += [item.due for item in state.pending if after < item.due <= self.last]
        return min(days, default=None)


_kept: dict[int, tuple[Law, dict[int, Dates]]] = {}
"""By the law's identity: the dates of its rounds. A round asks for them anew after each question, a run after run."""


def dates_of(law: Law, round_: int) -> Dates:
    """The dates of a round, made once for a law."""
    held = _kept.get(id(law))
    if held is None or held[0] is not law:
        if len(_kept) >= 8:
            _kept.clear()
        held = _kept[id(law)] = law, {}
    if round_ not in held[1]:
        held[1][round_] = Dates(law, round_)
    return held[1][round_]


def beats_on(day: int, first: int, last: int, step: str) -> frozenset[str]:
    """Which beats fall on a day of the round from `first` to `last`."""
    _, month, _ = civil(day)
    found = {"day"}
    if (day - first) % 7 == 6:
        found.add("week")
    if is_month_end(day):
        found.add("month")
        if month % 3 == 0:
            found.add("quarter")
        if month == 12:
            found.add("year")
    if day == last:
        found |= {"step", step}
    return frozenset(found)
