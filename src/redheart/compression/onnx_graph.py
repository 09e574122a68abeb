"""The model as an ONNX graph, and the graph's weights as INT8.

Notable: torch translates the model operation by operation and unrolls the recurrence over the segments; optimising the
graph for a machine is left to onnxruntime, which does it on loading.
"""

import ast
import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..configuration.claims import CLAIMS, Kind
from ..modeling_redheart.pipeline_redheart import named_tensors
from ..modeling_redheart.pretrained import RedHeartPreTrainedModel
from ..modeling_redheart.quantization import kept_modules

# The names along the dimensions of an output, after the batch, where all of them have names.
_LABELS: dict[str, tuple[tuple[str, ...], ...]] = {
    tensor: claim.axes
    for claim in CLAIMS.values()
    for tensor in (claim.tensor, claim.spread)
    if tensor is not None and claim.axes and claim.kind is not Kind.COURSE
}


class GraphFunction(nn.Module):
    """A model with a fixed request, as a function from tensors to tensors.

    Args:
        model: The model.
        **request: Arguments of its forward pass.
    """

    def __init__(self, model: RedHeartPreTrainedModel, **request: Any) -> None:
        super().__init__()
        self.model, self.request = model, request

    def named(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """The outputs by dotted name."""
        return named_tensors(self.model(input_ids=input_ids, attention_mask=attention_mask, **self.request))

    def about(self, names: Sequence[str]) -> dict[str, str]:
        """The metadata of a graph of this model with the outputs ``names``."""
        labels = {"logits": (tuple(self.model.config.class_names),), **_LABELS}
        request = {
            name: value if isinstance(value, str) else json.dumps(list(value)) for name, value in self.request.items()
        }
        return {
            **request,
            "parameters": str(self.model.num_parameters()),
            "labels": json.dumps({name: labels[name] for name in names if name in labels}),
        }

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """The outputs in the order of `named`, from ``input_ids`` and ``attention_mask``, int64 (batch, tokens)."""
        # A copy each: at depth="fast" one tensor is two outputs, and a value in a graph has one name.
        return tuple(value.clone() for value in self.named(input_ids, attention_mask).values())


def write_graph(function: GraphFunction, sample: Mapping[str, Tensor], path: Path) -> list[str]:
    """Write ``function`` as a graph to ``path``, with its weights beside it.

    Args:
        function: The model with its request.
        sample: Inputs by name, of at least two texts and two tokens.
        path: File of the graph.

    Returns:
        The names of the nodes that must stay in float32: those of `kept_modules`.
    """
    with torch.no_grad():
        names = list(function.named(**sample))
    # Not the fused kernels: the graph would inherit their memory layout, which nothing in it has.
    with sdpa_kernel(SDPBackend.MATH), _silence_exporter():
        program: Any = torch.onnx.export(
            function,
            kwargs=dict(sample),
            dynamo=True,
            dynamic_shapes={name: {0: "batch", 1: "tokens"} for name in sample},
            optimize=False,  # it would double the time
            verbose=False,
        )
    graph = _tidy(program.model).graph
    for node in graph:
        for value in node.outputs:
            if value.name in names:
                value.name = f"{value.name}_inner"
    for value, name in zip(graph.outputs, names, strict=True):
        value.name = name
    exact = _exact_nodes(graph, {f"model.{name}" for name in kept_modules(function.model, 8)})
    for node in graph:
        node.metadata_props.clear()  # where in the code it came from: most of the file
    program.model.metadata_props.update(function.about(names))
    program.save(path, external_data=True)
    return exact


def _tidy(model: Any) -> Any:
    """Fold the weights of matrix products into the form in which they are multiplied, and remove what is unused."""
    from onnx_ir import passes
    from onnx_ir.passes import common
    from onnxscript import optimizer

    before = passes.Sequential(common.InlinePass(), common.CommonSubexpressionEliminationPass())
    after = passes.Sequential(
        common.RemoveUnusedNodesPass(),
        common.RemoveUnusedFunctionsPass(),
        common.RemoveUnusedOpsetsPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.NameFixPass(),
    )
    before(model)
    largest = max(value.const_value.size for value in model.graph.initializers.values())
    optimizer.fold_constants(model, onnx_shape_inference=True, output_size_limit=largest)
    return after(model).model


def _exact_nodes(graph: Any, kept: set[str]) -> list[str]:
    """The matrix products of the modules ``kept``, and those whose module is unknown."""
    found = []
    for node in graph:
        if node.op_type in ("MatMul", "Gemm"):
            scopes = set(ast.literal_eval(node.metadata_props.get("pkg.torch.onnx.name_scopes", "[]")))
            if not scopes or scopes & kept:
                found += [node.name, f"{node.name}_MatMul"]  # the name that onnxruntime gives to a Gemm's product
    return found


def quantize_graph(path: Path, exact: Sequence[str]) -> None:
    """Replace the graph at ``path`` by one whose matrix products have INT8 weights, one scale per output channel.

    Args:
        path: File of the graph.
        exact: Names of the nodes that stay in float32.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory(dir=path.parent) as scratch, _silence_exporter():
        quantize_dynamic(
            path,
            Path(scratch) / path.name,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(exact),
            use_external_data_format=True,
        )
        for file in Path(scratch).iterdir():
            shutil.copyfile(file, path.parent / file.name)  # not moved: there, only its owner may read the weights


@contextmanager
def _silence_exporter() -> Iterator[None]:
    """Suppress the log lines and warnings of the exporter and the quantiser."""
    before, handler = logging.root.manager.disable, logging.NullHandler()
    logging.root.addHandler(handler)  # without any, the quantiser would set up logging for the whole process
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        logging.root.removeHandler(handler)


__all__ = ["GraphFunction", "quantize_graph", "write_graph"]
