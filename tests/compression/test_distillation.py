"""The trainer of a student: what it learns, from whom, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from redheart import RedHeartConfig, RedHeartModel
from redheart.compression.distillation import DistillationTrainer, with_embeddings
from redheart.compression.distillation_losses import Distillation
from redheart.configuration.labels import UNLABELLED_LOSSES, record_keys
from redheart.data.loading import Example, Unit
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.trainer import RedHeartTrainer

from ..fixtures.runs import small_arguments

MakeModel = Callable[..., RedHeartModel]
RECORD = {key: ["made-up"] for key in record_keys()}
WORDS = [
    "i", "told", "my", "sister", "her", "secret", "and", "now", "she", "is", "sad", "glad", "angry", "about", "the",
    "lost", "wedding", "day",
]  # fmt: skip
TEACHING = ("teacher", "distillation", "teacher_tokenizer")


def sentence(number: int, length: int = 6) -> str:
    return " ".join(WORDS[(number * 7 + place * (number % 5 + 1)) % len(WORDS)] for place in range(length))


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    """Twenty-four texts, half of them with an emotion that has nothing to do with the text."""
    labels = np.eye(28, dtype=np.float32)
    return [
        (Example(sentence(number), "made-up", {"emotion_labels": labels[number % 28]} if number % 2 else {}),)
        for number in range(24)
    ]


@pytest.fixture(scope="module")
def teacher(lively_model: MakeModel) -> RedHeartModel:
    """A lively model that is wider and deeper than the tiny one; only a trainer freezes it."""
    return lively_model(seed=1, hidden_size=48, num_hidden_layers=3, supervision=RECORD)


@pytest.fixture
def student() -> RedHeartModel:
    torch.manual_seed(0)
    return RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", initializer_range=0.1))


@pytest.fixture(scope="module")
def word_tokenizer() -> PreTrainedTokenizerBase:
    """A token for each word."""
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")


@pytest.fixture
def make(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Callable[..., Any]:
    """Makes a trainer on the CPU; with a ``teacher`` among the options one that distils."""

    def trainer(model: RedHeartModel, units: list[Unit], **options: Any) -> Any:
        named = {
            name: options.pop(name) for name in ("teacher", "distillation", "teacher_tokenizer") if name in options
        }
        defaults = {"per_device_train_batch_size": 8, "longest_text": 32, "logging_steps": 1, "learning_rate": 3e-3}
        arguments = small_arguments(tmp_path / "run", RedHeartTrainingArguments, **{**defaults, **options})
        kind = DistillationTrainer if named else RedHeartTrainer
        return kind(model, arguments, train_dataset=units, eval_dataset=units, processing_class=tokenizer, **named)

    return trainer


def distance(make: Callable[..., Any], student: RedHeartModel, teacher: RedHeartModel, units: list[Unit]) -> float:
    """How far the student is from the teacher, over all that is compared."""
    return float(make(student, units, teacher=teacher).evaluate()["eval_loss_distill"])


def test_a_taught_student_comes_closer_than_one_that_has_the_labels_alone(
    make: Callable[..., Any], teacher: RedHeartModel, units: list[Unit]
) -> None:
    found, before = {}, {name: value.clone() for name, value in teacher.state_dict().items()}
    taught = {"teacher": teacher, "distillation": Distillation(share=0.7), "max_steps": 12}
    for name, options in (("not at all", {"max_steps": 1, "learning_rate": 0.0}), ("labels", {"max_steps": 12}),
                          ("taught", taught)):  # fmt: skip
        torch.manual_seed(0)
        model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", initializer_range=0.1))
        known = [unit for unit in units if unit[0].targets] if name == "labels" else units
        trainer = make(model, known, **options)
        trainer.train()
        found[name] = distance(make, model, teacher, units)
    assert found["taught"] < 0.7 * min(found["labels"], found["not at all"])
    steps = [entry for entry in trainer.state.log_history if "loss_distill_emotion" in entry]
    assert {"loss_emotion", "loss_asynchrony", "loss_distill_states", "loss_distill_hidden"} <= set(steps[0])
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_a_student_that_equals_its_teacher_has_nothing_to_learn(
    make: Callable[..., Any], lively_model: MakeModel, units: list[Unit]
) -> None:
    one, same = (lively_model(supervision=RECORD) for _ in range(2))
    weights = dict.fromkeys(UNLABELLED_LOSSES, 0.0)  # by these, modules learn of each other
    trainer = make(one, units, teacher=same, distillation=Distillation(share=1.0), loss_weights=weights)
    one.train()
    batch = trainer.data_collator(units[:6])
    loss = trainer.compute_loss(one, batch)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    for name, parameter in one.named_parameters():
        torch.testing.assert_close(parameter.grad, torch.zeros_like(parameter), atol=1e-4, rtol=0, msg=name)


def test_the_loss_is_shared_between_labels_and_teacher(
    make: Callable[..., Any], teacher: RedHeartModel, student: RedHeartModel, units: list[Unit]
) -> None:
    share = Distillation(share=0.25)
    trainer = make(student, units, teacher=teacher, distillation=share)
    student.eval()
    batch = trainer.data_collator(units[1::2])
    with torch.no_grad():
        plain = student(**batch)
        loss, output = trainer.compute_loss(student, batch, return_outputs=True)
    weight = student.config.loss_weight
    unlabelled = sum(weight(name) * plain.losses[name] for name in UNLABELLED_LOSSES)
    labelled = plain.loss - unlabelled
    torch.testing.assert_close(loss, 0.75 * labelled + unlabelled + 0.25 * output.losses["distill"])


def test_what_the_teacher_never_learned_is_not_taught(
    make: Callable[..., Any], lively_model: MakeModel, student: RedHeartModel, units: list[Unit]
) -> None:
    record = {"emotion.joy": ["made-up"], "regret.outcome.better": ["derived: by a rule"], "confidence.emotion": ["x"]}
    trainer = make(student, units, teacher=lively_model(supervision=record))
    measured = {name for name in trainer.evaluate() if name.startswith("eval_loss_distill")}
    names = ("distill", "distill_emotion", "distill_emotion_head", "distill_states", "distill_hidden")
    assert measured == {f"eval_loss_{name}" for name in names}


def test_a_teacher_with_another_tokenizer(
    make: Callable[..., Any], lively_model: MakeModel, student: RedHeartModel, units: list[Unit],
    word_tokenizer: PreTrainedTokenizerBase, bert_options: dict[str, Any],
) -> None:  # fmt: skip
    encoder = {**bert_options, "vocab_size": len(word_tokenizer), "max_position_embeddings": 16}
    reader = lively_model(encoder_config=encoder, supervision=RECORD)
    long = (Example(sentence(3, 40), "made-up"),)
    trainer = make(student, [*units, long], teacher=reader, teacher_tokenizer=word_tokenizer, max_steps=3)
    batch = trainer.data_collator([units[0], long])
    assert batch["teacher_input_ids"].shape == (2, 16)
    assert word_tokenizer.decode(batch["teacher_input_ids"][0], skip_special_tokens=True) == units[0][0].text
    trainer.train()
    losses = [entry["loss_distill"] for entry in trainer.state.log_history if "loss_distill" in entry]
    assert len(losses) == 3
    assert np.isfinite(losses).all()


def test_a_teacher_reads_no_more_of_a_text_than_the_student(
    make: Callable[..., Any], lively_model: MakeModel, student: RedHeartModel, tokenizer: PreTrainedTokenizerBase,
    word_tokenizer: PreTrainedTokenizerBase, bert_options: dict[str, Any],
) -> None:  # fmt: skip
    reader = lively_model(encoder_config={**bert_options, "max_position_embeddings": 64}, supervision=RECORD)
    long = (Example(sentence(3, 40), "made-up"),)
    trainer = make(student, [long], teacher=reader, teacher_tokenizer=word_tokenizer, longest_text=8)
    batch = trainer.data_collator([long])
    seen = tokenizer.decode(batch["input_ids"][0], skip_special_tokens=True).strip()
    read = word_tokenizer.decode(batch["teacher_input_ids"][0], skip_special_tokens=True)
    assert 0 < len(read) < len(long[0].text)
    assert seen.startswith(read.removesuffix("[UNK]").strip())


def test_an_equal_tokenizer_of_the_teacher_is_the_same(
    make: Callable[..., Any], teacher: RedHeartModel, student: RedHeartModel, units: list[Unit],
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path,
) -> None:  # fmt: skip
    tokenizer.save_pretrained(tmp_path)
    copy = AutoTokenizer.from_pretrained(tmp_path)
    copy(["cut it"], truncation=True, max_length=2)
    trainer = make(student, units, teacher=teacher, teacher_tokenizer=copy)
    assert trainer.same_tokens
    assert "teacher_input_ids" not in trainer.data_collator(units[:2])


def test_twice_read_and_smoothed_batches_are_taught(
    make: Callable[..., Any], teacher: RedHeartModel, student: RedHeartModel, units: list[Unit]
) -> None:
    trainer = make(student, units, teacher=teacher, r_drop=0.5, label_smoothing_factor=0.1, max_steps=1)
    trainer.train()
    assert np.isfinite(trainer.state.log_history[0]["loss_r_drop"])


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        ({}, {}, "nothing that labels supervised"),
        ({"regret.outcome.better": ["derived: by a rule"]}, {}, "nothing that labels supervised"),
        (RECORD, {"full_every": 2}, "`full_every`"),
    ],
)
def test_what_cannot_be_taught_is_refused(
    make: Callable[..., Any], lively_model: MakeModel, student: RedHeartModel, units: list[Unit],
    record: dict[str, list[str]], options: dict[str, Any], message: str,
) -> None:  # fmt: skip
    with pytest.raises(ValueError, match=message):
        make(student, units, teacher=lively_model(supervision=record), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocab_size": 100}, "give the teacher's own"),
        ({"max_position_embeddings": 16}, "reads at most 16"),
        ({"num_segments": 4}, "`num_segments`"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    make: Callable[..., Any], lively_model: MakeModel, student: RedHeartModel, units: list[Unit],
    options: dict[str, Any], message: str,
) -> None:  # fmt: skip
    with pytest.raises(ValueError, match=message):
        make(student, units, teacher=lively_model(supervision=RECORD, **options))


def test_an_encoder_teaches_the_embedding(
    make: Callable[..., Any], teacher: RedHeartModel, student: RedHeartModel, units: list[Unit],
    word_tokenizer: PreTrainedTokenizerBase, tmp_path: Path,
) -> None:  # fmt: skip
    torch.manual_seed(0)
    encoder = BertModel(
        BertConfig(vocab_size=len(word_tokenizer), hidden_size=12, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=16, initializer_range=0.5)
    ).eval()  # fmt: skip
    encoder.save_pretrained(tmp_path / "encoder")
    word_tokenizer.save_pretrained(tmp_path / "encoder")
    embedded = with_embeddings(units, str(tmp_path / "encoder"), longest_text=32, batch_size=5)
    alone = encoder(**word_tokenizer(units[7][0].text, return_tensors="pt")).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(embedded[7][0].targets["embedding_labels"], alone.detach().numpy(), atol=1e-5)
    assert "embedding_labels" not in units[7][0].targets
    trainer = make(student, embedded, teacher=teacher, distillation=Distillation(share=1.0), max_steps=12)
    before = trainer.evaluate()
    trainer.train()
    after = trainer.evaluate()
    assert "eval_loss_distill_embedding" not in before, "a text has one embedding to learn"
    assert after["eval_loss_embedding"] < 0.8 * before["eval_loss_embedding"]
