"""Tests of `nlp_rnn.layers.native`."""
