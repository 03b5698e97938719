"""The bench's own arithmetic: medians, their intervals, and what counts as missed."""

from __future__ import annotations

from bench.medians import median_of, ratios_of
from bench.timing import Sample
from bench.trials import RatioRow, Samples, Trial, results


def test_the_interval_of_few_values_is_their_range_and_of_many_is_narrow() -> None:
    assert median_of([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    # The classic table for n = 60: the 22nd smallest and the 22nd largest.
    assert median_of([float(n) for n in range(1, 61)]) == (30.5, 22.0, 39.0)


def test_ratios_are_taken_pair_by_pair() -> None:
    assert ratios_of([2.0, 40.0, 6.0], [1.0, 20.0, 3.0]) == (2.0, 2.0, 2.0)


def test_a_row_is_missed_only_when_its_interval_lies_above_the_target() -> None:
    played = Samples({"ours": {}, "base": {}})
    for number, seconds in enumerate([1.2, 1.3, 1.4]):
        played.samples["ours"][number] = Sample(seconds, seconds)
        played.samples["base"][number] = Sample(1.0, 1.0)
    rows = [
        RatioRow(metric="", ours="ours", floor="base", target=goal) for goal in (1.1, 1.25, 1.5)
    ]
    rows_played = results(Trial(name="", parts={}, rows=rows), played)

    assert [row.missed for row in rows_played] == [True, False, False]
    assert [row.ratio and row.ratio.value for row in rows_played] == [1.3] * 3
