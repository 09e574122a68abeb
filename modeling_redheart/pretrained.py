"""The base of every Red Heart model: config, initial weights, checks of inputs, and support in transformers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.errors import InputError
from .backbone import PretrainedTextEncoder
from .earlier_weights import is_earlier_checkpoint, load_earlier
from .layers import QueryTokens
from .quantization import finish_quantized_loading, mark_layers_to_quantize
from .stored_int8 import must_requantize, requantize


class RedHeartPreTrainedModel(PreTrainedModel):
    """The base of every Red Heart model: its config, its initial weights, and its support in transformers."""

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
        """Load as the base class does, also what an earlier version saved and what is stored in 8 bits.

        With ``quantization_config=BitsAndBytesConfig(...)`` also the modules that `quantization.kept_modules` names
        stay in floats, and a checkpoint that is stored in 8 bits is quantised as one in floats is. Weights that an
        earlier version saved are converted.

        Args:
            pretrained_model_name_or_path: As of the base class.
            *args: As of the base class.
            **kwargs: As of the base class.

        Returns:
            The model; with ``output_loading_info=True`` the model and the loading report.
        """
        load: Any = super().from_pretrained
        if is_earlier_checkpoint(cls.config_class, pretrained_model_name_or_path, kwargs):
            load = partial(load_earlier, load, cls.config_class)
        elif must_requantize(cls.config_class, pretrained_model_name_or_path, kwargs):
            load = partial(requantize, load)
        loaded = load(pretrained_model_name_or_path, *args, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded  # with `output_loading_info` it returns two things
        finish_quantized_loading(model)
        model._freeze_unread()  # the loaded weights are new parameters
        return loaded

    def post_init(self) -> None:
        """Initialise as the base class does, and apply what the config asks of the modules."""
        super().post_init()
        self.longest_text = self.config.longest_text
        mark_layers_to_quantize(self)
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
        """Return the token embedding of the backbone, the native one or the text encoder's."""
        base: Any = self.base_model
        encoder = base.backbone.encoder
        if isinstance(encoder, PretrainedTextEncoder):
            return encoder.model.get_input_embeddings()
        return encoder.embed_tokens

    def resize_token_embeddings(self, *args: Any, **kwargs: Any) -> nn.Embedding:
        """Resize as the base class does, and set the size in the encoder's config, so that the saved model loads."""
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
            raise InputError("Give either `input_ids` or `inputs_embeds`, and not both.")
        batch, length = input_ids.shape if input_ids is not None else embeds.shape[:2]
        if batch < 1 or length < 1:
            raise InputError(f"There is nothing to read in a batch of {batch} texts of {length} tokens.")
        if length > self.longest_text:
            raise InputError(
                f"A text of {length} tokens is longer than this model's {self.longest_text}; "
                "tokenize with `truncation=True`."
            )
        if embeds is not None and not torch.compiler.is_compiling() and not bool(embeds.isfinite().all()):
            raise InputError("`inputs_embeds` has values that are not finite (NaN or infinite).")
        device = input_ids.device if input_ids is not None else embeds.device
        mask = torch.ones(batch, length, dtype=torch.long, device=device) if mask is None else mask
        if tuple(mask.shape) != (batch, length):
            raise InputError(f"`attention_mask` must have the shape {(batch, length)}, got {tuple(mask.shape)}.")
        return mask

    def _requested_states(
        self, hidden_states: bool | int | Sequence[int] | None, attentions: bool | None
    ) -> tuple[bool | int | Sequence[int] | None, bool]:
        """Resolve which states and attention weights to return, from the call or else from the config.

        Args:
            hidden_states: ``output_hidden_states`` of the call; None takes the config's.
            attentions: ``output_attentions`` of the call; None takes the config's.

        Returns:
            What `chosen_states` takes, and whether to return attention weights.

        Raises:
            InputError: When attention weights are requested and the attention implementation does not return them.
        """
        states = self.config.output_hidden_states if hidden_states is None else hidden_states
        attend = bool(self.config.output_attentions if attentions is None else attentions)
        if attend and self.config._attn_implementation != "eager":
            raise InputError(
                f"`output_attentions` needs eager attention, but this model uses "
                f"{self.config._attn_implementation!r}; load it with attn_implementation='eager'."
            )
        return states, attend


def chosen_states(
    states: tuple[Tensor, ...], requested: bool | int | Sequence[int] | None
) -> tuple[Tensor | None, ...] | None:
    """Select the hidden states that ``output_hidden_states`` requests.

    Args:
        states: The embeddings and the states of each layer.
        requested: True for all, False or None for none, or which of them, counted as in a list (-1 is the last).

    Returns:
        The requested states, each in its place, and None in the places of the others; None where none is requested.

    Raises:
        InputError: When a requested state does not exist.
    """
    if requested is None or isinstance(requested, bool):
        return states if requested else None
    places = [requested] if isinstance(requested, int) else list(requested)
    for place in places:
        if isinstance(place, bool) or not isinstance(place, int) or not -len(states) <= place < len(states):
            raise InputError(
                f"`output_hidden_states` asks for {place!r}, but there are {len(states)} hidden states: the embeddings "
                f"and those of each layer. Give True, or numbers from {-len(states)} to {len(states) - 1}."
            )
    kept = {place % len(states) for place in places}
    return tuple(state if place in kept else None for place, state in enumerate(states)) if kept else None


__all__ = ["RedHeartPreTrainedModel", "chosen_states"]
