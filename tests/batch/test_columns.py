"""The flat columns: they follow from the registry, hold every value of a reading, and say why one is missing."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from redheart import RedHeartConfig
from redheart.batch.columns import BETWEEN, arrow_schema, columns_of, kept_name
from redheart.configuration.claims import OUTPUTS
from redheart.configuration.errors import InputError
from redheart.configuration.labels import BENTHAM, EMOTIONS
from redheart.data.columns import AXES
from redheart.loading import load_text_pipeline

LONG = "embedding"


def numbers(node: Any, *path: str) -> Iterator[tuple[str, float]]:
    """The numbers of a reading, by path."""
    for name, value in node.items():
        if isinstance(value, dict):
            yield from numbers(value, *path, name)
        elif isinstance(value, float):
            yield ".".join((*path, name)), value


@pytest.fixture(scope="module")
def pipe(checkpoint: Path) -> Any:
    return load_text_pipeline(str(checkpoint))


@pytest.mark.parametrize("everything", [False, True])
def test_every_number_of_a_reading_has_a_column(pipe: Any, everything: bool) -> None:
    columns = columns_of(pipe.model.config)
    reading = pipe("I lied to my mother. She was so angry that she cried.", include_untrained=everything)
    parts = {name: part for name, part in reading.items() if name in OUTPUTS}
    losses = {path for path, _ in numbers(parts) if path.endswith("expected_loss")}
    expected = [value for path, value in numbers(parts) if path not in losses]
    found = [column.value(reading) for column in columns if column.type == "float"]
    expected.append(reading["flags"]["unknown_tokens"])
    assert sorted(value for value in found if value is not None) == sorted(expected)


def test_names_are_those_of_ratings_in_rows(pipe: Any) -> None:
    names = [column.name for column in columns_of(pipe.model.config)]
    assert len(set(names)) == len(names)
    rated = {".".join((word, *labels)) for word, axes in AXES.values() for labels in product(*axes)}
    assert rated - set(names) == {f"nuance.{name}" for name in EMOTIONS}
    assert {"regret.action.better", "acceptability", "perspectives.self.author", "nuance.joy.strong"} <= set(names)
    assert {f"bentham.{name}.std" for name in BENTHAM} <= set(names)


def test_an_embedding_is_there_when_it_is_asked_for(pipe: Any) -> None:
    [column, *_] = columns_of(pipe.model.config, [LONG])
    assert (column.name, column.type) == (LONG, "floats")
    assert column.value(pipe("I lied.", outputs=[LONG])) == pipe("I lied.", outputs=[LONG])[LONG]
    assert LONG not in {column.name for column in columns_of(pipe.model.config)}


def test_flags_are_all_there(pipe: Any) -> None:
    columns = {column.name: column for column in columns_of(pipe.model.config, ["verdict"])}
    reading = pipe("He hit me again. I want to die.", outputs=["verdict"])
    lists = {"recovered", "withheld", "derived", "untrained"}
    for name in reading["flags"].keys() - lists:
        value = columns[f"flags.{name}"].value(reading)
        assert value == (BETWEEN.join(reading["flags"][name]) if name == "risk" else reading["flags"][name])


def test_columns_depend_on_what_is_asked_for_and_not_on_records(pipe: Any) -> None:
    bare, config = RedHeartConfig(), pipe.model.config
    assert [column.name for column in columns_of(bare)] == [column.name for column in columns_of(config)]
    fast = {column.name for column in columns_of(config, depth="fast")}
    assert "perspectives.self.author" not in fast
    with pytest.raises(InputError, match="depth='full'"):
        columns_of(config, ["perspectives"], "fast")
    with pytest.raises(InputError, match="did you mean 'verdict'"):
        columns_of(config, ["verdct"])


def test_what_is_withheld_has_its_reason(pipe: Any) -> None:
    *_, column = columns_of(RedHeartConfig(withheld=["affect.valence"]))
    flags = {"recovered": ["regret_head"], "withheld": ["affect.valence", "nuance.joy", "arc", "rationale"]}
    reading = {"verdict": {"abstained": True}, "surd": {"not_determined": True}, "flags": flags}
    assert str(column.value(reading)).split(BETWEEN) == [
        "regret_head: the module failed",
        "verdict.label: not probable enough",
        "surd: not determined",
        "affect.valence: no better than a constant",
        "nuance.joy: no training data",
    ]
    assert column.value({"flags": {"recovered": [], "withheld": []}}) == ""


def test_the_schema_has_a_type_for_each_column(pipe: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    schema = arrow_schema(pipe.model.config, ["verdict", "bentham"])
    assert schema.field("verdict.label").type == pa.string()
    assert schema.field("verdict.abstained").type == pa.bool_()
    assert schema.field("bentham.intensity").type == pa.float32()
    assert schema.field("flags.tokens").type == pa.int32()
    assert schema.names[-2:] == ["withheld", "error"]


def test_a_classifier_has_its_labels_as_columns() -> None:
    config = RedHeartConfig(id2label={0: "kind", 1: "unkind"}, problem_type="single_label_classification")
    config.architectures = ["RedHeartForSequenceClassification"]
    columns = columns_of(config)
    assert [column.name for column in columns][:3] == [
        "classification.kind",
        "classification.unkind",
        "classification",
    ]
    reading = {"classification": {"labels": {"kind": 0.75, "unkind": 0.25}, "label": "kind"}}
    assert [column.value(reading) for column in columns[:3]] == [0.75, 0.25, "kind"]


def test_a_name_that_is_taken_is_never_lost() -> None:
    taken = ["error"]
    names = ["error", "input.error", "input.input.error", "text"]
    renamed = [kept_name(name, taken) for name in names]
    assert len({*renamed, *taken}) == len(names) + 1
    assert renamed == ["input.error", "input.input.error", "input.input.input.error", "text"]
