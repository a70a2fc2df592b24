# Everything that is done with a checkout. Each target makes the environment first, if it must.
#
#   make run      a night: of the made-up company when data/ is empty, else of what has arrived
#   make test     the tests
#   make check    all house rules: format, lint, strict types, import contracts, tests
#   make lock     write the lock files anew from pyproject.toml
#   make examples make the environment of the examples with pandas, Ibis and Altair: .venv-examples
#   make docs     write docs/data-dictionary.md anew from store/dictionary.toml
#   make bench    measure CPU and memory of each stage (docs/benchmarks.md)
#   make fuzz     damage deliveries at random for ten minutes and read them
#   make chaos    kill runs, fill disks and break files, hundreds of times, and look what holds
#   make year     live through a year of small nights, and look whether anything drifts or grows
#   make sbom     list what is in a release, from the lock: sbom.json (CycloneDX)
#   make audit    ask whether a known weakness is in what is installed (needs the network)
#   make release  dist/: the wheel, the same byte for byte whoever builds it, with its list and digests;
#                 IMAGE=yes: the container too, as an archive (Podman); KEY=…: the digests are signed
#   make deploy   tell a running Prefect server of the flows (docs/operations.md)
#   make clean    remove the environment and all caches; never anything below data/

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
DATA := $(or $(TOUCHSTONE_DATA),data)
BIN := .venv/bin
STAMP := .venv/installed
EXAMPLES := .venv-examples/installed
# Processes that run tests: one more than there are cores, for some wait for a browser or a disk.
WORKERS := $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

export DO_NOT_TRACK := 1
export UV_SYSTEM_CERTS := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PREFECT_API_URL ?= http://127.0.0.1:4200/api
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.PHONY: install run test check examples lock docs bench fuzz chaos year sbom audit release image seal deploy clean

install: $(STAMP)

run: $(STAMP)
	@if [ -e "$(DATA)/warehouse.duckdb" ] || \
	    find "$(DATA)/raw" "$(DATA)/inbox" -type f 2>/dev/null | grep -q .; then \
	  $(BIN)/touchstone nightly --data "$(DATA)"; \
	else \
	  $(BIN)/touchstone demo --data "$(DATA)"; \
	fi

test: $(STAMP) examples
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

examples: $(STAMP)
	@$(MAKE) --no-print-directory $(EXAMPLES) || \
	  echo "The libraries of the examples cannot be had: the tests of these are skipped." >&2

bench: $(STAMP)
	$(BIN)/python bench/run.py

fuzz: $(STAMP)
	$(BIN)/python bench/fuzz.py $(or $(SECONDS_LONG),600)

chaos: $(STAMP)
	$(BIN)/python -m tests.chaos --kills $(or $(KILLS),300) --faults $(or $(FAULTS),40)

year: $(STAMP)
	$(BIN)/python -m tests.year --nights $(or $(NIGHTS),365)

sbom: $(STAMP)
	$(BIN)/python bench/sbom.py > sbom.json

# The auditor has an environment of its own: nothing of ours needs what it is made of.
OSV_URL ?= https://api.osv.dev/v1/query
audit: $(STAMP)
	@$(BIN)/python -c "import socket, urllib.parse as p; u = p.urlsplit('$(OSV_URL)'); \
	  socket.create_connection((u.hostname, u.port or 443), 10)" 2>/dev/null || { echo "Nobody can be asked" \
	  "at $(OSV_URL), so what is installed was not audited; try again with a network." >&2; exit 1; }
	$(BIN)/uv tool run --isolated pip-audit@2.10.1 --requirement requirements.lock --disable-pip \
	  --vulnerability-service osv --osv-url $(OSV_URL) --progress-spinner off

# Built twice, and refused when the two differ. With KEY=… the digests are signed, and checked with
# `ssh-keygen -Y verify -f SIGNERS -I NAME -n touchstone -s dist/SHA256SUMS.sig < dist/SHA256SUMS`.
DIST ?= dist
PODMAN ?= podman
CONTAINERFILE ?= deploy/Containerfile
NAMED := localhost/touchstone:$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
release: $(STAMP) sbom
	@rm -rf dist && mkdir -p dist/again
	@export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct); \
	  for place in dist dist/again; do \
	    $(BIN)/uv build --quiet --wheel --build-constraints requirements-build.lock \
	      --require-hashes --out-dir $$place || exit 1; \
	  done
	@cmp dist/*.whl dist/again/*.whl || { echo "Two builds of one commit differ; do not release." >&2; exit 1; }
	@rm -rf dist/again dist/.gitignore && mv sbom.json dist/
	@test -z "$(IMAGE)" || $(MAKE) --no-print-directory image
	@$(MAKE) --no-print-directory seal

# The OCI layout: the older format notes the name of the container that it was built in.
image:
	@rm -rf $(DIST)/again $(DIST)/layout && mkdir -p $(DIST)/again
	@export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}; \
	  for place in $(DIST) $(DIST)/again; do \
	    $(PODMAN) build --quiet --layers=false --timestamp $$SOURCE_DATE_EPOCH \
	      --build-arg SOURCE_DATE_EPOCH=$$SOURCE_DATE_EPOCH $(if $(BASE),--build-arg BASE=$(BASE)) \
	      --file $(CONTAINERFILE) --tag $(NAMED) . > /dev/null \
	    && $(PODMAN) push --quiet --format oci $(NAMED) oci:$(DIST)/layout:$(NAMED) \
	    && $(PYTHON) bench/pack.py $(DIST)/layout $$place/touchstone-image.tar \
	    && rm -r $(DIST)/layout || exit 1; \
	  done
	@cmp $(DIST)/touchstone-image.tar $(DIST)/again/touchstone-image.tar || \
	  { echo "Two builds of one image differ; do not release." >&2; exit 1; }
	@rm -r $(DIST)/again

seal:
	@cd $(DIST) && sha256sum $$(ls | grep -v '^SHA256SUMS') > SHA256SUMS && cat SHA256SUMS
	@rm -f $(DIST)/SHA256SUMS.sig
	@test -z "$(KEY)" || ssh-keygen -q -Y sign -f "$(KEY)" -n touchstone $(DIST)/SHA256SUMS

docs: $(STAMP)
	$(BIN)/python -m store.dictionary > docs/data-dictionary.md
	$(BIN)/python -m store.dictionary dbt > examples/dbt/sources.yml

# The locks hold digests and no addresses: they say what is installed and not from where.
lock: $(STAMP)
	$(BIN)/uv lock --quiet --upgrade
	$(BIN)/uv export --quiet --frozen --no-emit-project --all-groups --no-group examples \
	  --format requirements-txt --no-header --output-file requirements.lock
	$(BIN)/uv export --quiet --frozen --no-emit-project --only-group examples \
	  --format requirements-txt --no-header --output-file requirements-examples.lock
	@rm -f uv.lock
	echo uv | $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate \
	  --output-file requirements-uv.lock -
	echo hatchling | $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header \
	  --no-annotate --output-file requirements-build.lock -

deploy: $(STAMP)
	@$(BIN)/python -c "import sys, urllib.request as r; r.urlopen('$(PREFECT_API_URL)/health', timeout=5)" \
	  2>/dev/null || { echo "No Prefect server answers at $(PREFECT_API_URL); start one with" \
	  "'.venv/bin/prefect server start --host 127.0.0.1', then try again." >&2; exit 1; }
	@$(BIN)/prefect --no-prompt work-pool inspect touchstone >/dev/null 2>&1 || \
	  $(BIN)/prefect --no-prompt work-pool create touchstone --type process
	$(BIN)/prefect --no-prompt deploy --all
	@echo "Deployed. A worker runs them: $(BIN)/prefect worker start --pool touchstone --limit 1"

clean:
	rm -rf .venv .venv-examples .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: what the lock says, by its digests, and this checkout beside it. uv does in
# seconds what takes pip minutes, but it does not read pip's settings: behind a mirror that only pip
# knows of, pip does it. The checkout is put on the path as it is, since building a package of it
# would need tools that are not locked.
$(STAMP): requirements.lock requirements-uv.lock
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))" 2>/dev/null || \
	  { echo "Touchstone needs Python 3.11 or 3.12; install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || \
	  { echo "This Python cannot make environments; run 'sudo apt install python3-venv', then try again." >&2; exit 1; }
	@echo "Making the environment in .venv from requirements.lock (once; about a minute)."
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --no-deps --requirement requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes \
	  --no-deps --requirement requirements.lock || \
	  { echo "uv could not; pip tries, which takes some minutes."; \
	  $(PIP) install --require-hashes --no-deps --requirement requirements.lock; }
	@$(BIN)/python -c "import site; open(site.getsitepackages()[0] + '/touchstone.pth', 'w').write('$(CURDIR)\n')"
	@printf '#!%s\nimport sys\n\nfrom flows.cli import main\n\nsys.exit(main())\n' \
	  '$(CURDIR)/$(BIN)/python' > $(BIN)/touchstone && chmod +x $(BIN)/touchstone
	@touch $@

$(EXAMPLES): requirements-examples.lock
	@echo "Making the environment of the examples in .venv-examples (once; about half a minute)."
	@$(PYTHON) -m venv --clear .venv-examples
	@$(BIN)/uv pip install --quiet --python .venv-examples/bin/python --require-hashes \
	  --no-deps --requirement requirements-examples.lock || \
	  .venv-examples/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
	  --require-hashes --no-deps --requirement requirements-examples.lock
	@touch $@
