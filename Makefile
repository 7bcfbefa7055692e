# Two commands on a fresh machine with make and Python 3.11, 3.12 or 3.13 (with venv):
#   make demo    train on the built-in corpus, score, export, load the export back
#   make test    the unit tests
# and `make docs` for the documentation site in build/site, `make wheel` for dist/*.whl.
# TensorFlow has no wheels for later Pythons: use `make demo PYTHON=python3.12`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3
# or every process would compile the tests and the package again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test test-slow test-backends benchmark docs wheel check format clean

$(BIN)/.installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "tf_transformer needs Python 3.11, 3.12 or 3.13. Received: $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

install: $(BIN)/.installed

demo: $(BIN)/.installed
	$(BIN)/python scripts/demo.py

test: $(BIN)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not long and not moderate" $(PYTEST_OPTIONS)

# three processes on two cores: many of these tests wait for other programs
test-slow: $(BIN)/.installed
	$(BIN)/python -m pytest -n 3 --dist loadscope -m "slow or long or moderate" --durations=30 $(PYTEST_OPTIONS)

# layers to text under every other backend that is installed; the rest is about
# TensorFlow. `make test` and `make test-slow` say which are missing.
BACKEND_MARKS := not slow$(if $(TF_TRANSFORMER_FAST), and not long)
BACKEND_TESTS := tests/layers tests/models tests/decoding tests/training \
  tests/inference tests/diagnosis/test_backends.py

test-backends: $(BIN)/.installed
	@for backend in jax torch; do \
	  if $(BIN)/python -c "import $$backend" 2>/dev/null; then \
	    echo "Tests with KERAS_BACKEND=$$backend:"; \
	    JAX_DISABLE_MOST_OPTIMIZATIONS=1 KERAS_BACKEND=$$backend $(BIN)/python -m pytest -n 3 --dist loadfile \
	      -m "$(BACKEND_MARKS)" $(BACKEND_TESTS) || exit 1; \
	  else \
	    echo "Not tested: $$backend is not installed: $(BIN)/python -m pip install '.[$$backend]'"; \
	  fi; \
	done

# our speed compared with the limit of the machine and with others; see benchmarks/speed/main.py
benchmark: $(BIN)/.installed
	$(BIN)/python benchmarks/speed/main.py $(BENCHMARK_OPTIONS)

# the documentation site, in build/site; a broken link fails, unless with --quiet, which
# also stops the counting of warnings
docs: $(BIN)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(BIN)/.docs: $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

# dist/tf_transformer-VERSION-py3-none-any.whl, to upload to a hosted notebook
wheel: $(BIN)/.installed
	rm -rf build/lib dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

check: $(BIN)/.installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

format: $(BIN)/.installed
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info
