"""The trainer: what it logs and saves, and that neither accumulation nor batches in pieces change what it learns."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import BertConfig, PreTrainedTokenizerBase, Trainer, TrainingArguments

from redheart import RedHeartConfig, RedHeartModel
from redheart.batches.collator import RedHeartCollator
from redheart.data.loading import DataError, Example, Unit
from redheart.storage.strict_loading import load_strict
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.layer_decay import parameter_depths
from redheart.training.trainers.trainer import RedHeartTrainer

from ...fixtures.runs import losses_of, small_arguments

MakeTrainer = Callable[..., RedHeartTrainer]
MakeModel = Callable[..., RedHeartModel]


class FixedBatches(RedHeartTrainer):
    """Trains on the units in their order, in batches of ``args.train_batch_size``."""

    def get_train_dataloader(self) -> DataLoader[Any]:
        """As given."""
        units: Any = self.train_dataset
        return DataLoader(units, batch_size=self.args.train_batch_size, collate_fn=self.data_collator)


def weights(model: RedHeartModel) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float = 0.0) -> None:
    for name, value in one.items():
        torch.testing.assert_close(
            value, other[name], atol=tolerance, rtol=tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )


# Plain gradient descent: an error in a gradient's size shows, which Adam would hide. The prototypes' loss is about the
# texts of a batch beside each other, and so the one that batching may change.
PLAIN: dict[str, Any] = {"kind": FixedBatches, "optim": "sgd", "learning_rate": 0.1, "loss_weights": {"prototypes": 0}}


def test_it_learns_logs_each_loss_and_saves_what_loads(
    tmp_path: Path, units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    trainer = make_trainer(model, units, num_train_epochs=12, learning_rate=3e-3)
    trainer.train()
    steps = [entry for entry in trainer.state.log_history if "loss_emotion" in entry]
    assert steps[-1]["loss_emotion"] < 0.75 * steps[0]["loss_emotion"]
    assert {"loss_emotion_head", "loss_arc", "loss_asynchrony", "loss_recovery", "loss_sparsity"} <= set(steps[0])
    assert "loss_verdict" not in steps[0], "a loss without a target is not logged as 0"
    trainer.save_model(str(tmp_path / "saved"))
    assert_equal(weights(load_strict(tmp_path / "saved")), weights(model))


def test_a_model_that_lacks_components_is_trained_and_evaluated(
    mixed_units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    lacking = ("perspectives", "counterfactual_reasoner", "sweet_spot")
    sizes = RedHeartConfig.from_preset("redheart-tiny").components
    model = tiny_model(components={name: size for name, size in sizes.items() if name not in lacking})
    before = {name: value.clone() for name, value in weights(model).items()}
    trainer = make_trainer(
        model, mixed_units, eval_dataset=mixed_units[:6], max_steps=2, layer_decay=0.9, learning_rate=1e-2
    )
    trainer.train()
    metrics = trainer.evaluate()
    assert {"eval_loss_emotion", "eval_loss_verdict", "eval_emotion_f1"} <= set(metrics)
    assert not {"eval_loss_perspectives", "eval_loss_utility", "eval_loss_confidence"} & set(metrics)
    assert any(not torch.equal(value, before[name]) for name, value in weights(model).items())


def test_a_pretrained_encoder_moves_at_its_own_rate(units: list[Unit], make_trainer: MakeTrainer) -> None:
    encoder = BertConfig(
        vocab_size=9931, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    components = {**RedHeartConfig.from_preset("redheart-tiny").components, "backbone": {"projection": 16}}
    model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", encoder_config=encoder, components=components))
    rates = rates_of(make_trainer(model, units, learning_rate=1e-3, encoder_learning_rate=1e-4))
    for name, rate in rates.items():
        assert rate == (1e-4 if "encoder.model." in name else 1e-3), name


def rates_of(trainer: RedHeartTrainer) -> dict[str, float]:
    """Learning rate of each parameter."""
    rates = {id(item): group["lr"] for group in trainer.create_optimizer().param_groups for item in group["params"]}
    return {name: rates[id(item)] for name, item in trainer.model.named_parameters()}


def test_layer_decay_slows_each_stage_by_its_depth(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model(num_hidden_layers=11)  # layer 10 must not count as layer 1
    rates = rates_of(make_trainer(model, units, learning_rate=1.0, layer_decay=0.5))
    depths = parameter_depths(model)
    assert {depths[name] for name in depths if name.startswith("backbone.encoder.layers.10.")} == {11}
    assert depths["backbone.encoder.embed_tokens.weight"] == 0
    deepest = max(depths.values())
    for name, rate in rates.items():
        assert rate == 0.5 ** (deepest - depths[name]), name
    assert deepest == 11 + 1 + 6  # layers, the rest of the backbone, six stages


def test_learned_tokens_norms_and_biases_are_not_decayed(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    groups = make_trainer(model, units, weight_decay=0.1).create_optimizer().param_groups
    decayed = {id(item) for group in groups if group["weight_decay"] for item in group["params"]}
    names = {name for name, item in model.named_parameters() if id(item) in decayed}
    assert {name for name, _ in model.named_parameters() if name.endswith("_proj.weight")} <= names
    assert not [name for name in names if name.endswith(("bias", "queries.weight", "norm.weight"))]


def test_only_the_labelled_modules_run_between_full_batches(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    calls: list[str] = []
    model.regret_analyzer.register_forward_hook(lambda *_: calls.append("regret"))
    model.emotion_analyzer.register_forward_hook(lambda *_: calls.append("emotion"))
    make_trainer(model, units, max_steps=4, full_every=4).train()
    assert calls.count("emotion") == 4
    assert calls.count("regret") == 1


def test_the_loss_does_not_depend_on_accumulation(
    mixed_units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    whole = make_trainer(
        tiny_model(), mixed_units, "whole", per_device_train_batch_size=12, num_train_epochs=2, **PLAIN
    )
    whole.train()
    for parts, size in ((2, 6), (3, 4)):
        cut = make_trainer(
            tiny_model(), mixed_units, f"cut-{parts}", per_device_train_batch_size=size,
            gradient_accumulation_steps=parts, num_train_epochs=2, **PLAIN,
        )  # fmt: skip
        cut.train()
        assert losses_of(cut) == pytest.approx(losses_of(whole), rel=1e-5)
        assert_equal(weights(cut.model), weights(whole.model), 1e-6)


def test_uneven_batches_count_by_their_texts(
    mixed_units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    ten = mixed_units[:10]
    whole = make_trainer(tiny_model(), ten, "whole", per_device_train_batch_size=10, max_steps=1, **PLAIN)
    cut = make_trainer(
        tiny_model(), ten, "cut", per_device_train_batch_size=7, gradient_accumulation_steps=2, max_steps=1, **PLAIN
    )
    whole.train()
    cut.train()
    assert_equal(weights(cut.model), weights(whole.model), 1e-6)


class Scarce:
    """A device with memory for ``most`` texts at a time in some calls of the model's forward."""

    def __init__(self, model: RedHeartModel, most: int, steps: Sequence[int]) -> None:
        self.calls = 0
        self.failures = 0
        self.most, self.steps = most, steps
        inner = model.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            tight = kwargs["input_ids"].shape[0] > self.most and self.calls in self.steps
            if tight:
                self.failures += 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            output = inner(*args, **kwargs)
            if kwargs["input_ids"].shape[0] > self.most:
                self.calls += 1
            return output

        model.forward = forward  # type: ignore[method-assign]


@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("most", [1, 3])
def test_a_run_with_too_little_memory_learns_the_same(
    mixed_units: list[Unit],
    make_trainer: MakeTrainer,
    tiny_model: MakeModel,
    most: int,
    accumulation: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    options = {
        **PLAIN, "per_device_train_batch_size": 4, "gradient_accumulation_steps": accumulation, "num_train_epochs": 2,
    }  # fmt: skip
    plain = make_trainer(tiny_model(), mixed_units, "plain", **options)
    plain.train()
    model = tiny_model()
    scarce = Scarce(model, most, steps=[0, 2])
    trainer = make_trainer(model, mixed_units, "scarce", **options)
    with caplog.at_level(logging.WARNING):
        trainer.train()
    assert scarce.failures >= 1
    assert losses_of(trainer) == pytest.approx(losses_of(plain), rel=1e-5)
    assert_equal(weights(trainer.model), weights(plain.model), 1e-6)
    assert trainer.out_of_memory
    assert "succeeded in" in caplog.text
    named = [[entry.get("loss_emotion", 0.0) for entry in run.state.log_history] for run in (plain, trainer)]
    assert named[0] == pytest.approx(named[1], rel=1e-5)


def test_memory_that_runs_out_in_the_backward_pass(
    mixed_units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    options = {**PLAIN, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 2}
    plain = make_trainer(tiny_model(), mixed_units, "plain", **options)
    plain.train()
    model = tiny_model()
    calls = iter(range(100))

    def fail(gradient: Tensor) -> Tensor:
        if next(calls) == 1:  # half of the second batch's gradients are there by then
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return gradient

    model.backbone.encoder.embed_tokens.weight.register_hook(fail)
    trainer = make_trainer(model, mixed_units, "scarce", **options)
    trainer.train()
    assert [event.phase for event in trainer.out_of_memory] == ["train"]
    assert_equal(weights(trainer.model), weights(plain.model), 1e-6)


def test_without_memory_for_one_text_the_run_ends_and_says_what_helps(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    Scarce(model, 0, steps=range(100))
    with pytest.raises(RuntimeError, match=r"even with one text.*activation_checkpointing"):
        make_trainer(model, units, max_steps=1).train()


def test_another_error_is_not_taken_for_memory(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()

    def forward(**_: Any) -> None:
        raise RuntimeError("shapes do not match")

    model.forward = forward  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeError, match="shapes do not match"):
        make_trainer(model, units, max_steps=1).train()


def test_evaluation_gives_means_over_texts_and_survives_scarce_memory(
    mixed_units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    found = []
    for size, most in ((24, 24), (7, 24), (24, 5)):
        model = tiny_model(loss_weights={"prototypes": 0})
        Scarce(model, most, steps=range(100))
        trainer = make_trainer(
            model, mixed_units, f"run-{size}-{most}", eval_dataset=mixed_units, per_device_eval_batch_size=size
        )
        metrics = trainer.evaluate()
        assert bool(trainer.out_of_memory) == (most < size)
        found.append({name: metrics[name] for name in metrics if "loss" in name and "prototypes" not in name})
    assert {"eval_loss", "eval_loss_emotion", "eval_loss_verdict"} <= set(found[0])
    assert "eval_loss_affect" not in found[0]
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-5)


def test_each_evaluation_set_has_its_own_losses(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    trainer = make_trainer(tiny_model(), units, eval_dataset={"glad": units[:8], "sad": units[8:]})
    metrics = trainer.evaluate()
    assert metrics["eval_glad_loss_emotion"] != metrics["eval_sad_loss_emotion"]


def test_a_loss_of_weight_zero_moves_nothing(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    before = weights(model)
    off = dict.fromkeys(("emotion", "arc", "asynchrony", "recovery", "sparsity", "prototypes", "surd_head"), 0)
    off |= {"regret_theory": 0}
    make_trainer(model, units, max_steps=2, loss_weights=off, weight_decay=0.0).train()
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert any(name.startswith("emotion_head.") for name in moved)
    assert not [name for name in moved if name.startswith("emotion_analyzer.")]


def test_an_iterable_of_units_is_trained_on(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Iterator[Unit]:
            return iter(units)

    trainer = make_trainer(tiny_model(), Stream(), max_steps=3)  # type: ignore[arg-type]
    trainer.train()
    assert trainer.state.global_step == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer_decay": 0.0}, "layer_decay"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"r_drop": -1.0}, "r_drop"),
        ({"consistency": 1.0}, "set `ema_decay`"),
        ({"loss_weights": {"emotoin": 1}}, "did you mean 'emotion'"),
        ({"full_every": 0}, "full_every"),
        ({"longest_text": 4096}, "reads at most"),
    ],
)
def test_impossible_options_are_refused(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_trainer(tiny_model(), units, **options)


def test_without_an_accelerator_there_is_no_pin_memory_warning(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    trainer = make_trainer(tiny_model(), units, use_cpu=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for loader in (trainer.get_train_dataloader(), trainer.get_eval_dataloader(units)):
            next(iter(loader))
    assert not [str(warning.message) for warning in caught if "pin_memory" in str(warning.message)]


def test_unsupported_calls_are_refused(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    trainer = make_trainer(tiny_model(), units)
    with pytest.raises(NotImplementedError, match="pipeline"):
        trainer.predict(units)
    with pytest.raises(ValueError, match="eval_dataset"):
        trainer.evaluate()


def test_a_batch_without_a_label_ends_the_run(make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    bare: list[Unit] = [(Example(f"text {number}", "bare"),) for number in range(8)]
    trainer = make_trainer(tiny_model(), bare, eval_dataset=bare)
    for start in (trainer.train, trainer.evaluate):
        with pytest.raises(DataError, match="Nothing is left of 8 units: 8 have no label"):
            start()


def test_texts_without_a_label_are_passed_over(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    """In batches of their own, in evaluation and in a stream, too."""
    bare: list[Unit] = [(Example(f"nobody has labelled this longer text {n} " * 2, "made-up"),) for n in range(4)]
    trainer = make_trainer(
        tiny_model(), [*units, *bare], eval_dataset=[*bare, *units[:4]], max_steps=4, per_device_train_batch_size=4
    )
    trainer.train()
    assert trainer.prepared(trainer.train_dataset).left_out() == {"units without a label": 4}  # type: ignore[arg-type]
    assert trainer.evaluate()["eval_loss_emotion"] > 0

    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Iterator[Unit]:
            return iter([*bare, *units])

    make_trainer(tiny_model(), Stream(), max_steps=2, per_device_train_batch_size=2).train()


ROWS = [{"text": f"I lied {n}.", "emotion": "joy" if n % 2 else "anger", "id": n} for n in range(12)]


def test_rows_of_any_kind_are_trained_on_as_they_are(
    tmp_path: Path, make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    """A data set, its splits, a stream, a table, a list, a file; checked as a recipe checks them."""
    datasets, pandas = pytest.importorskip("datasets"), pytest.importorskip("pandas")
    data = datasets.Dataset.from_list(ROWS)
    data.to_csv(tmp_path / "rows.csv")
    sources: list[Any] = [data, datasets.DatasetDict({"train": data}), data.to_iterable_dataset(),
                          pandas.DataFrame(ROWS), ROWS, str(tmp_path / "rows.csv")]  # fmt: skip
    logged = []
    for source in sources:
        trainer = make_trainer(tiny_model(), source, eval_dataset=data.select(range(4)), max_steps=1)
        trainer.train()
        logged.append(trainer.evaluate()["eval_loss_emotion"])
    assert logged[0] == pytest.approx(logged[3]) == pytest.approx(logged[4])
    few = make_trainer(tiny_model(), ROWS, eval_dataset=ROWS[:3])
    assert few.evaluate(ROWS[:3])["eval_loss_emotion"] == pytest.approx(few.evaluate()["eval_loss_emotion"])
    with pytest.raises(DataError, match=r"12 rows .* column 'emotion': There is no emotion 'happy'"):
        make_trainer(tiny_model(), data.map(lambda row: {"emotion": "happy"}))


def test_a_custom_loss_is_used(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    """In training and evaluation, whether it sums over the step or means over the batch, in pieces, too."""
    calls: list[Any] = []

    def summed(output: Any, labels: dict[str, Tensor], num_items_in_batch: Any = None) -> Tensor:
        calls.append((sorted(labels), num_items_in_batch))
        cost = torch.nn.functional.binary_cross_entropy_with_logits(
            output.emotion.logits, labels["emotion_labels"], reduction="none"
        ).mean(dim=1)
        return cost.mean() if num_items_in_batch is None else cost.sum() / num_items_in_batch

    ends = []
    for options in ({}, {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 4}):
        model = tiny_model()
        trainer = make_trainer(model, units[4:12], compute_loss_func=summed, max_steps=2, eval_dataset=units[:4],
                               **{**PLAIN, **options})  # fmt: skip
        trainer.train()
        ends.append(weights(model))
    assert calls[0] == (["emotion_labels"], 8)
    assert_equal(ends[1], ends[0], 1e-6)
    calls.clear()
    assert trainer.evaluate()["eval_loss"] > 0
    assert {items for _, items in calls} == {None}


def test_a_custom_optimiser_is_used(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    trainer = make_trainer(tiny_model(), units, optimizer_cls_and_kwargs=(torch.optim.Adagrad, {"lr": 0.01}))
    assert isinstance(trainer.create_optimizer(), torch.optim.Adagrad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataloader_drop_last": True}, "`dataloader_drop_last` has no effect here: batches hold texts of one set"),
        ({"train_sampling_strategy": "sequential"}, "`train_sampling_strategy` has no effect"),
        ({"label_names": ["emotion_labels"]}, "`label_names` has no effect"),
        ({"eval_accumulation_steps": 2}, "`eval_accumulation_steps` has no effect"),
        ({"include_for_metrics": ["inputs"]}, "`include_for_metrics` has no effect"),
        ({"preprocess_logits_for_metrics": lambda logits, labels: logits}, "`compute_metrics` gets the reading"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel, options: dict[str, Any], message: str
) -> None:
    """Every option that is inherited is either in force or refused (`inherited.WITHOUT_EFFECT`)."""
    with pytest.raises(ValueError, match=message):
        make_trainer(tiny_model(), units, **options)


def test_options_of_loading_are_in_force(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    options = {"dataloader_num_workers": 1, "dataloader_persistent_workers": True, "dataloader_prefetch_factor": 3,
               "dataloader_in_order": False}  # fmt: skip
    trainer = make_trainer(tiny_model(), units, **options)
    for loader in (trainer.get_train_dataloader(), trainer.get_eval_dataloader(units)):
        assert (loader.num_workers, loader.persistent_workers, loader.prefetch_factor, loader.in_order) == (
            1,
            True,
            3,
            False,
        )


def test_a_batch_size_that_fits_is_found(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    """Whoever asks for it gets it, also where a batch could be repeated in pieces; tokens shrink with it."""
    for retry in (False, True):
        tried: list[int] = []

        class Small(RedHeartTrainer):
            def compute_loss(self, model: Any, inputs: Any, *args: Any, tried: list[int] = tried, **kwargs: Any) -> Any:
                tried.append(len(inputs["input_ids"]))
                if tried[-1] > 2:
                    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
                return super().compute_loss(model, inputs, *args, **kwargs)

        trainer = make_trainer(
            tiny_model(), units, kind=Small, auto_find_batch_size=True, oom_retry=retry, max_steps=2, batch_tokens=512
        )
        trainer.train()
        assert tried == sorted(tried, reverse=True)
        assert (tried[0], set(tried[-2:])) == (8, {2})
        batches: Any = trainer.get_train_dataloader().batch_sampler
        assert (batches.max_units, batches.max_tokens) == (2, 128)


def test_a_plain_trainer_evaluates_with_a_loss(
    tmp_path: Path, units: list[Unit], tokenizer: PreTrainedTokenizerBase, tiny_model: MakeModel
) -> None:
    """Though a batch has one target of many; so that it can load the best model at the end."""
    arguments = TrainingArguments(
        str(tmp_path),
        use_cpu=True,
        remove_unused_columns=False,
        num_train_epochs=1,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        tiny_model(),
        arguments,
        train_dataset=units,
        eval_dataset=units[:4],  # type: ignore[arg-type]
        data_collator=RedHeartCollator(tokenizer, 32),
    )
    trainer.train()
    own = small_arguments(tmp_path / "own", RedHeartTrainingArguments, longest_text=32)
    other = RedHeartTrainer(trainer.model, own, eval_dataset=units[:4], processing_class=tokenizer)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(other.evaluate()["eval_loss"], rel=1e-5)


def test_bf16_computes_in_bfloat16_and_keeps_float32_weights(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    seen: set[torch.dtype] = set()
    layer: Any = model.emotion_head.decoder.layers[0]
    layer.cross_attention.q_proj.register_forward_hook(lambda *call: seen.add(call[2].dtype))
    make_trainer(model, units, max_steps=2, bf16=True).train()
    assert seen == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_activation_checkpointing_computes_layers_twice_and_learns_the_same(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    counts, ends = [], []
    for checkpointing in (False, True):
        model = tiny_model()
        calls: list[int] = []
        layers: Any = model.backbone.encoder.layers
        layers[0].attention.q_proj.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        trainer = make_trainer(
            model, units, f"run-{checkpointing}", max_steps=2, activation_checkpointing=checkpointing, **PLAIN
        )
        trainer.train()
        counts.append(len(calls))
        ends.append(weights(model))
    assert counts[1] == 2 * counts[0]
    assert_equal(ends[1], ends[0], 1e-6)


def test_the_8_bit_optimiser_keeps_a_quarter_of_the_state(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    pytest.importorskip("bitsandbytes")
    trainer = make_trainer(tiny_model(), units, max_steps=1, optim="adamw_bnb_8bit")
    trainer.train()
    moments = [state["state1"] for state in trainer.optimizer.state.values() if "state1" in state]
    large = [moment for moment in moments if moment.numel() >= 4096]  # smaller ones are kept in float32
    assert large
    assert all(moment.dtype == torch.uint8 for moment in large)
