"""Adapters: what they change, whose they are, and that saving, loading, merging and unloading are exact."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, pipeline

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.configuration.configuration_redheart import COMPONENT_SIZES
from redheart.data.loading import Unit
from redheart.modeling_redheart.backbone import TextSummary
from redheart.modeling_redheart.layers import AdaptiveNorm
from redheart.training.runs.adapter_records import read_record, weights_digest
from redheart.training.runs.adapters import (
    add_adapter,
    load_adapter,
    merge_adapter,
    readout_modules,
    target_modules,
    unload_adapters,
)
from redheart.training.runs.confidence_phase import train_confidence
from redheart.training.runs.recipe import ConfidenceRecipe, PeftRecipe, read_recipe
from redheart.training.runs.run import run
from redheart.training.trainers.trainer import RedHeartTrainer

from ...fixtures.small_adapters import CLAIMS, EMOTION, QUANTISED, VERDICT, adapted, changed, load, options

peft = pytest.importorskip("peft")
pytest.importorskip("bitsandbytes")

# PEFT asks transformers for what that calls by another name now.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

# ---- What is adapted ----


@pytest.mark.parametrize("encoder", [False, True])
def test_every_linear_layer_is_a_target_a_readout_or_part_of_the_norms(
    encoder: bool, bert_options: dict[str, Any], lively_model: Callable[..., RedHeartModel]
) -> None:
    model = lively_model(encoder_config=bert_options if encoder else None)
    targets = target_modules(model.config)
    readouts = readout_modules(model.config, [name for name, sizes in COMPONENT_SIZES.items() if "readout" in sizes])
    norms = [path for path, module in model.named_modules() if isinstance(module, AdaptiveNorm | TextSummary)]
    for name in (path for path, module in model.named_modules() if isinstance(module, nn.Linear)):
        places = [name in targets, under(name, readouts), under(name, norms)]
        assert places.count(True) == 1, (name, places)
    kinds = {name.rpartition(".")[2] for name in targets}
    assert {"q_proj", "o_proj", "gate_proj", "down_proj", "from_input", "from_state", "projection"} <= kinds
    assert ({"query", "key", "value", "dense"} <= kinds) == encoder


def under(name: str, paths: list[str]) -> bool:
    return any(name == path or name.startswith(f"{path}.") for path in paths)


def test_components_are_chosen_by_name(lively: RedHeartModel) -> None:
    config = lively.config
    head = target_modules(config, ["emotion_head"])
    assert set(head) == {name for name in target_modules(config) if name.startswith("emotion_head.")} != set()
    parts = ["latent_memory", "cache", "asynchrony", "recovery", "coordination"]
    assert set(target_modules(config, ["bridge"])) == set(target_modules(config, parts))
    assert len(target_modules(config, ["bridge", *parts])) == len(target_modules(config, parts))
    assert sorted(target_modules(config, list(COMPONENT_SIZES))) == sorted(target_modules(config))
    assert readout_modules(config, ["emotion_analyzer"]) == [
        "emotion_analyzer.nuance_readout",
        "emotion_analyzer.arc_hidden",
        "emotion_analyzer.arc_out",
    ]
    with pytest.raises(ValueError, match="No component 'emotion_heads'; did you mean 'emotion_head'"):
        target_modules(config, ["emotion_heads"])
    with pytest.raises(ValueError, match="'latent_memory' has no read-out"):
        readout_modules(config, ["latent_memory"])


@pytest.mark.parametrize("kind", [RedHeartModel, RedHeartForSequenceClassification])
def test_the_names_are_what_peft_adapts_in_every_model_around_one(kind: type[Any]) -> None:
    config = RedHeartConfig.from_preset("redheart-tiny")
    names = target_modules(config, ["backbone", "emotion_analyzer"])
    model = peft.get_peft_model(kind(config), peft.LoraConfig(target_modules=names))
    prefix = "" if kind is RedHeartModel else "model."
    assert sorted(model.targeted_module_names) == sorted(prefix + name for name in names)


@pytest.mark.parametrize("scheme", [None, *QUANTISED])
def test_a_new_adapter_changes_nothing_and_is_all_that_learns(
    scheme: str | None, base: Path, read: Callable[..., Tensor], batch: dict[str, Tensor], targets: dict[str, Tensor]
) -> None:
    model = load(base, scheme)
    before = read(model)
    wrapped: Any = add_adapter(model, PeftRecipe(rank=4, components=["emotion_head"], readouts=["emotion_head"]))
    assert torch.equal(read(wrapped), before)
    optimizer = torch.optim.SGD([item for item in wrapped.parameters() if item.requires_grad], lr=0.1)
    given = {name: targets[name] for name in ("emotion_labels", "affect_labels")}
    for _ in range(2):  # in the first step, one of each two matrices has a gradient of zero
        wrapped.train()(**batch, **given, outputs=["emotion"]).loss.backward()
        learned = {name for name, item in wrapped.named_parameters() if item.grad is not None and item.grad.any()}
        optimizer.step()
    assert learned == {name for name, item in wrapped.named_parameters() if item.requires_grad}
    assert all("lora_" in name or ".modules_to_save." in name for name in learned)
    assert not torch.equal(read(wrapped), before)
    assert torch.equal(read(unload_adapters(wrapped)), before)


# ---- Saving, loading, merging, unloading ----


@pytest.mark.parametrize("extra", [{}, {"dora": True}, {"rslora": True}, {"readouts": ["emotion_head"]}], ids=str)
def test_save_load_merge_and_unload_are_exact(
    extra: dict[str, Any], base: Path, trained: Callable[..., Path], read: Callable[..., Tensor], tmp_path: Path
) -> None:
    recipe = PeftRecipe(rank=4, components=EMOTION.components, **extra)
    before, after = read(load(base)), read(adapted(base, recipe))
    assert (after - before).abs().max() > 0.1
    folder = trained(recipe)
    loaded: Any = load_adapter(base, folder)
    assert torch.equal(read(loaded), after)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    with loaded.disable_adapter():
        assert torch.equal(read(loaded), before)
    merged = merge_adapter(load_adapter(load(base), folder))
    torch.testing.assert_close(read(merged), after, atol=1e-6, rtol=1e-5)
    assert merged.config.supervision == {"verdict": ["scruples"], **CLAIMS}
    merged.save_pretrained(tmp_path / "merged")
    assert torch.equal(read(load(tmp_path / "merged")), read(merged))
    assert torch.equal(read(unload_adapters(loaded)), before)


@pytest.mark.parametrize("scheme", QUANTISED)
def test_on_a_quantised_base(
    scheme: str, base: Path, trained: Callable[..., Path], read: Callable[..., Tensor], tmp_path: Path
) -> None:
    recipe = PeftRecipe(rank=4, components=EMOTION.components, readouts=["emotion_head"])
    before, after = read(load(base, scheme)), read(adapted(base, recipe, scheme))
    assert (after - before).abs().max() > 0.1
    loaded = load_adapter(base, trained(recipe, scheme=scheme), dtype=torch.float32, **options(scheme))
    assert torch.equal(read(loaded), after)
    if scheme == "nf4":
        with pytest.raises(ValueError, match="cannot be merged into a base in 4 bits: the sum would be rounded again"):
            merge_adapter(loaded)
        with pytest.raises(ValueError, match="in 4 bits"):
            add_adapter(load(base, scheme), PeftRecipe(merge=True))
    else:
        merged = merge_adapter(load_adapter(load(base, scheme), tmp_path / "adapter"))
        assert (read(merged) - after).abs().max() < 0.1 * (after - before).abs().max()
        merged.save_pretrained(tmp_path / "merged")
        assert torch.equal(read(load(tmp_path / "merged")), read(merged))
        with pytest.raises(ValueError, match="name a checkpoint instead"):  # it is no longer its checkpoint
            load_adapter(merged, tmp_path / "adapter")
        with pytest.raises(ValueError, match=r"`dora` .* cannot in 8 bits"):
            add_adapter(load(base, scheme), PeftRecipe(dora=True))
    assert torch.equal(read(unload_adapters(loaded)), before)


def test_two_adapters_keep_their_own_effects(
    base: Path, trained: Callable[..., Path], read: Callable[..., Tensor]
) -> None:
    folders = {"emotion": trained(EMOTION, "emotion"), "verdict": trained(VERDICT, "verdict")}
    alone = {name: load_adapter(load(base), folder) for name, folder in folders.items()}
    both: Any = load_adapter(load(base), folders)
    for name, other in (("emotion", "verdict"), ("verdict", "emotion")):
        # What is read without the other adapter's modules is as it is with the one adapter alone.
        assert torch.equal(read(both, name), read(alone[name], name))
        assert not torch.equal(read(both, name), read(alone[other], name))
    together = read(both)
    both.set_adapter("verdict")
    assert torch.equal(read(both), read(alone["verdict"]))
    both.base_model.set_adapter(list(folders))
    assert torch.equal(read(both), together)
    both.add_weighted_adapter(list(folders), [1.0, 1.0], "sum", combination_type="cat")
    both.set_adapter("sum")
    torch.testing.assert_close(read(both), together, atol=1e-6, rtol=1e-5)
    assert torch.equal(read(unload_adapters(both)), read(load(base)))


def test_adapters_of_the_same_layers_add_up(
    base: Path, trained: Callable[..., Path], read: Callable[..., Tensor]
) -> None:
    folders = {"one": trained(EMOTION, "one"), "two": trained(EMOTION, "two")}
    double = PeftRecipe(rank=4, alpha=2 * EMOTION.alpha, components=EMOTION.components)
    both, twice = load_adapter(load(base), folders), load_adapter(load(base), trained(double))
    torch.testing.assert_close(read(both), read(twice), atol=1e-5, rtol=1e-5)


def test_adapters_that_have_one_readout_each_are_not_loaded_together(base: Path, trained: Callable[..., Path]) -> None:
    recipe = PeftRecipe(rank=2, components=["emotion_head"], readouts=["emotion_head"])
    folders = {"one": trained(recipe, "one"), "two": trained(recipe, "two")}
    with pytest.raises(ValueError, match=r"'one' and 'two' .* read-out emotion_head\.readout.* load one of the two"):
        load_adapter(load(base), folders)
    with pytest.raises(ValueError, match="load all that you want in one call"):
        load_adapter(load_adapter(load(base), folders["one"]), folders["two"])  # type: ignore[arg-type]


# ---- Which base it belongs to ----


def test_the_digest_is_about_weights_and_not_about_files(base: Path, tmp_path: Path) -> None:
    expected = weights_digest(base)
    load(base).save_pretrained(tmp_path / "cut", max_shard_size="200KB")
    assert len(list((tmp_path / "cut").glob("*.safetensors"))) > 2
    assert weights_digest(tmp_path / "cut") == expected
    assert weights_digest(load(base)) == expected
    for scheme in QUANTISED:
        assert weights_digest(load(base, scheme)) == expected
    with pytest.raises(ValueError, match="no weights"):
        weights_digest(tmp_path)


def test_an_adapter_of_other_weights_is_refused(base: Path, trained: Callable[..., Path], tmp_path: Path) -> None:
    folder, other_folder = trained(), changed(base, tmp_path / "changed")
    for other in (other_folder, load(other_folder)):
        with pytest.raises(ValueError, match="fits no other checkpoint") as caught:
            load_adapter(other, folder)
        for expected in (str(folder), str(base), "pruned", "name the folder that it was trained on"):
            assert expected in str(caught.value)
        assert str(other_folder) in str(caught.value)
    with pytest.raises(ValueError, match="not an adapter of `redheart train`"):
        load_adapter(base, base)


def test_a_part_of_an_adapter_is_refused(base: Path, trained: Callable[..., Path]) -> None:
    folder = trained()
    weights = folder / "adapter_model.safetensors"
    tensors = load_file(weights)
    lost = next(name for name in tensors if "lora_B" in name)
    weights.unlink()
    with pytest.raises(ValueError, match=r"has no adapter_model\.safetensors"):
        load_adapter(base, folder)
    save_file({name: value for name, value in tensors.items() if name != lost}, weights)
    with pytest.raises(ValueError, match=r"lacks weights of its adapter, such as .*lora_B"):
        load_adapter(load(base), folder)


def test_claims_come_and_go_with_the_adapter(
    base: Path, trained: Callable[..., Path], tokenizer: PreTrainedTokenizerBase
) -> None:
    def flags(model: Any) -> dict[str, list[str]]:
        reader = pipeline("ethical-analysis", model=model, tokenizer=tokenizer)
        found: dict[str, list[str]] = reader("a good day", outputs=["emotion", "verdict"])["flags"]
        return found

    model = load(base)
    assert "emotion" in flags(model)["withheld"]
    loaded: Any = load_adapter(model, trained())
    assert not {"emotion", "verdict"} & set(flags(loaded)["withheld"])
    assert "emotion.anger" in flags(loaded)["untrained"]
    assert "emotion.joy" not in flags(loaded)["untrained"]
    assert "emotion" in flags(unload_adapters(loaded))["withheld"]


# ---- Training ----


def test_the_trainer_takes_a_model_with_an_adapter(
    base: Path, mixed_units: list[Unit], make_trainer: Callable[..., RedHeartTrainer]
) -> None:
    model: Any = add_adapter(load(base), PeftRecipe(rank=4, components=["backbone", *(EMOTION.components or ())]))
    trainer = make_trainer(
        model, mixed_units, eval_dataset=mixed_units, max_steps=6, learning_rate=1e-2, ema_decay=0.5, layer_decay=0.5,
        consistency=0.1, r_drop=0.1, loss_weights={"emotion": 20.0},
    )  # fmt: skip
    before = trainer.evaluate()["eval_loss_emotion"]
    trainer.create_optimizer()
    groups: Any = trainer.optimizer
    rates = {parameter: group["lr"] for group in groups.param_groups for parameter in group["params"]}
    assert rates.keys() == {parameter for parameter in model.parameters() if parameter.requires_grad}
    inner = model.get_base_model()
    first = inner.backbone.encoder.layers[0].attention.q_proj.lora_A.default.weight
    last = inner.emotion_analyzer.decoder.layers[0].attention.q_proj.lora_A.default.weight
    assert rates[first] < rates[last]
    trainer.train()
    assert trainer.evaluate()["eval_loss_emotion"] < before
    assert inner.config.loss_weights["emotion"] == 20.0
    assert weights_digest(unload_adapters(model)) == weights_digest(base)


def test_the_confidence_phase_trains_the_part_of_the_adapter_only(
    base: Path, mixed_units: list[Unit], tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    settings = {"output_dir": str(tmp_path / "run"), "longest_text": 32, "use_cpu": True, "report_to": "none"}
    recipe = ConfidenceRecipe(epochs=1.0)
    model: Any = add_adapter(load(base), PeftRecipe(rank=2, components=["emotion_head", "sweet_spot"]))
    before = {name: item.clone() for name, item in model.named_parameters()}
    train_confidence(model, tokenizer, mixed_units, settings, recipe)
    changed = {name for name, item in model.named_parameters() if not torch.equal(item, before[name])}
    assert changed == {name for name in before if ".sweet_spot." in name and "lora_" in name} != set()
    assert sum(item.requires_grad for item in model.parameters()) == sum("lora_" in name for name in before)
    other: Any = add_adapter(load(base), EMOTION)
    with pytest.raises(ValueError, match="name 'sweet_spot' among the `components`"):
        train_confidence(other, tokenizer, mixed_units, settings, recipe)


@pytest.fixture
def write_recipe(base: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a recipe of an adapter on ``base``, over sixty texts whose words give away an emotion and a verdict."""
    words = {"joy": "sunny laughing party", "anger": "shouting furious fist"}
    rows = [
        {"text": f"{words[emotion]} {number}", "emotion": [emotion], "verdict": "author" if place else "nobody"}
        for number in range(30)
        for place, emotion in enumerate(words)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))

    def write(name: str, training: dict[str, Any], model: dict[str, Any] | None = None, **parts: Any) -> Path:
        settings = {
            "learning_rate": 1e-2, "lr_scheduler_type": "constant", "per_device_train_batch_size": 8, "bf16": False,
            "longest_text": 32, "use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "logging_steps": 1,
        }  # fmt: skip
        content = {
            "output": str(tmp_path / name),
            "model": {"checkpoint": str(base), **(model or {})},
            "data": {"train": [{"path": str(tmp_path / "rows.jsonl")}], "held_out": 0.3},
            "training": {**settings, **training},
            **parts,
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


PLAN = {"rank": 4, "dropout": 0.1, "components": ["emotion_head", "emotion_analyzer", "coordination", "sweet_spot"],
        "readouts": ["emotion_head"]}  # fmt: skip


@pytest.mark.slow
def test_a_run_leaves_the_adapter_its_record_and_the_merged_model(
    base: Path, write_recipe: Callable[..., Path], read: Callable[..., Tensor], tmp_path: Path
) -> None:
    evaluated = {"max_steps": 10, "eval_strategy": "steps", "eval_steps": 2, "ema_decay": 0.5, "layer_decay": 0.9}
    parts = {"sweet_spot": {"plot": False}, "crossover": {"plot": False, "generations": 1, "population": 2},
             "lr_sweep": {"steps": 10, "probe": 4}, "confidence": {"share": 0.2, "epochs": 1}}  # fmt: skip
    report = run(read_recipe(write_recipe("run", evaluated, peft={**PLAN, "merge": True}, **parts)))
    assert report["validation"]["emotion"]["after"] < report["validation"]["emotion"]["before"]
    folder = tmp_path / "run" / "adapter"
    files = {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "redheart_adapter.json", "README.md"}
    assert files <= {path.name for path in folder.iterdir()}
    record = read_record(folder)
    assert (record.base, record.weights) == (str(base), weights_digest(base))
    assert record.supervision["emotion.joy"] == ["rows"]
    assert record.supervision["confidence.verdict"] == ["rows held out of training"]
    assert weights_digest(base) in (folder / "README.md").read_text()
    loaded, merged = load_adapter(base, folder), load(tmp_path / "run" / "model")
    # So the base of the run was as it was when it was merged, whatever the callbacks did.
    torch.testing.assert_close(read(merged), read(loaded), atol=1e-5, rtol=1e-4)
    assert merged.config.supervision == loaded.config.supervision
    followed = json.loads((tmp_path / "run" / "sweet_spot_report.json").read_text())["modules"]
    assert set(followed) == {
        f"base_model.model.{name}" for name in ("emotion_head", "emotion_analyzer", "bridge.coordination")
    }


@pytest.mark.slow
def test_qlora_on_a_cpu_resumes_exactly(
    base: Path, write_recipe: Callable[..., Path], read: Callable[..., Tensor], tmp_path: Path
) -> None:
    saved = {"save_strategy": "steps", "save_steps": 4, "ema_decay": 0.5, "activation_checkpointing": True}
    both: dict[str, Any] = {"model": {"quantize": "nf4"}, "peft": PLAN}
    report = run(read_recipe(write_recipe("whole", {**saved, "max_steps": 8}, **both)))
    assert report["validation"]["emotion"]["after"] < report["validation"]["emotion"]["before"]
    assert math.isfinite(report["validation"]["verdict"]["after"])
    assert not (tmp_path / "whole" / "model").exists()
    run(read_recipe(write_recipe("cut", {**saved, "max_steps": 4}, **both)))
    run(read_recipe(write_recipe("cut", {**saved, "max_steps": 8}, **both)), resume=True)
    one, two = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(two[name], value), name
    lost = {**both, "model": {**both["model"], "checkpoint": str(changed(base, tmp_path / "changed"))}}
    with pytest.raises(ValueError, match="began on other weights"):
        run(read_recipe(write_recipe("cut", {**saved, "max_steps": 12}, **lost)), resume=True)
    folder = tmp_path / "whole" / "adapter"
    assert not torch.equal(
        read(load_adapter(base, folder, dtype=torch.float32, **options("nf4"))), read(load(base, "nf4"))
    )


def test_int8_in_bfloat16_learns(write_recipe: Callable[..., Path]) -> None:
    plan = {"rank": 4, "components": ["emotion_head"], "readouts": ["emotion_head"]}
    path = write_recipe("run", {"max_steps": 4, "bf16": True}, model={"quantize": "int8"}, peft=plan)
    report = run(read_recipe(path))
    assert report["validation"]["emotion_head"]["after"] < report["validation"]["emotion_head"]["before"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"checkpoint": "a", "quantize": "nf4"}}, r"needs an adapter, `peft: \{\}`"),
        ({"model": {"checkpoint": "a", "quantize": "nf"}, "peft": {}}, "cannot be 'nf'; did you mean 'nf4'"),
        ({"model": {"preset": "redheart-tiny"}, "peft": {}}, "`redheart create PRESET` makes one"),
        ({"model": {"checkpoint": "a", "sharded": True}, "peft": {}}, r"`model\.sharded` trains all weights"),
        ({"peft": {"ranks": 4}}, r"no option peft\.ranks; did you mean 'rank'"),
        ({"peft": {"rank": 0}}, r"`peft\.rank` must be 1 or more, got 0"),
        ({"peft": {"dropout": 1}}, r"`peft\.dropout` must be in 0 <= rate < 1"),
        ({"peft": {"components": []}}, "is empty"),
        ({"peft": {"components": ["bridges"]}}, "No component 'bridges'; did you mean 'bridge'"),
        ({"peft": {"readouts": ["emotion"]}}, "No component 'emotion'"),
        ({"peft": {"components": ["bridge"]}, "confidence": {}}, "add it to `peft.components`"),
    ],
)
def test_what_does_not_go_together_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    content = {"output": "out", "model": {"checkpoint": "a"}, "data": {"train": [{"path": "a.jsonl"}]}, **change}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=message):
        read_recipe(path)


def test_callbacks_without_a_module_to_follow_are_refused(write_recipe: Callable[..., Path]) -> None:
    evaluated = {"max_steps": 2, "eval_strategy": "steps", "eval_steps": 1}
    plan = {"rank": 2, "components": ["token_budget"]}
    with pytest.raises(ValueError, match=r"changes none of the modules .* leave the two out"):
        run(read_recipe(write_recipe("run", evaluated, peft=plan, sweet_spot={"plot": False})))


def test_a_checkpoint_in_integers_is_not_quantised_again(
    base: Path, write_recipe: Callable[..., Path], tmp_path: Path
) -> None:
    load(base, "int8").save_pretrained(tmp_path / "int8")
    given = {"checkpoint": str(tmp_path / "int8"), "tokenizer": str(base)}
    with pytest.raises(ValueError, match=r"is already quantised: leave `model\.quantize` out"):
        run(read_recipe(write_recipe("run", {"max_steps": 1}, model={**given, "quantize": "nf4"}, peft={})))
    plan = {"rank": 2, "components": ["emotion_head"]}
    run(read_recipe(write_recipe("run", {"max_steps": 1}, model=given, peft=plan)))
    assert read_record(tmp_path / "run" / "adapter").weights == weights_digest(tmp_path / "int8")
