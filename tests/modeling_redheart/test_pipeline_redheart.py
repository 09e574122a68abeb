"""The pipeline: the reading of a text, what it withholds, and what it refuses."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, pipeline
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.pipelines.pt_utils import KeyDataset

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.configuration.labels import BENTHAM, EMOTIONS, OUTPUTS, RATED, VERDICTS, VIEWS, record_keys
from redheart.modeling_redheart.bentham import felicific_value
from redheart.modeling_redheart.pipeline_redheart import TASK, EthicalAnalysisPipeline, register_pipeline
from redheart.modeling_redheart.reading import find_words
from redheart.modeling_redheart.sentences import sentences
from redheart.modeling_redheart.windows import MOST_WINDOWS, OVERLAP, cut, first_read

CONFESSION = "I told my sister's secret to her fiancé 😂, and now I can't sleep. 너무 후회돼요."
TEXTS = ["I lied.", CONFESSION, "그때 솔직하게 말했더라면 지금은 달라졌을 텐데", "She left. " * 30]
PARTS = set(OUTPUTS) - {"embedding"}
# What a reading has beside its parts.
ABOUT = {"text", "rationale", "rated_by", "ranges", "flags"}

Make = Callable[..., EthicalAnalysisPipeline]


@pytest.fixture(scope="module")
def make(checkpoint: Path, tokenizer: PreTrainedTokenizerBase) -> Make:
    """Makes a pipeline whose config records supervision for ``keys``, by default for all."""

    def make_pipeline(keys: Any = None, **options: Any) -> EthicalAnalysisPipeline:
        model = RedHeartModel.from_pretrained(checkpoint)
        if keys is not None:
            model.config.supervision = {key: ["made-up"] for key in keys}
        return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer, **options)

    return make_pipeline


@pytest.fixture(scope="module")
def pipe(make: Make) -> EthicalAnalysisPipeline:
    return make()


@pytest.fixture(scope="module")
def reading(pipe: EthicalAnalysisPipeline) -> dict[str, Any]:
    result: dict[str, Any] = pipe(CONFESSION)
    return result


def numbers(node: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a reading, with its path."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from numbers(value, f"{path}.{name}".lstrip("."))
    elif isinstance(node, list):
        for value in node:
            yield from numbers(value, path)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield path, node


def assert_same(one: Any, other: Any) -> None:
    """Equal up to the rounding of another batch size; names and order must be the same."""
    first, second = dict(enumerate(numbers(one))), dict(enumerate(numbers(other)))
    assert [path for path, _ in first.values()] == [path for path, _ in second.values()]
    for index, (path, value) in first.items():
        assert value == pytest.approx(second[index][1], abs=1e-5), path


# The reading


def test_a_reading_has_every_part_and_is_ready_for_json(reading: dict[str, Any]) -> None:
    assert set(reading) == ABOUT | PARTS
    assert json.loads(json.dumps(reading, allow_nan=False)) == reading
    assert reading["text"] == CONFESSION
    assert list(reading["emotion"]["labels"]) == list(EMOTIONS)
    assert set(reading["emotion"]["affect"]) == {"valence", "arousal", "dominance"}
    assert sum(len(views) for views in reading["regret"].values()) == 21
    assert list(reading["counterfactual"]) == list(VIEWS)
    assert list(reading["confidence"]) == list(RATED)
    for distribution in (reading["verdict"]["probabilities"], *reading["perspectives"].values()):
        assert list(distribution) == list(VERDICTS)
        assert sum(distribution.values()) == pytest.approx(1)


def test_flags_of_an_ordinary_text(reading: dict[str, Any], tokenizer: PreTrainedTokenizerBase) -> None:
    assert reading["flags"] == {
        "windows": 1,
        "truncated": False,
        "tokens": len(tokenizer(CONFESSION).input_ids),
        "unknown_tokens": 0.0,
        "no_letters": False,
        "speakers": 1,
        "risk": [],
        "recovered": [],
        "withheld": [],
        "derived": [],
        "untrained": [],
    }


def test_every_number_is_within_its_range(reading: dict[str, Any]) -> None:
    ranges, checked = reading["ranges"], set()
    for path, value in numbers({name: reading[name] for name in PARTS | {"rationale"}}):
        names = path.split(".")
        for stated, (low, high) in ranges.items():
            wanted = stated.split(".")
            if names[0] == wanted[0] and all(names.count(name) >= wanted.count(name) for name in wanted):
                checked.add(stated)
                assert (-math.inf if low is None else low) <= value <= (math.inf if high is None else high), path
    assert checked == set(ranges)


def test_readings_come_from_the_model(pipe: EthicalAnalysisPipeline, reading: dict[str, Any]) -> None:
    inputs = pipe.tokenizer(CONFESSION, return_tensors="pt")
    with torch.no_grad():
        output = pipe.model(**inputs)
    emotion, bentham = reading["emotion"], reading["bentham"]
    joy, strong = EMOTIONS.index("joy"), 2
    assert emotion["labels"]["joy"] == pytest.approx(float(output.emotion.logits[0, joy].sigmoid()), abs=1e-6)
    nuance = float(output.emotion.nuance_logits[0, joy, strong].sigmoid())
    assert emotion["nuance"]["joy"]["strong"] == pytest.approx(nuance, abs=1e-6)
    variance = float(output.bentham.log_variance[0, BENTHAM.index("purity")].exp())
    assert bentham["dimensions"]["purity"]["std"] == pytest.approx(math.sqrt(variance), abs=1e-6)
    assert bentham["felicific_value"] == pytest.approx(float(felicific_value(output.bentham.mean[0])), abs=1e-6)
    assert reading["regret"]["timing"]["worse"] == pytest.approx(float(output.regret.scores[0, 5, 2]), abs=1e-6)
    assert reading["counterfactual"]["better"]["utility"] == pytest.approx(float(output.counterfactual.utility[0, 0]))
    loss = float(output.expected_loss[0, RATED.index("verdict")])
    assert reading["confidence"]["verdict"] == pytest.approx({"expected_loss": loss, "confidence": math.exp(-loss)})


def test_asserted_emotions_reach_their_threshold_and_are_sorted(make: Make) -> None:
    pipe = make()
    labels = pipe(CONFESSION)["emotion"]["labels"]
    second, first = sorted(set(labels) - {"neutral"}, key=labels.__getitem__)[-2:]
    pipe.model.config.thresholds = dict.fromkeys(EMOTIONS, 1.0) | {first: labels[first], second: 0.0}
    assert pipe(CONFESSION)["emotion"]["asserted"] == [first, second]


def test_neutral_is_asserted_only_where_no_feeling_is(make: Make) -> None:
    pipe = make()
    pipe.model.config.thresholds = dict.fromkeys(EMOTIONS, 1.0) | {"neutral": 0.0}
    assert pipe(CONFESSION)["emotion"]["asserted"] == ["neutral"]
    pipe.model.config.thresholds["grief"] = 0.0
    assert pipe(CONFESSION)["emotion"]["asserted"] == ["grief"]


def test_only_asserted_feelings_have_a_strength(make: Make) -> None:
    pipe = make()
    pipe.model.config.thresholds = dict.fromkeys(EMOTIONS, 1.0) | {"grief": 0.0, "joy": 0.0}
    emotion = pipe(CONFESSION)["emotion"]
    assert set(emotion["intensity"]) == set(emotion["nuance"]) == set(emotion["asserted"]) == {"grief", "joy"}
    pipe.model.config.thresholds = dict.fromkeys(EMOTIONS, 1.0)
    assert not {"intensity", "nuance"} & set(pipe(CONFESSION)["emotion"])


def test_a_verdict_is_the_most_probable_one_or_none(make: Make) -> None:
    pipe = make()
    verdict = pipe(CONFESSION)["verdict"]
    likeliest = max(verdict["probabilities"], key=verdict["probabilities"].__getitem__)
    assert (verdict["label"], verdict["abstained"]) == (likeliest, False)
    pipe.model.config.verdict_threshold = 1.0
    unsure = pipe(CONFESSION)["verdict"]
    assert (unsure["label"], unsure["abstained"]) == (None, True)
    assert unsure["probabilities"] == verdict["probabilities"]


def test_information_no_better_than_chance_is_not_determined(make: Make) -> None:
    pipe = make()
    parts = pipe(CONFESSION)["surd"]
    bits = parts["synergy"] + parts["unique"] + parts["redundant"]
    pipe.model.config.information_null = bits / 2
    assert pipe(CONFESSION)["surd"] == parts
    pipe.model.config.information_null = bits
    reading = pipe(CONFESSION)
    assert reading["surd"] == {"not_determined": True}
    assert not [path for path in reading["ranges"] if path.startswith("surd")]


def test_outputs_only_select(pipe: EthicalAnalysisPipeline, reading: dict[str, Any]) -> None:
    for name in sorted(PARTS):
        assert_same(pipe(CONFESSION, outputs=[name])[name], reading[name])


def test_the_rater_of_each_output_is_one_word(make: Make) -> None:
    pipe = make(keys=["verdict", "acceptability", "affect.valence"])
    pipe.model.config.supervision = {
        "verdict": ["scruples_anecdotes"],
        "acceptability": ["cases"],
        "affect.valence": ["emobank"],
        "confidence.verdict": ["rows held out of training"],
    }
    rated_by = {"emotion": "people", "verdict": "mixed", "confidence": "derived"}
    assert pipe(CONFESSION)["rated_by"] == rated_by


def test_risks_and_speakers_are_flagged(pipe: EthicalAnalysisPipeline) -> None:
    assert pipe("My husband hits me when he drinks.")["flags"]["risk"] == ["abuse"]
    chat = "Ana: you never told me\nMe: I did, twice\nAna: no"
    assert pipe(chat)["flags"]["speakers"] == 2


def test_the_verdict_is_divided_by_its_temperature(make: Make) -> None:
    pipe = make()
    plain = pipe(CONFESSION)["verdict"]["probabilities"]
    pipe.model.config.verdict_temperature = 0.5  # halving the temperature squares the odds
    sharp = pipe(CONFESSION)["verdict"]["probabilities"]
    assert sharp["author"] / sharp["other"] == pytest.approx((plain["author"] / plain["other"]) ** 2)


def test_arc_and_rationale_point_into_the_text(pipe: EthicalAnalysisPipeline) -> None:
    for text in TEXTS:
        reading = pipe(text)
        for segment in reading["emotion"]["arc"]:
            assert text[segment["start"] : segment["end"]] == segment["text"] == segment["text"].strip() != ""
        spans = [(segment["start"], segment["end"]) for segment in reading["emotion"]["arc"]]
        assert spans == list(sentences(text))
        assert 1 <= len(reading["rationale"]) <= 10
        for word in reading["rationale"]:
            assert text[word["start"] : word["end"]] == word["word"]
        weights = [word["importance"] for word in reading["rationale"]]
        assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("my sister's 😂, I can't. 너무 후회돼요", ["my", "sister's", "😂", "I", "can't", "너무", "후회돼요"]),
        ("well-known 👩‍👩‍👧 'quoted' --", ["well-known", "👩‍👩‍👧", "quoted"]),
        ("हिन्दी में e\u0301te\u0301 2024", ["हिन्दी", "में", "e\u0301te\u0301", "2024"]),
        ("?!...", []),
    ],
)
def test_words_are_whole(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_words(text, len(text))] == words


# Parameters


def test_the_embedding_comes_only_by_name(pipe: EthicalAnalysisPipeline) -> None:
    reading = pipe("I lied.", outputs=["embedding"])
    assert set(reading) == ABOUT | {"embedding"}
    assert math.hypot(*reading["embedding"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_one_output_alone(pipe: EthicalAnalysisPipeline, name: str) -> None:
    assert set(pipe("I lied.", outputs=[name])) == ABOUT | {name}


def test_fast_depth_leaves_out_what_needs_the_analyzers(pipe: EthicalAnalysisPipeline) -> None:
    reading = pipe("I lied.", depth="fast")
    assert set(reading) == ABOUT | {"emotion", "bentham", "regret", "surd", "verdict"}
    assert not {"nuance", "arc"} & set(reading["emotion"])
    assert "acceptability" not in reading["verdict"]
    assert not any("std" in cell for cell in reading["bentham"]["dimensions"].values())
    assert reading["flags"]["withheld"] == []
    assert set(pipe("I lied.", depth="fast", outputs=["verdict"])) == ABOUT | {"verdict"}


def test_parameters_of_the_pipeline_hold_for_its_calls(make: Make) -> None:
    pipe = make(outputs=["verdict"], depth="fast", batch_size=2)
    assert "verdict" in pipe("I lied.")
    assert "emotion" in pipe("I lied.", outputs=["emotion"])
    assert "emotion" not in pipe("I lied.")


def test_token_budget_changes_the_reading_but_not_what_is_rated(pipe: EthicalAnalysisPipeline) -> None:
    whole, part = pipe(CONFESSION), pipe(CONFESSION, token_budget=3)
    assert part["verdict"] != whole["verdict"]
    assert len(part["rationale"]) == 10
    assert 1 <= len(part["emotion"]["arc"]) <= 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ouputs": ["emotion"]}, "did you mean 'outputs'"),
        ({"outputs": ["emotoin"]}, "did you mean 'emotion'"),
        ({"outputs": "emotion"}, r"write \['emotion'\]"),
        ({"outputs": []}, "is empty"),
        ({"depth": "fats"}, "did you mean 'fast'"),
        ({"depth": "fast", "outputs": ["counterfactual"]}, "needs depth='full'"),
        ({"token_budget": 0}, "at least 1"),
        ({"token_budget": True}, "at least 1"),
        ({"include_untrained": "yes"}, "True or False"),
    ],
)
def test_wrong_parameters_are_refused(pipe: EthicalAnalysisPipeline, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pipe("I lied.", **parameters)


# Inputs


class Rows:
    """A minimal dataset."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows, self.read = rows, 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        self.read += 1
        return self.rows[index]


class TorchRows(Rows, Dataset[Any]):
    """The same as a torch dataset."""


@pytest.mark.parametrize("depth", ["full", "fast"])
def test_batches_give_what_single_texts_give(pipe: EthicalAnalysisPipeline, depth: str) -> None:
    single = [pipe(text, depth=depth) for text in TEXTS]
    assert_same(pipe(TEXTS, depth=depth), single)
    assert_same(pipe(TEXTS, depth=depth, batch_size=3), single)


def test_padding_on_the_left_changes_nothing(make: Make, checkpoint: Path) -> None:
    left = PreTrainedTokenizerFast.from_pretrained(checkpoint, padding_side="left")
    pipe = EthicalAnalysisPipeline(model=RedHeartModel.from_pretrained(checkpoint), tokenizer=left)
    batched, single = pipe(TEXTS, batch_size=4, outputs=["verdict"]), make()(TEXTS, outputs=["verdict"])
    for one, other in zip(batched, single, strict=True):
        assert one["flags"] == other["flags"]
        assert {word["word"] for word in one["rationale"]} == {word["word"] for word in other["rationale"]}


def test_readings_do_not_depend_on_the_other_texts_of_a_batch(
    checkpoint: Path, lively_model: Any, tokenizer: PreTrainedTokenizerBase, bert_options: dict[str, Any]
) -> None:
    """Of its kind: the side of the padding, the number of texts; lists, streams, and the tokenizer stays as it is."""
    left = PreTrainedTokenizerFast.from_pretrained(checkpoint, padding_side="left")
    model = lively_model(
        encoder_config={**bert_options, "vocab_size": len(tokenizer)},  # whose positions count from the start
        supervision={key: ["made-up"] for key in record_keys()},
    )
    pipe = EthicalAnalysisPipeline(model=model, tokenizer=left)
    alone = pipe(TEXTS[0])
    for several in (TEXTS, iter(TEXTS)):
        assert_same(next(iter(pipe(several, batch_size=4))), alone)
    assert pipe.tokenizer.padding_side == "left"


def test_one_text_gives_one_reading_and_a_list_gives_a_list(pipe: EthicalAnalysisPipeline) -> None:
    assert isinstance(pipe("I lied."), dict)
    for texts in (["I lied."], ("I lied.",)):
        assert [reading["text"] for reading in pipe(texts)] == ["I lied."]
    assert pipe([]) == []


@pytest.mark.parametrize(
    "wrap",
    [
        lambda texts: (text for text in texts),
        iter,
        Rows,
        TorchRows,
        lambda texts: KeyDataset(TorchRows([{"text": text} for text in texts]), "text"),
    ],
    ids=["generator", "iterator", "rows", "dataset", "KeyDataset"],
)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_streams_give_the_same_readings(pipe: EthicalAnalysisPipeline, wrap: Any, batch_size: int) -> None:
    readings = pipe(wrap(TEXTS), batch_size=batch_size, depth="fast")
    assert not isinstance(readings, list)
    assert [reading["text"] for reading in readings] == TEXTS


def test_streams_are_read_as_they_are_consumed(pipe: EthicalAnalysisPipeline) -> None:
    taken = []

    def texts() -> Iterator[str]:
        for number in range(100):
            taken.append(number)
            yield f"text {number}"

    rows = Rows([f"text {number}" for number in range(100)])
    assert next(iter(pipe(texts(), depth="fast")))["text"] == "text 0"
    assert next(iter(pipe(rows, depth="fast")))["text"] == "text 0"
    assert len(taken) < 5
    assert rows.read < 5


BAD = [
    (None, "must be a str, got NoneType"),
    (b"I lied.", r"got bytes; decode it first"),
    (3, "got int"),
    ({"text": "I lied."}, "got dict.*KeyDataset"),
    ("", "is empty"),
    (" \t\n\u3000\u200b", "is blank"),
    ("I \ud800 lied", r"U\+D800, at character 2"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[repr(text) for text, _ in BAD])
def test_what_is_not_a_text_is_refused(pipe: EthicalAnalysisPipeline, text: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pipe(text)
    for wrap in (list, Rows, iter):
        with pytest.raises(ValueError, match=f"index 1 .*{message}"):
            list(pipe(wrap(["I lied.", text]), batch_size=2, depth="fast"))


def test_a_list_is_checked_before_anything_runs(pipe: EthicalAnalysisPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "preprocess", lambda *_: pytest.fail("the first text was read"))
    with pytest.raises(ValueError, match="index 2"):
        pipe(["I lied.", "I lied.", None])


LONG = "".join(f"Part {number}: I never told her, and she asked. " for number in range(40))


def test_long_texts_are_read_in_windows_to_their_end(pipe: EthicalAnalysisPipeline, monkeypatch: Any) -> None:
    whole = pipe(LONG)
    assert whole["flags"]["windows"] == 1
    monkeypatch.setattr(pipe.tokenizer, "model_max_length", 130)
    parts = pipe(LONG)
    assert parts["flags"]["windows"] > 2
    assert parts["flags"]["truncated"] is False
    assert parts["flags"]["tokens"] == whole["flags"]["tokens"]
    spans = [(segment["start"], segment["end"]) for segment in parts["emotion"]["arc"]]
    assert spans == list(sentences(LONG))
    assert [set(part) for part in (parts, parts["verdict"])] == [set(part) for part in (whole, whole["verdict"])]
    assert sum(parts["verdict"]["probabilities"].values()) == pytest.approx(1)
    assert math.hypot(*pipe(LONG, outputs=["embedding"])["embedding"]) == pytest.approx(1, abs=1e-5)


def test_windows_of_several_texts_are_not_mixed(pipe: EthicalAnalysisPipeline, monkeypatch: Any) -> None:
    monkeypatch.setattr(pipe.tokenizer, "model_max_length", 130)
    texts = [LONG, "I lied.", LONG[900:], CONFESSION]
    single = [pipe(text) for text in texts]
    assert [reading["flags"]["windows"] > 1 for reading in single] == [True, False, True, False]
    assert_same(pipe(texts, batch_size=3), single)
    assert_same(list(pipe(iter(texts), batch_size=2)), single)


def test_a_text_beyond_the_last_window_is_cut_and_flagged(pipe: EthicalAnalysisPipeline, monkeypatch: Any) -> None:
    monkeypatch.setattr(pipe.tokenizer, "model_max_length", 8)
    flags = pipe("one two three four " * 300, depth="fast")["flags"]
    assert (flags["truncated"], flags["windows"]) == (True, MOST_WINDOWS)
    assert flags["tokens"] <= 8 * MOST_WINDOWS
    words = pipe("one two three four " * 300, depth="fast")["rationale"]
    assert max(word["end"] for word in words) < len("one two three four " * 300) / 2


def test_windows_reach_over_the_text_and_overlap(tokenizer: PreTrainedTokenizerBase) -> None:
    windows, truncated = cut(tokenizer, LONG, 300)
    assert not truncated
    lengths = [window["input_ids"].shape[1] for window in windows]
    assert max(lengths) <= 300
    assert max(lengths) - min(lengths) <= len(lengths)  # all about the same
    offsets = [window["offset_mapping"][0] for window in windows]
    read = {place for part in offsets for start, end in part.tolist() for place in range(start, end)}
    assert read >= {place for place, char in enumerate(LONG) if char.isalnum()}
    for one, other, own in zip(offsets, offsets[1:], first_read(windows)[1:], strict=False):
        shared = other[(other[:, 1] > other[:, 0]) & (other[:, 0] < one.max())]
        assert OVERLAP - 2 <= len(shared) <= OVERLAP + 2
        assert int(other[own][:, 0].min()) >= int(one.max())


def test_a_text_that_just_fits_is_one_window(make: Make, tokenizer: PreTrainedTokenizerBase) -> None:
    pipe = make()
    tokens = len(tokenizer("I lied to her.").input_ids)
    pipe.tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer, pad_token="[PAD]")
    pipe.tokenizer.model_max_length = tokens
    assert pipe("I lied to her.", depth="fast")["flags"]["windows"] == 1
    pipe.tokenizer.model_max_length = tokens - 1
    assert pipe("I lied to her.", depth="fast")["flags"]["windows"] == 2


def test_signs_without_letters_are_read_and_flagged(pipe: EthicalAnalysisPipeline) -> None:
    for text in ("😂😭", "!!!", "12:30"):
        assert pipe(text)["flags"]["no_letters"] is True
    assert pipe("😂😭")["rationale"][0]["word"] == "😂😭"
    assert pipe("ㅠㅠ")["flags"]["no_letters"] is False


def test_unknown_tokens_are_counted(make: Make) -> None:
    words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "i": 2, "lied": 3}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64)
    pipe = EthicalAnalysisPipeline(model=make().model, tokenizer=fast)
    first, second = pipe(["i lied to you", "i lied"], batch_size=2)
    assert first["flags"]["unknown_tokens"] == 0.5
    assert second["flags"]["unknown_tokens"] == 0.0


# Supervision


def test_without_supervision_everything_is_withheld(make: Make) -> None:
    pipe = make(keys=[])
    reading = pipe(CONFESSION)
    assert set(reading) == ABOUT - {"rationale"}
    assert reading["ranges"] == reading["rated_by"] == {}
    assert reading["flags"]["withheld"] == [*dict.fromkeys(k.split(".")[0] for k in record_keys() if k != "embedding"),
                                            "rationale"]  # fmt: skip
    assert reading["flags"]["untrained"] == []


def test_untrained_claims_come_when_asked_for_and_are_marked(make: Make) -> None:
    pipe = make(keys=["verdict"])
    reading = pipe(CONFESSION, include_untrained=True)
    assert set(reading) == ABOUT | PARTS
    assert reading["flags"]["withheld"] == []
    assert "regret" in reading["flags"]["untrained"]
    assert "verdict" not in reading["flags"]["untrained"]
    assert set(pipe(CONFESSION)) == ABOUT | {"verdict"}


def test_single_claims_are_withheld(make: Make) -> None:
    missing = {"affect.arousal", "nuance.anger.strong", "bentham.extent", "plausibility.worse", "acceptability",
               "regret.timing.better", "regret.timing.actual", "regret.timing.worse", "perspectives.self",
               "confidence.surd", "intensity.joy"}  # fmt: skip
    reading = make(keys=set(record_keys()) - missing)(CONFESSION)
    assert set(reading["emotion"]["affect"]) == {"valence", "dominance"}
    assert list(reading["emotion"]["nuance"]["anger"]) == ["slight", "moderate", "extreme"]
    assert "joy" not in reading["emotion"]["intensity"]
    assert "extent" not in reading["bentham"]["dimensions"]
    assert "felicific_value" not in reading["bentham"]
    assert set(reading["counterfactual"]["worse"]) == {"utility"}
    assert "timing" not in reading["regret"]
    assert set(reading["perspectives"]) == {"other"}
    assert set(reading["verdict"]) == {"abstained", "label", "probabilities"}
    assert set(reading["flags"]["withheld"]) == {name for name in missing if "timing" not in name} | {"regret.timing"}


def test_claims_no_better_than_a_constant_are_withheld(make: Make) -> None:
    pipe = make()
    pipe.model.config.withheld = ["regret.timing.worse", "verdict"]
    reading = pipe(CONFESSION)
    assert set(reading["regret"]["timing"]) == {"better", "actual"}
    assert set(reading["verdict"]) == {"acceptability"}
    assert set(reading["flags"]["withheld"]) == {"regret.timing.worse", "verdict"}
    assert "verdict" in pipe(CONFESSION, include_untrained=True)["flags"]["untrained"]


def test_the_felicific_value_needs_no_intentionality(make: Make) -> None:
    assert "felicific_value" in make(keys=set(record_keys()) - {"bentham.intentionality"})(CONFESSION)["bentham"]


def test_emotions_come_together_but_only_supervised_ones_are_asserted(make: Make) -> None:
    pipe = make(keys=["emotion.joy", "emotion.fear"])
    pipe.model.config.thresholds = dict.fromkeys(EMOTIONS, 0.0)
    reading = pipe(CONFESSION)
    assert list(reading["emotion"]["labels"]) == list(EMOTIONS)
    assert set(reading["emotion"]["asserted"]) == {"joy", "fear"}
    assert reading["flags"]["untrained"] == [f"emotion.{name}" for name in EMOTIONS if name not in ("joy", "fear")]
    assert not [name for name in reading["flags"]["withheld"] if name.startswith("emotion")]


# Failures


def break_weights(module: nn.Module) -> None:
    with torch.no_grad():
        next(module.parameters()).fill_(math.nan)


def test_a_failed_module_is_left_out_and_flagged(make: Make) -> None:
    pipe = make()
    break_weights(pipe.model.regret_analyzer.to_state)
    for reading in pipe([CONFESSION, "I lied."], batch_size=2):
        assert reading["flags"]["recovered"] == ["regret_analyzer", "surd_analyzer"]  # surd reads the regret's state
        assert not {"regret", "surd"} & set(reading)
        assert not {"regret", "surd"} & set(reading["confidence"])
        assert {"emotion", "bentham", "verdict"} <= set(reading)
        assert reading["flags"]["withheld"] == []
        json.dumps(reading, allow_nan=False)


def test_what_is_not_finite_and_not_recovered_is_an_error(make: Make) -> None:
    pipe = make()
    break_weights(pipe.model.bridge.coordination.verdict_readout)
    with pytest.raises(ValueError, match=r"'verdict.logits' is not finite"):
        pipe(CONFESSION)
    assert "emotion" in pipe(CONFESSION, outputs=["emotion"])
    pipe = make()
    break_weights(pipe.model.backbone)
    with pytest.raises(ValueError, match="not finite"):
        pipe(CONFESSION)


# Making, saving, loading


def test_saved_pipelines_load_and_read_the_same(make: Make, tmp_path: Path) -> None:
    pipe = make(keys=["verdict"])
    pipe.save_pretrained(tmp_path / "saved")
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert "pipeline_redheart.py" in names  # for who has no redheart installed
    loaded = EthicalAnalysisPipeline(
        model=RedHeartModel.from_pretrained(tmp_path / "saved"),
        tokenizer=PreTrainedTokenizerFast.from_pretrained(tmp_path / "saved"),
    )
    assert loaded(CONFESSION) == pipe(CONFESSION)
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError, match="is a file"):
        pipe.save_pretrained(tmp_path / "file")


def test_the_task_has_a_default_model(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIPELINE_REGISTRY, "supported_tasks", dict(PIPELINE_REGISTRY.supported_tasks))
    PIPELINE_REGISTRY.supported_tasks.pop(TASK, None)
    shipped = make()
    shipped.model.bfloat16()
    shipped.save_pretrained(tmp_path)
    options = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(options | {"dtype": "float32"}))
    register_pipeline(tmp_path)
    default, named = pipeline(TASK), pipeline(TASK, model=str(tmp_path))
    assert isinstance(default, EthicalAnalysisPipeline)
    assert default.model.dtype == torch.float32
    assert default("I lied.") == named("I lied.")
    with pytest.raises(ValueError, match="did you mean 'outputs'"):
        pipeline(TASK, model=str(tmp_path), output=["verdict"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_reads(make: Make, dtype: torch.dtype) -> None:
    pipe = make()
    pipe.model.to(dtype)
    reading = pipe(CONFESSION)
    assert json.loads(json.dumps(reading, allow_nan=False)) == reading


def test_dropout_is_off(make: Make) -> None:
    model = make().model
    model.config.hidden_dropout = 0.5
    pipe = EthicalAnalysisPipeline(model=model.train(), tokenizer=make().tokenizer)
    assert pipe(CONFESSION) == pipe(CONFESSION)


def test_models_and_tokenizers_that_do_not_fit_are_refused(make: Make, tokenizer: PreTrainedTokenizerBase) -> None:
    pipe = make()
    with pytest.raises(ValueError, match="needs a RedHeartModel, got RedHeartForSequenceClassification"):
        EthicalAnalysisPipeline(model=RedHeartForSequenceClassification(RedHeartConfig()), tokenizer=tokenizer)
    with pytest.raises(ValueError, match="needs a fast tokenizer"):
        EthicalAnalysisPipeline(model=pipe.model)
    with pytest.raises(ValueError, match="tokenizer of another model"):
        EthicalAnalysisPipeline(model=RedHeartModel(RedHeartConfig(vocab_size=100)), tokenizer=tokenizer)
