"""Groups: periods where all values are dates, else values, the smallest together."""

from datetime import date, datetime

import pytest

from redheart.corpus.groups import MOST_GROUPS, NO_VALUE, OTHERS, grouped


@pytest.mark.parametrize(
    ("values", "unit", "names"),
    [
        (["2024-01-01", "2024-01-03", ""], "day", [NO_VALUE, "2024-01-01", "2024-01-03"]),
        ([date(2024, 1, 1), date(2024, 3, 1)], "week", ["2024-W01", "2024-W09"]),
        ([datetime(2024, 1, 1, 5), datetime(2024, 12, 1)], "month", ["2024-01", "2024-12"]),
        (["2019-01-01T00:00:00Z", "2024-01-01"], "year", ["2019", "2024"]),
        (["2024-01-01", "later", "later"], "value", ["later", "2024-01-01"]),
        (["2024", "2023", "2024"], "value", ["2024", "2023"]),
        ([1, None, 1], "value", ["1", NO_VALUE]),
    ],
)
def test_values_decide_what_a_group_is(values: list[object], unit: str, names: list[str]) -> None:
    found, groups = grouped(values)
    assert (found, list(groups)) == (unit, names)
    assert sorted(place for places in groups.values() for place in places) == list(range(len(values)))


def test_small_groups_are_together() -> None:
    _, groups = grouped([str(number) for number in range(30)] + ["29"])
    assert len(groups) == MOST_GROUPS
    assert next(iter(groups)) == "29"
    assert len(groups[OTHERS]) == 19
