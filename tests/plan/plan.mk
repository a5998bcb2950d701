# SPDX-License-Identifier: Apache-2.0
# Golden plans: what is planned from a configuration and the facts of a host, as text.
# HUSK_UPDATE_GOLDEN=1 writes them anew: look at the difference before it is committed.
UNIT_TESTS += tests/plan/plan-golden
tests_plan_plan_golden_SOURCES = tests/plan/plan-golden.c tests/plan/plan-hosts.c \
	tests/plan/plan-hosts.h
tests_plan_plan_golden_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/plan/engines.golden tests/plan/errors.golden tests/plan/hosts.golden \
	tests/plan/mounts.golden tests/plan/namespaces.golden tests/plan/process.golden
