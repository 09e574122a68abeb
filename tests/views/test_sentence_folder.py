"""The folder for sentence-transformers gives the model's own embedding, in a process that has no redheart, too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer
from typer.testing import CliRunner

from redheart.cli import main
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
from redheart.storage.strict_loading import load_strict
from redheart.views import sentence_folder
from redheart.views.sentence_folder import TOLERANCE, write_sentence_folder

library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

TEXTS = ["I told my sister's secret.", "He waited, and nobody came to the station.", "나는 기다렸다."]
READER = """
import json, sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], trust_remote_code=True, device="cpu")
print(json.dumps(model.encode(json.loads(sys.argv[2]), show_progress_bar=False).tolist()))
"""


@pytest.fixture(scope="module")
def written(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sentence_folder(checkpoint, tmp_path_factory.mktemp("sentences") / "tiny")


def own_embeddings(folder: Path, texts: list[str]) -> torch.Tensor:
    """By the pipeline, one text at a time."""
    read: Any = EthicalAnalysisPipeline(load_strict(folder), AutoTokenizer.from_pretrained(folder))
    return torch.tensor([read(text, outputs=["embedding"], include_untrained=True)["embedding"] for text in texts])


def test_the_embeddings_are_the_pipelines(written: Path, checkpoint: Path) -> None:
    found = library.SentenceTransformer(str(written), device="cpu").encode(TEXTS, convert_to_tensor=True)
    expected = own_embeddings(checkpoint, TEXTS)
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)
    assert float((expected[0] - expected[1]).abs().max()) > 100 * TOLERANCE, "texts differ by more than the tolerance"


@pytest.mark.slow
def test_it_loads_where_redheart_is_not_installed(
    written: Path, checkpoint: Path, elsewhere: Callable[..., str]
) -> None:
    found = torch.tensor(json.loads(elsewhere(READER, written, json.dumps(TEXTS)).splitlines()[-1]))
    torch.testing.assert_close(found, own_embeddings(checkpoint, TEXTS), atol=TOLERANCE, rtol=0)


def test_a_model_on_an_encoder_and_one_stored_in_8_bits_are_written_as_they_are(
    on_encoder: Path, tmp_path: Path
) -> None:
    folder = write_sentence_folder(on_encoder, tmp_path / "out")
    found = library.SentenceTransformer(str(folder), device="cpu").encode(TEXTS, convert_to_tensor=True)
    torch.testing.assert_close(found, own_embeddings(on_encoder, TEXTS), atol=TOLERANCE, rtol=0)
    assert (folder / "model.safetensors").read_bytes() == (on_encoder / "model.safetensors").read_bytes()


def test_a_long_text_is_cut_where_the_model_ends(on_encoder: Path, tmp_path: Path) -> None:
    folder = write_sentence_folder(on_encoder, tmp_path / "out")
    model = library.SentenceTransformer(str(folder), device="cpu")
    assert model.max_seq_length == load_strict(on_encoder).config.longest_text
    long = "She lent me her car. " * 200
    assert model.encode(long).tolist() == pytest.approx(model.encode(long + "And more. " * 9).tolist(), abs=TOLERANCE)


def test_the_librarys_evaluators_score_it(written: Path) -> None:
    from sentence_transformers.sentence_transformer.evaluation import TripletEvaluator

    model = library.SentenceTransformer(str(written), device="cpu")
    evaluator = TripletEvaluator(TEXTS[:2], TEXTS[:2], TEXTS[1:], name="tiny")
    assert evaluator(model)["tiny_cosine_accuracy"] == 1.0, "a text is nearest to itself"


def test_the_folder_is_a_checkpoint_still(written: Path, checkpoint: Path) -> None:
    own, again = load_strict(checkpoint).state_dict(), load_strict(written).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in own.items())


def test_an_embedding_that_nothing_supervised_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Nothing supervised 'embedding' in this model"):
        write_sentence_folder(tiny, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    folder = write_sentence_folder(tiny, tmp_path / "out", include_untrained=True)
    assert "nothing: the model withholds it" in (folder / "README.md").read_text()


def test_other_embeddings_are_refused_and_nothing_is_left(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentence_folder, "TOLERANCE", -1.0)
    with pytest.raises(ValueError, match="Nothing was written"):
        write_sentence_folder(checkpoint, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_the_extra_is_named(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentence_folder, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"pip install .*\[sentence\]"):
        write_sentence_folder(checkpoint, tmp_path / "out")


def test_the_command(checkpoint: Path, tmp_path: Path) -> None:
    words = ["export", str(checkpoint), "--form", "sentence-transformers", "--output"]
    done = CliRunner().invoke(main, [*words, str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "modules.json").is_file()
    for more, message in (
        ([str(tmp_path / "out")], "is not empty"),
        ([str(tmp_path / "new"), "--int8"], "are about ONNX"),
        ([str(tmp_path / "new"), "--form", "onnx", "--include-untrained"], "An ONNX graph has every output"),
        ([str(tmp_path / "new"), "--form", "sentence"], "did you mean 'sentence-transformers'?"),
    ):
        refused = CliRunner().invoke(main, [*words, *more])
        assert refused.exit_code != 0
        assert message in " ".join(refused.output.split())
