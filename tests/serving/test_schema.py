"""The types on the wire: each label and range of the label schema, and exactly what the pipeline gives."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from redheart import EthicalAnalysisPipeline
from redheart.configuration.labels import BENTHAM, EMOTIONS, OUTPUTS, RATED, RISKS, VERDICTS
from redheart.modeling_redheart.reading import RANGES
from redheart.serving.limits import Limits
from redheart.serving.schema import Reading, ReadRequest, ReadResponse, read_request

TEXT = "I told her secret. Then I apologised; nobody was angry."


def definitions() -> dict[str, Any]:
    found: dict[str, Any] = TypeAdapter(ReadResponse).json_schema()["$defs"]
    return found


def numbers(schema: dict[str, Any], at: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Dotted path -> schema of each number; a name that every one of a kind has is left out, as in ``RANGES``."""
    if "$ref" in at:
        return numbers(schema, schema[at["$ref"].rpartition("/")[2]], path)
    if at.get("type") == "array":
        return numbers(schema, at["items"], path)
    if at.get("type") == "number":
        return {path: at}
    found: dict[str, Any] = {}
    for one in at.get("anyOf", ()):
        found |= numbers(schema, one, path)
    for name, value in at.get("properties", {}).items():
        found |= numbers(schema, value, f"{path}.{name}" if path else name)
    return found


@pytest.mark.parametrize("include_untrained", [True, False])
def test_a_reading_goes_through_unchanged(reader: EthicalAnalysisPipeline, include_untrained: bool) -> None:
    reading = reader(TEXT, outputs=list(OUTPUTS), include_untrained=include_untrained)
    assert set(OUTPUTS) <= set(reading)
    assert TypeAdapter(Reading).validate_python(reading) == reading


def test_a_reading_of_the_heads_goes_through(reader: EthicalAnalysisPipeline) -> None:
    reading = reader(TEXT, depth="fast")
    assert TypeAdapter(Reading).validate_python(reading) == reading


def test_abstained_and_undetermined_parts_are_valid(reader: EthicalAnalysisPipeline) -> None:
    reading = reader(TEXT, outputs=["verdict", "surd"])
    unsure = {"verdict": {**reading["verdict"], "label": None, "abstained": True}, "surd": {"not_determined": True}}
    assert TypeAdapter(Reading).validate_python(reading | unsure) == reading | unsure
    for wrong in ({"surd": {"not_determined": False}}, {"surd": {"synergy": 0.1}}, {"surd": {}}):
        with pytest.raises(ValidationError):
            TypeAdapter(Reading).validate_python(reading | wrong)


def test_a_long_text_that_mentions_harm_is_valid(reader: EthicalAnalysisPipeline) -> None:
    reading = reader("Me: He hit me again.\nAnna: Your husband hits you? " * 60, outputs=["emotion"])
    assert reading["flags"]["windows"] > 1
    assert "abuse" in reading["flags"]["risk"]
    assert TypeAdapter(Reading).validate_python(reading) == reading


def test_a_part_without_a_place_is_an_error(reader: EthicalAnalysisPipeline) -> None:
    reading = reader(TEXT, outputs=["verdict"])
    for wrong in ({"mood": 1.0}, {"verdict": {**reading["verdict"], "judge": 1.0}}):
        with pytest.raises(ValidationError):
            TypeAdapter(Reading).validate_python(reading | wrong)


def test_the_names_are_those_of_the_label_schema() -> None:
    found = definitions()
    assert tuple(found["EmotionLabels"]["properties"]) == EMOTIONS
    assert tuple(found["BenthamDimensions"]["properties"]) == BENTHAM
    assert tuple(found["ConfidenceReading"]["properties"]) == RATED
    label, null = found["VerdictReading"]["properties"]["label"]["anyOf"]
    assert (tuple(label["enum"]), null) == (VERDICTS, {"type": "null"})
    assert tuple(found["Flags"]["properties"]["risk"]["items"]["enum"]) == RISKS
    assert tuple(found["RatedBy"]["properties"]) == OUTPUTS
    assert set(OUTPUTS) <= set(found["Reading"]["properties"])


def test_every_number_has_the_range_of_its_reading() -> None:
    found = definitions()
    ends = {path: (at.get("minimum"), at.get("maximum")) for path, at in numbers(found, found["Reading"]).items()}
    for path, limits in RANGES.items():
        names = path.split(".")
        matching = [other for other in ends if other.split(".")[0] == names[0] and other.split(".")[-1] == names[-1]]
        matching += [other for other in ends if other.startswith(f"{path}.") or other == path]
        assert matching, path
        assert limits in {ends[other] for other in matching}, path


def test_what_may_be_absent_is_not_null() -> None:
    reading = definitions()["Reading"]
    assert reading["required"] == ["text", "rated_by", "ranges", "flags"]
    assert not [name for name in OUTPUTS if "null" in str(reading["properties"][name])]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "either `text` or `texts`"),
        ({"text": "a", "texts": ["b"]}, "either `text` or `texts`"),
        ({"texts": []}, "at least 1 item"),
        ({"text": "  "}, "blank"),
        ({"text": 5}, "must be a str, got int"),
        ({"text": "a", "outputs": ["verdct"]}, "did you mean 'verdict'"),
        ({"text": "a", "outputs": []}, "`outputs` is empty"),
        ({"text": "a", "outputs": ["perspectives"], "depth": "fast"}, "needs depth='full'"),
        ({"text": "a", "token_budget": 0}, "at least 1"),
        ({"text": "a", "token_budget": True}, "at least 1"),
        ({"text": "a", "include_untrained": "yes"}, "True or False"),
        ({"text": "a", "dept": "fast"}, "not permitted"),
        ({"text": "abcdef"}, "at most 5 characters"),
        ({"texts": ["a"] * 3}, "at most 2 items"),
    ],
)
def test_a_request_that_does_not_fit(body: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        read_request(Limits(characters=5, texts=2))(**body)


def test_the_options_are_the_pipelines(reader: EthicalAnalysisPipeline) -> None:
    request = ReadRequest(
        text=TEXT, outputs=["verdict", "emotion"], depth="fast", token_budget=4, include_untrained=True
    )
    assert set(dict(request.options())) == {"outputs", "depth", "token_budget", "include_untrained"}
    assert set(reader(TEXT, **dict(request.options()))) >= {"verdict", "emotion"}


def test_the_order_and_repetition_of_outputs_make_no_other_batch() -> None:
    one, other = (
        ReadRequest(text="a", outputs=outputs) for outputs in (["verdict", "surd", "surd"], ["surd", "verdict"])
    )
    assert one.options() == other.options()
    assert hash(one.options()) == hash(other.options())


@pytest.mark.parametrize(
    "wrong",
    [
        {"characters": 0},
        {"deadline": 0},
        {"batch_wait": -1},
        {"deadline": math.nan},
        {"body_seconds": math.inf},
        {"texts": 9, "queue": 8},
    ],
)
def test_impossible_limits_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)
