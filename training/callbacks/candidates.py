"""The checkpoints of one run that a crossover may take modules from, on disk.

Notable: each part of the model is a file named by the hash of its weights, so that a module that did not change
between two checkpoints is stored once. Every file and the index carry the hash of the weights that the run began with,
and what is of another run is refused.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...storage.files import write_json
from .module_crossover import part_names
from .snapshots import digest, tensors_of, write_tensors

logger = logging.getLogger(__name__)

INDEX = "candidates.json"


@dataclass
class Candidate:
    """A checkpoint of the run. step: of the optimiser. metrics: of the evaluation there."""

    name: str
    step: int
    base: str  # hash of the weights that its run began with
    metrics: dict[str, float] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)  # part -> hash of its tensors; empty where nothing is written


def refuse_strangers(candidates: Sequence[Candidate], base: str) -> None:
    """Raises `ValueError` for a candidate of a run that began with other weights."""
    for candidate in candidates:
        if candidate.base != base:
            raise ValueError(
                f"The candidate {candidate.name!r} is of another run: its base is {candidate.base[:12]}..., this run's "
                f"is {base[:12]}.... Only checkpoints of one run can be combined; give each run a folder of its own."
            )


class CandidateStore:
    """Writes candidates to ``folder`` and reads their tensors.

    modules: paths of the modules that are parts of their own. writes: whether this process is the one that writes; the
    others follow names, steps and metrics only.
    """

    def __init__(self, folder: Path, modules: Sequence[str], writes: bool) -> None:
        self.folder, self.modules, self.writes = folder, tuple(modules), writes
        self.base = ""
        self.candidates: list[Candidate] = []
        self._open: dict[str, Any] = {}

    def begin(self, model: nn.Module) -> str:
        """Start with the weights of a new run, whose hash is returned; files of an earlier run go."""
        self.candidates = []
        if self.writes:
            self.base = digest(tensors_of(model))
            for file in self.folder.glob("*.safetensors"):
                file.unlink()
            self._write_index()
        return self.base

    def resume(self, model: nn.Module, base: str, step: int) -> None:
        """Go on with the candidates up to ``step`` of the run that began with ``base``.

        Raises `ValueError` when they are of another run or of another model, `FileNotFoundError` when one is missing.
        """
        self.base = base
        index = self.folder / INDEX
        if not self.writes:
            return
        if not index.is_file():
            logger.warning("%s is not there: candidates from before step %d cannot be used.", index, step)
            return
        stored = json.loads(index.read_text(encoding="utf-8"))
        known = [Candidate(**entry) for entry in stored]
        refuse_strangers(known, base)
        self.candidates = [candidate for candidate in known if candidate.step <= step]
        shapes = {name: list(tensor.shape) for name, tensor in tensors_of(model).items()}
        for candidate in self.candidates:
            found = {name: shape for part in candidate.parts for name, shape in self._shapes(candidate, part).items()}
            if found != shapes:
                odd = sorted({*found, *shapes}, key=lambda name: (found.get(name) == shapes.get(name), name))[0]
                raise ValueError(
                    f"The candidate {candidate.name!r} is of another model: {odd!r} has the shape {found.get(odd)} "
                    f"there and {shapes.get(odd)} here."
                )

    def add(self, name: str, step: int, model: nn.Module, metrics: Mapping[str, float]) -> Candidate:
        """Store the weights of ``model`` as a candidate, in the place of one of the same name."""
        candidate = Candidate(name, step, self.base, dict(metrics))
        if self.writes:
            tensors = tensors_of(model)
            part_of = part_names(tensors, self.modules)
            for part in dict.fromkeys(part_of.values()):
                members = {name: tensor for name, tensor in tensors.items() if part_of[name] == part}
                candidate.parts[part] = digest(members)
                file = self._file(candidate, part)
                if not file.is_file():
                    write_tensors(file, members, {"base": self.base, "part": part})
        self.candidates = [other for other in self.candidates if other.name != name] + [candidate]
        self._write_index()
        return candidate

    def keep(self, names: Sequence[str]) -> None:
        """Drop all candidates but these, and the files that only the others need."""
        self.candidates = [candidate for candidate in self.candidates if candidate.name in names]
        self._write_index()
        if self.writes:
            needed = {name for candidate in self.candidates for name in candidate.parts.values()}
            for file in self.folder.glob("*.safetensors"):
                if file.stem not in needed:
                    file.unlink()

    def __enter__(self) -> "CandidateStore":
        """Open the files of all candidates for `read`."""
        self._stack = ExitStack()
        for candidate in self.candidates if self.writes else ():
            for part in candidate.parts:
                self._open[candidate.parts[part]] = self._stack.enter_context(self._handle(candidate, part))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        self._open = {}

    def read(self, name: str, tensor: str) -> Tensor:
        """A tensor of the candidate ``name``; within ``with store:``."""
        candidate = next(candidate for candidate in self.candidates if candidate.name == name)
        part = part_names([tensor], self.modules)[tensor]
        value: Tensor = self._open[candidate.parts[part]].get_tensor(tensor)
        return value

    def _file(self, candidate: Candidate, part: str) -> Path:
        return self.folder / f"{candidate.parts[part]}.safetensors"

    def _handle(self, candidate: Candidate, part: str) -> Any:
        file = self._file(candidate, part)
        try:
            handle = safe_open(file, framework="pt")
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{file}, the part {part!r} of the candidate {candidate.name!r}, is not there any more. Only what the "
                "newest checkpoint names is kept: resume from that one, or start anew."
            ) from error
        except SafetensorError as error:
            raise ValueError(f"{file} is damaged and cannot be read: {error}. Start the run anew.") from error
        base = (handle.metadata() or {}).get("base", "")
        refuse_strangers([Candidate(candidate.name, candidate.step, base)], self.base)
        return handle

    def _shapes(self, candidate: Candidate, part: str) -> dict[str, list[int]]:
        with self._handle(candidate, part) as handle:
            return {name: list(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118

    def _write_index(self) -> None:
        if self.writes:
            write_json(self.folder / INDEX, [asdict(candidate) for candidate in self.candidates])


__all__ = ["INDEX", "Candidate", "CandidateStore", "refuse_strangers"]
