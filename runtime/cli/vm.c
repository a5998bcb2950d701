/* SPDX-License-Identifier: Apache-2.0 */
/* vm: verbs about virtual machines themselves. */
#include "runtime/cli/vm.h"

#include "runtime/cli/verbs.h"

static int vm_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	(void)call;
	(void)options;
	(void)argc;
	return err_set(e, ERR_USAGE, 0, "vm: there is no verb \"%s\" (\"husk vm --help\")",
		       argv[0]);
}

static const struct verb *const vm_verbs[] = { &verb_vm_boot, &verb_vm_initramfs, &verb_vm_kernel,
					       NULL };

const struct verb verb_vm = {
	.name = "vm",
	.arguments = "VERB [ARG...]",
	.about = "Prepare virtual machines, and look at what they are made of",
	.more = "verbs (each has --help):\n"
		"  boot [options]              run a machine until it powers off\n"
		"  initramfs [options] FILE    write what a machine's kernel starts with\n"
		"  kernel list                 kernels that a machine can be started with\n"
		"  kernel config               what a kernel of one's own has to have\n",
	.arguments_min = 1,
	.arguments_max = 1u << 20,
	.stop_at_argument = true,
	.verbs = vm_verbs,
	.run = vm_run,
};
