"""The module bridge: brings the states of all modules together.

Notable: every module's state is known to the bridge even if the module did not run (asynchrony predicts it) or failed
(recovery rebuilds it from the others and reports it), so any subset of outputs can be requested. Modules that the
config lacks have no state.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..configuration.component_sizes import CacheSize, DecoderSize, OneLayerSize
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import VERDICTS
from .heads import Reader
from .layers import Decoder, Linear, QueryTokens, Readout
from .memory import LatentMemory
from .outputs import BridgeOutput, VerdictOutput


class PrototypeCache(nn.Module):
    """Associative memory of learned prototypes: looks up the nearest ones and returns what they hold.

    Key-value memory with top-k look-up (Lample et al. 2019, arXiv:1907.05242, without the product keys).
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("cache", CacheSize)
        self.neighbours = size.neighbours
        self.query = Linear(config.hidden_size, config.hidden_size)
        self.keys = Linear(config.hidden_size, size.prototypes, bias=False)
        self.values = nn.Embedding(size.prototypes, config.hidden_size)
        self.out = Linear(config.hidden_size, config.hidden_size)
        self.scale = config.hidden_size**-0.5

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Look up the nearest prototypes.

        Args:
            pooled: The mean of the module states; shape ``(batch, hidden)``.

        Returns:
            What was found, ``(batch, hidden)``, and the soft use of each prototype, ``(prototypes,)``.
        """
        scores = self.keys(self.query(pooled)) * self.scale
        best, index = scores.topk(self.neighbours, dim=-1)
        found = (best.softmax(dim=-1).unsqueeze(-1) * self.values(index)).sum(dim=1)
        return self.out(found), scores.softmax(dim=-1).mean(dim=0)


class Asynchrony(nn.Module):
    """Predicts each module's state from the latent memory alone."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.queries = QueryTokens(config, len(config.modules))
        self.decoder = Decoder(config, config.size_of("asynchrony", DecoderSize))

    def forward(self, latents: Tensor) -> Tensor:
        """Return the predicted states (batch, modules, hidden) from ``latents`` (batch, latents, hidden)."""
        states: Tensor = self.decoder(self.queries(latents.shape[0]), latents)
        return states


class Recovery(nn.Module):
    """Rebuilds each module's state from the other modules' states and the latent memory.

    One decoder layer in which no query sees its own module: all states are rebuilt leave-one-out in one pass.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.queries = QueryTokens(config, len(config.modules))
        # One layer: a second would see its own module.
        self.decoder = Decoder(config, config.size_of("recovery", OneLayerSize))

    def forward(self, states: Tensor, usable: Tensor, latents: Tensor) -> Tensor:
        """Rebuild every state from the others.

        Args:
            states: States of the modules, all finite; shape ``(batch, modules, hidden)``.
            usable: True where a state is the module's own; shape ``(batch, modules)``.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.

        Returns:
            The rebuilt states; shape ``(batch, modules, hidden)``.
        """
        others = ~torch.eye(states.shape[1], dtype=torch.bool, device=states.device)
        visible = F.pad(others & usable[:, None, :], (1, 0), value=True)[:, None]
        memory = torch.cat((latents.mean(dim=1, keepdim=True), states), dim=1)
        rebuilt: Tensor = self.decoder(self.queries(states.shape[0]), memory, visible)
        return rebuilt


class Coordination(Reader):
    """Attends over all module states: the joint state, the verdict, and the acceptability."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "coordination", labels=2)
        self.module_tokens = QueryTokens(config, len(config.modules))
        self.verdict_readout = Readout(config, self.size.readout, labels=1, values=len(VERDICTS))
        self.acceptability_readout = Readout(config, self.size.readout, labels=1)

    def forward(self, states: Tensor, found: Tensor, latents: Tensor) -> tuple[VerdictOutput, Tensor]:
        """Coordinate the states.

        Args:
            states: States of the modules; shape ``(batch, modules, hidden)``.
            found: What the prototype cache found; shape ``(batch, hidden)``.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.

        Returns:
            The verdict and the joint state, ``(batch, hidden)``.
        """
        memory = torch.cat((states + self.module_tokens(states.shape[0]), found.unsqueeze(1), latents), dim=1)
        tokens, joint = self.read(memory)
        tokens = tokens + joint.unsqueeze(1)  # so that the verdict trains the joint state
        verdict = VerdictOutput(
            logits=self.verdict_readout(tokens[:, :1]).squeeze(1),
            acceptability_logits=self.acceptability_readout(tokens[:, 1:]).flatten(),
        )
        return verdict, joint


class ModuleBridge(nn.Module):
    """Latent memory, cache, asynchrony, recovery and coordination."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.modules_here = config.modules
        self.memory = LatentMemory(config)
        self.cache = PrototypeCache(config)
        self.asynchrony = Asynchrony(config)
        self.recovery = Recovery(config)
        self.coordination = Coordination(config)

    def forward(self, states: dict[str, Tensor], latents: Tensor, training_signals: bool) -> BridgeOutput:
        """Complete the states and coordinate them.

        Args:
            states: State of each module that ran, by its name; shape ``(batch, hidden)``.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.
            training_signals: Also predict the states of modules that did run, for the asynchrony loss.

        Returns:
            The completed states, the joint state and the verdict.
        """
        missing = [name for name in self.modules_here if name not in states]
        # Detached: predicting and rebuilding the states must not shape the memory and the modules they imitate.
        predicted = self.asynchrony(latents.detach()) if missing or training_signals else None
        complete = torch.stack(
            [states[name] if name in states else predicted[:, i] for i, name in enumerate(self.modules_here)], dim=1
        )
        usable = complete.isfinite().all(dim=-1)
        complete = torch.where(usable.unsqueeze(-1), complete, 0)
        rebuilt = self.recovery(complete.detach(), usable, latents.detach())
        complete = torch.where(usable.unsqueeze(-1), complete, rebuilt)
        found, usage = self.cache(complete.mean(dim=1))
        verdict, joint = self.coordination(complete, found, latents)
        return BridgeOutput(
            states=complete,
            predicted=predicted,
            rebuilt=rebuilt,
            ran=torch.tensor([name in states for name in self.modules_here], device=latents.device),
            recovered=~usable,
            prototype_usage=usage,
            joint=joint,
            verdict=verdict,
        )


__all__ = ["Asynchrony", "Coordination", "ModuleBridge", "PrototypeCache", "Recovery"]
