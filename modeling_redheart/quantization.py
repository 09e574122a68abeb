"""INT8 and NF4 by bitsandbytes: which matrices become integers, and what is fixed after loading.

Notable: bitsandbytes multiplies INT8 by another kernel in train mode than in eval mode (on a CPU: float products of the
integer weights against integer products), so the numbers differ a little between the modes; each mode repeats its own.
On a CPU it would also change NF4 weights at the first reading, which is disabled: see `finish_quantized_loading`.
"""

import logging
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig, PreTrainedModel

from .backbone import TextSummary
from .crossover import LayerCrossover
from .emotion import NeuralEmotionAnalyzer
from .layers import AdaptiveNorm, Linear, Readout
from .token_budget import TokenBudget

# The linear layers directly in these act as read-outs.
SCORERS = (LayerCrossover, TokenBudget, NeuralEmotionAnalyzer)
# The linear layers directly in one of these give scores, weights or scales that are read, or that everything else
# depends on: they stay in floats, and no adapter changes them.
FINE = (Readout, AdaptiveNorm, TextSummary, *SCORERS)
# Fewer rows or columns than one block of NF4 has weights: there is nothing to gain.
_SMALL = 64
# The INT8 kernel of CUDA takes rows and columns by four (cuBLASLt); the other kernels take any number.
_INT8_STEP = 4
SCHEMES: dict[str, BitsAndBytesConfig] = {
    # Without the threshold of LLM.int8(): it picks columns of the whole batch, so that the reading of a text would
    # depend on the other texts of its batch.
    "int8": BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0),
    "nf4": BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    ),
}


def kept_modules(model: nn.Module, bits: int) -> list[str]:
    """Find the linear layers that are not quantised.

    These are read-outs and all else that ends in a score (emotions, arc, importance, mixture of layers, classes): their
    error would be the reading's own; the low-rank maps of the adaptive norms: they scale every state; small matrices:
    there is nothing to gain; and for 8 bits those that CUDA has no kernel for. Only modules and sizes decide, so the
    model may be on the meta device, or already quantised; and a checkpoint saved quantised is read by the same rule.

    Args:
        model: The model.
        bits: 4 or 8.

    Returns:
        Exact names of the layers.
    """
    kept = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            sizes = (module.in_features, module.out_features)
            # A linear layer directly in a model is its classifier.
            fine = isinstance(model.get_submodule(name.rpartition(".")[0]), (*FINE, PreTrainedModel))
            odd = bits == 8 and any(size % _INT8_STEP for size in sizes)
            if fine or odd or min(sizes) < _SMALL:
                kept.append(name)
    return kept


def mark_layers_to_quantize(model: PreTrainedModel) -> None:
    """Set the type of each linear layer so that bitsandbytes replaces those to quantise; before the weights are loaded.

    It replaces layers whose type is exactly `torch.nn.Linear`, whatever their names are, also in a text encoder of
    transformers. Without a bitsandbytes config this does nothing.
    """
    quantization = getattr(model.config, "quantization_config", None)
    if isinstance(quantization, BitsAndBytesConfig):
        kept = set(kept_modules(model, 4 if quantization.load_in_4bit else 8))
        for name, module in model.named_modules():
            if type(module) in (Linear, nn.Linear):
                module.__class__ = Linear if name in kept else nn.Linear


def finish_quantized_loading(model: PreTrainedModel) -> None:
    """Complete the loading of a quantised model; nothing is done for a model that bitsandbytes did not quantise.

    - On a CPU with AVX512-BF16 the first reading in eval mode would repack 4-bit weights in place: training would fail
      or lose gradients after it, saving would lose precision, and odd sizes would not run at all.
    - INT8 would log for each layer and reading that it casts its input.
    - Of a checkpoint that was saved quantised, another ``dtype`` than its own would reach the biases alone.
    - ``llm_int8_skip_modules`` of the model's config becomes the user's list and `kept_modules`; the object that the
      user gave is not changed.
    """
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is None or not isinstance(quantizer.quantization_config, BitsAndBytesConfig):
        return
    loaded: Any = model
    for module in loaded.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    logging.getLogger("bitsandbytes.autograd._functions").addFilter(_is_not_cast_notice)
    cast_kept(loaded, loaded.config.dtype)
    quantization = deepcopy(quantizer.quantization_config)
    kept = [name for name, module in loaded.named_modules() if type(module) is Linear]
    quantization.llm_int8_skip_modules = list(dict.fromkeys([*(quantization.llm_int8_skip_modules or ()), *kept]))
    quantizer.quantization_config = loaded.config.quantization_config = quantization


def cast_kept(model: nn.Module, dtype: torch.dtype) -> None:
    """Bring every parameter of a quantised model that is in floats to ``dtype``; `Module.to` refuses such a model."""
    for parameter in model.parameters():
        if type(parameter) is nn.Parameter and parameter.is_floating_point():
            parameter.data = parameter.data.to(dtype)


def _is_not_cast_notice(record: logging.LogRecord) -> bool:
    return "inputs will be cast from" not in str(record.msg)


__all__ = [
    "FINE",
    "SCHEMES",
    "SCORERS",
    "cast_kept",
    "finish_quantized_loading",
    "kept_modules",
    "mark_layers_to_quantize",
]
