"""The handler of an Inference Endpoint, as the server calls it."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, pipeline

from redheart import RedHeartConfig, RedHeartForSequenceClassification
from redheart.hub_upload.handler import EndpointHandler

TEXTS = ["I told my sister's secret.", "그때 솔직하게 말했더라면"]


@pytest.fixture(scope="module")
def handler(tiny: Path) -> EndpointHandler:
    return EndpointHandler(str(tiny))


def test_a_text_and_a_list_give_readings(handler: EndpointHandler, tiny: Path) -> None:
    make: Any = pipeline
    read = make("ethical-analysis", model=str(tiny))
    assert handler({"inputs": TEXTS[0]}) == [read(TEXTS[0])]
    assert handler({"inputs": TEXTS}) == read(TEXTS)
    assert handler({"inputs": []}) == []


def test_parameters_reach_the_pipeline(handler: EndpointHandler) -> None:
    parameters = {"outputs": ["emotion"], "depth": "fast", "include_untrained": True}
    (reading,) = handler({"inputs": TEXTS[0], "parameters": parameters})
    assert "emotion" in reading
    assert "verdict" not in reading
    assert json.loads(json.dumps(reading)) == reading


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, 'Send {"inputs": "a text"}'),
        (["x"], 'Send {"inputs": "a text"}'),
        ({"inputs": 3}, "must be a text or a list of texts, got int 3"),
        ({"inputs": None}, "got NoneType None"),
        ({"inputs": ["x", 3]}, "at index 1 must be a str, got int"),
        ({"inputs": " "}, "at index 0 is blank"),
        ({"inputs": "x", "parameters": ["fast"]}, '"parameters" must be names with their values'),
        ({"inputs": "x", "options": {}}, "Unknown key 'options'"),
        ({"inputs": "x", "parameters": {"dept": "fast"}}, "did you mean 'depth'"),
    ],
)
def test_a_wrong_request_is_refused(handler: EndpointHandler, data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("{", r"\{")):
        handler(data)


def test_a_classifier_classifies(tiny: Path, tmp_path: Path) -> None:
    RedHeartForSequenceClassification(RedHeartConfig.from_preset("redheart-tiny")).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    answers = EndpointHandler(str(tmp_path))({"inputs": TEXTS})
    assert [set(answer) for answer in answers] == [{"label", "score"}] * 2
    with pytest.raises(ValueError, match="number 1 is str ' '"):
        EndpointHandler(str(tmp_path))({"inputs": ["x", " "]})


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no config\.json"):
        EndpointHandler(str(tmp_path))
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}', encoding="utf-8")
    with pytest.raises(ValueError, match="'BertModel'; known are RedHeartModel"):
        EndpointHandler(str(tmp_path))
