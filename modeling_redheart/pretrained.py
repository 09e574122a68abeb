"""What every Red Heart model shares: its config, how weights start, what it takes, what transformers may do with it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init

from ..configuration.configuration_redheart import RedHeartConfig
from .backbone import PretrainedTextEncoder
from .earlier_weights import is_earlier_checkpoint, load_earlier
from .layers import QueryTokens
from .quantization import offer_to_bitsandbytes, settle_quantized
from .stored_int8 import must_requantize, requantize


class RedHeartPreTrainedModel(PreTrainedModel):
    """What every Red Heart model shares: its config, how weights start, what transformers may do with it."""

    config: RedHeartConfig
    config_class = RedHeartConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["EncoderLayer", "DecoderLayer"]
    _supports_sdpa = True
    # Paths of modules that nothing in this model reads: they are not trained.
    _unread: tuple[str, ...] = ()
    # Losses are means over the batch: the trainer must divide by the accumulation steps itself.
    accepts_loss_kwargs = False

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """As the base. With ``quantization_config=BitsAndBytesConfig(...)`` also what `quantization.kept_modules` names
        stays in floats, and a checkpoint that is stored in 8 bits is quantised as one in floats is. Weights that an
        earlier version saved are converted."""
        load: Any = super().from_pretrained
        if is_earlier_checkpoint(cls.config_class, pretrained_model_name_or_path, kwargs):
            load = partial(load_earlier, load, cls.config_class)
        elif must_requantize(cls.config_class, pretrained_model_name_or_path, kwargs):
            load = partial(requantize, load)
        loaded = load(pretrained_model_name_or_path, *args, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded  # with `output_loading_info` it returns two things
        settle_quantized(model)
        model._freeze_unread()  # the loaded weights are new parameters
        return loaded

    def post_init(self) -> None:
        super().post_init()
        self.longest_text = self.config.longest_text
        offer_to_bitsandbytes(self)
        self._freeze_unread()

    def _freeze_unread(self) -> None:
        modules = dict(self.named_modules())
        for path in (path for path in self._unread if path in modules):  # a component may be lacking
            self.get_submodule(path).requires_grad_(False)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, QueryTokens):
            init.normal_(module.weight, mean=0.0, std=self.config.initializer_range)

    def get_input_embeddings(self) -> nn.Module:
        """The token embedding of the backbone, the native one or the text encoder's."""
        base: Any = self.base_model
        encoder = base.backbone.encoder
        if isinstance(encoder, PretrainedTextEncoder):
            return encoder.model.get_input_embeddings()
        return encoder.embed_tokens

    def resize_token_embeddings(self, *args: Any, **kwargs: Any) -> nn.Embedding:
        """As the base, and the encoder's own config learns the size, so that the saved model loads again."""
        embeddings: nn.Embedding = super().resize_token_embeddings(*args, **kwargs)
        if self.config.encoder_config is not None:
            encoder: Any = self.config.encoder_config
            encoder.vocab_size = embeddings.num_embeddings
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the token embedding."""
        base: Any = self.base_model
        encoder = base.backbone.encoder
        if isinstance(encoder, PretrainedTextEncoder):
            encoder.model.set_input_embeddings(value)
        else:
            encoder.embed_tokens = value

    def _check_input(self, input_ids: Tensor | None, mask: Tensor | None, embeds: Tensor | None) -> Tensor:
        if (input_ids is None) == (embeds is None):
            raise ValueError("Give either `input_ids` or `inputs_embeds`, and not both.")
        batch, length = input_ids.shape if input_ids is not None else embeds.shape[:2]
        if batch < 1 or length < 1:
            raise ValueError(f"There is nothing to read in a batch of {batch} texts of {length} tokens.")
        if length > self.longest_text:
            raise ValueError(
                f"A text of {length} tokens is longer than this model's {self.longest_text}; "
                "tokenize with `truncation=True`."
            )
        if embeds is not None and not torch.compiler.is_compiling() and not bool(embeds.isfinite().all()):
            raise ValueError("`inputs_embeds` has values that are not finite (NaN or infinite).")
        device = input_ids.device if input_ids is not None else embeds.device
        mask = torch.ones(batch, length, dtype=torch.long, device=device) if mask is None else mask
        if tuple(mask.shape) != (batch, length):
            raise ValueError(f"`attention_mask` must have the shape {(batch, length)}, got {tuple(mask.shape)}.")
        return mask

    def _asked_for(
        self, hidden_states: bool | int | Sequence[int] | None, attentions: bool | None
    ) -> tuple[bool | int | Sequence[int] | None, bool]:
        """What `chosen_states` takes, and whether attention weights are asked for: in the call, or else in the config.

        Raises `ValueError` for attention weights where the implementation has none.
        """
        states = self.config.output_hidden_states if hidden_states is None else hidden_states
        attend = bool(self.config.output_attentions if attentions is None else attentions)
        if attend and self.config._attn_implementation != "eager":
            raise ValueError(
                f"`output_attentions` needs the attention written out, but this model uses "
                f"{self.config._attn_implementation!r}; load it with attn_implementation='eager'."
            )
        return states, attend


def chosen_states(
    states: tuple[Tensor, ...], asked: bool | int | Sequence[int] | None
) -> tuple[Tensor | None, ...] | None:
    """The embeddings and every layer's states, each in its place; None where ``output_hidden_states`` does not ask.

    asked: True for all, False or None for none, or which of them, counted as in a list (-1 is the last).
    Raises `ValueError` for one that there is not.
    """
    if asked is None or isinstance(asked, bool):
        return states if asked else None
    places = [asked] if isinstance(asked, int) else list(asked)
    for place in places:
        if isinstance(place, bool) or not isinstance(place, int) or not -len(states) <= place < len(states):
            raise ValueError(
                f"`output_hidden_states` asks for {place!r}, but there are {len(states)} hidden states: the embeddings "
                f"and those of each layer. Give True, or numbers from {-len(states)} to {len(states) - 1}."
            )
    kept = {place % len(states) for place in places}
    return tuple(state if place in kept else None for place, state in enumerate(states)) if kept else None


__all__ = ["RedHeartPreTrainedModel", "chosen_states"]
