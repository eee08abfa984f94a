"""The same translator in PyTorch: nn.LSTM over packed sources, nn.LSTM over targets, attention by bmm."""

import torch
from torch.nn.utils import rnn


class Model(torch.nn.Module):
    """A bidirectional encoder and a decoder with multiplicative attention, its output's kernel the embedding."""

    def __init__(self, case):
        super().__init__()
        self.source = torch.nn.Embedding(case.vocabulary, case.embedding)
        self.target = torch.nn.Embedding(case.vocabulary, case.embedding)
        self.encoder = torch.nn.LSTM(case.embedding, case.units // 2, batch_first=True, bidirectional=True)
        self.decoder = torch.nn.LSTM(case.embedding, case.units, batch_first=True)
        self.score = torch.nn.Linear(case.units, case.units, bias=False)
        self.combine = torch.nn.Linear(2 * case.units, case.units, bias=False)
        self.projection = torch.nn.Linear(case.units, case.embedding)
        self.bias = torch.nn.Parameter(torch.zeros(case.vocabulary))

    def encode(self, source):
        """The memory [B, S, U], its keys and its mask, and the states to begin with."""
        lengths = (source != 0).sum(1)
        packed = rnn.pack_padded_sequence(self.source(source), lengths, batch_first=True, enforce_sorted=False)
        packed, states = self.encoder(packed)
        memory = rnn.pad_packed_sequence(packed, batch_first=True)[0]
        states = tuple(torch.cat(tuple(s), -1)[None] for s in states)
        return (memory, self.score(memory), source != 0), states

    def decode(self, target, memory, states):
        """Logits [B, T, V] and the states after the last token."""
        vectors, keys, mask = memory
        h, states = self.decoder(self.target(target), states)
        scores = torch.bmm(h, keys.transpose(1, 2)).masked_fill(~mask[:, None], -1e9)
        context = torch.bmm(torch.softmax(scores, -1), vectors)
        outputs = torch.tanh(self.combine(torch.cat([h, context], -1)))
        return self.projection(outputs) @ self.target.weight.T + self.bias, states


def translation(_, case):
    """Of a `Translation` case, what to time."""
    model = Model(case)
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    batches = [tuple(torch.tensor(side).long() for side in pair) for pair in case.pairs()]

    def train():
        for source, target in batches:
            optimizer.zero_grad()
            begin = torch.full((len(target), 1), 2)
            logits, _ = model.decode(torch.cat([begin, target[:, :-1]], 1), *model.encode(source))
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=0)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss.item()

    return train


def beams(_, case):
    """Of a `Beams` case, what to time."""
    model, sources, k = Model(case), torch.tensor(case.sources()).long(), case.beams

    @torch.inference_mode()
    def search(source):
        memory, states = model.encode(source)
        logits, states = model.decode(torch.full((len(source), 1), 2), memory, states)
        memory = tuple(part.repeat_interleave(k, 0) for part in memory)
        states = tuple(s.repeat_interleave(k, 1) for s in states)
        scores, tokens = torch.log_softmax(logits[:, -1], -1).topk(k)
        ids = tokens[..., None]
        for _ in range(case.length - 1):
            logits, states = model.decode(ids[..., -1].reshape(-1, 1), memory, states)
            more = torch.log_softmax(logits[:, -1], -1).view(len(source), k, -1)
            scores, best = (scores[..., None] + more).flatten(1).topk(k)
            origin, tokens = best // more.shape[-1], best % more.shape[-1]
            rows = (origin + torch.arange(len(source))[:, None] * k).flatten()
            states = tuple(s[:, rows] for s in states)
            ids = torch.cat([ids.gather(1, origin[..., None].expand_as(ids)), tokens[..., None]], -1)
        return ids

    parts = sources.split(1) if case.alone else [sources]
    return lambda: [search(part) for part in parts]
