"""`python -m nlp_rnn.cli` is the command `nlp-rnn`."""

from nlp_rnn.cli.main import main

if __name__ == "__main__":
    main(prog_name="nlp-rnn")
