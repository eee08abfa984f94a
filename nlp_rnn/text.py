"""Tokenizing and vocabularies in TensorFlow ops: the graph that reads text in training is the one that is exported.

Shapes: B batch, T tokens, V vocabulary. Ids: 0 is padding, 1 is unknown, tokens follow, most frequent first.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import tensorflow as tf

from nlp_rnn.checks import InputError, one_of, positive_int
from nlp_rnn.subwords import NO_PIECE, join, split

PADDING, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unk>")
END, END_TOKEN = 2, b"<eos>"  # of a text that is written; no tokenizer makes it of a text
UNITS = ("word", "character", "byte")
SUBWORD = "subword"  # a unit of encoders whose vocabulary comes from `subwords.learn`

# Marks, and scripts written without spaces, stand alone; letters keep their combining marks and inner apostrophes.
_BREAKS = r"[\p{Z}\p{Cc}]+|(?i:<br\s*/?>)"
_INNER_APOSTROPHE = r"([\p{L}\p{M}])['’]([\p{L}])"
_KEPT = "\x01"  # stands for an inner apostrophe while the others are set apart; _BREAKS has removed any other
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_STANDS_ALONE = rf"([^\p{{L}}\p{{M}}\p{{N}}\s\x01]|[{_UNSPACED}])"
_MOST_WEIGHT = 4_000_000  # characters held at once
_MOST_COUNTED = 2_000_000  # distinct tokens held while counting; above it, those seen once are dropped


def tokenize(texts: tf.Tensor, unit: str = "word", lowercase: bool = True) -> tf.RaggedTensor:
    """Split texts into tokens.

    Bytes that are not UTF-8 become U+FFFD and HTML line breaks become spaces, so any string has an answer.

    Args:
        texts: string [B].
        unit: "word" (words, and each mark by itself), "character" (Unicode code points) or "byte".
        lowercase: fold case first; bytes are left as they are.

    Returns:
        A ragged string tensor [B, (T)].

    Example:
        >>> tokenize(tf.constant(["It's GOOD, isn't it?"])).to_list()[0]
        [b"it's", b'good', b',', b"isn't", b'it', b'?']
        >>> tokenize(tf.constant(["día"]), "character").to_list()[0] == ["d", "í".encode(), "a"]
        False
    """
    one_of("unit", unit, UNITS)
    if unit == "byte":
        return tf.strings.bytes_split(texts)
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    # Lower-casing ends a text at its first NUL: no NUL may reach it.
    if unit == "character":
        texts = tf.strings.regex_replace(texts, r"\x00", "\ufffd")
    else:
        texts = tf.strings.regex_replace(texts, _BREAKS, " ")
    texts = tf.strings.lower(texts, encoding="utf-8") if lowercase else texts
    if unit == "character":
        return tf.strings.unicode_split(texts, "UTF-8")
    for _ in range(2):  # twice, since matches that share a letter, as in rock'n'roll, are found one at a time
        texts = tf.strings.regex_replace(texts, _INNER_APOSTROPHE, rf"\1{_KEPT}\2")
    texts = tf.strings.regex_replace(texts, _STANDS_ALONE, r" \1 ")
    return tf.strings.split(tf.strings.regex_replace(texts, _KEPT, "'"))


class Vocabulary:
    """Tokens and their ids: 0 padding, 1 unknown, then the tokens in the order given.

    Args:
        tokens: distinct byte strings, without the two special ones.

    Example:
        >>> vocabulary = Vocabulary.from_counts({b"the": 9, b"cat": 2, b"rare": 1}, least_count=2)
        >>> len(vocabulary), vocabulary.tokens
        (4, (b'the', b'cat'))
    """

    def __init__(self, tokens: Iterable[bytes]):
        self.tokens = tuple(tokens)
        if len(set(self.tokens)) != len(self.tokens):
            twice = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"tokens must be distinct, got {twice!r} more than once")

    @classmethod
    def from_counts(cls, counts: dict[bytes, int], size: int = 20_000, least_count: int = 1):
        """The `size` - 2 most frequent tokens seen at least `least_count` times; ties in byte order."""
        return cls(_most_frequent(counts, positive_int("size", size) - len(SPECIAL), least_count))

    @classmethod
    def of_bytes(cls):
        """All 256 bytes."""
        return cls(bytes([value]) for value in range(256))

    def with_end(self) -> "Vocabulary":
        """These tokens after the one that ends a text, for language models; it has the id `END`."""
        return Vocabulary((END_TOKEN, *self.tokens))

    def extended(self, counts: dict[bytes, int], size: int, least_count: int = 1) -> "Vocabulary":
        """This vocabulary, its ids unchanged, and the most frequent new tokens, up to `size` ids in all."""
        known = set(self.tokens)
        new = {token: n for token, n in counts.items() if token not in known}
        return Vocabulary(self.tokens + tuple(_most_frequent(new, max(size - len(self), 0), least_count)))

    def __len__(self) -> int:
        return len(self.tokens) + len(SPECIAL)

    def dump(self) -> str:
        """One token a line, in the order of the ids; marks that would break a line are escaped as in JSON."""
        return "".join(f"{_escaped(token)}\n" for token in self.tokens)

    @classmethod
    def parse(cls, text: str) -> "Vocabulary":
        """The inverse of `dump`."""
        return cls(_unescaped(line) for line in text.split("\n")[:-1])


def vocabulary_of(config, counts: dict[bytes, int], known: Vocabulary | None, end: bool = False) -> Vocabulary:
    """The frequent tokens; after those `known`, which keep their ids, as many new ones.

    Args:
        config: the settings `unit`, `vocabulary` and `least_count` of a recipe.
        counts: how often each token is in the training texts.
        end: also the token that ends a text, for language models; `known` must have it already.
    """
    if known is not None:
        new = 0 if config.unit == "byte" else config.vocabulary
        return known.extended(counts, len(known) + new, config.least_count)
    if config.unit == "byte":
        found = Vocabulary.of_bytes()
    else:
        found = Vocabulary.from_counts(counts, config.vocabulary - end, config.least_count)
    return found.with_end() if end else found


class TextEncoder(tf.Module):
    """Texts to ids: tokens cut to a length, looked up, padded. One graph for training and for the export.

    Args:
        vocabulary: the tokens known.
        unit: "word", "character", "byte" or "subword".
        lowercase: fold case before looking up.
        max_tokens: longer texts keep this many: a quarter from their start, the rest from their end, where
            texts tend to say what they come to.

    Example:
        >>> encoder = TextEncoder(Vocabulary([b"good"]))
        >>> encoder(tf.constant(["good film", ""])).numpy().tolist()
        [[2, 1], [0, 0]]
    """

    def __init__(self, vocabulary: Vocabulary, unit: str = "word", lowercase: bool = True, max_tokens: int = 400):
        super().__init__(name="text_encoder")
        self.vocabulary = vocabulary
        self.unit = one_of("unit", unit, (*UNITS, SUBWORD))
        self.lowercase = lowercase
        self.max_tokens = positive_int("max_tokens", max_tokens)
        # A table of nothing cannot be made: an empty vocabulary knows one token that no text has.
        keys = list(vocabulary.tokens) or [b""]
        ids = tf.range(len(SPECIAL), len(SPECIAL) + len(keys), dtype=tf.int32)
        missing = NO_PIECE if unit == SUBWORD else UNKNOWN
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(keys), ids), default_value=missing
        )

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Ids of texts [B], int32 [B, T], padded on the right; T is at least 1."""
        return self.padded(texts)[0]

    def padded(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The same, and how many tokens each text had before it was cut, [B]."""
        ids, lengths = self.ragged(texts)
        dense = ids.to_tensor(PADDING)
        return tf.pad(dense, [[0, 0], [0, tf.cast(tf.shape(dense)[1] == 0, tf.int32)]]), lengths

    def ragged(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """Ids of texts [B] without padding, [B, (T)], and how many tokens each text had before it was cut, [B]."""
        tokens = self._tokens(texts)
        lengths = tokens.row_lengths()
        ids = self._table.lookup(self._cut(tokens, lengths).flat_values)
        ids = tf.where(ids == NO_PIECE, UNKNOWN, ids) if self.unit == SUBWORD else ids
        kept = tf.minimum(lengths, self.max_tokens)
        return tf.RaggedTensor.from_row_lengths(ids, kept, validate=False), lengths

    def tokens(self, text: str) -> list[bytes]:
        """The tokens of one text as they are looked up, after it was cut."""
        tokens = self._tokens(to_tensor([text]))
        return self._cut(tokens, tokens.row_lengths()).flat_values.numpy().tolist()

    def _tokens(self, texts):
        if self.unit != SUBWORD:
            return tokenize(texts, self.unit, self.lowercase)
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        return split(tf.strings.lower(texts, encoding="utf-8") if self.lowercase else texts, self._table)

    def _cut(self, tokens, lengths):
        start = self.max_tokens // 4
        position = tf.ragged.range(lengths)
        from_end = lengths[:, None] - position
        return tf.ragged.boolean_mask(tokens, (position < start) | (from_end <= self.max_tokens - start))

    def get_config(self) -> dict:
        """The settings, without the vocabulary, which a run keeps as a file of its own."""
        return {"unit": self.unit, "lowercase": self.lowercase, "max_tokens": self.max_tokens}


def written(tokens: tf.Tensor, unit: str) -> tf.Tensor:
    """Tokens, string [B, T], as texts, [B]; between words a space where one belongs.

    Example:
        >>> written(tf.constant([["so", ",", "it", "rains", "."]]), "word").numpy().tolist()
        [b'so, it rains.']
    """
    if unit == SUBWORD:
        return join(tokens)
    if unit != "word":
        return tf.strings.reduce_join(tokens, 1)
    text = tf.strings.strip(tf.strings.reduce_join(tokens, 1, separator=" "))
    text = tf.strings.regex_replace(text, r" ([.,!?;:%)\]}…])", r"\1")
    return tf.strings.regex_replace(text, r"([(\[{]) ", r"\1")


class TokenCounter:
    """Counts the tokens of a stream of examples as it passes by, holding one chunk of it at a time.

    Attributes:
        counts: how often each token was seen.

    Example:
        >>> counter = TokenCounter()
        >>> counter.add(["a b", "b"])
        >>> counter.counts[b"b"]
        2
    """

    def __init__(self, unit: str = "word", lowercase: bool = True):
        self.counts: Counter[bytes] = Counter()
        tokens = tf.function(lambda texts: tokenize(texts, unit, lowercase).flat_values)
        # The concrete one: of functions made anew for each text TensorFlow warns as of one traced again and again.
        self._tokens = tokens.get_concrete_function(tf.TensorSpec([None], tf.string))

    def add(self, texts: list[str]) -> None:
        """Count the tokens of some texts."""
        self.counts.update(self._tokens(to_tensor(texts)).numpy().tolist())
        if len(self.counts) > _MOST_COUNTED:
            self.counts = Counter({token: n for token, n in self.counts.items() if n > 1})

    def watch(self, examples: Iterable, split: str) -> Iterator:
        """Hand on a stream of examples, each with `text` and `split`, and count those of one split."""
        for chunk in chunks(examples, 1024, lambda example: len(example.text)):
            self.add([example.text for example in chunk if example.split == split])
            yield from chunk


def to_tensor(texts: Iterable[str]) -> tf.Tensor:
    """Texts as UTF-8, string [B]; what UTF-8 cannot hold, such as half a surrogate pair, becomes '?'."""
    return tf.constant([text.encode("utf-8", errors="replace") for text in texts], tf.string)


def chunks(items: Iterable, size: int, weigh: Callable[[object], int] = lambda item: 0) -> Iterator[list]:
    """Cut a stream into lists of `size` items; of fewer, where they weigh more than 4 million together.

    Example:
        >>> list(chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    chunk, weight = [], 0
    for item in items:
        chunk.append(item)
        weight += weigh(item)
        if len(chunk) == size or weight > _MOST_WEIGHT:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def _most_frequent(counts, size, least_count):
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [token for token, n in ranked[: max(size, 0)] if n >= least_count]


def _escaped(token):
    try:
        return json.dumps(token.decode("utf-8"), ensure_ascii=False)[1:-1]
    except UnicodeDecodeError:  # half a character: a token of the byte vocabulary
        return f"\\x{token.hex()}"


def _unescaped(line):
    if line.startswith("\\x"):
        return bytes.fromhex(line[2:])
    try:
        return json.loads(f'"{line}"').encode("utf-8")
    except ValueError:
        raise InputError(f"{line[:40]!r} is not an entry of a vocabulary") from None
