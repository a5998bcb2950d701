# SPDX-License-Identifier: Apache-2.0
# What people who change husk call, and CI does; nothing that building needs.

C_FILES = $(libplain_a_SOURCES) $(libstrict_a_SOURCES) $(husk_SOURCES) man/config-matrix.c tests/lint/phases.c
# "make tidy TIDY_FILES=src/base/text.c" looks at one. Headers are seen through what includes them.
TIDY_FILES = `printf '%s\n' $(C_FILES) | grep '\.c$$'`

# Rewrite what differs from .clang-format; FORMAT_FLAGS="--dry-run --Werror" only tells.
FORMAT_FLAGS = -i
.PHONY: format
format:
	cd $(srcdir) && $(CLANG_FORMAT) --style=file $(FORMAT_FLAGS) $(C_FILES)

.PHONY: tidy
tidy:
	cd $(srcdir) && $(CLANG_TIDY) --quiet $(TIDY_FILES) -- -x c -std=gnu17 -D_GNU_SOURCE -I. -I$(abs_builddir) \
		-include $(abs_builddir)/config.h

# The whole program is seen at once; what it cannot know of the system's headers is left out.
.PHONY: cppcheck
cppcheck:
	cd $(srcdir) && $(CPPCHECK) --quiet --std=c11 --language=c --enable=warning,performance,portability \
		--error-exitcode=1 --suppressions-list=build-aux/cppcheck-suppressions \
		-D_GNU_SOURCE -D__linux__ -D__x86_64__ -I. --include=$(abs_builddir)/config.h $(TIDY_FILES)
