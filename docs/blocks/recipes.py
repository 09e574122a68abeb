"""The reference of recipes: each option with its type, its default and its meaning, from the code.

Notable: the meaning of a field is in the `Attributes` of its class, and that of an argument of the trainer is its help.
Callbacks and the sweep take it from `_CALLBACKS`, since their docstrings are for those who call them in Python.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml
from transformers import TrainingArguments

from redheart.compression.distillation_losses import Distillation
from redheart.compression.distillation_recipe import DistillationRecipe
from redheart.compression.student import Cut
from redheart.configuration.configuration_redheart import preset_names
from redheart.training.callbacks.crossover_callback import CrossoverCallback
from redheart.training.callbacks.sweet_spot import SweetSpotCallback
from redheart.training.runs import recipe
from redheart.training.runs.lr_sweep import sweep_learning_rates
from redheart.training.trainers.arguments import RedHeartTrainingArguments

from .markdown import Block, BlockError, table

REQUIRED = object()
# Name -> type, default, meaning.
Options = Mapping[str, tuple[Any, Any, str]]

# Values that a run gives to a callback by default.
_GIVEN = {"modules": None, "metric": "eval_loss_supervised"}
_WRITTEN = "Folder of its report, plot and {}; by default the folder of the run."
_CALLBACKS = {
    "sweet_spot": {
        "modules": "Path of each module -> the losses of an evaluation that measure it; by default those of the model.",
        "output": _WRITTEN.format("snapshots"),
        "window": "Number of evaluations in which a trend is looked for.",
        "minimum": "Number of evaluations before the first decision; by default the window.",
        "alpha": "Probability, per evaluation, of finding a trend where there is none.",
        "min_delta": "Smallest gain over the window that counts, as a share of the loss.",
        "slack": "Slack of the cumulative sum, in standard deviations of the noise.",
        "threshold": "Threshold of the cumulative sum, in standard deviations of the noise.",
        "plot": "Write `sweet_spot.png`, which needs matplotlib.",
    },
    "crossover": {
        "modules": "As for `sweet_spot`.",
        "strategies": "Ways to recombine checkpoints.",
        "seed": "Seed of the genetic search.",
        "generations": "Generations of the genetic search.",
        "population": "Population of the genetic search, which takes at most population x (generations + 1) "
        "evaluations.",
        "keep": "Maximum number of checkpoints on disk.",
        "metric": "Loss of the whole model.",
        "margin": "How much lower the loss of a recombination must be on the last third of the validation units.",
        "coefficients": "Coefficients of the interpolation between checkpoints.",
        "output": _WRITTEN.format("candidates"),
        "plot": "Write `crossover.png`, which needs matplotlib.",
    },
    "lr_sweep": {
        "low": "First learning rate.",
        "high": "Last learning rate.",
        "steps": "Steps of the optimiser from the first rate to the last.",
        "probe": "Number of batches that are kept out of training and evaluated after every step.",
    },
}
# Sections that explain an option.
_LINKS = {
    **{
        ("the-file", name): f"#{name}"
        for name in ("model", "data", "training", "sweet_spot", "crossover", "lr_sweep", "confidence", "peft",
                     "pretraining")
    },
    ("distillation-file", "student"): "#model",
    ("distillation-file", "cut"): "#cut",
    ("distillation-file", "distillation"): "#distillation",
    ("distillation-file", "confidence"): "#confidence",
    }  # fmt: skip


def _attributes(kind: type) -> dict[str, str]:
    """Field -> its text in the `Attributes` section of the class."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in inspect.cleandoc(kind.__doc__ or "").splitlines():
        if not line.startswith(" "):
            inside = line == "Attributes:" or (inside and not line)
        elif inside and (start := re.match(r"    (\w+): (.+)", line)):
            name, found[start[1]] = start[1], start[2]
        elif inside:
            found[name] += f" {line.strip()}"
    return found


def _of_class(kind: type) -> Options:
    hints, meanings = get_type_hints(kind), _attributes(kind)
    found = {}
    for item in fields(kind):
        default = item.default if item.default_factory is MISSING else item.default_factory()
        found[item.name] = hints[item.name], REQUIRED if default is MISSING else default, meanings.get(item.name, "")
    return found


def _of_function(function: Callable[..., Any], meanings: Mapping[str, str], without: tuple[str, ...] = ()) -> Options:
    hints = get_type_hints(function)
    return {
        name: (hints[name], _GIVEN.get(name, item.default), meanings.get(name, ""))
        for name, item in inspect.signature(function).parameters.items()
        if name not in ("self", *without)
    }


def _of_arguments() -> Options:
    inherited = {item.name for item in fields(TrainingArguments)}
    hints = get_type_hints(RedHeartTrainingArguments)
    return {
        item.name: (hints[item.name], item.default, item.metadata["help"])
        for item in fields(RedHeartTrainingArguments)
        if item.name not in inherited
    }


_RUN = ("trainer", "selection", "acceptance")
OPTIONS: dict[str, Callable[[], Options]] = {
    "the-file": lambda: _of_class(recipe.Recipe),
    "model": lambda: _of_class(recipe.ModelRecipe),
    "data": lambda: _of_class(recipe.DataRecipe),
    "source": lambda: _of_class(recipe.Source),
    "training": _of_arguments,
    "peft": lambda: _of_class(recipe.PeftRecipe),
    "sweet_spot": lambda: _of_function(SweetSpotCallback.__init__, _CALLBACKS["sweet_spot"]),
    "crossover": lambda: _of_function(CrossoverCallback.__init__, _CALLBACKS["crossover"], _RUN),
    "lr_sweep": lambda: _of_function(sweep_learning_rates, _CALLBACKS["lr_sweep"], _RUN),
    "confidence": lambda: _of_class(recipe.ConfidenceRecipe),
    "pretraining": lambda: _of_class(recipe.PretrainingRecipe),
    "distillation-file": lambda: _of_class(DistillationRecipe),
    "distillation": lambda: _of_class(Distillation),
    "cut": lambda: _of_class(Cut),
}


def word(hint: Any) -> str:
    """Return the word of the page for a type."""
    if get_origin(hint) in (Union, UnionType):
        inside = {word(one) for one in get_args(hint) if one is not type(None)}
        return next(
            name for name in ("map", "list of numbers", "list of texts", "text", *sorted(inside)) if name in inside
        )
    if hint == list[recipe.Source]:
        return "list of sources"
    origin = get_origin(hint)
    if origin is not None:
        if issubclass(origin, Mapping):
            return "map"
        return "list of numbers" if get_args(hint)[0] is float else "list of texts"
    words: dict[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "text"}
    return words.get(hint, "part")


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, bool | int | float | str):
        return f"`{yaml.safe_dump(value).splitlines()[0]}`"
    if isinstance(value, tuple | list):
        return f"`[{', '.join(str(one) for one in value)}]`"
    return (
        "`{}`"
        if value == {} or value == recipe.DataRecipe() or type(value).__name__ == "Distillation"
        else "see its meaning"
    )


def _table(name: str) -> str:
    return table(("option", "type", "default", "meaning"), _rows(name))


def _rows(name: str) -> Iterator[tuple[str, ...]]:
    for option, (hint, default, meaning) in OPTIONS[name]().items():
        if not meaning:
            raise BlockError(f"Nothing says what `{option}` of {name} means; add it to the class's `Attributes`.")
        if link := _LINKS.get((name, option)):
            meaning = f"{meaning} See [`{link.lstrip('#')}`]({link})."
        if option == "preset":
            meaning = f"{meaning} One of {', '.join(f'`{one}`' for one in preset_names())}."
        yield f"`{option}`", word(hint), _default(default), meaning


def _block(name: str) -> Block:
    return lambda: _table(name)


BLOCKS: dict[str, Block] = {f"recipe-{name.replace('_', '-')}": _block(name) for name in OPTIONS}
