"""The options: what they accept, refuse and keep."""

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import StrictDataclassClassValidationError, StrictDataclassFieldValidationError
from transformers import AutoConfig, BertConfig

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration import load_preset, preset_names
from redheart.configuration.component_sizes import CacheSize, ReaderSize
from redheart.configuration.configuration_redheart import COMPONENT_SIZES
from redheart.configuration.labels import EMOTIONS, record_keys

TINY = "redheart-tiny"
PRESETS = {"redheart-730m", "redheart-330m", "redheart-100m", "redheart-mini", TINY}
BERT: dict[str, Any] = {
    "model_type": "bert",
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "vocab_size": 50,
}


def with_sizes(component: str, **sizes: int) -> dict[str, Any]:
    """The tiny components with ``sizes`` put over one of them."""
    components = load_preset(TINY)["components"]
    return {"components": {**components, component: {**components.get(component, {}), **sizes}}}


def without(component: str, size: str | None = None) -> dict[str, Any]:
    """The tiny components without one of them, or without one of its sizes."""
    components = load_preset(TINY)["components"]
    removed = components.pop(component)
    if size is not None:
        components[component] = {name: value for name, value in removed.items() if name != size}
    return {"components": components}


def above_encoder() -> dict[str, dict[str, int]]:
    """The tiny components as they must be above an encoder."""
    return {**load_preset(TINY)["components"], "backbone": {"projection": 16}}


def options_of(config: RedHeartConfig) -> dict[str, Any]:
    """All that a config says, but for where it was loaded from."""
    return {name: value for name, value in config.to_dict().items() if name != "_name_or_path"}


# --- presets


def test_the_presets_are_the_family() -> None:
    assert set(preset_names()) == PRESETS
    for name in PRESETS:
        assert isinstance(RedHeartConfig.from_preset(name), RedHeartConfig)


def test_preset_names_begin_with_the_largest() -> None:
    assert preset_names() == ["redheart-730m", "redheart-330m", "redheart-100m", "redheart-mini", TINY]


@pytest.mark.parametrize(("name", "sizes"), [("redheart-730m", (896, 8, 14)), ("redheart-330m", (768, 6, 12))])
def test_presets_have_the_designed_backbone(name: str, sizes: tuple[int, int, int]) -> None:
    config = RedHeartConfig.from_preset(name)
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == sizes


def test_options_go_over_a_preset() -> None:
    config = RedHeartConfig.from_preset(TINY, num_segments=3)
    assert config.num_segments == 3
    assert config.hidden_size == load_preset(TINY)["hidden_size"]


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'redheart-73m'; did you mean 'redheart-730m'\?"):
        RedHeartConfig.from_preset("redheart-73m")
    with pytest.raises(ValueError, match="redheart-tiny"):
        load_preset("../presets/redheart-tiny")


# --- what is refused


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"vocab_size": 0}, "`vocab_size` must be at least 1, got 0"),
        ({"hidden_size": -8}, "`hidden_size` must be at least 1|must be a multiple"),
        ({"num_hidden_layers": 0}, "`num_hidden_layers` must be at least 1, got 0"),
        ({"num_attention_heads": 0}, "`num_attention_heads` must be at least 1, got 0"),
        ({"intermediate_size": 0}, "`intermediate_size` must be at least 1, got 0"),
        ({"max_position_embeddings": 0}, "`max_position_embeddings` must be at least 1, got 0"),
        ({"num_segments": 0}, "`num_segments` must be at least 1, got 0"),
        ({"num_attention_heads": 3}, r"`hidden_size` \(32\) must be a multiple of `num_attention_heads` \(3\)"),
        ({"num_attention_heads": 32}, "must be even for rotary positions, got 1"),
        ({"token_budget": 0}, "`token_budget` must be at least 1 token, or None to keep all; got 0"),
        ({"hidden_dropout": 1.0}, "`hidden_dropout` must be in 0 <= rate < 1, got 1.0"),
        ({"hidden_dropout": float("nan")}, "`hidden_dropout` must be in 0 <= rate < 1, got nan"),
        ({"attention_dropout": -0.1}, "`attention_dropout` must be in 0 <= rate < 1, got -0.1"),
        ({"verdict_temperature": 0}, "`verdict_temperature` must be above 0, got 0"),
        ({"verdict_temperature": float("nan")}, "`verdict_temperature` must be"),
        ({"norm_eps": -1e-6}, "`norm_eps` must be"),
        ({"initializer_range": -0.02}, "`initializer_range` must be"),
        ({"pad_token_id": 9931}, "`pad_token_id`"),
        (with_sizes("projector", intermediate=0), r"`components\['projector'\]\['intermediate'\]` must be at least 1"),
        (with_sizes("backbone", summary_heads=5), r"multiple of the backbone's `summary_heads` \(5\)"),
        (with_sizes("cache", neighbours=33), "33 `neighbours` among only 32 `prototypes`"),
        (with_sizes("projectr", intermediate=4), "Unknown component: 'projectr'; did you mean 'projector'"),
        (with_sizes("projector", intermediat=4), "'intermediat'; did you mean 'intermediate'"),
        (without("projector"), "Missing component: 'projector'"),
        (without("emotion_analyzer", "recurrent"), "Missing size of component 'emotion_analyzer': 'recurrent'"),
        ({"encoder_config": BERT}, "component 'backbone': 'norm_rank'; known are projection"),
        ({"supervision": {"nuance.anger.strng": ["x"]}}, "did you mean 'nuance.anger.strong'"),
        ({"supervision": {"nuance": ["x"]}}, "Unknown claim 'nuance'"),
        ({"thresholds": {"angr": 0.4}}, "Unknown emotion 'angr' in `thresholds`; did you mean 'anger'"),
        ({"thresholds": {"anger": 1.5}}, r"`thresholds\['anger'\]` must be a probability, got 1.5"),
        ({"thresholds": {"anger": float("nan")}}, "must be a probability, got nan"),
        ({"loss_weights": {"emotoin": 2.0}}, "emotoin"),
        ({"loss_weights": {"emotion": float("nan")}}, "emotion"),
        ({"loss_weights": {"emotion": -1.0}}, "emotion"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_is_refused_with_the_reason(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match=reason):
        RedHeartConfig.from_preset(TINY, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_size": "32"},
        {"hidden_size": 32.0},
        {"num_segments": True},
        {"token_budget": 1.5},
        {"hidden_dropout": "0.1"},
        {"norm_eps": None},
        {"components": None},
        {"thresholds": None},
        {"supervision": {"arc": "made-up"}},
        {"loss_weights": {"emotion": "1"}},
        with_sizes("projector", intermediate=3.5),  # type: ignore[arg-type]
        with_sizes("projector", intermediate=True),
    ],
    ids=lambda value: str(value)[:60],
)
def test_types_are_strict(options: dict[str, Any]) -> None:
    with pytest.raises(StrictDataclassFieldValidationError):
        RedHeartConfig.from_preset(TINY, **options)


def test_rates_may_be_whole_numbers() -> None:
    config = RedHeartConfig.from_preset(TINY, hidden_dropout=0, thresholds={"joy": 1}, verdict_temperature=2)
    assert config.thresholds == {"joy": 1}


@pytest.mark.parametrize(
    ("option", "nearest"),
    [("hiden_size", "hidden_size"), ("temperature", "verdict_temperature"), ("treshold", "thresholds")],
)
def test_a_misspelt_option_is_an_error_that_names_the_nearest(option: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"{option!r}; did you mean {nearest!r}"):
        RedHeartConfig.from_preset(TINY, **{option: 3})


def test_options_have_names() -> None:
    with pytest.raises(ValueError, match="keyword"):
        RedHeartConfig(100)  # type: ignore[misc]


def test_a_value_set_later_is_checked(tmp_path: Path) -> None:
    config = RedHeartConfig.from_preset(TINY)
    with pytest.raises(StrictDataclassFieldValidationError):
        config.hidden_size = "33"  # type: ignore[assignment]
    config.num_attention_heads = 3
    with pytest.raises(StrictDataclassClassValidationError):
        config.save_pretrained(tmp_path)


def test_a_spoilt_config_file_is_refused(tmp_path: Path) -> None:
    RedHeartConfig.from_preset(TINY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    good = json.loads(path.read_text(encoding="utf-8"))
    for change, error in (
        ({"num_hidden_layers": "two"}, StrictDataclassFieldValidationError),
        ({"num_hidden_layers": -2}, StrictDataclassClassValidationError),
    ):
        path.write_text(json.dumps(good | change), encoding="utf-8")
        with pytest.raises(error):
            RedHeartConfig.from_pretrained(tmp_path)


# --- what is kept


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_survives_the_round_trip(name: str, tmp_path: Path) -> None:
    config = RedHeartConfig.from_preset(name)
    config.save_pretrained(tmp_path)
    for loaded in (RedHeartConfig.from_pretrained(tmp_path), AutoConfig.from_pretrained(tmp_path)):
        assert type(loaded) is RedHeartConfig
        assert options_of(loaded) == options_of(config)


def test_every_option_survives_the_round_trip(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "vocab_size": 77,
        "num_segments": 5,
        "token_budget": 9,
        "hidden_dropout": 0.25,
        "attention_dropout": 0.125,
        "norm_eps": 1e-5,
        "initializer_range": 0.5,
        "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"},
        "pad_token_id": None,
        "loss_weights": {"emotion": 2.0, "sparsity": 0},
        "supervision": {"emotion.joy": ["a", "b"], "arc": []},
        "thresholds": {"joy": 0.25},
        "verdict_temperature": 1.5,
        "id2label": {0: "no", 1: "yes", 2: "perhaps"},
        "problem_type": "single_label_classification",
    }
    config = RedHeartConfig.from_preset(TINY, **options)
    config.save_pretrained(tmp_path)
    loaded = RedHeartConfig.from_pretrained(tmp_path)
    assert {name: getattr(loaded, name) for name in options} == options
    assert loaded.num_labels == 3
    assert options_of(loaded) == options_of(config)


def test_two_configs_share_nothing() -> None:
    first, second = RedHeartConfig(), RedHeartConfig()
    first.components["projector"]["intermediate"] = 7
    first.thresholds["joy"] = 0.1
    assert second.components["projector"]["intermediate"] != 7
    assert second.thresholds == {}


def test_encoder_config_as_a_dict_or_an_instance(tmp_path: Path) -> None:
    options = {key: value for key, value in BERT.items() if key != "model_type"}
    given = RedHeartConfig.from_preset(TINY, encoder_config=BERT, components=above_encoder())
    instance = RedHeartConfig.from_preset(TINY, encoder_config=BertConfig(**options), components=above_encoder())
    assert type(given.encoder_config) is type(instance.encoder_config) is BertConfig
    assert options_of(given) == options_of(instance)
    given.save_pretrained(tmp_path)
    loaded = RedHeartConfig.from_pretrained(tmp_path)
    assert type(loaded.encoder_config) is BertConfig
    assert options_of(loaded) == options_of(given)


def test_an_encoder_gives_depth_and_longest_text() -> None:
    native = RedHeartConfig.from_preset(TINY)
    assert (native.num_layer_states, native.longest_text) == (3, 256)
    config = RedHeartConfig.from_preset(TINY, encoder_config=BERT, components=above_encoder())
    assert (config.num_layer_states, config.longest_text) == (4, 512)


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="brt"):
        RedHeartConfig.from_preset(TINY, encoder_config={"model_type": "brt"}, components=above_encoder())


def test_derived_values() -> None:
    config = RedHeartConfig.from_preset(TINY, loss_weights={"emotion": 3})
    assert config.head_dim == 16
    assert [config.loss_weight(name) for name in ("emotion", "verdict", "sparsity")] == [3, 2, 0.01]
    assert RedHeartConfig.from_preset(TINY, loss_weights={"sparsity": 1}).loss_weight("sparsity") == 1
    assert config.size_of("cache") == CacheSize(prototypes=32, neighbours=4)
    for component, sizes in COMPONENT_SIZES.items():
        assert set(vars(config.size_of(component))) == set(sizes)
    with pytest.raises(AttributeError, match="registers"):
        config.size_of("cache").registers  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError, match="The sizes of 'cache' are a CacheSize, not a ReaderSize"):
        config.size_of("cache", ReaderSize)
    with pytest.raises(ValueError, match="'projectr'; did you mean 'projector'"):
        config.size_of("projectr")


def test_every_claim_and_emotion_can_be_recorded() -> None:
    config = RedHeartConfig.from_preset(
        TINY, supervision={key: ["made-up"] for key in record_keys()}, thresholds=dict.fromkeys(EMOTIONS, 0.5)
    )
    assert len(config.supervision) == len(record_keys())


def test_a_model_of_the_default_config_can_be_built() -> None:
    assert sum(parameter.numel() for parameter in RedHeartModel(RedHeartConfig()).parameters()) < 3_000_000


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_the_rule_for_verdicts_is_checked(value: float) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match="`verdict_threshold` must be a probability, got"):
        RedHeartConfig(verdict_threshold=value)


@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_the_null_of_information_is_checked(value: float) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match="`information_null` must be bits, at least 0, got"):
        RedHeartConfig(information_null=value)
