# `make` lists what there is to do. What each check runs is in tests/tools/run-checks.

TOOLS := ministack sam lint checkov
CHECK := tests/tools/run-checks

.DEFAULT_GOAL := help
.PHONY: help demo simulate fuzz mutants test fmt lint unit template doc build e2e tools lock prerequisites clean

help: ## Say what there is to do
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: prerequisites .venv/ministack/.ready .venv/sam/.ready ## Watch images go live on an AWS of your own, on this machine
	@cargo build --workspace --bin demo
	@$(or $(CARGO_TARGET_DIR),target)/debug/demo $(ARGS)

simulate: prerequisites ## Play seeds with every fault; SEEDS, FROM, SECONDS and FAULTS say how many and which
	@cargo run --package simulation --profile simulation --locked --bin simulate -- \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(FROM),--from $(FROM)) \
		$(if $(SEEDS),$(if $(SECONDS),--seconds $(SECONDS)),--seconds $(or $(SECONDS),120)) \
		$(if $(FAULTS),--faults $(FAULTS))

fuzz: prerequisites ## Feed every parser of outside input with libFuzzer; TARGET and SECONDS say which and how long
	@tests/tools/fuzz $(or $(SECONDS),60) $(TARGET)

mutants: prerequisites ## Change the core bit by bit and see that a test notices: hours, or what FILE or SINCE=COMMIT names
	@tests/tools/mutants $(if $(SINCE),--since '$(SINCE)',$(if $(FILE),'$(FILE)'))

test: tools ## Run every check there is; needs no AWS account and no Docker
	@$(CHECK)

fmt: ## Format the Rust code
	@cargo fmt --all

lint: prerequisites ## Check the format and run clippy, warnings as errors
	@$(CHECK) lint

unit: prerequisites ## Run the unit, table and snapshot tests
	@$(CHECK) unit

template: tools ## Check the template and the examples: SAM, our own rules, cfn-lint, checkov, Terraform
	@$(CHECK) template

doc: prerequisites ## Check names and links in the documents, build the API's documentation
	@$(CHECK) doc

build: tools ## Build what is deployed, and check that Lambda can run it
	@$(CHECK) build

e2e: tools ## Run the end-to-end tests on the local AWS
	@$(CHECK) e2e

tools: prerequisites $(TOOLS:%=.venv/%/.ready) ## Set up the Python tools, each in its own environment below .venv

lock: ## Pin the Python tools anew, after a change of a tests/tools/*.in
	@tests/tools/lock

clean: ## Remove everything that was built or installed here
	@rm -rf target .aws-sam .build .venv

prerequisites:
	@tests/tools/check-prerequisites

.venv/%/.ready: tests/tools/%.txt tests/tools/make-venv | prerequisites
	@tests/tools/make-venv $*
