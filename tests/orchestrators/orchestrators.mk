# SPDX-License-Identifier: Apache-2.0
# podman, containerd and Docker with the husk that was built. As root; ORCHESTRATORS selects suites.

ORCHESTRATORS = podman nested containerd docker
ORCHESTRATOR_TOOLS = tests/orchestrators/private-run tests/orchestrators/capture-docker-profile \
	tests/orchestrators/install-packages tests/orchestrators/record-runtime
ORCHESTRATOR_SUITES = tests/orchestrators/podman.bats tests/orchestrators/containerd.bats \
	tests/orchestrators/docker.bats tests/orchestrators/nested.bats tests/orchestrators/rootless.bats
EXTRA_DIST += tests/orchestrators/README.md tests/orchestrators/lib.bash \
	$(ORCHESTRATOR_TOOLS) $(ORCHESTRATOR_SUITES)

.PHONY: check-orchestrators
check-orchestrators: husk
	@missing=`$(srcdir)/tests/orchestrators/install-packages --missing`; test -z "$$missing" || \
		{ echo "missing packages:" $$missing "(tests/orchestrators/install-packages installs them)"; exit 1; }
	@failed=; for suite in $(ORCHESTRATORS:%=tests/orchestrators/%.bats); do \
		$(TAP_RUN) $$suite $(srcdir)/tests/orchestrators/private-run bats $(srcdir)/$$suite || failed=1; done; \
	test -z "$$failed"
