# SPDX-License-Identifier: Apache-2.0
include runtime/spec/spec.mk
include runtime/policy/policy.mk
include runtime/learn/learn.mk
include runtime/sandbox/sandbox.mk
include runtime/minijail/minijail.mk
include runtime/plan/plan.mk
include runtime/doctor/doctor.mk
include runtime/state/state.mk
include runtime/phase/phase.mk
include runtime/cli/cli.mk
