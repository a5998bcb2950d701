# SPDX-License-Identifier: Apache-2.0
include src/base/base.mk
include src/json/json.mk
include src/ns/ns.mk
include src/mount/mount.mk
include src/cgroup/cgroup.mk
include src/cred/cred.mk
include src/seccomp/seccomp.mk
include src/lsm/lsm.mk
include src/net/net.mk
include src/tty/tty.mk
