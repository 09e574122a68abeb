"""The plain models that learn from a Red Heart model, each begun from the text encoder inside it.

Notable: they are made of classes of transformers and sentence-transformers alone, so that the saved folder needs no
code of ours. The encoder is the teacher's, weight for weight; only the head is new.
"""

import copy
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedTokenizerBase

from ..configuration.labels import EMOTIONS
from ..modeling_redheart.backbone import PretrainedTextEncoder
from ..modeling_redheart.modeling_redheart import RedHeartModel
from .sentence_folder import check_supervised, need_sentence_transformers

_LEAST = 1e-4  # probability, so that a logit is finite


class PlainStudent(nn.Module, ABC):
    """A plain model, and how it is taught.

    Args:
        teacher: The model to learn from.
        tokenizer: Its tokenizer, which is the student's, too.
        include_untrained: Also learn what nothing supervised in the teacher.

    Raises:
        ValueError: For a teacher in which nothing supervised what is to be learned, or whose backbone is not a text
            encoder of transformers.
    """

    claims: tuple[str, ...]  # of the teacher that it learns, as record keys
    ridge: float  # penalty of the fitted head, relative to the mean variance of its inputs
    network: nn.Module

    def __init__(
        self, teacher: RedHeartModel, tokenizer: PreTrainedTokenizerBase, include_untrained: bool = False
    ) -> None:
        super().__init__()
        encoder = teacher.backbone.encoder
        if not isinstance(encoder, PretrainedTextEncoder):
            raise ValueError(
                "The model's backbone is Red Heart's own, which no plain architecture has; take a model on a text "
                "encoder of transformers, such as redheart-100m."
            )
        check_supervised(teacher, self.claims, include_untrained)
        self.tokenizer: Any = tokenizer
        self.tokenizer.padding_side = "right"
        self._build(encoder.model, teacher)

    @abstractmethod
    def _build(self, encoder: Any, teacher: RedHeartModel) -> None: ...

    @property
    @abstractmethod
    def encoder(self) -> Any:
        """The text encoder of the student."""

    @abstractmethod
    def forward(self, **inputs: Tensor) -> Tensor:
        """The student's own output for tokens, to be compared with `target`."""

    @abstractmethod
    def target(self, teacher: RedHeartModel, **inputs: Tensor) -> Tensor:
        """The output of ``teacher`` for the same tokens."""

    @abstractmethod
    def loss(self, found: Tensor, target: Tensor) -> Tensor:
        """The distance of the two, a mean over the texts."""

    @abstractmethod
    def fit_head(self, teacher: RedHeartModel, batches: list[dict[str, Tensor]]) -> None:
        """Set the head, as far as that needs no training, from some texts."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write a folder that loads without this package."""

    def new_parameters(self) -> list[nn.Parameter]:
        """The parameters that the encoder does not have."""
        known = {id(value) for name, value in self.encoder.named_parameters() if not name.startswith("pooler.")}
        return [value for value in self.parameters() if id(value) not in known]

    def freeze_below(self, trained_layers: int) -> None:
        """Train the last layers of the encoder and the head alone.

        Args:
            trained_layers: Layers that are trained.

        Raises:
            ValueError: When the encoder has fewer layers, or does not name them.
        """
        layers = next((item for item in self.encoder.modules() if isinstance(item, nn.ModuleList)), None)
        count = self.encoder.config.num_hidden_layers
        if layers is None or len(layers) != count or trained_layers > count:
            raise ValueError(f"`trained_layers` is {trained_layers}, but the encoder has {count} layers.")
        new = self.new_parameters()
        self.encoder.requires_grad_(False)
        for layer in layers[count - trained_layers :]:
            layer.requires_grad_(True)
        for parameter in new:
            parameter.requires_grad_(True)


class EmotionStudent(PlainStudent):
    """A sequence classifier of transformers with the 28 emotions as labels."""

    claims, ridge = tuple(f"emotion.{name}" for name in EMOTIONS), 0.1

    def _build(self, encoder: Any, teacher: RedHeartModel) -> None:
        config = copy.deepcopy(encoder.config)
        config.architectures, config.name_or_path = None, ""
        config.id2label = dict(enumerate(EMOTIONS))
        config.label2id = {name: place for place, name in config.id2label.items()}
        config.problem_type = "multi_label_classification"
        self.network = AutoModelForSequenceClassification.from_config(config)
        _take_weights(self.encoder, encoder)

    @property
    def encoder(self) -> Any:
        """The text encoder of the student."""
        network: Any = self.network
        return network.base_model

    def forward(self, **inputs: Tensor) -> Tensor:
        """Logits of the emotions, ``(batch, 28)``."""
        logits: Tensor = self.network(**inputs).logits
        return logits

    @torch.no_grad()
    def target(self, teacher: RedHeartModel, **inputs: Tensor) -> Tensor:
        """Probabilities of the emotions, ``(batch, 28)``."""
        probabilities: Tensor = teacher(**inputs, outputs=("emotion",)).emotion.logits.sigmoid()
        return probabilities

    def loss(self, found: Tensor, target: Tensor) -> Tensor:
        """The cross entropy of an emotion."""
        return F.binary_cross_entropy_with_logits(found, target)

    @torch.no_grad()
    def fit_head(self, teacher: RedHeartModel, batches: list[dict[str, Tensor]]) -> None:
        """Fit the last layer of the head, as it is, to the teacher's logits."""
        last = [item for item in self.modules() if isinstance(item, nn.Linear) and item.out_features == len(EMOTIONS)]
        given: list[Tensor] = []
        hook = last[-1].register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
        try:
            for batch in batches:
                self(**batch)
        finally:
            hook.remove()
        wanted = torch.cat([self.target(teacher, **batch) for batch in batches])
        _fit(last[-1], torch.cat(given), wanted.clamp(_LEAST, 1 - _LEAST).logit(), self.ridge)

    def save(self, folder: Path) -> None:
        """Write the classifier and its tokenizer."""
        network: Any = self.network
        network.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


class EmbeddingStudent(PlainStudent):
    """The encoder, the mean of its states, and a projection, as modules of sentence-transformers."""

    claims, ridge = ("embedding",), 1.0

    def _build(self, encoder: Any, teacher: RedHeartModel) -> None:
        need_sentence_transformers()
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules.dense import Dense
        from sentence_transformers.base.modules.normalize import Normalize
        from sentence_transformers.base.modules.transformer import Transformer
        from sentence_transformers.sentence_transformer.modules.pooling import Pooling

        width, longest = encoder.config.hidden_size, teacher.config.longest_text
        with tempfile.TemporaryDirectory(prefix="redheart-encoder-") as folder:
            plain: Any = AutoModel.from_config(encoder.config)
            _take_weights(plain, encoder)
            if getattr(plain, "pooler", None) is not None:
                for parameter in plain.pooler.parameters():  # the class has it, and the mean of the states does not
                    nn.init.zeros_(parameter)
            plain.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
            reader = Transformer(folder, max_seq_length=longest)
        reader.model.config.name_or_path = ""
        modules = (
            reader, Pooling(width, "mean"), Dense(width, teacher.config.hidden_size, activation_function=nn.Identity()),
            Normalize(),
        )  # fmt: skip
        self.network = SentenceTransformer(modules=list(modules), device="cpu", similarity_fn_name="cosine")

    @property
    def encoder(self) -> Any:
        """The text encoder of the student."""
        network: Any = self.network
        return network[0].model

    @property
    def projection(self) -> nn.Linear:
        """The projection to the width of the teacher's embedding."""
        network: Any = self.network
        linear: nn.Linear = network[2].linear
        return linear

    def new_parameters(self) -> list[nn.Parameter]:
        """The projection; the pooler is not read."""
        return list(self.projection.parameters())

    def forward(self, **inputs: Tensor) -> Tensor:
        """Vectors of length 1, ``(batch, teacher's width)``."""
        vectors: Tensor = self.network(dict(inputs))["sentence_embedding"]
        return vectors

    @torch.no_grad()
    def target(self, teacher: RedHeartModel, **inputs: Tensor) -> Tensor:
        """The embeddings of the teacher, ``(batch, width)``."""
        return teacher.embed(**inputs)

    def loss(self, found: Tensor, target: Tensor) -> Tensor:
        """1 - cosine."""
        return (1 - (found * target).sum(dim=-1)).mean()

    @torch.no_grad()
    def fit_head(self, teacher: RedHeartModel, batches: list[dict[str, Tensor]]) -> None:
        """Fit the projection to the teacher's embeddings, by ridge regression."""
        network: Any = self.network
        states = [network[1](network[0](dict(batch)))["sentence_embedding"] for batch in batches]
        wanted = torch.cat([self.target(teacher, **batch) for batch in batches])
        _fit(self.projection, torch.cat(states), wanted, self.ridge)

    def save(self, folder: Path) -> None:
        """Write the folder of sentence-transformers."""
        network: Any = self.network
        network.save(str(folder), create_model_card=False)


def _fit(layer: nn.Linear, given: Tensor, wanted: Tensor, ridge: float) -> None:
    """Fit a layer by ridge regression.

    Args:
        layer: The layer, whose weights and bias are replaced.
        given: Its inputs, ``(texts, inputs)``.
        wanted: What it should give, ``(texts, outputs)``.
        ridge: Penalty, relative to the mean variance of an input.
    """
    own, goal = given.mean(dim=0), wanted.mean(dim=0)
    centred = (given - own).double()
    gram = centred.T @ centred
    penalty = ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    weight = torch.linalg.solve(gram + penalty, centred.T @ (wanted - goal).double()).float().T
    layer.weight.copy_(weight)
    layer.bias.copy_(goal - weight @ own)


def _take_weights(plain: Any, encoder: Any) -> None:
    """Copy all weights of ``encoder`` into ``plain``, which may have a pooler besides; raise `ValueError` else."""
    own, given = plain.state_dict(), encoder.state_dict()
    other = sorted(given.keys() - own.keys()) + sorted(
        name for name in own.keys() - given.keys() if not name.startswith("pooler.")
    )
    if other:
        kind = encoder.config.model_type
        raise ValueError(f"The encoder cannot become a plain {kind}: only one of the two has the weight {other[0]!r}.")
    plain.load_state_dict({**own, **given})


STUDENTS: dict[str, type[PlainStudent]] = {"emotions": EmotionStudent, "embedding": EmbeddingStudent}

__all__ = ["STUDENTS", "EmbeddingStudent", "EmotionStudent", "PlainStudent"]
