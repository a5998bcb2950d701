# SPDX-License-Identifier: Apache-2.0
# The manual. husk-config(5) is made from its template and the decode tables, and distributed; all other pages are
# written by hand and checked against the tables (tests/lint/man, tests/lint/phases.c).
dist_man_MANS += \
	man/husk.1 \
	man/husk-create.1 \
	man/husk-delete.1 \
	man/husk-doctor.1 \
	man/husk-events.1 \
	man/husk-exec.1 \
	man/husk-features.1 \
	man/husk-kill.1 \
	man/husk-learn.1 \
	man/husk-list.1 \
	man/husk-minijail0.1 \
	man/husk-pause.1 \
	man/husk-policy.1 \
	man/husk-ps.1 \
	man/husk-run.1 \
	man/husk-sandbox.1 \
	man/husk-spec.1 \
	man/husk-start.1 \
	man/husk-state.1 \
	man/husk-update.1 \
	man/husk-vm.1 \
	man/husk-vm-boot.1 \
	man/husk-config.5 \
	man/husk-policy.5 \
	man/husk-phases.7 \
	man/husk-security.7 \
	man/husk-vm.7

EXTRA_DIST += man/husk-config.5.in
CLEANFILES += man/husk-config.5

noinst_PROGRAMS += man/config-matrix
man_config_matrix_SOURCES = man/config-matrix.c
man_config_matrix_LDADD = $(HUSK_LIBS)

man/husk-config.5: man/husk-config.5.in man/config-matrix$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
	./man/config-matrix$(EXEEXT) $(srcdir)/man/husk-config.5.in >$@.new && mv $@.new $@

# One page serves two verbs.
install-data-hook: install-man-links
install-man-links:
	cd $(DESTDIR)$(man1dir) && rm -f husk-resume.1 && ln -s husk-pause.1 husk-resume.1
uninstall-hook: uninstall-man-links
uninstall-man-links:
	rm -f $(DESTDIR)$(man1dir)/husk-resume.1
.PHONY: install-man-links uninstall-man-links
