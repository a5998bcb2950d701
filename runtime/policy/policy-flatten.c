/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/policy/policy-export.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-rules.h"

#define COLUMNS 100u

/* What is said about a call, and on which of the policy's architectures (bits). */
struct flat {
	const char *name, *body;
	uint64_t archs;
	bool written;
};

struct buffer {
	struct arena *arena;
	char *text;
	size_t length, room;
};

struct flattener {
	const struct policy *policy;
	struct arena *arena;
	struct flat *items;
	size_t count, room;
	struct buffer out;
};

static void put_text(struct buffer *b, const char *text)
{
	size_t length = strlen(text);

	if (b->length + length + 1 > b->room) {
		size_t room = (b->length + length + 1) * 2;
		char *more = arena_alloc(b->arena, room);
		if (!more)
			return; /* arena_check() tells */
		if (b->length)
			memcpy(more, b->text, b->length);
		b->text = more;
		b->room = room;
	}
	memcpy(b->text + b->length, text, length + 1);
	b->length += length;
}

/* For what is short. */
__attribute__((format(printf, 2, 3))) static void put(struct buffer *b, const char *format, ...)
{
	char text[POLICY_COMPARE_MAX + 64];
	va_list args;

	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	put_text(b, text);
}

/* As the language would see it: a mask over all that counts is an equality. */
static struct seccomp_compare simplified(const struct seccomp_compare *c, const char *name,
					 bool wide)
{
	struct seccomp_compare result = *c;

	result.narrow = result.narrow || (policy_narrow_arguments(name) >> c->index & 1);
	uint64_t all = wide && !result.narrow ? UINT64_MAX : UINT32_MAX;
	if (c->op == SECCOMP_OP_MASKED_EQ && (c->value & all) == all) {
		result.op = SECCOMP_OP_EQ;
		result.value = c->value_two & all;
	}
	return result;
}

/* "allow", or "{ arg0 == 1 || arg0 == 2; allow, return EPERM }". */
static const char *make_body(struct flattener *f, const char *name,
			     const struct seccomp_trial *trials, size_t count, bool wide)
{
	char action[POLICY_ACTION_MAX], condition[POLICY_COMPARE_MAX];
	struct buffer b = { .arena = f->arena };
	bool braces = count > 1 || trials[0].compares_count;

	put(&b, "%s", braces ? "{ " : "");
	for (size_t i = 0; i < count; i++) {
		const struct seccomp_trial *t = &trials[i];
		for (size_t k = 0; k < t->compares_count; k++) {
			struct seccomp_compare c = simplified(&t->compares[k], name, wide);
			policy_compare_print(&c, wide, condition, sizeof condition);
			put(&b, "%s%s", k ? " && " : "", condition);
		}
		/* The next one says the same: an alternative. */
		if (t->compares_count && i + 1 < count && trials[i + 1].compares_count &&
		    trials[i + 1].action == t->action) {
			put(&b, " ||\n\t");
			continue;
		}
		policy_action_print(t->action, action, sizeof action);
		put(&b, "%s%s%s", t->compares_count ? "; " : "", action,
		    i + 1 < count ? ",\n\t" : "");
	}
	put(&b, "%s", braces ? " }" : "");
	return b.text ? b.text : "";
}

static int add_flat(struct flattener *f, const char *name, const char *body, uint64_t arch,
		    struct err *e)
{
	for (size_t i = 0; i < f->count; i++)
		if (text_equal(f->items[i].name, name) && text_equal(f->items[i].body, body)) {
			f->items[i].archs |= arch;
			return 0;
		}
	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 512;
		struct flat *more = arena_new_array(f->arena, room, struct flat);
		if (!more)
			return arena_check(f->arena, e);
		if (f->count)
			memcpy(more, f->items, f->count * sizeof *more);
		f->items = more;
		f->room = room;
	}
	f->items[f->count++] =
		(struct flat){ .name = arena_strdup(f->arena, name), .body = body, .archs = arch };
	return arena_check(f->arena, e);
}

static int gather(struct flattener *f, size_t index, struct err *e)
{
	const struct seccomp_arch *arch = seccomp_names_arch(f->policy->seccomp.archs[index]);
	struct seccomp_trial *trials;
	char name[64];
	size_t count;

	if (seccomp_rules_list(&f->policy->seccomp, arch, f->arena, &trials, &count, e) < 0)
		return -1;
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && !trials[end].first;)
			end++;
		if (seccomp_names_of(arch, trials[i].number, name, sizeof name) < 0)
			text_format(name, sizeof name, "%u", trials[i].number);
		const char *body = make_body(f, name, trials + i, end - i, arch->wide);
		if (add_flat(f, name, body, (uint64_t)1 << index, e) < 0)
			return -1;
	}
	return 0;
}

/* The policy's architectures that have the call, as bits. */
static uint64_t owners(const struct flattener *f, const char *name)
{
	struct seccomp_call call;
	uint64_t bits = 0;

	for (size_t i = 0; i < f->policy->seccomp.archs_count; i++) {
		seccomp_names_call(seccomp_names_arch(f->policy->seccomp.archs[i]), name, &call);
		if (call.direct || (*name >= '0' && *name <= '9'))
			bits |= (uint64_t)1 << i;
	}
	return bits;
}

static void put_name(struct flattener *f, const struct flat *item)
{
	bool first = true;

	put(&f->out, "%s", item->name);
	if (owners(f, item->name) == item->archs)
		return;
	for (size_t i = 0; i < f->policy->seccomp.archs_count; i++) {
		if (!(item->archs >> i & 1))
			continue;
		put(&f->out, "%s%s", first ? "[arch=" : ",",
		    seccomp_names_arch(f->policy->seccomp.archs[i])->name);
		first = false;
	}
	put(&f->out, "]");
}

/* Everything that is treated like item @first, in one statement. */
static void put_statement(struct flattener *f, size_t first)
{
	const char *body = f->items[first].body;
	size_t line = f->out.length, together = 0;

	for (size_t i = first; i < f->count; i++)
		together += !f->items[i].written && text_equal(f->items[i].body, body);
	put(&f->out, "%s", together > 1 ? "{" : "");
	for (size_t i = first, n = 0; i < f->count; i++) {
		struct flat *item = &f->items[i];
		if (item->written || !text_equal(item->body, body))
			continue;
		put(&f->out, "%s", n++ ? "," : "");
		if (f->out.length - line > COLUMNS - 32) {
			line = f->out.length;
			put(&f->out, "\n");
		}
		put(&f->out, "%s", n > 1 ? " " : "");
		put_name(f, item);
		item->written = true;
	}
	put_text(&f->out, together > 1 ? "}: " : ": ");
	put_text(&f->out, body);
	put_text(&f->out, "\n");
}

static void put_head(struct flattener *f)
{
	const struct seccomp_policy *p = &f->policy->seccomp;
	char action[POLICY_ACTION_MAX];

	put_text(&f->out, "# From ");
	put_text(&f->out, f->policy->path);
	put_text(&f->out, ".\n@arch ");
	for (size_t i = 0; i < p->archs_count; i++)
		put(&f->out, "%s%s", i ? ", " : "", seccomp_names_arch(p->archs[i])->name);
	policy_action_print(p->default_action, action, sizeof action);
	if (p->default_action == SECCOMP_RET_ALLOW || p->default_action == SECCOMP_RET_LOG ||
	    (p->default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
		put(&f->out, "\n# Needs --default-action %s\n", action);
	else
		put(&f->out, "\n@default %s\n", action);
	if (p->enosys_above)
		put(&f->out, "@newer return ENOSYS\n");
	put(&f->out, "\n");
}

int policy_export_text(const struct policy *p, struct arena *arena, char **text, size_t *length,
		       struct err *e)
{
	struct flattener f = { .policy = p, .arena = arena, .out = { .arena = arena } };

	for (size_t i = 0; i < p->seccomp.archs_count; i++)
		if (gather(&f, i, e) < 0)
			return -1;
	put_head(&f);
	for (size_t i = 0; i < f.count; i++)
		if (!f.items[i].written)
			put_statement(&f, i);
	*text = f.out.text;
	*length = f.out.length;
	return arena_check(arena, e);
}
