# SPDX-License-Identifier: Apache-2.0
# The test VM: Debian's kernel under QEMU, see tests/vm/README.md.
VM_FILES = tests/vm/README.md tests/vm/check tests/vm/in-vm tests/vm/lib.sh tests/vm/prepare \
	tests/vm/relay tests/vm/self-test.bats tests/vm/guest
EXTRA_DIST += $(VM_FILES)

.PHONY: check-vm check-vm-full
check-vm: husk $(check_PROGRAMS)
	HUSK=$(abs_builddir)/husk HUSK_BUILD=$(abs_builddir) $(srcdir)/tests/vm/check
check-vm-full: husk $(check_PROGRAMS)
	HUSK=$(abs_builddir)/husk HUSK_BUILD=$(abs_builddir) $(srcdir)/tests/vm/check --full
