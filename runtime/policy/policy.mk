# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	runtime/policy/policy-builtin.c \
	runtime/policy/policy-cache.c runtime/policy/policy-cache.h \
	runtime/policy/policy-compare.c runtime/policy/policy-compare.h \
	runtime/policy/policy-constants.c runtime/policy/policy-constants.inc \
	runtime/policy/policy-decide.c \
	runtime/policy/policy-directory.c \
	runtime/policy/policy-export.c runtime/policy/policy-export.h \
	runtime/policy/policy-filter.c \
	runtime/policy/policy-flatten.c \
	runtime/policy/policy-groups.c \
	runtime/policy/policy-lex.c \
	runtime/policy/policy-lint.c \
	runtime/policy/policy-load.c \
	runtime/policy/policy-lower.c \
	runtime/policy/policy-names.c \
	runtime/policy/policy-oci.c \
	runtime/policy/policy-parse.c runtime/policy/policy-parse.h \
	runtime/policy/policy-print.c \
	runtime/policy/policy-region.c runtime/policy/policy-region.h \
	runtime/policy/policy-text.h \
	runtime/policy/policy-value.c \
	runtime/policy/policy.h
libstrict_a_CPPFLAGS = $(AM_CPPFLAGS) -DPOLICY_DIRECTORY='"$(pkgdatadir)/policies"'

# Names and texts as numbers, each ended by 0, without comments and empty lines.
BUILTIN_POLICIES = policies/profiles/default.policy policies/profiles/common.frequency
runtime/policy/policy-builtin.inc: $(BUILTIN_POLICIES)
	$(AM_V_GEN)$(MKDIR_P) runtime/policy && { echo '/* SPDX-License-Identifier: Apache-2.0 */' && for policy in $(BUILTIN_POLICIES); do \
		printf '%s\0' "$${policy##*/}" && sed -e '/^#/d' -e '/^$$/d' "$(srcdir)/$$policy" && \
		printf '\0' || exit 1; \
	done | od -An -v -t u1 | sed -e 's/  *\([0-9][0-9]*\)/\1,/g'; } >$@.new && mv $@.new $@
runtime/policy/libstrict_a-policy-builtin.$(OBJEXT): runtime/policy/policy-builtin.inc
CLEANFILES += runtime/policy/policy-builtin.inc
