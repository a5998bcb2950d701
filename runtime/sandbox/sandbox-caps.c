/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities that are kept: over the sandbox's own user namespace, and nothing outside of it. */
#include <linux/capability.h>
#include <strings.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/kernel.h"
#include "src/cred/cred-caps.h"

/* Of which bits "ALL", "NET_ADMIN" or "CAP_NET_ADMIN" speaks; 0: of none. */
static uint64_t parse(const char *name)
{
	if (strcasecmp(name, "all") == 0 || strcasecmp(name, "cap_all") == 0)
		return CRED_CAP_BIT(CRED_CAP_COUNT) - 1;
	int cap = cred_cap_parse_loose(name);
	return cap < 0 ? 0 : CRED_CAP_BIT(cap);
}

int sandbox_caps_parse(const struct str_list *list, uint64_t *caps, struct err *e)
{
	*caps = 0;
	for (size_t i = 0; i < list->count; i++) {
		const char *word = list->items[i];
		bool drop = *word == '-';
		uint64_t bits = parse(word + drop);
		if (!bits)
			return err_config(e, "capabilities[%zu]: \"%s\" is no capability, nor ALL",
					  i, word + drop);
		*caps = drop ? *caps & ~bits : *caps | bits;
	}
	return 0;
}

/* What a capability would take back of what else was asked for. */
static int check_claims(struct sandbox_builder *b, uint64_t caps, struct err *e)
{
	const struct sandbox *s = b->sandbox;
	const uint64_t raw = CRED_CAP_BIT(CAP_NET_ADMIN) | CRED_CAP_BIT(CAP_NET_RAW);
	bool walled = b->host->landlock && !s->no_landlock;

	/* Packet sockets pass by the rules, and who rules the network removes them. */
	if (s->allow.count && caps & raw)
		return err_config(e,
				  "capabilities: with %s the program would not be held by the "
				  "list of --allow",
				  caps & CRED_CAP_BIT(CAP_NET_ADMIN) ? "CAP_NET_ADMIN"
								     : "CAP_NET_RAW");
	/* Landlock forbids to mount and to unmount, whoever one is. */
	if (caps & CRED_CAP_BIT(CAP_SYS_ADMIN) && !walled)
		return sandbox_weaken(b, e,
				      "capabilities: CAP_SYS_ADMIN takes away mounts that hide and "
				      "protect, and %s",
				      s->no_landlock ? "noLandlock leaves nothing that forbids it"
						     : "this kernel has no Landlock to forbid it");
	return 0;
}

int sandbox_caps_make(struct sandbox_builder *b, struct err *e)
{
	struct spec_capabilities *c = arena_new(b->arena, struct spec_capabilities);
	uint64_t caps;

	if (!c)
		return arena_check(b->arena, e);
	if (sandbox_caps_parse(&b->sandbox->capabilities, &caps, e) < 0 ||
	    check_claims(b, caps, e) < 0)
		return -1;
	/* Ambient, or another user than 0 would lose them when the program is executed. */
	c->bounding = c->permitted = c->effective = c->inheritable = c->ambient = caps;
	b->spec->process->capabilities = c;
	return 0;
}
