# Everything runs in .venv, which is made here and nowhere else. `make help` lists the commands.

VENV  := .venv
BIN   := $(VENV)/bin
START := notebooks/00_start_here.ipynb

# Another Python: make demo PYTHON=python3.13
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

# pip writes half a package when it is interrupted and takes it for a whole one later, so an environment whose last
# installation did not finish (or whose pip does not run) is made anew.
UNFINISHED := $(VENV)/.unfinished

.DEFAULT_GOAL := help
.PHONY: help demo lab test lint bench clean browser

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: $(VENV)/.lab ## execute the first notebook in a real kernel, say what happened, write build/demo.html
	$(BIN)/mbot-nb demo

lab: $(VENV)/.lab ## open the first notebook in JupyterLab
	$(BIN)/jupyter lab $(START)

# Runners and kernels are started many times: what one has compiled, the next need not compile again.
test: export PYTHONDONTWRITEBYTECODE :=
test: lint browser ## check the code, then run all tests
	$(BIN)/node --test "tests/javascript/*.test.js"
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m quiet
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m "not quiet"

lint: $(VENV)/.dev $(VENV)/.node ## ruff and mypy --strict; biome and tsc for the widgets' pages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(NODE_TOOLS) biome check --error-on-warnings
	$(NODE_TOOLS) tsc

bench: browser $(VENV)/.dev ## measure beside what one would use instead, write benchmarks/results.json
	$(BIN)/python -m benchmarks

clean: ## remove the environment and everything that was generated
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find mbot_nb tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The tools for the widgets' JavaScript, run by the node that pip has installed.
NODE_TOOLS := PATH="$(CURDIR)/$(VENV)/javascript/node_modules/.bin:$(CURDIR)/$(BIN):$$PATH"

$(VENV)/.node: package.json $(VENV)/.dev
	@mkdir -p $(VENV)/javascript && cp package.json $(VENV)/javascript/
	@echo "Installing what checks the JavaScript (once) ..."
	@$(NODE_TOOLS) npm install --prefix $(VENV)/javascript --no-package-lock --no-audit --no-fund --silent
	@touch $@

# Tests and figures of a page use the distribution's Chromium, or what CHROMIUM names. Where it cannot be installed, they fail and say so.
browser:
	@if [ -z "$$CHROMIUM" ] && ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then \
		echo "Installing chromium for what needs a browser (once) ..."; \
		if [ "$$(id -u)" -eq 0 ]; then as=; else as="sudo -n"; fi; \
		$$as apt-get update -qq && $$as apt-get install -y -qq chromium >/dev/null || \
			echo "It could not be installed. As root: apt-get install -y chromium" >&2; \
	fi

# Installed again only when what is needed has changed.
$(VENV)/.lab: EXTRAS := lab
$(VENV)/.dev: EXTRAS := lab,voila,dask,test,lint,bench
$(VENV)/.lab $(VENV)/.dev: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "mbot_nb needs Python 3.11 or newer, and none was found on the PATH." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
	@if [ -e $(UNFINISHED) ] || ! $(BIN)/pip --version >/dev/null 2>&1; then \
		rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) || { \
			rm -rf $(VENV); \
			echo "No environment could be made. Debian and Ubuntu keep the module venv in a package of its own: apt install python3-venv" >&2; \
			exit 1; }; \
	fi
	@touch $(UNFINISHED)
	@echo "Installing what mbot_nb needs into $(VENV) (a minute or two, once) ..."
	@$(BIN)/pip install --no-input --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@# From their start, kernels of ipykernel 7 hear every message and tell the end of every cell: see mbot_nb/jupyter/ipykernel_fixes.py.
	@mkdir -p $(VENV)/etc/ipython && echo 'c.InteractiveShellApp.extensions.append("mbot_nb.jupyter.ipykernel_fixes")' > $(VENV)/etc/ipython/ipython_kernel_config.py
	@rm $(UNFINISHED) && touch $@
