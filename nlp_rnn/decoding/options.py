"""The option of `nlp-rnn predict` that all tasks share whose answers are ranked. Imports no TensorFlow."""

import click

NBEST = click.Option(
    ["--nbest"],
    type=int,
    help="Number of answers with their scores: words for a blank, or translations up to the beam width.",
)
