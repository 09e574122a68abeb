"""Exports a model to ONNX, in float32 or with INT8 weights for CPUs.

onnxruntime runs the result without torch and without this package.

    export_onnx(Path("redheart-100m"), Path("redheart-100m-onnx"), quantize=True)

The folder has ``model.onnx`` with its weights beside it, ``config.json`` and the tokenizer. The inputs are
``input_ids`` and ``attention_mask``, int64 (batch, tokens), of any batch size and any length up to
``config.longest_text``. The outputs are named as in `RedHeartOutput`: ``emotion.logits``, ``counterfactual.utility``,
``verdict.acceptability_logits``. The graph's metadata has ``labels``, the names along the dimensions of each output as
JSON.

Notable: the graph is compared with the model before the folder appears. With INT8 weights the inputs of a product
become integers, too, by the range of the whole batch, so a reading then depends a little on the texts beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.extras import missing
from ..configuration.inputs import check_depth
from ..modeling_redheart.classification import RedHeartForSequenceClassification
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..modeling_redheart.pipeline_redheart import named_tensors
from ..modeling_redheart.pretrained import RedHeartPreTrainedModel
from ..modeling_redheart.stored_int8 import keeps_integers
from ..storage.folders import new_folder, whole_or_nothing
from ..storage.strict_loading import checkpoint_path, load_strict
from .onnx_graph import GraphFunction, quantize_graph, write_graph
from .onnx_reader import GRAPH, OnnxClassifier, OnnxReader, open_graph

# Largest difference between the graph's and the model's outputs, relative to the largest value where that is above 1.
TOLERANCE = 1e-4
# Tokens up to which the graph is compared: attention over the longest texts of some encoders takes gigabytes.
_LONGEST_COMPARED = 1024
# Graph, config, tokenizer: bytes of the folder beside the weights.
_OTHER_BYTES = 16_000_000


def export_onnx(
    source: Path | RedHeartModel | RedHeartForSequenceClassification,
    folder: Path,
    *,
    outputs: Sequence[str] | None = None,
    depth: str = "full",
    quantize: bool = False,
    tokenizer: PreTrainedTokenizerBase | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write ``source`` as an ONNX graph to ``folder``.

    Args:
        source: A checkpoint, or a model in float32 on the CPU, which is put in eval mode.
        folder: Folder to write to; new or empty.
        outputs: Outputs that the graph of an analysis model computes, always all of them; see `RedHeartModel.forward`.
            None = those of ``depth``. The graph of a classifier gives ``logits``.
        depth: Depth of an analysis model, see `RedHeartModel.forward`.
        quantize: Whether the weights of matrix products become INT8, with one scale per output channel; those of
            read-outs, and of the rest of `kept_modules`, stay in float32, as embeddings do.
        tokenizer: Written beside the graph; by default that of the checkpoint.
        progress: Called with the name of each step before it begins; some take minutes for a large model.

    Returns:
        The absolute path of the folder, which appears only when it is whole and its graph, before it is quantised, has
        given the outputs of the model up to `TOLERANCE`.

    Raises:
        ValueError: For an unknown output or depth, and for either of them with a classifier; for a model that is
            quantised, not in float32 or has a token budget; and for a graph whose outputs differ.
        FileExistsError: For a folder that is not empty.
        ImportError: Without onnx, onnxscript or onnxruntime.
        OSError: For a full disk or a missing permission; the message has the remedy.
    """
    if not all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript")):
        error = missing("Exporting needs onnx, onnxscript and onnxruntime", "onnx")
        raise error
    target = new_folder(folder)
    progress("Loading the model")
    if isinstance(source, Path):
        model = _load(source)
        tokenizer = tokenizer or AutoTokenizer.from_pretrained(checkpoint_path(str(source)))
    else:
        model = source
    _check_model(model)
    function = GraphFunction(model.eval(), **_request(model, outputs, depth))
    weights = sum(value.nbytes for value in model.state_dict().values())
    with whole_or_nothing(target, weights * (2 if quantize else 1) + _OTHER_BYTES) as partial:
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(partial)
        if tokenizer is not None:
            tokenizer.save_pretrained(partial)
        progress(f"Translating {model.num_parameters():,} parameters into a graph")
        exact = write_graph(function, next(_samples(model.config)), partial / GRAPH)
        progress("Comparing the graph's outputs with the model's")
        _compare(function, open_graph(partial))
        if quantize:
            progress("Turning the weights of products into 8 bits")
            quantize_graph(partial / GRAPH, exact)
            _check_finite(open_graph(partial))
    return target


def _request(model: RedHeartPreTrainedModel, outputs: Sequence[str] | None, depth: str) -> dict[str, Any]:
    """What the graph of ``model`` computes, as arguments of its forward pass."""
    if isinstance(model, RedHeartModel):
        default = model.config.outputs_at(check_depth(depth))
        return {"outputs": default if outputs is None else outputs, "depth": depth}
    if outputs is not None or depth != "full":
        raise ValueError("A classifier has neither outputs to choose from nor a depth; leave both out.")
    return {}


def _load(source: Path) -> RedHeartModel | RedHeartForSequenceClassification:
    _check_config(RedHeartConfig.from_pretrained(checkpoint_path(str(source))))
    model: Any = load_strict(source, dtype=torch.float32)
    return model


def _check_config(config: RedHeartConfig) -> None:
    if keeps_integers(config):
        raise ValueError(
            "A quantised model cannot be exported; export the float model that it was made from, with "
            "quantize=True for INT8 weights."
        )
    if config.token_budget is not None:
        raise ValueError(
            f"A model with a `token_budget` ({config.token_budget}) cannot be exported, since the graph keeps all "
            "tokens; set `config.token_budget` to None."
        )


def _check_model(model: RedHeartModel | RedHeartForSequenceClassification) -> None:
    if not isinstance(model, (RedHeartModel, RedHeartForSequenceClassification)):
        raise ValueError(
            "Only a RedHeartModel or RedHeartForSequenceClassification, or the Path of a checkpoint, can be exported, "
            f"got {type(model).__name__}; if the model has adapters, merge them first (`merge_and_unload`)."
        )
    _check_config(model.config)
    kinds = sorted({f"{value.dtype} on {value.device.type}" for value in model.parameters()})
    if kinds != ["torch.float32 on cpu"]:
        raise ValueError(f"A model must be in float32 on the CPU to be exported; this one is {', '.join(kinds)}.")


def _samples(config: RedHeartConfig) -> Iterator[dict[str, Tensor]]:
    """Made-up texts in batches of several sizes and lengths, padded on the right and on the left."""
    encoder: Any = config if config.encoder_config is None else config.encoder_config
    generator = torch.Generator().manual_seed(0)
    for batch, length in ((2, 9), (1, 1), (3, 2), (4, 21), (1, _LONGEST_COMPARED)):
        length = min(length, config.longest_text)
        ids = torch.randint(0, encoder.vocab_size, (batch, length), generator=generator)
        mask = torch.arange(length)[None] < torch.linspace(length, 1, batch).long()[:, None]
        mask[1::2] = mask[1::2].flip(1)
        yield {"input_ids": ids.masked_fill(~mask, config.pad_token_id or 0), "attention_mask": mask.long()}


def _compare(function: GraphFunction, reader: OnnxReader | OnnxClassifier) -> None:
    """Raise `ValueError` unless the graph gives the outputs of the model."""
    for sample in _samples(reader.config):
        with torch.no_grad():
            expected = function.named(**sample)
        found = named_tensors(reader(**sample))
        for name, value in expected.items():
            difference = float((found[name].double() - value.double()).abs().max())
            if not difference <= TOLERANCE * max(1.0, float(value.double().abs().max())):  # also where it is NaN
                raise ValueError(
                    f"The exported graph differs from the model: {name} by {difference:.2g} on a batch of "
                    f"{tuple(sample['input_ids'].shape)}. Nothing was written."
                )


def _check_finite(reader: OnnxReader | OnnxClassifier) -> None:
    for sample in _samples(reader.config):
        for name, value in named_tensors(reader(**sample)).items():
            if not bool(value.isfinite().all()):
                raise ValueError(f"With INT8 weights {name} is not finite. Nothing was written; export in float32.")


__all__ = ["TOLERANCE", "export_onnx"]
