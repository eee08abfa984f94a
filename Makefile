# make run            train on real film reviews, predict, export             (2 to 8 minutes on 2 cores)
# make test           lint, type check, doctests and tests, with the coverage of those that are not slow
# make test-fast      doctests and tests without the slow ones, no coverage
# make test-thorough  also recipes of version 0.1 end to end, and many more examples for each property
# make lint           formatting, lint and types only
# make docs           build the documentation site into site/
# make check-docs     compare the outputs shown in the documentation with those of the runs in runs/
# make pictures       draw the pictures of the documentation again
# make bench          compare the layers with keras.layers and PyTorch        (about 15 minutes)
# make extras         install what translation and forecasting need in addition
# make wheel          build the package

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := runs/sentiment
EXPORT := exported/sentiment
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: run test test-fast test-thorough lint docs check-docs pictures bench extras wheel clean
.DELETE_ON_ERROR:

run: $(RUN)/run.json $(EXPORT)/saved_model.pb
	@echo "--- predictions for two sentences:"
	@$(BIN)/nlp-rnn predict $(RUN) \
	    "A wonderful film: I laughed, I cried, and I would see it again tomorrow." \
	    "Two hours of my life that I will not get back; even the popcorn was dull."
	@echo "--- try your own:  $(BIN)/nlp-rnn predict $(RUN) \"your sentence\""

# --resume: run `make run` again to resume after an interruption.
$(RUN)/run.json: | $(VENV)/installed
	$(BIN)/nlp-rnn run sentiment --data movie_reviews --out $(RUN) --resume

$(EXPORT)/saved_model.pb: $(RUN)/run.json
	@rm -rf $(EXPORT)
	$(BIN)/nlp-rnn export $(RUN) $(EXPORT)

test: lint
	$(PYTEST) -m "not thorough" --cov --cov-report=
	@echo "branch coverage of all but the slow tests: $$($(BIN)/coverage report --format=total) %" \
	    "(details: $(BIN)/coverage report)"

test-fast: $(VENV)/installed-dev
	$(PYTEST) -m "not slow and not thorough"

test-thorough: lint
	HYPOTHESIS_PROFILE=thorough $(PYTEST)

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

check-docs: $(VENV)/installed-extras
	$(BIN)/python docs/check_outputs.py

pictures: $(VENV)/installed-extras
	$(BIN)/python docs/pictures.py

bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks

extras: $(VENV)/installed-extras

wheel: $(VENV)/installed-dev
	$(BIN)/python -m build --wheel --no-isolation

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	    || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with: make PYTHON=python3.12 run"; exit 1; }
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

$(VENV)/installed-docs: requirements-docs.txt $(VENV)/installed-dev
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements-docs.txt
	@touch $@

# PyTorch and darts are installed separately: they are needed only for comparison.
$(VENV)/installed-bench: requirements-bench.txt requirements-darts.txt $(VENV)/installed-dev
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements-bench.txt
	$(BIN)/python -m venv $(VENV)/darts
	$(VENV)/darts/bin/python -m pip install --disable-pip-version-check --quiet --requirement requirements-darts.txt
	@touch $@

clean:
	rm -rf $(VENV) build dist site .coverage .coverage.*
