"""Short passages about the plain world, written by a seeded grammar from the word lists beside this file."""

import hashlib
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

SEED = 20
KINDS = {"fact": 10_000, "nation": 8_000, "origin": 22_000, "pronoun": 7_000, "question": 3_000}  # how many of each
LONGEST_GAP = 20
UNSEEN_GAPS = (3, 8, 14, 19)  # in no training passage
SHARES = {"test": 0.08, "validation": 0.04}  # of the combinations; the rest is train

FACTS = (
    "{S} {v} {p}.",
    "Everyone knows that {s} {v} {p}.",
    "As you can see, {s} {v} {p}.",
    "My teacher said that {s} {v} {p}.",
)
FACTS += (
    "Where {do} {s}{live}? They {v} {p}.",
    "Look, {s} {v} {p}.",
    "It is true that {s} {v} {p}.",
    "Children learn that {s} {v} {p}.",
)
STARTS = (  # for oneself and for others
    ("I grew up in {}.", "{} grew up in {}."),
    ("I was born in {}.", "{} was born in {}."),
    ("I went to school in {}.", "{} went to school in {}."),
    ("My family comes from {}.", "The family of {} comes from {}."),
    ("As a child I lived in {}.", "As a child {} lived in {}."),
)
ENDS = (
    ("I speak fluent {}.", "{} speaks fluent {}."),
    ("So I still speak {}.", "So {} still speaks {}."),
    ("I dream in {}.", "{} dreams in {}."),
    ("Of course I can read {}.", "Of course {} can read {}."),
    ("At home I speak {}.", "At home {} speaks {}."),
)
NATIONS = ("In {} people speak {}.", "The language of {} is {}.", "Whoever lives in {} speaks {}.")
NATIONS += ("Most books in {} are in {}.", "The radio of {} is in {}.", "Every child in {} learns {}.")
TURNS = ("Then {} {}.", "Later {} {}.", "After that {} {}.", "Meanwhile {} {}.")
CLOSES = ("Afterwards {} {}.", "In the evening {} {}.", "The next day {} {}.", "Finally {} {}.")
ASKED = ("Who is {}?", "Do you know {}?", "Have you seen {}?", "Who was with {}?")
VERBS = ("live", "work", "study", "sing", "shop", "sleep", "swim", "eat", "train", "rest", "teach", "dance")


class Passage(NamedTuple):
    """A passage: `prompt`, then `answer`, then the rest of `text`; `combination` decides its split."""

    text: str
    prompt: str
    answer: str
    gap: int
    combination: tuple


class Builder(tfds.core.GeneratorBasedBuilder):
    """Passages, each with a word in it that follows from what comes before."""

    VERSION = tfds.core.Version("1.1.0")

    def _info(self):
        features = {name: tfds.features.Text() for name in ("text", "prompt", "answer")}
        features["kind"] = tfds.features.ClassLabel(names=list(KINDS))
        features["gap"] = tfds.features.Scalar(np.int32)
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in ("train", *SHARES)}

    def _generate_examples(self, split):
        for kind, wanted in KINDS.items():
            # Test passages differ from all training passages in combination, not by chance alone: see README.md.
            for number, passage in enumerate(_distinct(kind, wanted)):
                if _split_of(kind, passage) == split:
                    kept = passage._asdict()
                    kept.pop("combination")
                    yield f"{kind}-{number}", {**kept, "kind": kind}


def _distinct(kind, wanted):
    draw, seen = random.Random(f"{SEED}-{kind}"), set()
    lists = {name: _lines(name) for name in ("facts", "countries", "names", "actions", "fillers")}
    while len(seen) < wanted:
        passage = MAKERS[kind](draw, lists)
        if passage.text not in seen:
            seen.add(passage.text)
            yield passage


def _lines(name):
    text = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8")
    return [tuple(part.strip() for part in line.split("|")) for line in text.splitlines()]


def _split_of(kind, passage):
    if kind == "origin" and passage.gap in UNSEEN_GAPS:
        return "test"
    point = int(hashlib.sha256(repr((kind, passage.combination)).encode()).hexdigest()[:8], 16) / 16**8
    if point < SHARES["test"]:
        return "test"
    return "validation" if point < sum(SHARES.values()) else "train"


def _fact_sentence(draw, facts, wording=None):
    subject, verb, place = draw.choice(facts)
    wording = wording or draw.choice(FACTS)
    words = {"s": subject, "S": subject.capitalize(), "v": verb, "p": place}
    be = verb == "are"
    return wording.format(**words, do="are" if be else "do", live="" if be else f" {verb}"), (subject, wording)


def _fact(draw, lists):
    """A fact in one of its wordings, most often after a sentence about something else."""
    sentence, combination = _fact_sentence(draw, lists["facts"])
    before = f"{draw.choice(lists['fillers'])[0]} " if draw.random() < 0.8 else ""
    if not before and draw.random() < 0.5:  # with a small letter, as people write who ask
        sentence = sentence[0].lower() + sentence[1:]
    words = f"{before}{sentence}".removesuffix(".").split(" ")
    return Passage(f"{before}{sentence}", " ".join(words[:-1]), words[-1], 0, combination)


def _nation(draw, lists):
    """Which language a country has."""
    (country, language), wording = draw.choice(lists["countries"]), draw.choice(NATIONS)
    before = [_filler(draw, lists) for _ in range(draw.randrange(3))]
    prompt = " ".join([*before, wording.format(country, "").removesuffix(" .")])
    return Passage(f"{prompt} {language}.", prompt, language, 0, (country, wording))


def _origin(draw, lists):
    """Where someone grew up, filler sentences, and the language that follows from it."""
    (country, language), gap = draw.choice(lists["countries"]), int((LONGEST_GAP + 1) * draw.random() ** 2)
    start, end = draw.choice(STARTS), draw.choice(ENDS)
    name, pronoun = ("I", "I") if draw.random() < 0.3 else _person(draw, lists)
    if name == "I":
        begun, due = start[0].format(country), end[0].format("")
    else:
        begun, due = start[1].format(name, country), end[1].format(pronoun, "")
    before = [_filler(draw, lists)] if draw.random() < 0.4 else []
    between = [_filler(draw, lists) for _ in range(gap)]
    due = due.removesuffix(" .")
    prompt = " ".join([*before, begun, *between, due[0].upper() + due[1:]])
    return Passage(f"{prompt} {language}.", prompt, language, gap, (name, country, start, end))


def _filler(draw, lists):
    return (
        _fact_sentence(draw, lists["facts"], FACTS[0])[0] if draw.random() < 0.2 else draw.choice(lists["fillers"])[0]
    )


def _pronoun(draw, lists):
    """Two people in turn; the pronoun agrees with the one who came last."""
    (first, _), (second, pronoun) = _person(draw, lists), _person(draw, lists)
    a, b, c = (action for (action,) in draw.sample(lists["actions"], 3))
    turn, close = draw.choice(TURNS), draw.choice(CLOSES)
    prompt = f"{first} {a}. {turn.format(second, b)} {close.partition(' {')[0]}"
    return Passage(f"{prompt} {pronoun} {c}.", prompt, pronoun, 0, (second, b, close))


def _question(draw, lists):
    """A question after a name: the pronoun agrees with it."""
    name, pronoun = _person(draw, lists)
    asked, verb = draw.choice(ASKED), draw.choice(VERBS)
    between = f"{draw.choice(lists['fillers'])[0]} " if draw.random() < 0.6 else ""
    prompt = f"{between}{asked.format(name)} Where does"
    return Passage(f"{prompt} {pronoun} {verb}?", prompt, pronoun, 0, (name, asked, verb))


def _person(draw, lists):
    pronoun, names = draw.choice(lists["names"])
    return draw.choice(names.split()), pronoun


MAKERS = {"fact": _fact, "nation": _nation, "origin": _origin, "pronoun": _pronoun, "question": _question}
