"""The queue of a round's dates: which day comes next, and which beats fall on it."""

from orchestrator.core.calendar import civil, is_month_end, span_of
from orchestrator.core.law import Law
from orchestrator.core.state import RunState


class Dates:
    """The dates of one round of a law: beats are known in advance, timers and reports are looked up."""

    def __init__(self, law: Law, round_: int) -> None:
        self.first, self.last = span_of(law.start, law.scenario.clock.step, round_)
        wanted = {rule.every for rule in law.rules if rule.every} | {
            stage.every for process in law.processes.values() for stage in process.stages.values()
        }
        fixed = {rule.on for rule in law.rules if rule.on}
        self.beats: dict[int, frozenset[str]] = {}
        for day in range(self.first, self.last + 1):
            found = beats_on(day, self.first, self.last, law.scenario.clock.step) & wanted
            _, month, of_month = civil(day)
            named = f"{month:02d}-{of_month:02d}"
            if found or named in fixed:
                self.beats[day] = found | ({named} if named in fixed else set())

    def next_day(self, state: RunState, after: int) -> int | None:
        """The first day later than `after` on which anything is due, within the round."""
        days = [day for day in self.beats if day > after]
        days += [due for due in state.due.values() if after < due <= self.last]
        days += [item.due for item in state.pending if after < item.due <= self.last]
        return min(days, default=None)


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
