"""Text encoders of transformers below the model: each reads a text of `longest_text` tokens, or is refused.

Other doors of the same kind: a config with an `encoder_config`, without weights, which goes by the same checks.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModel, BertConfig, PreTrainedConfig

from redheart import RedHeartConfig, RedHeartModel

SMALL: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
}


def small(name: str, **options: Any) -> PreTrainedConfig:
    config: PreTrainedConfig = getattr(transformers, name)(**{**SMALL, **options})
    return config


# Config -> tokens of the longest text: all rows of the table of positions, or those after the padding token's.
READ = [
    (small("BertConfig"), 40),
    (small("ElectraConfig", embedding_size=16), 40),
    (small("RobertaConfig"), 38),
    (small("RobertaConfig", pad_token_id=3), 36),
    (small("RobertaPreLayerNormConfig"), 38),
    (small("XLMRobertaConfig"), 38),
    (small("XLMRobertaXLConfig"), 38),
    (small("CamembertConfig"), 38),
    (small("Data2VecTextConfig"), 38),
    (small("MPNetConfig"), 38),
    (small("IBertConfig"), 38),
    (small("LongformerConfig", attention_window=[4, 4]), 38),
    (small("LukeConfig", entity_vocab_size=10, entity_emb_size=8), 38),
    (small("MarkupLMConfig"), 38),
    (small("XmodConfig", default_language="en_XX", languages=["en_XX"]), 38),
    (small("DebertaV2Config", position_biased_input=False, relative_attention=True), 40),
    (small("ModernBertConfig", cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3), 40),
    (transformers.XLNetConfig(vocab_size=60, d_model=16, n_layer=2, n_head=2, d_inner=24), 2048),
]


@pytest.mark.parametrize(("config", "longest"), READ, ids=lambda value: getattr(value, "model_type", str(value)))
def test_the_longest_text_is_as_long_as_the_encoder_reads(
    config: PreTrainedConfig, longest: int, tmp_path: Path
) -> None:
    AutoModel.from_config(config).save_pretrained(tmp_path)
    model = RedHeartModel.from_text_encoder(str(tmp_path)).eval()
    assert model.config.longest_text == model.longest_text == longest
    text = torch.randint(5, 60, (1, longest))
    with torch.no_grad():
        assert model(text, outputs=["verdict"]).verdict.logits.isfinite().all()
        with pytest.raises(ValueError, match="longer than this model's"):
            model(torch.randint(5, 60, (1, longest + 1)))


# Config -> why it cannot be the encoder.
REFUSED = [
    (
        transformers.FNetConfig(vocab_size=60, hidden_size=16, num_hidden_layers=2, intermediate_size=24),
        "has no `num_attention_heads`",
    ),
    (
        transformers.FunnelConfig(vocab_size=60, block_sizes=[1, 1], d_model=16, n_head=2, d_head=8, d_inner=24),
        "does not have a state of each token in each of",
    ),
    (transformers.CLIPConfig(), "has no `hidden_size`"),
    (small("NystromformerConfig", num_landmarks=4, segment_means_seq_len=40), "cannot read just token ids and a mask"),
    (transformers.T5Config(vocab_size=60, d_model=16, d_ff=24, num_layers=2, num_heads=2), "is an encoder-decoder"),
]


@pytest.mark.parametrize(("config", "reason"), REFUSED, ids=lambda value: getattr(value, "model_type", str(value)))
def test_unsuitable_encoders_are_refused_with_the_reason(
    config: PreTrainedConfig, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.architectures = ["of that family"]
    config.save_pretrained(tmp_path)
    monkeypatch.setattr(AutoModel, "from_pretrained", lambda place, **_: AutoModel.from_config(config).eval())
    with pytest.raises(ValueError, match=f"`encoder_config` .* {reason}"):
        RedHeartModel.from_text_encoder(str(tmp_path))


def test_an_encoder_that_sees_the_padding_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading must not depend on the texts beside it."""
    encoder = AutoModel.from_config(BertConfig(**SMALL)).eval()
    encoder.save_pretrained(tmp_path)
    read = type(encoder).forward

    def blind(self: Any, input_ids: Any = None, attention_mask: Any = None, **more: Any) -> Any:
        return read(self, input_ids, torch.ones_like(attention_mask), **more)

    monkeypatch.setattr(type(encoder), "forward", blind)
    with pytest.raises(ValueError, match="reads a text differently when padding follows"):
        RedHeartModel.from_text_encoder(str(tmp_path))


def test_a_config_without_weights_gets_the_same_checks() -> None:
    components = {**RedHeartConfig().components, "backbone": {"projection": 8}}
    for config, reason in (REFUSED[0], REFUSED[2], REFUSED[4]):
        options = {"encoder_config": config.to_dict(), "components": components}
        with pytest.raises(ValueError, match=reason):
            RedHeartModel(RedHeartConfig(**options))
