"""The cases: pairs, ties, floors, languages, intervals by group and the worst texts, by hand; and the command."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.configuration.labels import EMOTIONS, PERSPECTIVES, RATED, REGRET_TYPES, VERDICTS, VIEWS
from redheart.data.loading import OWN, Array, DataError, Example, load, to_units
from redheart.evaluation.evaluate import evaluate
from redheart.evaluation.measurement.results import CONSTANT, LINEAR, MODEL, Evaluation, Figure
from redheart.evaluation.measurement.rows import Rows
from redheart.evaluation.reports.html_report import write_report
from redheart.evaluation.reports.terminal_report import CASES, ENTROPY, KINDS, WORST, comparisons, kind_rows, worst_rows
from redheart.evaluation.texts.case_part import BOTH_RIGHT, Case
from redheart.evaluation.texts.case_statistics import (
    both_right,
    correlations,
    cross_entropies,
    mean_correlation,
    moments,
)
from redheart.evaluation.texts.cases import ABOVE_FLOOR, MOST_WORST, case_figures, in_order, read_cases, worst
from redheart.recipes.evaluate_cases import main
from redheart.statistics.measures import bootstrap, micro_f1, pearson, soft_cross_entropy

NAMES = [f"verdict.{name}" for name in VERDICTS]

# Group, language, kind, votes of nine for author, other, everybody, nobody, info; what the model says most.
ROWS: list[tuple[str, str, str, tuple[int, ...], str]] = [
    ("a", "en", "base", (9, 0, 0, 0, 0), "author"),
    ("a", "en", "swap", (0, 9, 0, 0, 0), "other"),
    ("a", "en", "swap", (1, 8, 0, 0, 0), "author"),  # wrong: one of the two pairs of this group
    ("b", "en", "base", (4, 4, 1, 0, 0), "other"),  # a tie: right, and in no pair
    ("b", "en", "swap", (0, 9, 0, 0, 0), "other"),
    ("c", "ko", "base", (9, 0, 0, 0, 0), "nobody"),
    ("c", "ko", "swap", (0, 6, 0, 3, 0), "other"),
    ("d", "ko", "plain", (0, 0, 0, 9, 0), "nobody"),
]


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough cases for intervals."""
    monkeypatch.setattr("redheart.evaluation.texts.case_statistics.bootstrap", partial(bootstrap, resamples=50))


def _distribution(name: str, share: float = 0.8) -> list[float]:
    rest = (1 - share) / (len(VERDICTS) - 1)
    return [share if verdict == name else rest for verdict in VERDICTS]


def _cases(rows: Sequence[tuple[str, str, str, tuple[int, ...], str]] = ROWS) -> list[Case]:
    return [
        Case(f"text {place}", group, language, kind, tuple(map(float, votes)))
        for place, (group, language, kind, votes, _) in enumerate(rows)
    ]


def _shares(cases: Sequence[Case]) -> Array:
    votes = np.array([case.votes for case in cases])
    return votes / votes.sum(axis=1, keepdims=True)


def _units(cases: Sequence[Case], **more: Array) -> list[Any]:
    """more: a target of all cases, by its name."""
    shares, neutral = _shares(cases), np.eye(len(EMOTIONS))[-1]
    return to_units(
        Example(
            case.text,
            "cases",
            {"verdict_labels": shares[place], "emotion_labels": neutral}
            | {name: values[place] for name, values in more.items()},
        )
        for place, case in enumerate(cases)
    )


def _predictions(rows: Sequence[tuple[str, str, str, tuple[int, ...], str]] = ROWS) -> dict[str, Array]:
    emotion = np.zeros((len(rows), len(EMOTIONS)))
    emotion[:, -1] = 0.9
    return {"verdict_labels": np.array([_distribution(row[-1]) for row in rows]), "emotion_labels": emotion}


def _figures(
    predictions: Mapping[str, Array] | None = None,
    threshold: float = 0.0,
    beside: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[Figure]:
    cases = _cases()
    systems = {MODEL: _predictions() if predictions is None else predictions, **(beside or {})}
    return case_figures(cases, _units(cases, **more), systems, {}, threshold)


def _value(figures: Sequence[Figure], split: str, output: str, measure: str, system: str = MODEL) -> float:
    (found,) = (
        item
        for item in figures
        if (item.dataset, item.split, item.output, item.measure, item.system)
        == (CASES, f"validation ({split})", output, measure, system)
    )
    return found.value


def test_languages_are_measured_separately_and_together_and_a_tie_is_right() -> None:
    figures = _figures()
    shares = {split: _value(figures, split, "verdict", "accuracy") for split in ("en", "ko", "all")}
    assert shares == {"en": 4 / 5, "ko": 2 / 3, "all": 6 / 8}
    rows = {item.split: item.rows for item in figures if item.dataset == CASES}
    assert rows == {"validation (en)": 5, "validation (ko)": 3, "validation (all)": 8}


def test_pairs_need_both_right_and_a_tie_is_in_none() -> None:
    figures = _figures()
    # English: (0, 1) right, (0, 2) not. Korean: (5, 6), the author's wrong.
    assert _value(figures, "en", "verdict", BOTH_RIGHT) == 1 / 2
    assert _value(figures, "ko", "verdict", BOTH_RIGHT) == 0
    assert _value(figures, "all", "verdict", BOTH_RIGHT) == 1 / 3
    (rule,) = {item.rule for item in figures if item.measure == BOTH_RIGHT and item.split == "validation (all)"}
    assert rule.startswith("3 pairs")


def test_pairs_are_all_combinations_of_both_sides() -> None:
    author, other = [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]
    shares = np.array([author, author, other, other, other, author], dtype=float)
    right = np.array([True, False, True, True, False, True])
    # Group 0: 2 x 3 pairs, 1 x 2 of them right; the author of group 1 has nobody to meet.
    assert both_right(np.array([0, 0, 0, 0, 0, 1]), shares, right).tolist() == [[6, 2], [0, 0]]


def test_the_entropy_of_the_votes_is_the_floor_of_the_cross_entropy() -> None:
    figures = _figures()
    nine = {count: count / 9 * math.log(count / 9) for count in (1, 3, 4, 6, 8)}
    english = -(nine[1] + nine[8] + 2 * nine[4] + nine[1]) / 5
    korean = -(nine[6] + nine[3]) / 3
    assert _value(figures, "en", "verdict", ENTROPY) == pytest.approx(english)
    assert _value(figures, "ko", "verdict", ENTROPY) == pytest.approx(korean)
    exact = dict(_predictions(), verdict_labels=_shares(_cases()))
    assert _value(_figures(exact), "all", "verdict", "soft cross entropy") == pytest.approx(
        (5 * english + 3 * korean) / 8
    )
    likeliest = _predictions()["verdict_labels"]
    assert cross_entropies(likeliest, _shares(_cases())).mean() == pytest.approx(
        soft_cross_entropy(likeliest, _shares(_cases()))
    )


def test_intervals_are_over_groups() -> None:
    # Two groups, one all right and one all wrong: half of the resamples hold both, a quarter each only one of them.
    rows = [("a", "en", "base", (9, 0, 0, 0, 0), "author")] * 50 + [("b", "en", "base", (9, 0, 0, 0, 0), "other")] * 50
    cases = _cases(rows)
    figures = case_figures(cases, _units(cases), {MODEL: _predictions(rows)}, {})
    (found,) = (item for item in figures if (item.dataset, item.split, item.measure) ==
                (CASES, "validation (en)", "accuracy"))  # fmt: skip
    assert (found.value, found.low, found.high) == (0.5, 0, 1)


def test_one_group_has_no_interval() -> None:
    cases = _cases(ROWS[:3])
    figures = case_figures(cases, _units(cases), {MODEL: _predictions(ROWS[:3])}, {})
    assert all(math.isnan(item.low) and math.isnan(item.high) for item in figures)
    assert _value(figures, "en", "verdict", BOTH_RIGHT) == 1 / 2
    assert "validation (ko)" not in {item.split for item in figures}


def test_correlations_are_those_of_the_measures() -> None:
    random = np.random.default_rng(0)
    predicted, actual = random.normal(size=(2, 40, 3)) + 5
    actual[:7, 0] = np.nan
    r, varied = correlations(moments(predicted, actual).sum(axis=0))
    expected = [pearson(predicted[7:, 0], actual[7:, 0])] + [pearson(predicted[:, n], actual[:, n]) for n in (1, 2)]
    assert r == pytest.approx(expected)
    assert varied.all()


def test_a_mean_leaves_out_labels_without_a_spread_and_counts_answers_without_one_as_nothing() -> None:
    rising = np.arange(6.0)
    actual = np.stack((rising, rising, np.full(6, 0.3)), axis=1)
    predicted = np.stack((rising / 3 + 0.1, np.full(6, 0.1), rising), axis=1)
    sums = moments(predicted, actual).sum(axis=0)
    r, varied = correlations(sums)
    assert r[0] == pytest.approx(1)
    assert np.isnan(r[1:]).all()
    assert varied.tolist() == [True, True, False]
    assert mean_correlation(sums) == pytest.approx(1 / 2)
    assert math.isnan(mean_correlation(moments(np.ones((6, 3)) / 3, actual).sum(axis=0)))


def test_regret_is_of_the_cells_with_a_spread() -> None:
    regret = np.zeros((len(ROWS), len(REGRET_TYPES), len(VIEWS)))
    regret[:, 0, 0] = regret[:, 1, 2] = np.arange(len(ROWS))
    predictions = dict(_predictions(), regret_labels=-regret)
    figures = _figures(predictions, regret_labels=regret)
    assert _value(figures, "all", "regret", "mean Pearson r") == pytest.approx(-1)
    assert {item.rule for item in figures if item.output == "regret"} == {"2 of 21, those with a spread"}


def test_dimensions_and_views_have_figures_of_their_own() -> None:
    utility = np.stack((np.arange(8.0), np.arange(8.0), -np.arange(8.0)), axis=1)
    bentham = np.tile(np.arange(8.0)[:, None], 10)
    answers = bentham * np.where(np.arange(10) == 2, -1, 1)
    predictions = dict(
        _predictions(), utility_labels=np.abs(utility), bentham_labels=answers, acceptability_labels=np.arange(8.0)
    )
    figures = _figures(
        predictions, utility_labels=utility, bentham_labels=bentham, acceptability_labels=np.arange(8.0) ** 2
    )
    assert [_value(figures, "ko", f"utility.{view}", "Pearson r") for view in VIEWS] == pytest.approx([1, 1, -1])
    assert _value(figures, "en", "bentham.certainty", "Pearson r") == pytest.approx(-1)
    assert _value(figures, "en", "bentham", "mean Pearson r") == pytest.approx(0.8)
    assert _value(figures, "all", "acceptability", "Pearson r") == pytest.approx(
        pearson(np.arange(8), np.arange(8) ** 2)
    )


def test_emotions_are_asserted_by_the_thresholds_and_neutral_alone() -> None:
    actual, scores = np.zeros((2, len(ROWS), len(EMOTIONS)))
    actual[:, 2] = 1  # anger
    scores[:, -1] = 0.9
    scores[:4, 2] = 0.3  # beside it, neutral is not asserted
    scores[:2, 5] = 0.3
    predictions = dict(_predictions(), emotion_labels=scores)
    cases = _cases()
    units = _units(cases, emotion_labels=actual)
    constant = {"emotion_labels": np.tile(actual.mean(0), (8, 1))}
    figures = case_figures(cases, units, {MODEL: predictions, CONSTANT: constant},
                           {EMOTIONS[2]: 0.2, EMOTIONS[5]: 0.3})  # fmt: skip
    asserted = scores >= 0.2
    asserted[:4, -1] = False
    assert _value(figures, "all", "emotion", "micro F1") == pytest.approx(micro_f1(actual, asserted))
    assert micro_f1(actual, asserted) == pytest.approx(2 * 4 / (8 + 10))
    assert _value(figures, "all", "emotion", "micro F1", CONSTANT) == 1


def test_perspectives_are_of_the_texts_that_have_them() -> None:
    shares = np.full((len(ROWS), len(PERSPECTIVES), len(VERDICTS)), np.nan)
    shares[:4, 0] = np.eye(5)[0]
    shares[:, 1] = np.eye(5)[1]
    predictions = dict(_predictions(), perspective_labels=np.full(shares.shape, 0.2))
    figures = _figures(predictions, perspective_labels=shares)
    assert _value(figures, "all", "perspectives.self", "soft cross entropy") == pytest.approx(math.log(5))
    assert not [item for item in figures if item.output == "perspectives.self" and item.split == "validation (ko)"]
    assert _value(figures, "ko", "perspectives.other", "soft cross entropy") == pytest.approx(math.log(5))


def test_confidence_tells_right_from_wrong() -> None:
    right = np.array([1, 1, 0, 1, 1, 0, 1, 1])
    losses = np.zeros((len(ROWS), len(RATED)))
    losses[:, RATED.index("verdict")] = 1 - right
    losses[:, RATED.index("emotion")] = 1.0
    figures = _figures(dict(_predictions(), expected_loss=losses))
    assert _value(figures, "all", "confidence.verdict", "AUROC of right") == 1
    emotion = [item.value for item in figures if item.output == "confidence.emotion" and "all" in item.split]
    assert len(emotion) == 2
    assert all(map(math.isnan, emotion))  # all are right, so that there is nothing to tell apart


def test_wrong_among_named_has_its_coverage() -> None:
    predictions = _predictions()
    predictions["verdict_labels"][[2, 3]] = _distribution("author", 0.5)
    figures = _figures(
        predictions, threshold=0.6, beside={CONSTANT: {"verdict_labels": np.tile(_distribution("other"), (8, 1))}}
    )
    assert _value(figures, "en", "verdict", "coverage") == 3 / 5
    assert _value(figures, "en", "verdict", "wrong among named") == 0
    assert _value(figures, "all", "verdict", "wrong among named") == 1 / 6
    assert _value(figures, "en", "verdict", "wrong among named", CONSTANT) == pytest.approx(1 / 5)
    silent = _figures(threshold=0.9)
    assert _value(silent, "all", "verdict", "coverage") == 0
    assert "wrong among named" not in {item.measure for item in silent}


def test_the_worst_come_first_above_what_their_votes_leave() -> None:
    cases = _cases()
    figures = worst(cases, _predictions()["verdict_labels"], _shares(cases), most=3)
    # Text 5 and text 2 are wrong; text 3 has the higher cross entropy than many, but its votes are split.
    assert [item.output for item in figures] == ["text 5", "text 2", "text 3"]
    assert figures[0].value == pytest.approx(-math.log(0.05))
    assert (
        figures[1].rule
        == "votes: other 8, author 1; said: author 0.80, other 0.05, everybody 0.05, nobody 0.05, info 0.05"
    )
    assert {item.measure for item in figures} == {ABOVE_FLOOR}
    assert figures[0].split == "validation (ko, base)"
    many = _cases(ROWS * 8)
    assert len(worst(many, _predictions(ROWS * 8)["verdict_labels"], _shares(many))) == MOST_WORST


def test_kinds_and_worst_texts_have_rows_of_their_own() -> None:
    report = Evaluation("m", 1, "c", figures=_figures(beside={LINEAR: _predictions()}))
    rows = {kind: cells for kind, *cells in kind_rows(report)}
    assert rows["base"][:3] == ["3", "0.667", "0.667"]
    assert rows["plain"][:2] == ["1", "1.000"]
    assert rows["plain"][-1] == "0.000"
    assert set(rows) == {"base", "plain", "swap"}
    assert worst_rows(report)[0][:3] == ["text 5", "ko, base", "author 9"]
    shown = [row for groups in comparisons(report).values() for some in groups.values() for row in some]
    assert not {row.model.dataset for row in shown} & {KINDS, WORST}
    assert {item.dataset for item in report.figures} == {CASES, KINDS, WORST}


def test_the_page_escapes_the_worst_texts(tmp_path: Path) -> None:
    cases = [Case("<b>I</b> lied & left", "a", "en", "base", (9, 0, 0, 0, 0)), *_cases(ROWS[1:])]
    report = Evaluation("m", 1, "c")
    report.figures = case_figures(cases, _units(cases), {MODEL: _predictions()}, {})
    write_report(report, tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;I&lt;/b&gt; lied &amp; left" in page
    assert "<b>I</b>" not in page
    assert 'id="worst-cases"' in page
    assert 'id="cases-by-kind"' in page


@pytest.mark.parametrize("missing", ["verdict_labels", "emotion_labels"])
def test_a_case_without_votes_or_emotions_is_refused(missing: str) -> None:
    cases = _cases()
    units = _units(cases)
    del units[3][0].targets[missing]
    with pytest.raises(DataError, match=missing):
        case_figures(cases, units, {MODEL: _predictions()}, {})


def test_texts_are_joined_in_the_order_of_the_units() -> None:
    cases = _cases()
    units = _units(cases)[::-1]
    assert [case.text for case in in_order(cases, units)] == [unit[0].text for unit in units]
    with pytest.raises(DataError, match=r"1 of 8 texts are not in any case, for example 'text 7'"):
        in_order(cases[:-1], units)
    with pytest.raises(DataError, match="have the text of another one"):
        in_order([*cases, cases[0]], units)


def test_the_file_that_ships_is_read() -> None:
    cases = read_cases("validation")
    assert {case.language for case in cases} == {"en", "ko"}
    assert len({case.text for case in cases}) == len(cases) > 500
    assert all(sum(case.votes) == 9 for case in cases)


def test_a_missing_split_and_a_file_without_cases_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="the splits"):
        read_cases("valid")
    monkeypatch.setattr("redheart.evaluation.texts.cases.OWN", tmp_path)
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="does not hold cases"):
        read_cases("broken")
    pq.write_table(pa.table({"text": ["I lied."]}), tmp_path / "cases" / "poor.parquet")
    with pytest.raises(DataError, match=r"does not hold cases.*group"):
        read_cases("poor")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sets whose cases are few, in place of those beside the code."""
    (tmp_path / "cases").mkdir()
    table = pq.read_table(OWN / "cases" / "validation.parquet")
    rows = table.to_pylist()
    korean = [row for row in rows if row["language"] == "ko"]
    pq.write_table(
        pa.Table.from_pylist(rows[:24] + korean[:12], table.schema), tmp_path / "cases" / "validation.parquet"
    )
    pq.write_table(pa.Table.from_pylist(rows[60:120] + korean[20:], table.schema), tmp_path / "cases" / "train.parquet")
    for place in ("redheart.evaluation.texts.cases.OWN", "redheart.data.loading.OWN"):
        monkeypatch.setattr(place, tmp_path / "none")
    return tmp_path


def test_the_command_prints_the_table_and_keeps_the_figures(
    checkpoint: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(checkpoint), "--data", str(small), "--json", str(small / "found.json")])
    printed = " ".join(capsys.readouterr().out.split())  # long names are wrapped
    for words in (
        "Cases, by language",
        "cases by group, validation (ko), 12 rows",
        "Cases, by kind",
        "pairs: the author",
    ):
        assert words in printed
    found = Evaluation.load(small / "found.json")
    for system in (MODEL, CONSTANT, LINEAR):
        for output, measure in (("verdict", "soft cross entropy"), ("acceptability", "Pearson r"),
                                ("utility.worse", "Pearson r"), ("regret", "mean Pearson r"),
                                ("emotion", "micro F1"), ("perspectives.self", "soft cross entropy")):  # fmt: skip
            assert len(found.find(CASES, output, measure, system=system)) == 3, (system, output)
    assert len([item for item in found.figures if item.dataset == WORST]) == 36
    assert len(json.loads((small / "found.json").read_text(encoding="utf-8"))["figures"]) == len(found.figures)


def test_a_wrong_split_is_reported_in_a_line(checkpoint: Path, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(checkpoint), "--data", str(small), "--split", "test", "--no-floors"])
    assert "splits" in capsys.readouterr().err


@pytest.fixture
def evaluated(
    small: Path, lively: RedHeartModel, tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Evaluation]:
    """`evaluate` of the cases of ``small`` as a split of this name, without what is not about the cases."""
    for name in ("plain_facts", "risk_figures", "unsupported"):
        monkeypatch.setattr(f"redheart.evaluation.evaluate.{name}", lambda *arguments: [])
    monkeypatch.setattr("redheart.evaluation.evaluate.cost", lambda model: {})
    monkeypatch.setattr("redheart.evaluation.evaluate.measure", lambda *arguments: None)
    units = to_units(load("cases", small, "validation"))
    return lambda split: evaluate("m", lively, tokenizer, [Rows("cases", split, units)], texts=0)


def test_an_evaluation_has_the_cases(
    evaluated: Callable[[str], Evaluation], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDHEART_DATA", str(small))
    found = evaluated("validation")
    assert {item.dataset for item in found.figures} == {CASES, KINDS, WORST}
    assert not [what for what in found.skipped if "kind" in what]
    assert not evaluated("all rows").figures  # a person's own rows, in a file of this name


def test_an_evaluation_reports_cases_whose_file_is_elsewhere(
    evaluated: Callable[[str], Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDHEART_DATA", str(tmp_path / "nowhere"))
    found = evaluated("validation")
    assert not found.figures
    assert "REDHEART_DATA" in found.skipped["cases (validation) by language and kind"]
