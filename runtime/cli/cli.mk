# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/cli/cli.h runtime/cli/verbs.h runtime/cli/verbs.c \
	runtime/cli/container.c runtime/cli/container.h \
	runtime/cli/container-create.c \
	runtime/cli/create.c \
	runtime/cli/delete.c \
	runtime/cli/doctor.c \
	runtime/cli/exec-process.c runtime/cli/exec-process.h \
	runtime/cli/exec.c \
	runtime/cli/features.c \
	runtime/cli/foreground.c runtime/cli/foreground.h \
	runtime/cli/guest-config.c runtime/cli/guest-init.h \
	runtime/cli/guest-init.c \
	runtime/cli/guest-process.c runtime/cli/guest-process.h \
	runtime/cli/guest-run.c \
	runtime/cli/guest-streams.c \
	runtime/cli/guest-system.c \
	runtime/cli/help.c \
	runtime/cli/kill.c \
	runtime/cli/learn.c \
	runtime/cli/log.c runtime/cli/log.h \
	runtime/cli/minijail0.c runtime/cli/minijail0.h \
	runtime/cli/minijail0-filter.c runtime/cli/minijail0-help.c \
	runtime/cli/options.c \
	runtime/cli/run.c \
	runtime/cli/sandbox.c \
	runtime/cli/sandbox-bundle.c runtime/cli/sandbox-bundle.h \
	runtime/cli/sandbox-config.c \
	runtime/cli/sandbox-args.c \
	runtime/cli/sandbox-agent.c runtime/cli/sandbox-named.h \
	runtime/cli/sandbox-client.c \
	runtime/cli/sandbox-copy.c \
	runtime/cli/sandbox-descriptors.c \
	runtime/cli/sandbox-filter.c runtime/cli/sandbox-filter.h \
	runtime/cli/sandbox-identity.c \
	runtime/cli/sandbox-image.c \
	runtime/cli/sandbox-network-options.c \
	runtime/cli/sandbox-place-options.c \
	runtime/cli/sandbox-run.h \
	runtime/cli/sandbox-start.c \
	runtime/cli/sandbox-stale.c runtime/cli/sandbox-stale.h \
	runtime/cli/sandbox-tree.c runtime/cli/sandbox-tree.h \
	runtime/cli/sandbox-verbs.c \
	runtime/cli/sandbox-options.c runtime/cli/sandbox-options.h \
	runtime/cli/sandbox-scope.c runtime/cli/sandbox-scope.h \
	runtime/cli/sandbox-output.c runtime/cli/sandbox-output.h \
	runtime/cli/sandbox-protect.c \
	runtime/cli/sandbox-vm.c runtime/cli/sandbox-vm.h \
	runtime/cli/vm-guest-report.c runtime/cli/vm-jail.c runtime/cli/vm-jail.h runtime/cli/vm-machine.c runtime/cli/vm-machine.h \
	runtime/cli/vm-session.c runtime/cli/vm-session.h runtime/cli/vm-stream.c runtime/cli/vm-stream.h \
	runtime/cli/vm-view.c \
	runtime/cli/sandbox-supervise.c runtime/cli/sandbox-supervise.h \
	runtime/cli/select.c runtime/cli/select.h \
	runtime/cli/signal-names.c runtime/cli/signal-names.h \
	runtime/cli/start.c \
	runtime/cli/state.c \
	runtime/cli/list.c \
	runtime/cli/output.c runtime/cli/output.h \
	runtime/cli/pause.c \
	runtime/cli/policy-check.c \
	runtime/cli/policy-cli.h \
	runtime/cli/policy-compile.c \
	runtime/cli/policy-convert.c \
	runtime/cli/policy-diff.c \
	runtime/cli/policy-explain.c \
	runtime/cli/policy.c \
	runtime/cli/ps.c \
	runtime/cli/spec.c \
	runtime/cli/events.c \
	runtime/cli/stats-print.c runtime/cli/stats-print.h \
	runtime/cli/update.c \
	runtime/cli/vm.c runtime/cli/vm.h \
	runtime/cli/vm-boot.c runtime/cli/vm-boot.h \
	runtime/cli/vm-kernel.c \
	runtime/cli/vm-open.c \
	runtime/cli/vm-run.c
