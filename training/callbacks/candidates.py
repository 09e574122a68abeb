"""The checkpoints of one run that a crossover may take modules from, on disk.

Notable: each part of the model is a file named by the hash of its weights, so that a module that did not change
between two checkpoints is stored once. Every file and the index carry the hash of the weights that the run began with,
and candidates of another run are refused.
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

from ...modeling_redheart.digests import digest
from ...storage.files import write_json
from .module_crossover import part_names
from .snapshots import tensors_of, write_tensors

logger = logging.getLogger(__name__)

INDEX = "candidates.json"


@dataclass
class Candidate:
    """A checkpoint of the run.

    Attributes:
        name: Name of the checkpoint, such as ``step-200``.
        step: Step of the optimiser.
        base: Hash of the weights that its run began with.
        metrics: Metrics of the evaluation at this step, by name.
        parts: Part of the model -> hash of its tensors; empty in a process that does not write.
    """

    name: str
    step: int
    base: str
    metrics: dict[str, float] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)


def refuse_other_runs(candidates: Sequence[Candidate], base: str) -> None:
    """Refuse candidates of a run that began with other weights.

    Args:
        candidates: What is checked.
        base: Hash of the weights that this run began with.

    Raises:
        ValueError: When a candidate has another base.
    """
    for candidate in candidates:
        if candidate.base != base:
            raise ValueError(
                f"The candidate {candidate.name!r} belongs to another run: its base is {candidate.base[:12]}..., this "
                f"run's is {base[:12]}.... Only checkpoints of one run can be combined; use a separate folder per run."
            )


class CandidateStore:
    """Writes candidates to ``folder`` and reads their tensors.

    Args:
        folder: Where the files of the parts and the index are.
        modules: Paths of the modules that are stored as separate parts.
        writes: Whether this process writes the files; the others only keep names, steps and metrics.
    """

    def __init__(self, folder: Path, modules: Sequence[str], writes: bool) -> None:
        self.folder, self.modules, self.writes = folder, tuple(modules), writes
        self.base = ""
        self.candidates: list[Candidate] = []
        self._open: dict[str, Any] = {}

    def begin(self, model: nn.Module) -> str:
        """Start with the weights of a new run and delete the files of an earlier one.

        Args:
            model: The model with the weights that the run begins with.

        Returns:
            Hash of these weights; empty in a process that does not write.
        """
        self.candidates = []
        if self.writes:
            self.base = digest(tensors_of(model))
            for file in self.folder.glob("*.safetensors"):
                file.unlink()
            self._write_index()
        return self.base

    def resume(self, model: nn.Module, base: str, step: int) -> None:
        """Continue with the candidates up to ``step`` of the run that began with ``base``.

        Args:
            model: The model that is trained.
            base: Hash of the weights that the run began with.
            step: Step of the checkpoint that is resumed; later candidates are left out.

        Raises:
            ValueError: When the candidates belong to another run or to another model, or a file is damaged.
            FileNotFoundError: When the file of a candidate is missing.
        """
        self.base = base
        index = self.folder / INDEX
        if not self.writes:
            return
        if not index.is_file():
            logger.warning("%s does not exist: candidates from before step %d cannot be used.", index, step)
            return
        stored = json.loads(index.read_text(encoding="utf-8"))
        known = [Candidate(**entry) for entry in stored]
        refuse_other_runs(known, base)
        self.candidates = [candidate for candidate in known if candidate.step <= step]
        shapes = {name: list(tensor.shape) for name, tensor in tensors_of(model).items()}
        for candidate in self.candidates:
            found = {name: shape for part in candidate.parts for name, shape in self._shapes(candidate, part).items()}
            if found != shapes:
                odd = sorted({*found, *shapes}, key=lambda name: (found.get(name) == shapes.get(name), name))[0]
                raise ValueError(
                    f"The candidate {candidate.name!r} belongs to another model: {odd!r} has the shape "
                    f"{found.get(odd)} in it and {shapes.get(odd)} in this model."
                )

    def add(self, name: str, step: int, model: nn.Module, metrics: Mapping[str, float]) -> Candidate:
        """Store the weights of ``model`` as a candidate and replace one of the same name.

        Args:
            name: Name of the candidate.
            step: Step of the optimiser.
            model: The model whose weights are stored.
            metrics: Metrics of the evaluation at this step, by name.

        Returns:
            The stored candidate.
        """
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
        """Return one tensor of the candidate ``name``; only inside ``with store:``."""
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
                f"{file}, the part {part!r} of the candidate {candidate.name!r}, no longer exists. Only the files that "
                "the newest checkpoint names are kept: resume from that checkpoint, or start a new run."
            ) from error
        except SafetensorError as error:
            raise ValueError(f"{file} is damaged and cannot be read: {error}. Start a new run.") from error
        base = (handle.metadata() or {}).get("base", "")
        refuse_other_runs([Candidate(candidate.name, candidate.step, base)], self.base)
        return handle

    def _shapes(self, candidate: Candidate, part: str) -> dict[str, list[int]]:
        with self._handle(candidate, part) as handle:
            return {name: list(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118

    def _write_index(self) -> None:
        if self.writes:
            write_json(self.folder / INDEX, [asdict(candidate) for candidate in self.candidates])


__all__ = ["INDEX", "Candidate", "CandidateStore", "refuse_other_runs"]
