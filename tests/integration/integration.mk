# SPDX-License-Identifier: Apache-2.0
# The integration suite: bats files, and the helper programs that they run inside containers or
# behind sockets. The library builds a helper on demand where make has not; keep both lists alike.

# Static, and never instrumented: they run in root file systems without any library.
INTEGRATION_HELPERS = \
	tests/integration/helpers/probe \
	tests/integration/helpers/recvfd \
	tests/integration/helpers/recvtty \
	tests/integration/helpers/seccomp-agent \
	tests/integration/helpers/with-filter

check_PROGRAMS += $(INTEGRATION_HELPERS)

tests_integration_helpers_probe_SOURCES = tests/integration/helpers/probe.c
tests_integration_helpers_probe_CPPFLAGS =
tests_integration_helpers_probe_CFLAGS = $(WARN_CFLAGS)
tests_integration_helpers_probe_LDFLAGS = -static

tests_integration_helpers_recvfd_SOURCES = tests/integration/helpers/recvfd.c \
	tests/integration/helpers/recvfd.h
tests_integration_helpers_recvfd_CPPFLAGS =
tests_integration_helpers_recvfd_CFLAGS = $(WARN_CFLAGS)
tests_integration_helpers_recvfd_LDFLAGS = -static

tests_integration_helpers_recvtty_SOURCES = tests/integration/helpers/recvtty.c \
	tests/integration/helpers/recvfd.h
tests_integration_helpers_recvtty_CPPFLAGS =
tests_integration_helpers_recvtty_CFLAGS = $(WARN_CFLAGS)
tests_integration_helpers_recvtty_LDFLAGS = -static

tests_integration_helpers_seccomp_agent_SOURCES = tests/integration/helpers/seccomp-agent.c \
	tests/integration/helpers/recvfd.h
tests_integration_helpers_seccomp_agent_CPPFLAGS =
tests_integration_helpers_seccomp_agent_CFLAGS = $(WARN_CFLAGS)
tests_integration_helpers_seccomp_agent_LDFLAGS = -static

tests_integration_helpers_with_filter_SOURCES = tests/integration/helpers/with-filter.c
tests_integration_helpers_with_filter_CPPFLAGS =
tests_integration_helpers_with_filter_CFLAGS = $(WARN_CFLAGS)
tests_integration_helpers_with_filter_LDFLAGS = -static

# Needs root. All of them, several at a time, TAP on stdout:
#   HUSK=$(abs_builddir)/husk $(srcdir)/tests/integration/run
# or one: HUSK=... prove -e bats tests/integration/NAME.bats
INTEGRATION_TESTS = \
	tests/integration/annotations.bats \
	tests/integration/capabilities.bats \
	tests/integration/cgroups.bats \
	tests/integration/create.bats \
	tests/integration/delete.bats \
	tests/integration/devices.bats \
	tests/integration/doctor.bats \
	tests/integration/errors.bats \
	tests/integration/events.bats \
	tests/integration/exec.bats \
	tests/integration/fds.bats \
	tests/integration/features.bats \
	tests/integration/gate.bats \
	tests/integration/hooks.bats \
	tests/integration/kill.bats \
	tests/integration/learn.bats \
	tests/integration/lifecycle.bats \
	tests/integration/list.bats \
	tests/integration/log.bats \
	tests/integration/masked-readonly-paths.bats \
	tests/integration/minijail0.bats \
	tests/integration/mounts.bats \
	tests/integration/namespaces.bats \
	tests/integration/netdevices.bats \
	tests/integration/pause-resume.bats \
	tests/integration/peers.bats \
	tests/integration/policy.bats \
	tests/integration/policy-boxed.bats \
	tests/integration/policy-run.bats \
	tests/integration/process.bats \
	tests/integration/ps.bats \
	tests/integration/quickstart.bats \
	tests/integration/rlimits.bats \
	tests/integration/rootfs.bats \
	tests/integration/rootless.bats \
	tests/integration/run.bats \
	tests/integration/sd-notify.bats \
	tests/integration/sandbox.bats \
	tests/integration/sandbox-config.bats \
	tests/integration/sandbox-identity.bats \
	tests/integration/sandbox-image.bats \
	tests/integration/sandbox-limits.bats \
	tests/integration/sandbox-network.bats \
	tests/integration/sandbox-named.bats \
	tests/integration/sandbox-options.bats \
	tests/integration/sandbox-places.bats \
	tests/integration/sandbox-scope.bats tests/integration/sandbox-vm.bats \
	tests/integration/sandbox-protect.bats \
	tests/integration/sandbox-quota.bats \
	tests/integration/seccomp.bats \
	tests/integration/selinux.bats \
	tests/integration/signals.bats \
	tests/integration/spec.bats \
	tests/integration/start.bats \
	tests/integration/state.bats \
	tests/integration/sysctl.bats \
	tests/integration/terminal.bats \
	tests/integration/timens.bats \
	tests/integration/update.bats \
	tests/integration/userns.bats \
	tests/integration/version-help.bats \
	tests/integration/vm-boot.bats \
	tests/integration/vm-guest.bats

EXTRA_DIST += tests/integration/run tests/integration/lib.bash tests/integration/sandbox.bash tests/integration/minijail0.table \
	tests/integration/helpers/injected.c tests/integration/helpers/stray.c \
	tests/integration/network.bash tests/integration/helpers/network.py \
	tests/integration/helpers/vm-guest.py $(INTEGRATION_TESTS)
