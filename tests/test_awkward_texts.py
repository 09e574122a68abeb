"""The awkward texts of `data/awkward_texts.jsonl`: each can be read, each is another one. And what every reading keeps
to, of these texts and of the validation cases, whatever the weights are."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.configuration.labels import EMOTIONS, NUANCE_LEVELS, PERSPECTIVES, SURD, VERDICTS, VIEWS, record_keys
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline, check_text
from redheart.modeling_redheart.sentences import sentences

LIST = Path(__file__).resolve().parent / "data" / "awkward_texts.jsonl"
CASES = Path(__file__).resolve().parents[1] / "data" / "cases" / "validation.parquet"

Reading = dict[str, Any]


def awkward_texts() -> list[str]:
    return [json.loads(line)["text"] for line in LIST.read_text(encoding="utf-8").splitlines()]


def test_each_text_can_be_read_and_says_what_is_awkward() -> None:
    rows = [json.loads(line) for line in LIST.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 60
    assert all(set(row) == {"text", "what"} for row in rows)
    assert len({check_text(row["text"]) for row in rows}) == len({row["what"] for row in rows}) == len(rows)


@pytest.fixture(scope="module")
def pipe(lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase) -> EthicalAnalysisPipeline:
    """Of a model with random weights, fitted so that each of its rules decides now one way and now the other."""
    model = lively_model()
    model.config.supervision = {key: ["made-up"] for key in record_keys()}
    made = EthicalAnalysisPipeline(model=model, tokenizer=tokenizer, batch_size=16)
    first = made(awkward_texts()[:40])
    labels = np.array([list(one["emotion"]["labels"].values()) for one in first])
    model.config.thresholds = dict(zip(EMOTIONS, np.quantile(labels, 0.97, axis=0).tolist(), strict=True))
    model.config.thresholds["neutral"] = float(np.median(labels[:, EMOTIONS.index("neutral")]))
    highest = [max(one["verdict"]["probabilities"].values()) for one in first]
    model.config.verdict_threshold = float(np.median(highest))
    model.config.information_null = float(np.median([bits(one["surd"]) for one in first]))
    return made


def bits(surd: Reading) -> float:
    return sum(surd[name] for name in SURD if name != "determined")


@pytest.fixture(scope="module")
def readings(pipe: EthicalAnalysisPipeline) -> list[Reading]:
    texts = awkward_texts()
    if CASES.is_file():
        parquet = pytest.importorskip("pyarrow.parquet")
        texts += parquet.read_table(CASES, columns=["text"])["text"].to_pylist()
    found: list[Reading] = pipe(texts)
    assert len(found) == len(texts)
    return found


def test_neutral_is_asserted_alone_and_nothing_below_its_threshold(
    pipe: EthicalAnalysisPipeline, readings: list[Reading]
) -> None:
    thresholds, seen = pipe.model.config.thresholds, set()
    for one in readings:
        labels, asserted = one["emotion"]["labels"], one["emotion"]["asserted"]
        assert "neutral" not in asserted or asserted == ["neutral"], one["text"]
        feelings = {name for name in EMOTIONS if name != "neutral" and labels[name] >= thresholds[name]}
        assert set(asserted) - {"neutral"} == feelings, one["text"]
        seen.add("neutral" if "neutral" in asserted else "feeling" if asserted else "nothing")
    assert seen == {"neutral", "feeling", "nothing"}


def test_strength_is_reported_for_asserted_emotions_only(readings: list[Reading]) -> None:
    for one in readings:
        emotion = one["emotion"]
        for part in ("intensity", "nuance"):
            assert set(emotion.get(part, ())) == set(emotion["asserted"]) - {"neutral"}, one["text"]
        for levels in emotion.get("nuance", {}).values():
            chances = [levels[name] for name in NUANCE_LEVELS]
            assert chances == sorted(chances, reverse=True), one["text"]


def test_the_arc_has_one_entry_a_sentence(readings: list[Reading]) -> None:
    for one in readings:
        text, arc = one["text"], one["emotion"]["arc"]
        spans = [(entry["start"], entry["end"]) for entry in arc]
        expected = list(sentences(text))
        assert spans == (expected[: len(spans)] if one["flags"]["truncated"] else expected), text
        assert spans, text
        assert [entry["text"] for entry in arc] == [text[start:end] for start, end in spans]


def test_the_verdict_is_the_most_probable_one_or_none(pipe: EthicalAnalysisPipeline, readings: list[Reading]) -> None:
    for one in readings:
        verdict = one["verdict"]
        likely = max(VERDICTS, key=verdict["probabilities"].__getitem__)
        abstained = verdict["probabilities"][likely] < pipe.model.config.verdict_threshold
        assert (verdict["abstained"], verdict["label"]) == (abstained, None if abstained else likely), one["text"]
        assert set(one["perspectives"]) == set(PERSPECTIVES)
        for shares in (verdict["probabilities"], *one["perspectives"].values()):
            assert math.isclose(sum(shares.values()), 1, abs_tol=1e-6), one["text"]
        assert 0 <= verdict["acceptability"] <= 1
        assert set(one["counterfactual"]) == set(VIEWS)
        assert all(-1 <= course["utility"] <= 1 for course in one["counterfactual"].values())
    assert {one["verdict"]["abstained"] for one in readings} == {True, False}


def test_information_is_reported_where_it_exceeds_chance(
    pipe: EthicalAnalysisPipeline, readings: list[Reading]
) -> None:
    least = pipe.model.config.information_null
    reported = [one["surd"] for one in readings if one["surd"] != {"not_determined": True}]
    assert 0 < len(reported) < len(readings)
    assert all(set(surd) == set(SURD) and bits(surd) > least for surd in reported)


def test_readings_are_json_without_anything_of_the_old_schema(readings: list[Reading]) -> None:
    for one in readings:
        assert "utility" not in one["bentham"]
        assert "action" not in one["verdict"]
        assert json.loads(json.dumps(one, allow_nan=False)) == one
