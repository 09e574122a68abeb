"""The model as a whole: what must not change a reading, what is not run, and what is refused."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers.utils.generic import ModelOutput

from redheart import RedHeartModel
from redheart.configuration.labels import FAST_OUTPUTS, MODULES, OUTPUTS

Batch = dict[str, Tensor]
Make = Callable[..., RedHeartModel]

TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}

ANALYZERS = {
    "emotion_analyzer",
    "bentham_calculator",
    "regret_analyzer",
    "counterfactual_reasoner",
    "surd_analyzer",
    "perspectives",
}
PARTS = (*MODULES, "bridge", "bridge.memory", "sweet_spot", "projector")

# What must run for each output, and nothing else of PARTS.
NEEDED = {
    "emotion": {"emotion_head", "emotion_analyzer"},
    "bentham": {"bentham_head", "bentham_calculator"},
    "regret": {"regret_head", "regret_analyzer"},
    "counterfactual": {"counterfactual_reasoner"},
    "surd": set(MODULES) - {"counterfactual_reasoner", "perspectives"},
    "perspectives": {"perspectives"},
    "verdict": {"bridge"},
    "confidence": {"emotion_head", "emotion_analyzer", "bridge", "sweet_spot"},
    "embedding": {"projector"},
}
NEEDED_FAST = {
    "emotion": {"emotion_head"},
    "bentham": {"bentham_head"},
    "regret": {"regret_head"},
    "surd": {"surd_head"},
    "verdict": {"surd_head"},
    "embedding": {"projector", "bridge.memory"},
}


def tensors(output: Any, name: str = "") -> dict[str, Tensor]:
    """Every tensor of an output by dotted name, through whatever it is nested in."""
    if isinstance(output, Tensor):
        return {name: output}
    if isinstance(output, ModelOutput | dict):
        items = [(str(key), value) for key, value in output.items()]
    elif isinstance(output, tuple | list):
        items = [(str(index), value) for index, value in enumerate(output)]
    else:
        return {}
    found: dict[str, Tensor] = {}
    for key, value in items:
        found |= tensors(value, f"{name}.{key}".strip("."))
    return found


def per_text(output: Any, mask: Tensor) -> list[dict[str, Tensor]]:
    """Every tensor of the reading for each text; those with one entry per token without the padding."""
    rows: list[dict[str, Tensor]] = [{} for _ in mask]
    for name, tensor in tensors(output).items():
        assert len(tensor) == len(mask), f"{name} has no batch dimension"
        by_token = name == "importance" or name.startswith("hidden_states")
        for row, value, present in zip(rows, tensor, mask.bool(), strict=True):
            row[name] = value[present] if by_token else value
    return rows


def assert_same(rows: Sequence[dict[str, Tensor]], expected: Sequence[dict[str, Tensor]], **tolerance: float) -> None:
    assert len(rows) == len(expected)
    for row, right in zip(rows, expected, strict=True):
        assert set(row) == set(right)
        for name in row:
            torch.testing.assert_close(
                row[name], right[name], **(tolerance or TOLERANCE), msg=lambda m, n=name: f"{n}: {m}"
            )


def pad(texts: Sequence[Tensor], side: str = "right", extra: int = 0) -> Batch:
    """A batch of texts; the ids at the padding are not pad tokens, because they must not matter."""
    length = max(len(text) for text in texts) + extra
    input_ids = torch.randint(5, 100, (len(texts), length), generator=torch.Generator().manual_seed(9))
    attention_mask = torch.zeros(len(texts), length, dtype=torch.long)
    for row, text in enumerate(texts):
        place = slice(0, len(text)) if side == "right" else slice(length - len(text), length)
        input_ids[row, place], attention_mask[row, place] = text, 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}


@contextmanager
def calls(model: RedHeartModel, names: Sequence[str] = PARTS) -> Iterator[dict[str, list[Any]]]:
    """Records the positional inputs of each submodule that is called."""
    seen: dict[str, list[Any]] = {}
    handles = []
    for name in names:
        module = model.get_submodule(name)
        handles.append(
            module.register_forward_hook(lambda _, inputs, __, name=name: seen.setdefault(name, []).append(inputs))
        )
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@pytest.fixture(scope="module")
def texts(batch: Batch) -> list[Tensor]:
    return [ids[mask.bool()] for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]


@pytest.fixture(scope="module")
def eager(lively_model: Make) -> RedHeartModel:
    return lively_model("eager")


@pytest.fixture(autouse=True)
def _no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


# --- what must not change a reading

REQUESTS: dict[str, dict[str, Any]] = {
    "full": {"output_hidden_states": True},
    "fast": {"depth": "fast"},
    "full, 3 tokens": {"token_budget": 3},
    "fast, 3 tokens": {"depth": "fast", "token_budget": 3},
}


@pytest.fixture(scope="module", params=REQUESTS.values(), ids=list(REQUESTS))
def request_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = request.param
    return options


@pytest.fixture(scope="module")
def each_alone(
    shared_lively: RedHeartModel, texts: list[Tensor], request_options: dict[str, Any]
) -> list[dict[str, Tensor]]:
    """The reading of each text by itself, without padding and without a mask."""
    with torch.no_grad():
        return [per_text(shared_lively(text[None], **request_options), torch.ones(1, len(text)))[0] for text in texts]


@pytest.mark.parametrize(("side", "extra"), [("right", 0), ("left", 0), ("right", 7), ("left", 7)])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 2]], ids=str)
def test_readings_do_not_depend_on_padding_order_or_batch(
    lively: RedHeartModel,
    texts: list[Tensor],
    request_options: dict[str, Any],
    each_alone: list[dict[str, Tensor]],
    side: str,
    extra: int,
    order: list[int],
) -> None:
    padded = pad([texts[index] for index in order], side, extra)
    rows = per_text(lively(**padded, **request_options), padded["attention_mask"])
    assert_same(rows, [each_alone[index] for index in order])


def test_every_output_depends_on_the_text(each_alone: list[dict[str, Tensor]]) -> None:
    """Otherwise the tests above would compare constants."""
    first, second = each_alone[0], each_alone[1]
    for name in set(first) - {"recovered", "emotion.arc_mask", "importance"}:
        if not name.startswith("hidden_states"):
            assert (first[name] - second[name]).abs().max() > 1e-4, name


def test_padding_has_no_importance(lively: RedHeartModel, batch: Batch) -> None:
    importance = lively(**batch).importance
    assert importance.shape == batch["input_ids"].shape
    assert not importance[batch["attention_mask"] == 0].any()
    assert ((importance > 0) & (importance < 1))[batch["attention_mask"] == 1].all()


@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.float32])
def test_the_type_of_the_mask_does_not_matter(lively: RedHeartModel, batch: Batch, dtype: torch.dtype) -> None:
    mask = batch["attention_mask"]
    rows = per_text(lively(batch["input_ids"], mask.to(dtype)), mask)
    assert_same(rows, per_text(lively(**batch), mask))


@pytest.mark.parametrize("options", REQUESTS.values(), ids=list(REQUESTS))
def test_sdpa_equals_eager(lively: RedHeartModel, eager: RedHeartModel, batch: Batch, options: dict[str, Any]) -> None:
    mask = batch["attention_mask"]
    assert_same(per_text(eager(**batch, **options), mask), per_text(lively(**batch, **options), mask))


def test_the_kernel_for_few_rows_changes_nothing(lively: RedHeartModel, batch: Batch) -> None:
    with torch.enable_grad():
        expected = tensors(lively(**batch))
    rows, right = ({n: t.detach() for n, t in found.items()} for found in (tensors(lively(**batch)), expected))
    assert_same([rows], [right])


@pytest.mark.parametrize("depth", ["full", "fast"])
def test_eval_is_deterministic(lively_model: Make, batch: Batch, depth: str) -> None:
    model = lively_model(hidden_dropout=0.3, attention_dropout=0.3)
    mask = batch["attention_mask"]
    first = per_text(model(**batch, depth=depth), mask)
    assert_same(first, per_text(model(**batch, depth=depth), mask), atol=0, rtol=0)
    model.train()
    noisy = model(**batch, depth=depth).verdict.logits
    assert (noisy - model(**batch, depth=depth).verdict.logits).abs().max() > 1e-3


def test_reading_leaves_model_and_inputs_as_they_are(lively: RedHeartModel, batch: Batch) -> None:
    weights = {name: value.clone() for name, value in lively.state_dict().items()}
    options = copy.deepcopy(lively.config.to_dict())
    given = {name: value.clone() for name, value in batch.items()}
    lively(**given, token_budget=3)
    assert all(torch.equal(value, weights[name]) for name, value in lively.state_dict().items())
    assert lively.config.to_dict() == options
    assert all(torch.equal(given[name], batch[name]) for name in batch)


@pytest.mark.parametrize("options", REQUESTS.values(), ids=list(REQUESTS))
def test_embeddings_equal_ids(lively: RedHeartModel, batch: Batch, options: dict[str, Any]) -> None:
    mask = batch["attention_mask"]
    embeds = lively.get_input_embeddings()(batch["input_ids"])
    rows = per_text(lively(inputs_embeds=embeds, attention_mask=mask, **options), mask)
    assert_same(rows, per_text(lively(**batch, **options), mask))


def test_embeddings_equal_ids_above_an_encoder(lively_model: Make, bert_options: dict[str, Any], batch: Batch) -> None:
    model, mask = lively_model(encoder_config=bert_options), batch["attention_mask"]
    embeds = model.get_input_embeddings()(batch["input_ids"])
    rows = per_text(model(inputs_embeds=embeds, attention_mask=mask), mask)
    assert_same(rows, per_text(model(**batch), mask))


def test_padding_changes_nothing_above_an_encoder(
    lively_model: Make, bert_options: dict[str, Any], batch: Batch, texts: list[Tensor]
) -> None:
    model = lively_model(encoder_config=bert_options)  # its positions are absolute: padding goes to the right
    rows = per_text(model(**batch), batch["attention_mask"])
    assert_same(rows, [per_text(model(text[None]), torch.ones(1, len(text)))[0] for text in texts])


def test_token_types_reach_the_encoder(lively_model: Make, bert_options: dict[str, Any], batch: Batch) -> None:
    model = lively_model(encoder_config=bert_options)
    plain = model(**batch).verdict.logits
    zeros = torch.zeros_like(batch["input_ids"])
    torch.testing.assert_close(model(**batch, token_type_ids=zeros).verdict.logits, plain)
    assert (model(**batch, token_type_ids=zeros + 1).verdict.logits - plain).abs().max() > 1e-3


def test_a_text_of_padding_only_is_finite_and_independent(lively: RedHeartModel, batch: Batch) -> None:
    mask = batch["attention_mask"].clone()
    mask[3] = 0
    rows = per_text(lively(batch["input_ids"], mask), mask)
    assert all(value.isfinite().all() for value in rows[3].values())
    assert_same(rows[:3], per_text(lively(**batch), batch["attention_mask"])[:3])


# --- outputs and depth


@pytest.mark.parametrize("name", OUTPUTS)
def test_one_output_runs_only_what_it_needs(lively: RedHeartModel, batch: Batch, name: str) -> None:
    everything = tensors(lively(**batch))
    with calls(lively) as seen:
        output = lively(**batch, outputs=[name])
    assert set(seen) - {"bridge.memory"} == NEEDED[name]
    found = tensors(output)
    if name in ("verdict", "confidence"):  # the bridge predicts the states that did not run
        assert all(value.isfinite().all() for value in found.values())
        assert all(found[key].shape == everything[key].shape for key in found)
        return
    assert any(key.split(".")[0] == name for key in found)
    for key, value in found.items():
        assert key.split(".")[0] in (name, "importance", "mixture"), key
        torch.testing.assert_close(value, everything[key], **TOLERANCE)
    assert len(found) == sum(key.split(".")[0] in (name, "importance", "mixture") for key in everything)


@pytest.mark.parametrize("name", FAST_OUTPUTS)
def test_one_fast_output_runs_only_what_it_needs(lively: RedHeartModel, batch: Batch, name: str) -> None:
    everything = tensors(lively(**batch, depth="fast"))
    with calls(lively) as seen:
        found = tensors(lively(**batch, depth="fast", outputs=[name]))
    for key, value in found.items():
        assert key.split(".")[0] in (name, "importance", "mixture"), key
        torch.testing.assert_close(value, everything[key], **TOLERANCE)
    assert set(seen) == NEEDED_FAST[name]


def test_fast_calls_no_analyzer_and_no_bridge(lively: RedHeartModel, batch: Batch) -> None:
    with calls(lively) as seen:
        output = lively(**batch, depth="fast")
    assert not set(seen) & (ANALYZERS | {"bridge", "sweet_spot"})
    parts = {"emotion", "bentham", "regret", "surd", "verdict", "embedding"}
    assert set(output.keys()) == parts | {"importance", "mixture"}


def test_all_outputs_are_the_default(lively: RedHeartModel, batch: Batch) -> None:
    mask = batch["attention_mask"]
    with calls(lively) as seen:
        rows = per_text(lively(**batch), mask)
    assert set(seen) == set(PARTS)
    assert all(len(inputs) == 1 for inputs in seen.values())  # each runs once
    assert_same(per_text(lively(**batch, outputs=tuple(reversed(OUTPUTS))), mask), rows)
    assert_same(per_text(lively(**batch, outputs=set(OUTPUTS)), mask), rows)


def test_the_reading_has_what_the_design_says(lively: RedHeartModel, batch: Batch) -> None:
    output = lively(**batch)
    shapes = {name: tuple(value.shape[1:]) for name, value in tensors(output).items()}
    hidden = lively.config.hidden_size
    assert shapes == {
        "emotion.logits": (28,),
        "emotion.intensity": (28,),
        "emotion.affect": (3,),
        "emotion.nuance_logits": (28, 4),
        "emotion.arc_logits": (8, 28),
        "emotion.arc_mask": (8,),
        "emotion.state": (hidden,),
        "bentham.mean": (10,),
        "bentham.logits": (10,),
        "bentham.log_variance": (10,),
        "bentham.state": (hidden,),
        "regret.scores": (7, 3),
        "regret.logits": (7, 3),
        "regret.state": (hidden,),
        "counterfactual.utility": (3,),
        "counterfactual.utility_logits": (3,),
        "counterfactual.plausibility_logits": (3,),
        "counterfactual.views": (3, hidden),
        "counterfactual.state": (hidden,),
        "surd.parts": (4,),
        "surd.subset_logits": (8, 5),
        "surd.state": (hidden,),
        "perspectives.verdict_logits": (2, 5),
        "perspectives.state": (hidden,),
        "verdict.logits": (5,),
        "verdict.acceptability_logits": (),
        "expected_loss": (13,),
        "embedding": (hidden,),
        "joint": (hidden,),
        "importance": (12,),
        "mixture": (5, 3),
        "states": (10, hidden),
        "recovered": (10,),
    }
    torch.testing.assert_close(output.embedding.norm(dim=-1), torch.ones(4))
    torch.testing.assert_close(output.mixture.sum(dim=-1), torch.ones(4, 5))
    assert (output.expected_loss >= 0).all()
    assert output.regret.scores.abs().max() <= 1
    assert not output.recovered.any()


@pytest.mark.parametrize("seed", range(3))
def test_better_is_not_below_actual_nor_actual_below_worse(lively_model: Make, batch: Batch, seed: int) -> None:
    model = lively_model(seed=seed, initializer_range=0.5)
    output = model(**batch, outputs=["counterfactual"]).counterfactual
    better, actual, worse = output.utility_logits.unbind(-1)
    assert (better > actual).all()
    assert (actual > worse).all()
    assert (output.utility.abs() <= 1).all()
    assert (output.utility.diff(dim=-1) <= 0).all()


# --- token budget


@pytest.mark.parametrize("depth", ["full", "fast"])
@pytest.mark.parametrize("budget", [1, 3, 11])
def test_a_budget_bounds_the_kept_tokens(lively: RedHeartModel, batch: Batch, depth: str, budget: int) -> None:
    readers = ["emotion_head", "bentham_head", "regret_head", "surd_head", "bridge.memory"]
    with calls(lively, [*readers, "emotion_analyzer"]) as seen:
        output = lively(**batch, depth=depth, token_budget=budget)
    for name in readers:
        memory, bias = seen[name][0]
        assert memory.shape == (4, budget, 32)
        assert bias.shape == (4, 1, 1, budget)
    if depth == "full":
        assert seen["emotion_analyzer"][0][2].shape == (4, budget, 32)
    assert output.importance.shape == (4, 12)


def test_the_most_important_tokens_are_kept(lively: RedHeartModel, batch: Batch) -> None:
    everything = lively(**batch, outputs=["emotion"]).importance
    with calls(lively, ["emotion_head"]) as seen:
        lively(**batch, outputs=["emotion"], token_budget=4)
        lively(**batch, outputs=["emotion"])
    (kept, _), (whole, _) = seen["emotion_head"]
    for row in range(4):
        best = everything[row].topk(4).indices.sort().values
        real = best[everything[row, best] > 0]
        torch.testing.assert_close(kept[row, torch.isin(best, real)], whole[row, real])


@pytest.mark.parametrize("depth", ["full", "fast"])
@pytest.mark.parametrize("budget", [12, 500])
def test_a_budget_that_is_large_enough_changes_nothing(
    lively: RedHeartModel, batch: Batch, depth: str, budget: int
) -> None:
    mask = batch["attention_mask"]
    rows = per_text(lively(**batch, depth=depth, token_budget=budget), mask)
    assert_same(rows, per_text(lively(**batch, depth=depth), mask), atol=0, rtol=0)


def test_the_budget_of_the_config_is_the_default(lively_model: Make, lively: RedHeartModel, batch: Batch) -> None:
    mask = batch["attention_mask"]
    bounded = lively_model(token_budget=3)
    assert_same(per_text(bounded(**batch), mask), per_text(lively(**batch, token_budget=3), mask))
    assert_same(per_text(bounded(**batch, token_budget=12), mask), per_text(lively(**batch), mask))


# --- what is refused


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"outputs": ["emotoin"]}, "No output 'emotoin'; did you mean 'emotion'"),
        ({"outputs": "emotion"}, r"list of names, got the string 'emotion'; write \['emotion'\]"),
        ({"outputs": ["emotion", "xyzzy"]}, "No output 'xyzzy'; known are emotion, bentham"),
        ({"depth": "fats"}, "No depth 'fats'; did you mean 'fast'"),
        ({"depth": "deep"}, "No depth 'deep'"),
        ({"depth": None}, "No depth None"),
        (
            {"depth": "fast", "outputs": ["perspectives"]},
            "'perspectives' needs depth='full'; depth='fast' gives emotion",
        ),
        ({"token_budget": 0}, "token_budget"),
        ({"token_budget": -1}, "token_budget"),
        ({"output_attentions": True}, "attn_implementation='eager'"),
    ],
    ids=str,
)
def test_impossible_requests_are_refused(
    lively: RedHeartModel, batch: Batch, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        lively(**batch, **options)


def test_impossible_inputs_are_refused(lively: RedHeartModel, batch: Batch) -> None:
    ids, embeds = batch["input_ids"], torch.randn(4, 12, 32)
    spoilt = embeds.clone()
    spoilt[2, 3, 4] = math.nan
    for inputs, reason in (
        ({}, "either `input_ids` or `inputs_embeds`"),
        ({"input_ids": ids, "inputs_embeds": embeds}, "and not both"),
        ({"inputs_embeds": spoilt}, "not finite"),
        ({"inputs_embeds": embeds / 0}, "not finite"),
        ({"input_ids": torch.ones(1, 257, dtype=torch.long)}, "257 tokens is longer than this model's 256.*truncation"),
        ({"input_ids": ids[:, :0]}, "nothing to read in a batch of 4 texts of 0 tokens"),
        ({"input_ids": ids[:0]}, "nothing to read in a batch of 0 texts"),
        ({"input_ids": ids, "attention_mask": torch.ones(4, 11)}, r"shape \(4, 12\), got \(4, 11\)"),
        ({"input_ids": ids, "attention_mask": torch.ones(12)}, r"shape \(4, 12\), got \(12,\)"),
    ):
        with pytest.raises(ValueError, match=reason):
            lively(**inputs)


def test_the_longest_text_is_read(lively: RedHeartModel) -> None:
    assert lively(torch.full((1, 256), 7)).verdict.logits.isfinite().all()


# --- transformers' manners


def test_attentions_and_hidden_states(lively: RedHeartModel, eager: RedHeartModel, batch: Batch) -> None:
    output = eager(**batch, output_attentions=True, output_hidden_states=True)
    assert [tuple(value.shape) for value in output.attentions] == [(4, 2, 12, 12)] * 2
    assert [tuple(value.shape) for value in output.hidden_states] == [(4, 12, 32)] * 3
    mask = batch["attention_mask"].bool()
    for weights in output.attentions:
        torch.testing.assert_close(weights.sum(-1), torch.ones(4, 2, 12))
        assert not weights.masked_select(~mask[:, None, None, :].expand_as(weights)).any()
    torch.testing.assert_close(output.hidden_states[0], eager.get_input_embeddings()(batch["input_ids"]))
    plain = lively(**batch)
    assert plain.attentions is None
    assert plain.hidden_states is None


def test_attentions_and_hidden_states_of_an_encoder(
    lively_model: Make, bert_options: dict[str, Any], batch: Batch
) -> None:
    model = lively_model("eager", encoder_config=bert_options)
    output = model(**batch, output_hidden_states=True)
    assert [tuple(value.shape[:2]) for value in output.hidden_states] == [(4, 12)] * 3
    output = model(**batch, output_attentions=True)
    assert [tuple(value.shape) for value in output.attentions] == [(4, 2, 12, 12)] * 2


def test_a_tuple_has_the_values_of_the_output(lively: RedHeartModel, batch: Batch) -> None:
    output, plain = lively(**batch), lively(**batch, return_dict=False)
    assert isinstance(plain, tuple)
    assert len(plain) == len(output.keys())
    for value, right in zip(plain, output.to_tuple(), strict=True):
        assert tensors(value).keys() == tensors(right).keys()
        for name, tensor in tensors(value).items():
            torch.testing.assert_close(tensor, tensors(right)[name])


def test_the_loss_comes_first_in_a_tuple(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    output = lively(**batch, verdict_labels=targets["verdict_labels"])
    plain = lively(**batch, verdict_labels=targets["verdict_labels"], return_dict=False)
    assert isinstance(plain[0], Tensor)
    torch.testing.assert_close(plain[0], output.loss)


def test_keys_are_the_computed_outputs(lively: RedHeartModel, batch: Batch) -> None:
    for options in ({}, {"outputs": ["surd"]}, {"outputs": ["verdict"], "depth": "fast"}, {"outputs": ["embedding"]}):
        output = lively(**batch, **options)
        assert {name for name in output.__dataclass_fields__ if getattr(output, name) is not None} == set(output.keys())


# --- the bridge


@contextmanager
def spoilt(model: RedHeartModel, module: str, rows: Sequence[int]) -> Iterator[None]:
    """The state of ``module`` is NaN for some texts of the batch."""

    def spoil(_: nn.Module, __: Any, state: Tensor) -> Tensor:
        state = state.clone()
        state[list(rows)] = math.nan
        return state

    handle = model.get_submodule(module).to_state.register_forward_hook(spoil)
    try:
        yield
    finally:
        handle.remove()


ALSO_FAILS = {  # the probe reads the states of the three analyzers
    "emotion_analyzer": {"surd_analyzer"},
    "bentham_calculator": {"surd_analyzer"},
    "regret_analyzer": {"surd_analyzer"},
}


@pytest.mark.parametrize("module", [name for name in MODULES if name != "surd_analyzer"])
def test_a_state_that_is_not_finite_is_rebuilt_and_flagged(lively: RedHeartModel, batch: Batch, module: str) -> None:
    before = lively(**batch)
    with spoilt(lively, module, rows=[1]):
        after = lively(**batch)
    flagged = [{MODULES[i] for i in row.nonzero().flatten().tolist()} for row in after.recovered]
    assert flagged == [set(), {module} | ALSO_FAILS.get(module, set()), set(), set()]
    for value in (
        after.states,
        after.joint,
        after.verdict.logits,
        after.verdict.acceptability_logits,
        after.expected_loss,
    ):
        assert value.isfinite().all()
    others = [0, 2, 3]
    torch.testing.assert_close(after.verdict.logits[others], before.verdict.logits[others], **TOLERANCE)
    torch.testing.assert_close(after.states[others], before.states[others], **TOLERANCE)
    assert (after.states[1, MODULES.index(module)] - before.states[1, MODULES.index(module)]).abs().max() > 1e-3


@pytest.mark.parametrize("module", ["regret_analyzer", "perspectives", "surd_analyzer"])
def test_damaged_weights_are_survived_and_flagged(lively: RedHeartModel, batch: Batch, module: str) -> None:
    damaged = copy.deepcopy(lively)
    damaged.get_submodule(module).to_state.down.weight[0, 0] = math.nan
    output = damaged(**batch)
    assert output.recovered[:, MODULES.index(module)].all()
    assert not output.recovered[:, MODULES.index("counterfactual_reasoner")].any()
    assert output.verdict.logits.isfinite().all()
    assert output.expected_loss.isfinite().all()
    healthy = lively(**batch)
    torch.testing.assert_close(output.counterfactual.utility, healthy.counterfactual.utility)


def test_a_failed_state_is_rebuilt_from_the_other_modules(lively: RedHeartModel, batch: Batch) -> None:
    """The rebuilt state does not depend on the module's own state, but on those of the others."""
    latents = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    states = torch.randn(2, 10, 32, generator=torch.Generator().manual_seed(1))
    usable = torch.ones(2, 10, dtype=torch.bool)
    before = lively.bridge.recovery(states, usable, latents)
    for index in range(10):
        changed = states.clone()
        changed[:, index] += 1
        difference = (lively.bridge.recovery(changed, usable, latents) - before).abs().amax(dim=(0, 2))
        assert difference[index] < 1e-6
        assert (difference[torch.arange(10) != index] > 1e-4).all()
    usable[:, 3] = False
    hidden = lively.bridge.recovery(states, usable, latents)
    states[:, 3] = 0
    torch.testing.assert_close(lively.bridge.recovery(states, usable, latents), hidden)


def test_states_of_modules_not_run_are_predicted_from_the_latents(lively: RedHeartModel, batch: Batch) -> None:
    everything = lively(**batch)
    with calls(lively, ["bridge", "bridge.asynchrony"]) as seen:
        output = lively(**batch, outputs=["verdict", "regret"])
    (latents,) = seen["bridge.asynchrony"][0]
    predicted = lively.bridge.asynchrony(latents)
    ran = torch.tensor([name in ("regret_head", "regret_analyzer") for name in MODULES])
    torch.testing.assert_close(output.states[:, ran], everything.states[:, ran], **TOLERANCE)
    torch.testing.assert_close(output.states[:, ~ran], predicted[:, ~ran], **TOLERANCE)
    with calls(lively, ["bridge.asynchrony"]) as seen:
        lively(**batch)
    assert not seen  # all modules ran: there is nothing to predict


# --- precision


def test_bf16_is_finite_and_near(lively_model: Make, batch: Batch) -> None:
    model = lively_model(initializer_range=0.05)
    half = copy.deepcopy(model).to(torch.bfloat16)
    for options in REQUESTS.values():
        expected, found = tensors(model(**batch, **options)), tensors(half(**batch, **options))
        assert found.keys() == expected.keys()
        for name, value in found.items():
            if "token_budget" in options and name != "importance":
                assert value.isfinite().all(), name  # a near tie may keep another token
                continue
            if value.is_floating_point():
                assert value.dtype is torch.bfloat16, name
                error = (value.float() - expected[name]).abs().max() / expected[name].abs().max().clamp(min=1)
                assert error < 0.05, name
            else:
                assert torch.equal(value, expected[name])
