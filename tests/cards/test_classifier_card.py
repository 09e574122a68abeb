"""Cards by what a model is: an analysis and a classifier each have their own, with their task, and name their place.

Other doors of the same kind: `push_to_hub`, `redheart push`, `redheart create`, the config's `custom_pipelines`.
"""

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartConfig, RedHeartForSequenceClassification
from redheart.cards.classifier_card import UNKNOWN_DATA, classifier_card
from redheart.cards.plain_card import card_metadata, missing_parts, plain_card
from redheart.data.facts import DATA_SETS, DataSet
from redheart.hub_upload.staging import Extras, staged

LABELS = {0: "forgives", 1: "does not | yet"}
MINE = DataSet("Letters", "letters to a paper", "three of its readers", ("en",), "CC0", "They are all from one town.")


@pytest.fixture
def classifier(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> Path:
    config = RedHeartConfig.from_preset("redheart-tiny", id2label=LABELS, problem_type="multi_label_classification")
    RedHeartForSequenceClassification(config).save_pretrained(tmp_path / "classifier")
    tokenizer.save_pretrained(tmp_path / "classifier")
    return tmp_path / "classifier"


def card_of(folder: Path, extras: Extras | None = None) -> str:
    with staged(folder, "me/mine", extras) as stage:
        return (stage.folder / "README.md").read_text(encoding="utf-8")


def test_a_classifier_has_a_card_of_its_own(classifier: Path) -> None:
    card = card_of(classifier)
    assert missing_parts(card) == []
    assert card_metadata(card)["pipeline_tag"] == "text-classification"
    assert 'pipeline("text-classification", model="me/mine")' in card
    assert "ethical-analysis" not in card
    assert "| 0 | forgives |" in card
    assert "| 1 | does not \\| yet |" in card
    assert "Any number of labels for each text" in card
    assert UNKNOWN_DATA in card
    assert not any(one.title in card for one in DATA_SETS.values())


def test_the_card_has_the_data_that_its_owner_names(classifier: Path) -> None:
    card = card_of(classifier, Extras(data_sets=DATA_SETS | {"letters": MINE}))
    assert UNKNOWN_DATA not in card
    assert "letters to a paper" in card
    assert MINE.limit in card
    assert card_metadata(card)["language"] == ["en"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"problem_type": "regression", "num_labels": 1}, "A number for each label"),
        ({"problem_type": "single_label_classification"}, "One label for each text"),
        ({}, "Not recorded: it was never trained"),
    ],
)
def test_the_card_describes_the_kind_of_labels(options: dict[str, str], expected: str) -> None:
    assert expected in classifier_card("mine", 7, RedHeartConfig(**options))


def test_an_analysis_has_no_task_of_another_model(tiny: Path) -> None:
    """`pipeline(model=repo)` takes the task from the card, and would read with a random head."""
    card = plain_card("mine", 7, RedHeartConfig(), place="me/mine")
    assert "pipeline_tag" not in card_metadata(card)
    assert 'pipeline("ethical-analysis", model="me/mine")' in card
    assert "pipeline_tag" not in (tiny / "README.md").read_text(encoding="utf-8")


def test_results_of_an_analysis_do_not_go_with_a_classifier(classifier: Path) -> None:
    from redheart.evaluation.measurement.results import Evaluation

    Evaluation("mine", 7, "").save(classifier / "evaluation.json")
    with pytest.raises(ValueError, match="holds a classifier; leave it out"):
        card_of(classifier)
