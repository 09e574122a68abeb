"""The card describes the data that trained the model, and is refused where a required part is missing."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from redheart import RedHeartConfig
from redheart.data.public_sets import NON_COMMERCIAL, SETS
from redheart.evaluation.measurement.results import MODEL, Consistency, Evaluation, Figure, LabelTable
from redheart.hub_upload.model_card import DATA_SETS, DataSet, model_card, read_facts, write_model_card


def config_of(evaluation: Evaluation) -> RedHeartConfig:
    return RedHeartConfig(supervision=evaluation.record, thresholds={"joy": 0.3})


def header(card: str) -> Any:
    """The YAML header as the hub reads it."""
    return ModelCard(card).data


def section(card: str, title: str) -> str:
    return card.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def names(table: str) -> list[str]:
    """The first cells of a table's rows."""
    return [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")][2:]


def test_the_card_lists_exactly_the_sets_of_the_config(evaluation: Evaluation) -> None:
    card = model_card(evaluation, config_of(evaluation))
    trained = ["goemotions", "goemotions_ko", "emotion_intensity_en", "emobank", "scruples_anecdotes", "moral_stories",
               "ethics_utilitarianism"]  # fmt: skip
    assert names(section(card, "Who rated the data")) == trained
    assert names(section(card, "Licences")) == trained
    evaluation.record = {"utility.actual": ["ethics_utilitarianism"]}
    card = model_card(evaluation, config_of(evaluation))
    assert names(section(card, "Licences")) == ["ethics_utilitarianism"]
    assert "GoEmotions" not in card
    assert header(card).language == ["en"]


def test_the_header_is_what_the_hub_reads(evaluation: Evaluation) -> None:
    data = header(model_card(evaluation, config_of(evaluation)))
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "transformers", None)
    assert data.language == ["en", "ko"]
    assert data.base_model == ["sentence-transformers/all-MiniLM-L6-v2"]
    assert "google-research-datasets/go_emotions" in data.datasets
    results = {(one.dataset_name, one.dataset_split, one.metric_name): one.metric_value for one in data.eval_results}
    assert results["emobank", "validation", "Pearson r"] in (0.680, 0.418, 0.398)
    assert results["goemotions", "validation", "macro F1 (per label, cross-fitted)"] == 0.471
    assert len(data.eval_results) == 11  # an undefined one is left out, and what was fitted on the rows of the figure
    assert not any("fitted here" in one.metric_name for one in data.eval_results)


def test_figures_stand_beside_floors(evaluation: Evaluation) -> None:
    figures = section(model_card(evaluation, config_of(evaluation)), "Figures")
    assert "| verdict: macro F1 | most probable | 0.164 | 0.177 | 0.164 [0.160, 0.169] | below floor |" in figures
    assert "| intensity: mean Pearson r |  | - | 0.390 | - | below floor |" in figures
    assert "nan" not in figures


def test_the_card_reports_what_is_derived_and_withheld(evaluation: Evaluation) -> None:
    text = section(model_card(evaluation, config_of(evaluation)), "What is supervised, derived and withheld")
    assert "| regret | 1 of 21: responsibility.actual | derived | probability of remorse | derived |" in text
    assert "| nuance | all 112 | withheld |  |  |" in text


def test_the_card_reports_what_is_partly_derived(evaluation: Evaluation) -> None:
    evaluation.record["verdict"] = ["scruples_anecdotes", "derived: whoever acts badly in a story"]
    text = section(model_card(evaluation, config_of(evaluation)), "What is supervised, derived and withheld")
    assert "| both | scruples_anecdotes, whoever acts badly in a story | mixed |" in text


def test_each_output_has_its_sets_its_raters_and_its_figures(evaluation: Evaluation) -> None:
    evaluation.record |= {"affect.valence": ["cases", "emobank"], "utility.better": ["cases"]}
    evaluation.figures.append(Figure("cases", "validation", "utility", "mean Pearson r", MODEL, 0.71, 511))
    card = model_card(evaluation, config_of(evaluation))
    text = section(card, "What is known of each output")
    affect, utility, verdict, embedding = (
        next(line for line in text.splitlines() if line.startswith(f"| {part} |"))
        for part in ("affect", "utility", "verdict", "embedding")
    )
    assert affect.startswith("| affect | cases (12,030), emobank (8,062) | mixed | none | valence .94, arousal .75")
    assert affect.endswith("| valence .64, dominance .38 |")
    assert "ethics_utilitarianism (13,738), cases (12,030)" in utility or "cases (12,030), ethics" in utility
    assert "mean Pearson r 0.710 (cases, validation)" in utility
    assert "utility_ranking: pair accuracy 0.734 (ethics_utilitarianism, test)" in utility
    assert verdict.endswith("| people | none |  |  |")  # the second rating is of the cases
    assert embedding == "| embedding | all-MiniLM-L6-v2 | model | none |  |  |"
    assert "fitted here" not in text
    assert "The ratings of cases are a model's" in section(card, "Limits")
    assert "no people | model | en, ko |" in section(card, "Who rated the data")


def test_the_card_says_when_the_verdict_is_named(evaluation: Evaluation) -> None:
    text = section(model_card(evaluation, config_of(evaluation)), "Calibration and abstention")
    assert "the most probable one, however improbable" in text
    config = config_of(evaluation)
    config.verdict_threshold = 0.43
    text = section(model_card(evaluation, config), "Calibration and abstention")
    assert "where that has a probability of 0.43 or more" in text


def test_each_family_is_one_line(evaluation: Evaluation) -> None:
    evaluation.consistency = [
        Consistency("surface", "goemotions", 100, 6, {"emotion": (0.95, 0.9, 0.97), "verdict": (0.75, 0.7, 0.8)}),
        Consistency("paraphrase", "mine", 20, 6, {"emotion": (math.nan,) * 3}),
    ]
    text = section(model_card(evaluation, config_of(evaluation)), "Consistency")
    assert "| surface, goemotions | 100 | 0.95 | **0.75** |" in text
    assert "| paraphrase, mine | 20 | - | - |" in text


def test_tables_hold_whatever_a_name_holds(evaluation: Evaluation) -> None:
    evaluation.tables = [LabelTable("d", "s", "o", {"a|b\n<i>": {"F1": 0.5}})]
    assert "| a\\|b &lt;i&gt; | 0.500 |" in model_card(evaluation, config_of(evaluation))


def test_the_card_has_the_limits_of_the_data(evaluation: Evaluation) -> None:
    limits = section(model_card(evaluation, config_of(evaluation)), "Limits")
    assert "512 tokens" in limits
    assert DATA_SETS["goemotions_ko"].limit in limits


def test_the_card_is_refused_without_figures(evaluation: Evaluation) -> None:
    config, figures = config_of(evaluation), evaluation.figures
    evaluation.figures = [one for one in figures if one.system != MODEL]
    with pytest.raises(ValueError, match="no figure of the model"):
        model_card(evaluation, config)
    evaluation.figures = [replace(one, split="") for one in figures]
    with pytest.raises(ValueError, match="does not name its data and split"):
        model_card(evaluation, config)


def test_the_card_is_refused_without_limits(evaluation: Evaluation) -> None:
    with pytest.raises(ValueError, match="no limits"):
        model_card(evaluation, config_of(evaluation), limits=())


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["mine"], "No licence is known for 'mine'"),
        (["isear"], "cannot be in weights under Apache-2.0"),
        ([], "no data set"),
    ],
)
def test_the_card_is_refused_without_licences(evaluation: Evaluation, sources: list[str], message: str) -> None:
    evaluation.record = {"arc": sources}
    with pytest.raises(ValueError, match=message):
        model_card(evaluation, config_of(evaluation))


def test_own_data_bring_their_facts(evaluation: Evaluation) -> None:
    evaluation.record = {"arc": ["mine"]}
    mine = DataSet("Mine", "letters", "two students", ("de",), "CC0")
    card = model_card(evaluation, config_of(evaluation), data_sets=DATA_SETS | {"mine": mine})
    assert "| mine | Mine | letters | unknown | two students | people | de |" in card
    assert "datasets:" not in card


def test_facts_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("mine: {title: Mine, texts: letters, raters: two students, languages: [de], licence: CC0}\n")
    assert read_facts(path) == {"mine": DataSet("Mine", "letters", "two students", ("de",), "CC0")}
    path.write_text(path.read_text().replace("CC0", "CC0, rows: 12"))
    assert read_facts(path)["mine"].rows == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine: [", "is not YAML"),
        ("- mine", "must hold names of data sets"),
        ("mine: CC0", "the facts of 'mine' must be title, texts"),
        ("mine: {license: CC0}", "the facts of 'mine' must be title, texts"),
        ("mine: {title: Mine, texts: a, raters: b, languages: [de]}", "'mine' has no licence"),
        ("mine: {title: Mine, texts: a, raters: b, languages: de, licence: CC0}", "must be a list of codes, got 'de'"),
        (
            "mine: {title: M, texts: a, raters: b, languages: [de], licence: CC0, rows: many}",
            "must be a number of rows",
        ),
    ],
)
def test_malformed_facts_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_facts(path)


def test_the_card_is_refused_for_another_model(evaluation: Evaluation) -> None:
    with pytest.raises(ValueError, match="of another model"):
        model_card(evaluation, RedHeartConfig(supervision={"arc": ["goemotions"]}))


def test_every_set_that_may_supervise_has_its_facts() -> None:
    assert set(DATA_SETS) == {name for name, one in SETS.items() if not one.why_not} - set(NON_COMMERCIAL)


def test_the_card_is_the_readme_of_the_folder(evaluation: Evaluation, tmp_path: Path) -> None:
    write_model_card(evaluation, config_of(evaluation), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == model_card(evaluation, config_of(evaluation))
