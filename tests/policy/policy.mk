# SPDX-License-Identifier: Apache-2.0
# Policies: error texts, and what husk's own ones answer. The programs here look for policies in the source tree.
UNIT_TESTS += tests/policy/golden tests/policy/self tests/policy/table
tests_policy_golden_SOURCES = tests/policy/golden.c
tests_policy_golden_LDADD = $(HUSK_LIBS)
tests_policy_self_SOURCES = tests/policy/self.c
tests_policy_self_CPPFLAGS = $(tests_policy_table_CPPFLAGS)
tests_policy_self_LDADD = $(HUSK_LIBS)
tests_policy_table_SOURCES = tests/policy/table.c runtime/policy/policy-directory.c
tests_policy_table_CPPFLAGS = $(AM_CPPFLAGS) -DPOLICY_DIRECTORY='"$(abs_top_srcdir)/policies"'
tests_policy_table_LDADD = $(HUSK_LIBS)

# husk itself, with the policies of the source tree, for what does not run installed.
check_PROGRAMS += tests/policy/husk
tests_policy_husk_SOURCES = runtime/main.c runtime/policy/policy-directory.c
tests_policy_husk_CPPFLAGS = $(tests_policy_table_CPPFLAGS)
tests_policy_husk_LDADD = $(HUSK_LIBS)

# Any command under a policy.
check_PROGRAMS += tests/policy/under
tests_policy_under_SOURCES = tests/policy/under.c runtime/policy/policy-directory.c
tests_policy_under_CPPFLAGS = $(tests_policy_table_CPPFLAGS)
tests_policy_under_LDADD = $(HUSK_LIBS)

EXTRA_DIST += tests/policy/errors.golden tests/policy/dialects.golden tests/policy/notes.golden \
	tests/policy/compiler.table tests/policy/default.table tests/policy/ffmpeg.table \
	tests/policy/imagemagick.table tests/policy/nginx.table tests/policy/no-network.table \
	tests/policy/node.table tests/policy/python.table tests/policy/shell.table \
	tests/policy/strict.table
