"""The command line `nlp-rnn`."""
