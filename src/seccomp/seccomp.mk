# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	src/seccomp/seccomp-cache.c src/seccomp/seccomp-cache.h \
	src/seccomp/seccomp-compile.c src/seccomp/seccomp-compile.h \
	src/seccomp/seccomp-condition.c src/seccomp/seccomp-condition.h \
	src/seccomp/seccomp-emit.c src/seccomp/seccomp-emit.h \
	src/seccomp/seccomp-gate.c src/seccomp/seccomp-gate.h \
	src/seccomp/seccomp-guard.c src/seccomp/seccomp-guard.h \
	src/seccomp/seccomp-inject.c src/seccomp/seccomp-inject.h \
	src/seccomp/seccomp-install.c src/seccomp/seccomp-install.h \
	src/seccomp/seccomp-listen.c src/seccomp/seccomp-listen.h \
	src/seccomp/seccomp-names.c src/seccomp/seccomp-names.h \
	src/seccomp/seccomp-policy.h \
	src/seccomp/seccomp-reach.c src/seccomp/seccomp-reach.h \
	src/seccomp/seccomp-rules.c src/seccomp/seccomp-rules.h \
	src/seccomp/seccomp-search.c src/seccomp/seccomp-search.h \
	src/seccomp/seccomp-simulate.c src/seccomp/seccomp-simulate.h \
	src/seccomp/seccomp-tree.c src/seccomp/seccomp-tree.h
