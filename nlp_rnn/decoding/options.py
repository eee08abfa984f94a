"""The option of `nlp-rnn predict` that all tasks with ranked predictions share. Imports no TensorFlow."""

import click

NBEST = click.Option(
    ["--nbest"],
    type=int,
    help="Number of predictions to print with their scores: words for a blank (5 by default), or translations, up to "
    "the beam width (by default the best one, without a score).",
)
