"""The cases in PyTorch, as its documentation writes them: padding by packed sequences."""

import torch
from torch.nn.utils import rnn


def versions() -> str:
    """What is measured here."""
    return f"torch {torch.__version__}"


def recurrent(cell, features, units):
    """A recurrent layer over [B, T, F]."""
    both, cell = cell.startswith("Bidirectional"), cell.split()[-1]
    return getattr(torch.nn, cell)(features, units, batch_first=True, bidirectional=both)


def layer(_, case):
    """Of a `Layer` case, what to time."""
    b, t, f, u = case.shape
    made, x = recurrent(case.cell, f, u), torch.randn(b, t, f, requires_grad=case.backward)
    lengths = torch.tensor(case.lengths())

    def outputs():
        if not case.mask:
            return made(x)[0]
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return rnn.pad_packed_sequence(made(packed)[0], batch_first=True, total_length=t)[0]

    def forward():
        with torch.inference_mode():
            return outputs()

    def both():
        made.zero_grad()
        x.grad = None
        outputs().square().sum().backward()

    return both if case.backward else forward


def language_model(_, case):
    """Of a `LanguageModel` case, what to time."""
    ids = torch.randint(0, case.vocabulary, (case.batch, case.steps + 1))
    embedding = torch.nn.Embedding(case.vocabulary, case.units)
    stack = torch.nn.LSTM(case.units, case.units, case.layers, batch_first=True)
    head = torch.nn.Linear(case.units, case.vocabulary)
    parameters = [*embedding.parameters(), *stack.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=1.0)

    def step():
        optimizer.zero_grad()
        logits = head(stack(embedding(ids[:, :-1]))[0])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        return loss.item()

    return step


def generation(_, case):
    """Of a `Generation` case, what to time."""
    embedding = torch.nn.Embedding(case.vocabulary, case.units)
    stack = torch.nn.LSTM(case.units, case.units, case.layers, batch_first=True)

    def sample():
        tokens, states = torch.ones(case.batch, 1, dtype=torch.long), None
        with torch.inference_mode():
            for _ in range(case.length):
                x, states = stack(embedding(tokens), states)
                probabilities = torch.softmax(x[:, 0] @ embedding.weight.T / case.temperature, -1)
                tokens = torch.multinomial(probabilities, 1)

    return sample


class Classifier(torch.nn.Module):
    """Embedding, bidirectional LSTM over packed sequences, mean and maximum over the states, dense."""

    def __init__(self, case):
        super().__init__()
        self.embedding = torch.nn.Embedding(case.vocabulary, case.embedding)
        self.recurrent = recurrent("Bidirectional LSTM", case.embedding, case.units)
        self.head = torch.nn.Linear(4 * case.units, 2)

    def forward(self, ids):
        """Logits [B, 2] of ids [B, T]."""
        mask = (ids != 0)[..., None]
        lengths = mask.sum((1, 2))
        packed = rnn.pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        x = rnn.pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)[0]
        mean = (x * mask).sum(1) / lengths[:, None]
        return self.head(torch.cat([mean, x.masked_fill(~mask, -1e9).max(1).values], 1))


def epochs(_, case):
    """Of an `Epochs` case, what to time; every call trains a new model."""
    batches = [(torch.tensor(ids), torch.tensor(labels).long()) for ids, labels in case.batches()]

    def train():
        model = Classifier(case)
        optimizer = torch.optim.Adam(model.parameters(), 0.001)
        for ids, labels in batches * case.epochs:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(ids), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return loss.item()

    return train
