# SPDX-License-Identifier: Apache-2.0
# Attacks, as root. HUSK_LONG=1 gives races a minute each, and more combinations.

# Static: they run in root file systems without any library. The library (lib.bash) builds on demand
# what make has not, and the libraries always, which are no programs; keep both lists alike.
SECURITY_ATTACKS = \
	tests/security/attacks/exec-again \
	tests/security/attacks/first-instruction \
	tests/security/attacks/forge-start \
	tests/security/attacks/inside \
	tests/security/attacks/keys \
	tests/security/attacks/naive \
	tests/security/attacks/other-loader \
	tests/security/attacks/poison \
	tests/security/attacks/slow-socket \
	tests/security/attacks/swap

check_PROGRAMS += $(SECURITY_ATTACKS)
CLEANFILES += tests/security/attacks/gate-library tests/security/attacks/image-library

tests_security_attacks_exec_again_SOURCES = tests/security/attacks/exec-again.c
tests_security_attacks_exec_again_CPPFLAGS =
tests_security_attacks_exec_again_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_exec_again_LDFLAGS = -static

tests_security_attacks_first_instruction_SOURCES = tests/security/attacks/first-instruction.c
tests_security_attacks_first_instruction_CPPFLAGS =
tests_security_attacks_first_instruction_CFLAGS = $(WARN_CFLAGS) -fno-stack-protector
tests_security_attacks_first_instruction_LDFLAGS = -static -nostdlib

tests_security_attacks_forge_start_SOURCES = tests/security/attacks/forge-start.c
tests_security_attacks_forge_start_CPPFLAGS = -I$(top_srcdir)
tests_security_attacks_forge_start_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_forge_start_LDFLAGS = -static

tests_security_attacks_inside_SOURCES = tests/security/attacks/inside.c
tests_security_attacks_inside_CPPFLAGS =
tests_security_attacks_inside_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_inside_LDFLAGS = -static

tests_security_attacks_keys_SOURCES = tests/security/attacks/keys.c
tests_security_attacks_keys_CPPFLAGS =
tests_security_attacks_keys_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_keys_LDFLAGS = -static

tests_security_attacks_naive_SOURCES = tests/security/attacks/naive.c
tests_security_attacks_naive_CPPFLAGS =
tests_security_attacks_naive_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_naive_LDFLAGS = -static

tests_security_attacks_other_loader_SOURCES = tests/security/attacks/other-loader.c
tests_security_attacks_other_loader_CPPFLAGS =
tests_security_attacks_other_loader_CFLAGS = $(WARN_CFLAGS) -fno-stack-protector
tests_security_attacks_other_loader_LDFLAGS = -static -nostdlib

tests_security_attacks_poison_SOURCES = tests/security/attacks/poison.c
tests_security_attacks_poison_CPPFLAGS =
tests_security_attacks_poison_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_poison_LDFLAGS = -static

tests_security_attacks_slow_socket_SOURCES = tests/security/attacks/slow-socket.c
tests_security_attacks_slow_socket_CPPFLAGS =
tests_security_attacks_slow_socket_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_slow_socket_LDFLAGS = -static

tests_security_attacks_swap_SOURCES = tests/security/attacks/swap.c
tests_security_attacks_swap_CPPFLAGS =
tests_security_attacks_swap_CFLAGS = $(WARN_CFLAGS)
tests_security_attacks_swap_LDFLAGS = -static

SECURITY_TESTS = \
	tests/security/cgroup.bats \
	tests/security/console.bats \
	tests/security/devices.bats \
	tests/security/exec.bats \
	tests/security/fds-cwd.bats \
	tests/security/gate.bats \
	tests/security/hooks.bats \
	tests/security/joined.bats \
	tests/security/json.bats \
	tests/security/keyring.bats \
	tests/security/masks.bats \
	tests/security/network.bats \
	tests/security/nss.bats \
	tests/security/procfs.bats \
	tests/security/rootfs-paths.bats \
	tests/security/seccomp.bats \
	tests/security/self-binary.bats \
	tests/security/sockets.bats \
	tests/security/state-dir.bats \
	tests/security/sysctl.bats \
	tests/security/tty.bats \
	tests/security/userns.bats

# Protections are taken out, one at a time: the tests must notice. Needs a checkout.
.PHONY: check-mutations
check-mutations:
	$(TAP_RUN) tests/security/mutations $(srcdir)/tests/security/mutate

EXTRA_DIST += tests/security/README.md tests/security/lib.bash tests/security/mutate tests/security/mutations \
	tests/security/attacks/gate-library.c tests/security/attacks/image-library.c $(SECURITY_TESTS)
