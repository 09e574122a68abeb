"""An exported model reads as the model does, in batches of any size and length; with INT8 weights nearly so."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from redheart import RedHeartConfig, RedHeartModel
from redheart.compression import onnx_export
from redheart.compression.onnx_export import TOLERANCE, export_onnx
from redheart.compression.onnx_reader import GRAPH, OnnxReader
from redheart.configuration.labels import EMOTIONS, NUANCE_LEVELS, OUTPUTS
from redheart.data.loading import Example
from redheart.evaluation.evaluate import evaluate
from redheart.evaluation.measurement.cost import cost
from redheart.evaluation.measurement.predict import Predictor
from redheart.evaluation.measurement.rows import Rows
from redheart.modeling_redheart.layers import Readout
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline, named_tensors
from redheart.readers import load_for_evaluation, load_reader

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

Make = Callable[..., RedHeartModel]
SHAPES = [(1, 1), (1, 40), (2, 3), (7, 11)]
# An export takes time for each operation, and the recurrence is unrolled over the segments.
SHORT = {"num_segments": 2, "num_hidden_layers": 1}


@pytest.fixture(scope="module")
def whole(lively_model: Make, tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The native model with every output, exported from a checkpoint: model and folder.

    It is as sure of its emotions as a trained one: onnxruntime's sigmoid is too coarse there to take its logarithm.
    """
    sizes = RedHeartConfig.from_preset("redheart-tiny").components
    components = {name: size | ({"heads": 2} if "heads" in size else {}) for name, size in sizes.items()}
    model, place = lively_model(components=components, **SHORT), tmp_path_factory.mktemp("whole")
    with torch.no_grad():
        model.emotion_head.readout.out.bias -= 8
    model.save_pretrained(place / "checkpoint")
    tokenizer.save_pretrained(place / "checkpoint")
    return SimpleNamespace(model=model, folder=export_onnx(place / "checkpoint", place / "exported"))


@pytest.fixture(scope="module")
def bert(lively_model: Make, bert_options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model on a BERT with two outputs, exported from memory."""
    model = lively_model(encoder_config={**bert_options, "num_hidden_layers": 1}, **SHORT)
    folder = export_onnx(model, tmp_path_factory.mktemp("bert") / "exported", outputs=["emotion", "verdict"])
    return SimpleNamespace(model=model, folder=folder)


@pytest.fixture(scope="module")
def int8(lively_model: Make, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model whose matrices are large enough to be quantised, read by its heads alone, with INT8 weights."""
    model = lively_model(hidden_size=64, intermediate_size=128, initializer_range=0.1, **SHORT)
    folder, outputs = tmp_path_factory.mktemp("int8") / "exported", ["emotion", "surd", "verdict"]
    export_onnx(model, folder, outputs=outputs, depth="fast", quantize=True)
    return SimpleNamespace(model=model, folder=folder, request={"outputs": outputs, "depth": "fast"})


def _batch(texts: int, length: int) -> dict[str, Tensor]:
    """Texts of different lengths, every second one padded on the left."""
    generator = torch.Generator().manual_seed(length)
    mask = torch.arange(length)[None] < torch.randint(1, length + 1, (texts, 1), generator=generator)
    mask[1::2] = mask[1::2].flip(1)
    ids = torch.randint(5, 100, (texts, length), generator=generator)
    return {"input_ids": ids * mask, "attention_mask": mask.long()}


def _assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=TOLERANCE, rtol=TOLERANCE, err_msg=name)


def _expected(model: RedHeartModel, batch: dict[str, Tensor], **request: Any) -> dict[str, Tensor]:
    with torch.no_grad():
        return named_tensors(model(**batch, **request))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_output_is_the_models(whole: Any, shape: tuple[int, int]) -> None:
    batch = _batch(*shape)
    _assert_equal(named_tensors(OnnxReader(whole.folder)(**batch)), _expected(whole.model, batch))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_an_encoder_of_transformers_goes_along(bert: Any, shape: tuple[int, int]) -> None:
    batch = _batch(*shape)
    found = named_tensors(OnnxReader(bert.folder)(**batch))
    _assert_equal(found, _expected(bert.model, batch, outputs=["emotion", "verdict"]))  # and nothing else is there


@pytest.mark.slow
def test_onnxruntime_and_the_tokenizer_are_enough(whole: Any) -> None:
    session = onnxruntime.InferenceSession(whole.folder / GRAPH)
    tokenizer = AutoTokenizer.from_pretrained(whole.folder)
    encoded = tokenizer(["I told her secret.", "No."], padding=True, return_tensors="np")
    feeds = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    (logits,) = session.run(["emotion.nuance_logits"], feeds)
    batch = {name: torch.from_numpy(value) for name, value in feeds.items()}
    np.testing.assert_allclose(logits, _expected(whole.model, batch)["emotion.nuance_logits"], atol=TOLERANCE)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"])["emotion.nuance_logits"] == [[*EMOTIONS], [*NUANCE_LEVELS]]


@pytest.mark.slow
def test_the_graph_has_no_path_of_its_machine(whole: Any) -> None:
    assert str(Path(onnx_export.__file__).resolve().parents[1]).encode() not in (whole.folder / GRAPH).read_bytes()


@pytest.mark.slow
def test_int8_is_near_and_smaller(int8: Any) -> None:
    batch = _batch(4, 20)
    reader = OnnxReader(int8.folder)
    expected, found = _expected(int8.model, batch, **int8.request), named_tensors(reader(**batch))
    assert list(found) == list(expected)
    moved = (found["emotion.logits"].sigmoid() - expected["emotion.logits"].sigmoid()).abs()
    assert 0 < moved.max() < 0.1
    assert torch.equal(found["verdict.logits"], found["surd.verdict_logits"])  # of the heads alone
    tensors = onnx.load(int8.folder / GRAPH, load_external_data=False).graph.initializer
    integers = sum(math.prod(item.dims) for item in tensors if item.data_type == onnx.TensorProto.INT8)
    assert integers > sum(value.numel() for value in int8.model.backbone.encoder.layers.parameters()) / 2


@pytest.mark.slow
def test_no_read_out_is_quantised(int8: Any) -> None:
    graph = onnx.load(int8.folder / GRAPH).graph
    kept = [item for item in graph.initializer if item.data_type == onnx.TensorProto.FLOAT]
    floats = [onnx.numpy_helper.to_array(item) for item in kept]
    for head in (int8.model.emotion_head, int8.model.surd_head):
        for module in (module for module in head.modules() if isinstance(module, Readout)):
            for linear in (module.hidden, module.out):
                weight = linear.weight.detach().numpy()
                assert any(np.array_equal(weight, value) or np.array_equal(weight.T, value) for value in floats)


@pytest.mark.slow
def test_the_reader_takes_the_models_place_in_an_evaluation(whole: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    reader = OnnxReader(whole.folder)
    texts = ["I told her secret.", "No.", "He lied to me about where he had been, and I was angry for days."]
    expected, found = Predictor(whole.model, tokenizer).texts(texts), Predictor(reader, tokenizer).texts(texts)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=TOLERANCE, rtol=TOLERANCE, err_msg=name)
    assert reader.num_parameters() == whole.model.num_parameters()
    assert cost(reader)["weights, MB"] > 4e-6 * whole.model.num_parameters()


@pytest.mark.slow
def test_the_reader_gives_what_was_exported(whole: Any, bert: Any, int8: Any) -> None:
    batch = _batch(2, 5)
    reader = OnnxReader(whole.folder)
    assert (reader.outputs, reader.depth) == ([*OUTPUTS], "full")
    everything, emotion = reader(**batch), reader(**batch, outputs=["emotion"])
    assert torch.equal(emotion.emotion.logits, everything.emotion.logits)
    assert emotion.verdict is None
    assert emotion.expected_loss is None
    assert OnnxReader(int8.folder).depth == "fast"
    for wrong, message in (
        ({"outputs": ["regret"]}, "without the output 'regret', only with emotion, verdict"),
        ({"outputs": ["emotoin"]}, "did you mean 'emotion'"),
        ({"depth": "fast"}, "exported at depth='full'"),
        ({"token_budget": 3}, "keeps all tokens"),
        ({"token_type_ids": torch.ones(2, 5)}, "token_type_ids"),
    ):
        with pytest.raises(ValueError, match=message):
            OnnxReader(bert.folder)(**batch, **wrong)
    with pytest.raises(ValueError, match=r"65 tokens is longer than this model's 64"):
        OnnxReader(bert.folder)(**_batch(1, 65))


@pytest.mark.slow
def test_a_graph_that_differs_is_not_written(
    whole: Any, lively_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_another(_: Any, __: Any, path: Path) -> list[str]:
        for file in whole.folder.glob(f"{GRAPH}*"):
            (path.parent / file.name).write_bytes(file.read_bytes())
        return []

    monkeypatch.setattr(onnx_export, "write_graph", write_another)
    with pytest.raises(ValueError, match="differs from the model: embedding"):
        export_onnx(lively_model(seed=1), tmp_path / "exported")
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_exported_says_why(lively_model: Make, tmp_path: Path) -> None:
    model = lively_model()
    with pytest.raises(ValueError, match="did you mean 'emotion'"):
        export_onnx(model, tmp_path / "exported", outputs=["emotoin"])
    with pytest.raises(ValueError, match="needs depth='full'"):
        export_onnx(model, tmp_path / "exported", outputs=["confidence"], depth="fast")
    with pytest.raises(ValueError, match=r"`token_budget` \(3\)"):
        export_onnx(lively_model(token_budget=3), tmp_path / "exported")
    with pytest.raises(ValueError, match=r"this one is torch\.bfloat16 on cpu"):
        export_onnx(lively_model().bfloat16(), tmp_path / "exported")
    with pytest.raises(ValueError, match="got Linear; if the model has adapters, merge them first"):
        export_onnx(torch.nn.Linear(1, 1), tmp_path / "exported")
    assert not any(tmp_path.iterdir())


def test_a_quantised_checkpoint_is_refused(tmp_path: Path) -> None:
    config = RedHeartConfig(quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True})
    config.save_pretrained(tmp_path / "int8")
    with pytest.raises(ValueError, match="export the float model that it was made from"):
        export_onnx(tmp_path / "int8", tmp_path / "exported")


def test_a_folder_that_holds_something_is_left_alone(lively: RedHeartModel, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for taken in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(FileExistsError, match="give the name of a new folder"):
            export_onnx(lively, taken)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_missing_library_is_named(lively: RedHeartModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install .*\[onnx\]'"):
        export_onnx(lively, tmp_path / "exported")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install .*\[onnx\]'"):
        OnnxReader(tmp_path)


def test_a_folder_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no model\.onnx"):
        OnnxReader(tmp_path)


class TestReadingWithIt:
    TEXTS = ("I told her secret.", "He gave the prize to the shelter, and never said a word about it.")

    def test_the_pipeline_reads_as_with_the_model(self, whole: Any) -> None:
        readings = []
        for place in (whole.folder, whole.folder.parent / "checkpoint"):
            model, tokenizer = load_reader(place)
            pipe = EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)
            readings.append(pipe(list(self.TEXTS), batch_size=2, include_untrained=True))
        for found, expected in zip(*readings, strict=True):
            assert found.keys() == expected.keys()
            for part in ("emotion", "verdict", "confidence", "regret"):
                assert _flat(found[part]) == pytest.approx(_flat(expected[part]), abs=2e-3), part

    def test_the_tokenizer_of_another_model_is_refused(self, whole: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        reader = OnnxReader(whole.folder)
        reader.config.vocab_size = 7
        with pytest.raises(ValueError, match="embedding 7 rows"):
            EthicalAnalysisPipeline(model=reader, tokenizer=tokenizer)

    def test_it_is_evaluated_as_the_model_is(self, whole: Any) -> None:
        texts = [f"{text} Number {number}." for number in range(10) for text in self.TEXTS]
        units = [(Example(text, "mine", {"emotion_labels": np.eye(28)[place]}),) for place, text in enumerate(texts)]
        found, expected = (
            evaluate("m", *load_for_evaluation(str(place))[:2], [Rows("mine", "test", units, None)], texts=0)
            for place in (whole.folder, whole.folder.parent / "checkpoint")
        )
        assert found.parameters == expected.parameters
        for one, other in zip(found.figures, expected.figures, strict=True):
            assert one.value == pytest.approx(other.value, abs=1e-3, nan_ok=True), one.measure


def _flat(value: Any) -> list[float]:
    """All numbers in it."""
    if isinstance(value, dict):
        return [number for entry in value.values() for number in _flat(entry)]
    if isinstance(value, list):
        return [number for entry in value for number in _flat(entry)]
    return [value] if isinstance(value, float) else []
