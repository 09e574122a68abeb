"""Masked language modelling: windows of a stream, that it learns, and that its encoder goes into the model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerBase, TrainingArguments

from redheart import RedHeartConfig, RedHeartModel
from redheart.modeling_redheart.masked_lm import RedHeartForMaskedLM
from redheart.training.runs.pretraining import TokenWindows, load_encoder, pretrain

TEXTS = ["she told the truth and was thanked", "he broke a promise and felt remorse", ""] * 20


def arguments(folder: Path, steps: int, **options: object) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder), max_steps=steps, use_cpu=True, save_strategy="no", disable_tqdm=True,
        learning_rate=3e-3, per_device_train_batch_size=8, logging_steps=5, **options,
    )  # fmt: skip


@pytest.fixture
def model() -> RedHeartForMaskedLM:
    torch.manual_seed(0)
    return RedHeartForMaskedLM(RedHeartConfig.from_preset("redheart-tiny"))


def test_windows_hold_every_token_once_in_order(tokenizer: PreTrainedTokenizerBase) -> None:
    windows = [window["input_ids"] for window in TokenWindows(lambda: TEXTS, tokenizer, 16)]
    assert {len(window) for window in windows[:-1]} == {16}
    assert all(window[0] == tokenizer.cls_token_id for window in windows)
    flat = [token for window in windows for token in window[1:]]
    expected = [
        token for text in TEXTS if text
        for token in [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.sep_token_id]
    ]  # fmt: skip
    assert flat == expected


def test_the_stream_is_read_as_it_is_needed(tokenizer: PreTrainedTokenizerBase) -> None:
    taken = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield "a word or two"

    windows = iter(TokenWindows(endless, tokenizer, 16))
    next(windows)
    assert len(taken) < 16


def test_it_learns_and_is_measured_on_the_same_masks(
    tmp_path: Path, tokenizer: PreTrainedTokenizerBase, model: RedHeartForMaskedLM
) -> None:
    trainer = pretrain(model, tokenizer, lambda: TEXTS * 100, arguments(tmp_path, 60), 16, validation=lambda: TEXTS[:6])
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < 0.6 * losses[0]
    assert trainer.evaluate()["eval_loss"] == trainer.evaluate()["eval_loss"]


def test_every_parameter_is_trained(model: RedHeartForMaskedLM) -> None:
    ids = torch.arange(5, 21)[None]
    model(input_ids=ids, labels=ids).loss.backward()
    assert not [name for name, item in model.named_parameters() if item.grad is None or not item.grad.any()]


def test_nothing_masked_costs_nothing_and_padding_changes_nothing(model: RedHeartForMaskedLM) -> None:
    model.eval()
    ids = torch.arange(5, 13)[None]
    assert model(input_ids=ids, labels=torch.full_like(ids, -100)).loss.item() == 0
    padded = torch.nn.functional.pad(ids, (0, 4))
    mask = (padded != 0).long()
    torch.testing.assert_close(
        model(input_ids=padded, attention_mask=mask).logits[:, :8], model(input_ids=ids).logits, atol=1e-5, rtol=1e-5
    )


def test_the_encoder_goes_into_the_model(tmp_path: Path, model: RedHeartForMaskedLM) -> None:
    model.save_pretrained(tmp_path / "words")
    whole = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny"))
    load_encoder(whole, tmp_path / "words")
    for name, value in model.backbone.encoder.state_dict().items():
        assert torch.equal(whole.backbone.encoder.state_dict()[name], value), name
    again = RedHeartForMaskedLM.from_pretrained(tmp_path / "words")
    ids = torch.arange(5, 13)[None]
    assert torch.equal(again(input_ids=ids).logits, model.eval()(input_ids=ids).logits)


def test_another_encoder_is_refused(tmp_path: Path, model: RedHeartForMaskedLM) -> None:
    model.save_pretrained(tmp_path / "words")
    for options, message in (
        ({"num_hidden_layers": 3}, "only one of the two"),
        ({"intermediate_size": 32}, "in the model"),
    ):
        other = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", **options))
        with pytest.raises(ValueError, match=message):
            load_encoder(other, tmp_path / "words")


def test_unsupported_pretraining_is_refused(
    tmp_path: Path, tokenizer: PreTrainedTokenizerBase, model: RedHeartForMaskedLM
) -> None:
    with pytest.raises(ValueError, match="max_steps"):
        pretrain(model, tokenizer, lambda: TEXTS, arguments(tmp_path, -1), 16)
    with pytest.raises(ValueError, match="length"):
        TokenWindows(lambda: TEXTS, tokenizer, 2)
    with pytest.raises(ValueError, match="native encoder"):
        RedHeartForMaskedLM(RedHeartConfig.from_preset("redheart-mini"))
