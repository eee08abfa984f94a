"""A language model in PyTorch: the network of `nlp_rnn.models.LanguageModel`, the schedule and the windows of `fit`."""

import itertools
import math

import torch


class Model(torch.nn.Module):
    """Embedding, LSTM layers with dropped recurrent kernels, a linear layer, the embedding again; dropout as there."""

    def __init__(self, vocabulary, embedding, units, layers, dropout, weight_drop, word_dropout):
        super().__init__()
        self.dropout, self.weight_drop, self.word_dropout = dropout, weight_drop, word_dropout
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        torch.nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
        sizes = [embedding, *[units] * layers]
        pairs = itertools.pairwise(sizes)
        self.stack = torch.nn.ModuleList(torch.nn.LSTM(size, units, batch_first=True) for size, units in pairs)
        self.projection = torch.nn.Linear(units, embedding)
        self.bias = torch.nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids, states):
        """Logits [B, T, V], and the states after the last token."""
        x, after = self._words_dropped(self.embedding(ids), ids), []
        for layer, state in zip(self.stack, states, strict=True):
            x, state = self._layer(layer, self._dropped(x), state)
            after.append(state)
        return self._dropped(self.projection(x)) @ self.embedding.weight.T + self.bias, after

    def _layer(self, layer, x, state):
        if not (self.training and self.weight_drop):
            return layer(x, state)
        dropped = torch.nn.functional.dropout(layer.weight_hh_l0, self.weight_drop)
        weights = {**dict(layer.named_parameters()), "weight_hh_l0": dropped}
        return torch.func.functional_call(layer, weights, (x, state))

    def _dropped(self, x):
        return x * torch.nn.functional.dropout(torch.ones(len(x), 1, x.shape[-1]), self.dropout, self.training)

    def _words_dropped(self, x, ids):
        rows = torch.ones(len(self.embedding.weight), 1)
        return x * torch.nn.functional.dropout(rows, self.word_dropout, self.training)[ids]


class Trained:
    """A model and the best of its weights."""

    def __init__(self, model):
        self.model, self.best, self.least = model, None, math.inf

    def loss(self, data):
        """Mean cross-entropy of a token of these windows, each token read after those before it."""
        self.model.eval()
        total, tokens = 0.0, 0
        with torch.inference_mode():
            for loss, count in self.losses(data):
                total, tokens = total + loss.item() * count, tokens + count
        return total / tokens

    def losses(self, data):
        """The mean loss and the number of tokens of each window; states are carried on without their gradient."""
        units, layers = self.model.stack[0].hidden_size, len(self.model.stack)
        states = [tuple(torch.zeros(1, data.batch, units) for _ in range(2)) for _ in range(layers)]
        last = torch.full((data.batch,), 2)
        for ids, fresh in data.windows():
            ids, fresh = torch.tensor(ids).long(), torch.tensor(fresh)
            states = [tuple(s.detach() * ~fresh[None, :, None] for s in pair) for pair in states]
            inputs = torch.cat([torch.where(fresh, 2, last)[:, None], ids[:, :-1]], 1)
            logits, states = self.model(inputs, states)
            last = ids[:, -1]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=0)
            yield loss, int((ids != 0).sum())

    def keep(self, validation):
        """Remember the weights if they are the best so far."""
        loss = self.loss(validation)
        if loss < self.least:
            self.least, self.best = loss, {n: w.clone() for n, w in self.model.state_dict().items()}
        return loss


def train(network, vocabulary, data, validation, epochs, rate, clip):
    """Train so many epochs; the best is kept."""
    torch.manual_seed(0)
    trained, steps = Trained(Model(vocabulary, **network)), epochs * len(data)
    step = stepper(list(trained.model.parameters()), rate, clip, steps)
    for epoch in range(epochs):
        data.epoch = epoch
        trained.model.train()
        for loss, _ in trained.losses(data):
            step(loss)
        print(f"torch, epoch {epoch + 1}/{epochs}: validation {math.exp(trained.keep(validation)):.1f}", flush=True)
    trained.model.load_state_dict(trained.best)
    return trained


def stepper(parameters, rate, clip, steps, decay=0.0):
    """What takes a step for a loss: Adam with a rate that rises over 50 steps, then falls to zero as half a cosine."""
    optimizer = torch.optim.AdamW(parameters, rate, eps=1e-7, weight_decay=decay)
    warmup = min(50, steps // 4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: _share(n, warmup, steps))

    def step(loss):
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        schedule.step()

    return step


def _share(step, warmup, steps):
    return step / warmup if step < warmup else 0.5 + 0.5 * math.cos(math.pi * (step - warmup) / (steps - warmup))
