"""INT8 and NF4 by bitsandbytes: which matrices become integers, and what makes the loaded model dependable.

Notable: bitsandbytes multiplies INT8 by another kernel in train mode than in eval mode (on a CPU: float products of the
integer weights against integer products), so the numbers differ a little between the modes; each mode repeats its own.
On a CPU it would also change NF4 weights at the first reading, which is switched off: see `settle_quantized`.
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

# Their own linear layers are a read-out in all but name.
SCORERS = (LayerCrossover, TokenBudget, NeuralEmotionAnalyzer)
# The linear layers directly in one of these give the scores, weights or scales that are read or that steer everything
# else: they stay in floats, and no adapter changes them.
FINE = (Readout, AdaptiveNorm, TextSummary, *SCORERS)
# Fewer rows or columns than one block of NF4 has weights: there is nothing to gain.
_SMALL = 64
# The INT8 kernel of CUDA takes rows and columns by four (cuBLASLt); the other kernels take any number.
_INT8_STEP = 4
SCHEMES: dict[str, BitsAndBytesConfig] = {
    # Without the threshold of LLM.int8(): it picks columns of the whole batch, so that what is read in one text would
    # depend on the texts beside it.
    "int8": BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0),
    "nf4": BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    ),
}


def kept_modules(model: nn.Module, bits: int) -> list[str]:
    """Exact names of the linear layers of ``model`` that are not quantised to ``bits`` (4 or 8).

    Read-outs and all else that ends in a score (emotions, arc, importance, mixture of layers, classes): their error
    would be the reading's own. The low-rank maps of the adaptive norms: they scale every state. Small matrices: nothing
    to gain. For 8 bits also those that CUDA has no kernel for. Nothing else than modules and sizes decides, so the
    model may be on the meta device, or quantised already; and a checkpoint saved quantised is read by the same rule.
    """
    kept = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            sizes = (module.in_features, module.out_features)
            # Directly in a model is its classifier.
            fine = isinstance(model.get_submodule(name.rpartition(".")[0]), (*FINE, PreTrainedModel))
            odd = bits == 8 and any(size % _INT8_STEP for size in sizes)
            if fine or odd or min(sizes) < _SMALL:
                kept.append(name)
    return kept


def offer_to_bitsandbytes(model: PreTrainedModel) -> None:
    """Before the weights are loaded: make the layers that are to be quantised those that bitsandbytes replaces.

    It replaces layers whose type is `torch.nn.Linear` itself, so the type says which: exactly, whatever the names are,
    also in a text encoder of transformers. Does nothing where the config asks for no bitsandbytes.
    """
    quantization = getattr(model.config, "quantization_config", None)
    if isinstance(quantization, BitsAndBytesConfig):
        kept = set(kept_modules(model, 4 if quantization.load_in_4bit else 8))
        for name, module in model.named_modules():
            if type(module) in (Linear, nn.Linear):
                module.__class__ = Linear if name in kept else nn.Linear


def settle_quantized(model: PreTrainedModel) -> None:
    """After loading: do what transformers and bitsandbytes leave undone; nothing for a model that is not theirs.

    - On a CPU with AVX512-BF16 the first reading in eval mode would repack 4-bit weights in place: training would fail
      or lose gradients after it, saving would lose precision, and odd sizes would not run at all.
    - INT8 would log for each layer and reading that it casts its input.
    - Of a checkpoint that was saved quantised, another ``dtype`` than its own would reach the biases alone.
    - ``llm_int8_skip_modules`` of the model's config becomes the user's list and `kept_modules`; the object that the
      user gave stays as it was.
    """
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is None or not isinstance(quantizer.quantization_config, BitsAndBytesConfig):
        return
    loaded: Any = model
    for module in loaded.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    logging.getLogger("bitsandbytes.autograd._functions").addFilter(_is_no_cast)
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


def _is_no_cast(record: logging.LogRecord) -> bool:
    return "inputs will be cast from" not in str(record.msg)


__all__ = ["FINE", "SCHEMES", "SCORERS", "cast_kept", "kept_modules", "offer_to_bitsandbytes", "settle_quantized"]
