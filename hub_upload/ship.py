"""Puts a trained model into the package, or into any folder, as a checkpoint that ships.

    python -m redheart.hub_upload.ship RUN/model src/redheart/checkpoints/redheart-mini

Notable: weights go as bfloat16, which halves them; the config says float32, so that they are read and computed with in
float32 by default. Code is not copied: `redheart create` puts it beside the weights for those who have no package.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers.utils import logging

from .checkpoint import load_strict
from .weights import Slot, write_weights

# What loading a tokenizer from a folder leaves in its config, and says nothing about the tokenizer.
_OF_THE_MACHINE = ("is_local", "local_files_only", "name_or_path")


def ship(trained: Path, folder: Path) -> None:
    """Write config, bfloat16 weights with their sums, and tokenizer of ``trained`` to ``folder``.

    Raises `ValueError` when ``trained`` does not load strictly.
    """
    model = load_strict(trained, dtype=torch.float32)
    tensors = {name: value.to(torch.bfloat16) for name, value in model.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    slots = {name: Slot(tuple(value.shape), value.dtype) for name, value in tensors.items()}
    write_weights(folder, slots, tensors.items())
    model.config.dtype = torch.float32
    model.config.save_pretrained(folder)
    shutil.copyfile(trained / "tokenizer.json", folder / "tokenizer.json")
    options = json.loads((trained / "tokenizer_config.json").read_text(encoding="utf-8"))
    options = {key: value for key, value in options.items() if key not in _OF_THE_MACHINE}
    (folder / "tokenizer_config.json").write_text(json.dumps(options, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path, help="folder of the trained model")
    parser.add_argument("folder", type=Path, help="where the checkpoint goes")
    args = parser.parse_args()
    logging.disable_progress_bar()
    ship(args.trained, args.folder)


if __name__ == "__main__":
    main()
