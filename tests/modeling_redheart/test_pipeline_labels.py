"""A classifier where an analysis is read: the reader of a folder, `redheart analyze`, ONNX; or a clear error.

Other doors of the same kind: `evaluate`, `serve`, `sizes`, the page (by `load_reader`, which says what takes one), and
`push` (see the tests of cards).
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from typer.testing import CliRunner, Result

from redheart import RedHeartConfig, RedHeartForSequenceClassification
from redheart.cli import main
from redheart.compression.onnx_export import export_onnx
from redheart.compression.onnx_graph import quantize_graph
from redheart.compression.onnx_reader import GRAPH
from redheart.loading import load_pipeline, load_text_pipeline
from redheart.modeling_redheart.pipeline_labels import LabelPipeline
from redheart.readers import is_classifier, load_any, load_reader

TEXTS = ["I told her secret.", "He gave the prize to the shelter, and never said a word about it."]
LABELS = {0: "forgives", 1: "does not", 2: "mu"}

Make = Callable[..., Path]


@pytest.fixture
def saved(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Make:
    """Makes the folder of a classifier that responds to texts."""

    def make(kind: str | None = None, **options: Any) -> Path:
        torch.manual_seed(0)
        known = {"id2label": LABELS, "problem_type": kind, "initializer_range": 0.2}
        config = RedHeartConfig.from_preset("redheart-tiny", **known | options)
        RedHeartForSequenceClassification(config).save_pretrained(tmp_path / "classifier")
        tokenizer.save_pretrained(tmp_path / "classifier")
        return tmp_path / "classifier"

    return make


def logits_of(folder: Path, text: str) -> Tensor:
    model, tokenizer = load_any(folder)
    with torch.no_grad():
        logits: Tensor = model.eval()(**tokenizer([text], return_tensors="pt")).logits[0].double()
    return logits


def analyze(*words: Any) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, words)])


def test_one_label_of_several(saved: Make) -> None:
    folder = saved("single_label_classification")
    reading = load_text_pipeline(str(folder))(TEXTS)[1]
    found = reading["classification"]
    assert sum(found["labels"].values()) == pytest.approx(1)
    assert found["label"] == max(found["labels"], key=found["labels"].__getitem__)
    expected = logits_of(folder, TEXTS[1]).softmax(-1).tolist()
    assert list(found["labels"].values()) == pytest.approx(expected, abs=1e-5)
    assert (reading["text"], reading["flags"]["windows"], reading["flags"]["truncated"]) == (TEXTS[1], 1, False)
    json.dumps(reading, allow_nan=False)


def test_several_labels_and_numbers(saved: Make) -> None:
    folder = saved("multi_label_classification")
    found = load_text_pipeline(str(folder))(TEXTS[0])["classification"]
    assert list(found["labels"].values()) == pytest.approx(logits_of(folder, TEXTS[0]).sigmoid().tolist(), abs=1e-5)
    assert set(found["asserted"]) == {name for name, value in found["labels"].items() if value >= 0.5}
    folder = saved("regression")
    found = load_text_pipeline(str(folder))(TEXTS[0])["classification"]
    assert list(found) == ["values"]
    assert list(found["values"].values()) == pytest.approx(logits_of(folder, TEXTS[0]).tolist(), abs=1e-5)


def test_long_texts_are_read_in_windows_and_texts_are_checked(saved: Make) -> None:
    pipe = load_text_pipeline(str(saved("single_label_classification", max_position_embeddings=32)))
    assert isinstance(pipe, LabelPipeline)
    assert pipe(" ".join(TEXTS * 5))["flags"]["windows"] > 1
    with pytest.raises(ValueError, match="index 1"):
        pipe(["I lied.", " "])
    with pytest.raises(ValueError, match="takes no parameter 'outputs'"):
        pipe("I lied.", outputs=["verdict"])


@pytest.mark.parametrize("kind", ["single_label_classification", "multi_label_classification", "regression"])
def test_the_command_line_shows_labels(saved: Make, kind: str) -> None:
    folder = saved(kind)
    as_json = analyze("--json", "--model", folder, *TEXTS)
    assert as_json.exit_code == 0, as_json.stderr
    rows = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    labels = rows[0]["classification"].get("labels") or rows[0]["classification"]["values"]
    assert set(labels) == set(LABELS.values())
    for_people = analyze("--model", folder, TEXTS[0])
    assert for_people.exit_code == 0, for_people.stderr
    assert all(name in for_people.stdout for name in LABELS.values())
    assert "erdict" not in for_people.stdout
    refused = analyze("--model", folder, "--depth", "fast", TEXTS[0])
    assert refused.exit_code == 1
    assert "takes no parameter 'depth'" in refused.stderr


def test_commands_for_an_analysis_refuse_a_classifier(saved: Make, tmp_path: Path) -> None:
    folder = saved("single_label_classification")
    for load in (load_reader, lambda place: load_pipeline(str(place))):
        with pytest.raises(ValueError, match=r"holds a classifier \(forgives, does not, mu\)"):
            load(folder)
    (tmp_path / "mine.jsonl").write_text('{"text": "He lied.", "verdict": "other"}\n', encoding="utf-8")
    result = CliRunner().invoke(main, ["evaluate", str(folder), "--rows", str(tmp_path / "mine.jsonl")])
    assert "holds a classifier" in result.stderr


@pytest.mark.slow
def test_an_exported_classifier_gives_the_same_labels(saved: Make, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = saved("multi_label_classification")
    exported = export_onnx(folder, tmp_path / "onnx")
    model, _ = load_any(exported)
    assert is_classifier(model)
    assert json.loads(model.about["labels"]) == {"logits": [list(LABELS.values())]}
    expected, found = (load_text_pipeline(str(place))(TEXTS) for place in (folder, exported))
    for one, other in zip(expected, found, strict=True):
        assert other["classification"]["asserted"] == one["classification"]["asserted"]
        assert other["classification"]["labels"] == pytest.approx(one["classification"]["labels"], abs=1e-4)
    with pytest.raises(ValueError, match="neither outputs to choose from nor a depth"):
        export_onnx(folder, tmp_path / "other", depth="fast")
    small = Path(shutil.copytree(exported, tmp_path / "small"))  # a second translation would take as long as the first
    quantize_graph(small / GRAPH, [])
    load_any(small)


@pytest.mark.slow
def test_torch_exports_a_classifier_to_onnx_as_it_is(saved: Make, batch: dict[str, Tensor], tmp_path: Path) -> None:
    """With the fused attention, which leaves the heads in an order of its own."""
    pytest.importorskip("onnxscript")
    model, _ = load_any(saved("single_label_classification"))
    program: Any = torch.onnx.export(model.eval(), kwargs=dict(batch), dynamo=True, verbose=False)
    found = program(**batch)
    with torch.no_grad():
        expected = model(**batch).logits
    torch.testing.assert_close(torch.as_tensor(found[0]), expected, atol=1e-4, rtol=1e-4)
