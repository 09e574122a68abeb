"""The forms that a checkpoint can take: types of numbers, and file formats; each is a folder that can be loaded.

Notable: every form is made from the same float32 weights, so that two of them differ in the form alone.
"""

from pathlib import Path

from transformers import AutoTokenizer

from ..configuration.labels import closest
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..modeling_redheart.quantization import SCHEMES
from ..storage.create import DTYPES
from ..storage.strict_loading import load_strict
from .onnx_export import export_onnx
from .onnx_reader import GRAPH
from .quantize import quantize

ONNX, ONNX_INT8 = "onnx", "onnx-int8"
FORMS = ("float32", "bfloat16", *SCHEMES, ONNX, ONNX_INT8)
_WEIGHTS = ("*.safetensors", f"{GRAPH}*")


def write_form(source: Path, form: str, folder: Path) -> Path:
    """Write a checkpoint in another form.

    Args:
        source: Folder of the checkpoint.
        form: One of `FORMS`.
        folder: Folder to write to.

    Returns:
        ``folder``.

    Raises:
        ValueError: For an unknown form. Other errors are those of `quantize.quantize` and `onnx_export.export_onnx`.
    """
    if form not in FORMS:
        raise ValueError(f"No form {form!r}; {closest(form, FORMS)}")
    if form in SCHEMES:
        quantize(source, folder, form)
    elif form in (ONNX, ONNX_INT8):
        export_onnx(source, folder, quantize=form == ONNX_INT8)
    else:
        load_strict(source, RedHeartModel, dtype=DTYPES[form]).save_pretrained(folder)
        AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


def weight_bytes(folder: Path) -> int:
    """Bytes of the files that hold the weights of the checkpoint in ``folder``."""
    return sum(path.stat().st_size for pattern in _WEIGHTS for path in folder.glob(pattern))


__all__ = ["FORMS", "weight_bytes", "write_form"]
