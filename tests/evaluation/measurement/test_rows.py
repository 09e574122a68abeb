"""Which rows are evaluated, and what is reported about missing ones."""

import json
from pathlib import Path

import pytest

from redheart.data.loading import OWN, DataError
from redheart.evaluation.measurement.rows import PUBLIC, Rows, own_rows, public_rows


def _write(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_a_set_that_is_not_there_is_skipped_with_the_reason(tmp_path: Path) -> None:
    found = list(public_rows(tmp_path, [name for name in PUBLIC if name != "cases"]))
    assert {name for name, _ in found} == set(PUBLIC) - {"cases"}  # type: ignore[misc]
    assert all("is not there" in str(why) for _, why in found)  # type: ignore[misc]


def test_the_projects_own_cases_need_no_folder_of_sets() -> None:
    if not (OWN / "cases").is_dir():
        pytest.skip("the cases are in a checkout only")
    (found,) = public_rows("nowhere", ["cases"])
    assert isinstance(found, Rows)
    assert (found.split, len(found.units)) == ("validation", 511)
    assert len(found.train or ()) > 3000
    given = found.units[0][0].targets
    assert {"verdict_labels", "acceptability_labels", "utility_labels", "perspective_labels"} <= given.keys()


def test_a_wrong_name_is_reported_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'goemotion' is not evaluated; did you mean 'goemotions'"):
        public_rows(tmp_path, ["goemotion"])
    with pytest.raises(DataError, match="There is no data folder"):
        public_rows(tmp_path / "none", ["goemotions"])


def test_own_rows_have_a_floor_where_there_are_training_rows(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": f"text {n}", "affect.valence": n / 10} for n in range(5)]
    mine = _write(tmp_path / "mine.jsonl", rows)
    assert own_rows(mine).train is None
    with_floor = own_rows(mine, mine)
    assert (with_floor.dataset, len(with_floor.units), len(with_floor.train or ())) == ("mine", 5, 5)


def test_own_rows_are_checked(tmp_path: Path) -> None:
    mine = _write(tmp_path / "mine.jsonl", [{"text": "a", "affect.valence": 7}, {"text": "b", "affect.valence": 0}])
    with pytest.raises(DataError, match=r"row 0.*affect\.valence"):
        own_rows(mine)


def test_the_dilemmas_are_scored_on_actions_that_nothing_was_trained_on() -> None:
    try:
        (found,) = public_rows(None, ["scruples_dilemmas"])
    except DataError as error:
        pytest.skip(str(error))
    if not isinstance(found, Rows):
        pytest.skip(found[1])
    sides = [{item.text for unit in units for item in unit} for units in (found.units, found.train or ())]
    assert not sides[0] & sides[1]
    assert "none of which is in a pair that anything was trained on" in found.note


def test_own_rows_may_have_columns_of_their_own(tmp_path: Path) -> None:
    """As in training, with the same words, and the option that this command has."""
    rows: list[dict[str, object]] = [
        {"said": f"text {n}", "ticket": n, "at_fault": "yes" if n % 2 else "no"} for n in range(4)
    ]
    mine = _write(tmp_path / "mine.jsonl", rows)
    with pytest.raises(DataError, match=r"4 rows|column 'ticket'.*--column 'ticket='"):
        own_rows(mine)
    columns = {
        "said": "text",
        "ticket": None,
        "at_fault": {"to": "verdict", "values": {"yes": "author", "no": "other"}},
    }
    assert [unit[0].targets["verdict_labels"].argmax() for unit in own_rows(mine, columns=columns).units] == [
        1,
        0,
        1,
        0,
    ]


def test_rows_that_teach_nothing_may_be_measured_and_rows_without_labels_not(tmp_path: Path) -> None:
    same = _write(
        tmp_path / "same.jsonl", [{"text": f"text {n}", "emotion": "joy"} for n in range(4)] + [{"text": "bare"}]
    )
    assert len(own_rows(same).units) == 4
    bare = _write(tmp_path / "bare.jsonl", [{"text": f"text {n}"} for n in range(4)])
    with pytest.raises(DataError, match="None of the 4 rows has a label"):
        own_rows(bare)
