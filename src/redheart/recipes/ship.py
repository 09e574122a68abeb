"""Puts a trained model into the package, or into any folder, as a checkpoint that ships.

    python -m redheart.recipes.ship RUN/model src/redheart/checkpoints/redheart-mini --form int8

Notable: weights are stored in 8 bits (see `modeling_redheart.stored_int8`), a quarter of float32, or as bfloat16, a
half; the config says float32, so that they are read and computed with in float32 by default. Code is not copied:
`redheart create` puts it beside the weights for users without the package.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import logging

from ..configuration.labels import closest
from ..modeling_redheart.modeling_redheart import RedHeartPreTrainedModel
from ..modeling_redheart.stored_int8 import METHOD
from ..storage.strict_loading import SUMS, load_strict
from ..storage.weights import Slot, int8_tensors, write_weights

FORMS = ("bfloat16", "int8")
# Some git hosts take no file above 100 MB: what is larger than the first is split into files of the second.
_LARGEST_FILE, _SHARD_SIZE = 95_000_000, 60_000_000
# Options that loading a tokenizer from a folder adds to its config, about the machine and not the tokenizer.
_OF_THE_MACHINE = ("is_local", "local_files_only", "name_or_path")


def ship(trained: Path, folder: Path, form: str = "bfloat16") -> None:
    """Write config, weights with their sums, and tokenizer of ``trained`` to ``folder``, in place of weights there.

    What is over 95 MB is written in files of at most 60 MB.

    Args:
        trained: Folder of the trained model.
        folder: Folder to write to.
        form: Number format of the weights, one of `FORMS`.

    Raises:
        ValueError: For an unknown form, when ``trained`` does not load strictly or is ``folder`` itself, and when what
            was written does not load strictly.
    """
    if form not in FORMS:
        raise ValueError(f"No form {form!r}; {closest(form, FORMS)}")
    if trained.resolve() == folder.resolve():
        raise ValueError(f"{folder} is the trained model itself; name another folder.")
    model = load_strict(trained, dtype=torch.float32)
    folder.mkdir(parents=True, exist_ok=True)
    _write(model, folder, form)
    model.config.dtype = torch.float32
    if form == "int8":
        model.config.quantization_config = {"quant_method": METHOD}
    model.config.save_pretrained(folder)
    shutil.copyfile(trained / "tokenizer.json", folder / "tokenizer.json")
    options = json.loads((trained / "tokenizer_config.json").read_text(encoding="utf-8"))
    options = {key: value for key, value in options.items() if key not in _OF_THE_MACHINE}
    (folder / "tokenizer_config.json").write_text(json.dumps(options, indent=2) + "\n", encoding="utf-8")
    load_strict(folder)


def _write(model: RedHeartPreTrainedModel, folder: Path, form: str) -> None:
    """Write the weight files of ``model``, and remove those of another number of files."""
    for path in (*folder.glob("model*.safetensors*"), folder / SUMS):
        path.unlink(missing_ok=True)
    slots = {name: Slot(tuple(value.shape), value.dtype) for name, value in _tensors(model, form)}
    size = sum(slot.nbytes for slot in slots.values())
    write_weights(folder, slots, _tensors(model, form), _LARGEST_FILE if size <= _LARGEST_FILE else _SHARD_SIZE)


def _tensors(model: RedHeartPreTrainedModel, form: str) -> Iterator[tuple[str, Tensor]]:
    if form == "int8":
        return int8_tensors(model)
    return ((name, value.to(torch.bfloat16)) for name, value in model.state_dict().items())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path, help="folder of the trained model")
    parser.add_argument("folder", type=Path, help="folder to write the checkpoint to")
    parser.add_argument(
        "--form", choices=FORMS, default="bfloat16", help="number format of the weights (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace weights that are in the folder already")
    args = parser.parse_args()
    if any(args.folder.glob("model*.safetensors")) and not args.overwrite:
        parser.error(f"{args.folder} has weights; name another folder, or replace them with --overwrite.")
    logging.disable_progress_bar()
    ship(args.trained, args.folder, args.form)


if __name__ == "__main__":
    main()
