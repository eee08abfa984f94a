"""A transformer in PyTorch: learned positions, the norm first, GELU; a class or the next token on top."""

import math
import time
from collections.abc import Callable, Iterable

import torch

from benchmarks.peers.torch_language import stepper

CLIP, DECAY, HEADS, DROPOUT, WORD_DROPOUT = 1.0, 0.01, 4, 0.1, 0.2
UNKNOWN = 1  # the id of an unknown word


class Transformer(torch.nn.Module):
    """Ids [B, T] -> a vector for every token, [B, T, width]; id 0 is padding.

    Args:
        longest: the most tokens that can be read at once.
        dropped_input, dropout: shares of the embedded input, and within a layer, that are dropped in training.
        causal: no token sees those after it.
    """

    def __init__(self, vocabulary, width, layers, longest, dropped_input, causal, dropout=DROPOUT):
        super().__init__()
        self.causal = causal
        self.tokens, self.positions = torch.nn.Embedding(vocabulary, width), torch.nn.Embedding(longest, width)
        self.dropped = torch.nn.Dropout(dropped_input)
        options = {"activation": "gelu", "batch_first": True, "norm_first": True}
        layer = torch.nn.TransformerEncoderLayer(width, HEADS, 4 * width, dropout, **options)
        self.stack = torch.nn.TransformerEncoder(layer, layers, torch.nn.LayerNorm(width), enable_nested_tensor=False)
        for name, weight in self.named_parameters():  # as GPT-2; PyTorch gives all layers the same weights
            into_sum = name.endswith(("out_proj.weight", "linear2.weight"))
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers if into_sum else 1))
        for layer in self.stack.layers:
            layer.self_attn.dropout = 0.0  # PyTorch's fast attention has none on a CPU

    def read(self, ids):
        """A vector for every token."""
        x = self.dropped(self.tokens(ids) + self.positions.weight[: ids.shape[1]])
        if not self.causal:
            return self.stack(x, src_key_padding_mask=ids == 0)
        mask = torch.nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return self.stack(x, mask=mask, is_causal=True)


class Classifier(Transformer):
    """Ids [B, T] -> a score for each class, [B, C], of the mean and the maximum over the tokens, as in `make run`."""

    def __init__(self, vocabulary, classes, width, longest, dropped_input, layers=2):
        super().__init__(vocabulary, width, layers, longest, dropped_input, causal=False)
        self.pooled_dropped = torch.nn.Dropout(0.5)
        self.scores = torch.nn.Linear(2 * width, classes)

    def forward(self, ids):
        if self.training:
            ids = torch.where((torch.rand(ids.shape) < WORD_DROPOUT) & (ids > 0), UNKNOWN, ids)
        x, there = self.read(ids), (ids > 0)[..., None]
        mean = (x * there).sum(1) / there.sum(1).clamp(min=1)
        return self.scores(self.pooled_dropped(torch.cat([mean, x.masked_fill(~there, -math.inf).amax(1)], 1)))


class LanguageModel(Transformer):
    """Ids [B, T] -> scores of the token after each, [B, T, V]; the output is tied to the embedding."""

    def __init__(self, vocabulary, width, layers, longest):
        super().__init__(vocabulary, width, layers, longest, 0.0, causal=True, dropout=0.0)  # in minutes none overfits

    def forward(self, ids):
        return self.read(ids) @ self.tokens.weight.T


def train(
    model: torch.nn.Module,
    losses: Callable[[int], Iterable[torch.Tensor]],
    validate: Callable[[], float],
    epochs: int,
    steps: int,
    rate: float,
) -> float:
    """Train, and keep the weights of the epoch with the least validation loss, which is returned.

    Args:
        losses: the loss of each batch of an epoch, by its number.
        validate: the validation loss.
        steps: batches in an epoch.
        rate: the highest learning rate.
    """
    step, best, least = stepper(list(model.parameters()), rate, CLIP, epochs * steps, DECAY), None, math.inf
    for epoch in range(epochs):
        begun = time.monotonic()
        model.train()
        for loss in losses(epoch):
            step(loss)
        seconds = time.monotonic() - begun
        model.eval()
        with torch.inference_mode():
            loss = validate()
        print(f"  epoch {epoch + 1}/{epochs}: validation loss {loss:.4f}, {seconds:.0f} s", flush=True)
        if loss < least:
            least, best = loss, {name: weight.clone() for name, weight in model.state_dict().items()}
    model.load_state_dict(best)
    return least
