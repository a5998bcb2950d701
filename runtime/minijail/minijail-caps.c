/* SPDX-License-Identifier: Apache-2.0 */
/* -c: which capabilities, and how they reach a program that has none of its own. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/minijail/minijail.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define LOCKED                                                                                     \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED)

static int hex_mask(const char *text, uint64_t *mask)
{
	char *end;

	if (!strchr("0123456789abcdefABCDEF", *text) || !*text)
		return -1;
	*mask = strtoull(text, &end, 16);
	return *end ? -1 : 0;
}

/* "cap_net_raw,cap_kill", "all" or nothing, which is all with "=". */
static int cap_list(const char *text, size_t length, uint64_t known, uint64_t *mask)
{
	char name[32];

	*mask = 0;
	if (!length)
		*mask = known;
	for (size_t i = 0; i < length;) {
		size_t n = strcspn(text + i, ",=+-");
		text_format(name, sizeof name, "%.*s", (int)n, text + i);
		int cap = text_equal(name, "all") ? CRED_CAP_COUNT : cred_cap_parse_loose(name);
		if (cap < 0)
			return -1;
		*mask |= cap == CRED_CAP_COUNT ? known : CRED_CAP_BIT(cap);
		i += n + (i + n < length);
	}
	return 0;
}

/* One clause of cap_from_text(3): a list, then =, + or - with flags, perhaps several times. */
static int clause(const char *text, size_t length, uint64_t known, uint64_t *effective)
{
	size_t i = strcspn(text, "=+-");
	uint64_t mask;

	if (i >= length || (!i && text[i] != '=') || cap_list(text, i, known, &mask) < 0)
		return -1;
	while (i < length) {
		char sign = text[i++];
		size_t n = strspn(text + i, "eip");
		bool e = memchr(text + i, 'e', n);
		if (sign == '=')
			*effective &= ~mask;
		if (sign == '-' && e)
			*effective &= ~mask;
		else if (e)
			*effective |= mask;
		i += n;
		if (i < length && !strchr("=+-", text[i]))
			return -1;
	}
	return 0;
}

static int clauses(const char *text, uint64_t known, uint64_t *effective)
{
	const char *at = text + strspn(text, " \t\n");

	*effective = 0;
	if (!*at)
		return -1;
	while (*at) {
		size_t n = strcspn(at, " \t\n");
		if (clause(at, n, known, effective) < 0)
			return -1;
		at += n;
		at += strspn(at, " \t\n");
	}
	return 0;
}

int minijail_caps_parse(const char *text, uint64_t known, uint64_t *caps, struct err *e)
{
	if (clauses(text, known, caps) == 0 || hex_mask(text, caps) == 0)
		return 0;
	return err_set(e, ERR_USAGE, 0,
		       "-c %s: is neither a hexadecimal mask nor as in \"cap_net_raw,cap_kill=e\"",
		       text);
}

static int check_held(const struct minijail_builder *b, uint64_t wanted, struct err *e)
{
	bool all = b->spec->linux_config->namespace_types & CLONE_NEWUSER;
	uint64_t missing = all ? wanted & ~b->host->caps_known : wanted & ~b->host->caps.permitted;
	char names[1024];

	if (!all && !(b->host->caps.permitted & CRED_CAP_BIT(CAP_SETPCAP)))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "-c: needs CAP_SETPCAP; without it add -m and -M, a user namespace");
	if (!missing)
		return 0;
	cred_caps_print(missing, names, sizeof names);
	return err_set(e, ERR_UNSUPPORTED, 0, "-c: the caller does not have %s",
		       *names ? names : "all of them, or the kernel does not know them");
}

/*
 * A program that changes its user without -c loses what the kernel takes away, and that is all. But
 * where a filter comes last and no_new_privs is not set, it takes CAP_SYS_ADMIN until then: so the
 * sets are said, as they would become.
 */
static int without_caps(struct minijail_builder *b, struct err *e)
{
	struct spec_process *p = b->spec->process;
	bool leaves_root = !b->spec->sandbox->inherit.uid && p->user.uid != 0;

	if (!leaves_root || !minijail_has_policy(b) || minijail_gains_nothing(b)) {
		b->spec->sandbox->inherit.capabilities = true;
		return 0;
	}
	p->capabilities = arena_new(b->arena, struct spec_capabilities);
	if (!p->capabilities)
		return arena_check(b->arena, e);
	p->capabilities->bounding = b->host->caps.bounding;
	p->capabilities->inheritable = b->host->caps.inheritable;
	return 0;
}

int minijail_caps_make(struct minijail_builder *b, bool program_is_static, struct err *e)
{
	const struct minijail *m = b->jail;
	struct spec_capabilities *c;
	uint64_t caps, skipped = 0;

	if (!m->caps)
		return without_caps(b, e);
	if (minijail_caps_parse(m->caps, b->host->caps_known, &caps, e) < 0)
		return -1;
	if (program_is_static && !m->ambient)
		return err_set(e, ERR_USAGE, 0,
			       "-c: a static program only gets capabilities with --ambient");
	if (m->securebits && hex_mask(m->securebits, &skipped) < 0)
		return err_set(e, ERR_USAGE, 0, "-B %s: is not a hexadecimal mask", m->securebits);
	if (check_held(b, caps, e) < 0)
		return -1;
	c = b->spec->process->capabilities = arena_new(b->arena, struct spec_capabilities);
	if (!c)
		return arena_check(b->arena, e);
	*c = (struct spec_capabilities){ caps, caps, caps, caps, caps };
	/* Who may become root by a set-user-ID program shall have something of it. */
	uint64_t noroot = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
	if ((~skipped & noroot) != noroot)
		c->bounding = b->host->caps.bounding | caps;
	b->spec->sandbox->securebits = (uint32_t)(LOCKED & ~skipped);
	return 0;
}
