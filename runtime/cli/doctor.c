/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what this host and this user can do. */
#include "runtime/doctor/doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "runtime/cli/output.h"
#include "runtime/cli/verbs.h"
#include "src/base/text.h"

struct doctor_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct doctor_options, format), "FORMAT",
	  "text (default) or json" },
};

/* One invocation: what is printed, and what of it was not good. */
struct visit {
	struct doctor doctor;
	bool json, chosen;
	struct json_writer w;
	int group; /* whose heading was printed last, or -1 */
	unsigned missing;
	char names[256]; /* of what is missing and needed */
};

static void print_row(struct visit *v, const struct doctor_check *c, const struct doctor_result *r)
{
	if ((int)c->group != v->group)
		printf("%s%s\n", v->group < 0 ? "" : "\n", doctor_group_name(c->group));
	v->group = (int)c->group;
	printf("  %-8s %-17s %s\n", doctor_state_name(r->state), c->name, r->detail);
	if (r->state == DOCTOR_OK)
		return;
	printf("  %26s for: %s\n", "", c->gives);
	if (*r->remedy)
		printf("  %26s do:  %s\n", "", r->remedy);
}

static void write_row(struct json_writer *w, const struct doctor_check *c,
		      const struct doctor_result *r)
{
	json_write_object_begin(w, NULL);
	json_write_string(w, "name", c->name);
	json_write_string(w, "group", doctor_group_name(c->group));
	json_write_string(w, "state", doctor_state_name(r->state));
	json_write_bool(w, "needed", c->needed);
	json_write_string(w, "gives", c->gives);
	json_write_string(w, "detail", r->detail);
	if (*r->remedy)
		json_write_string(w, "remedy", r->remedy);
	json_write_object_end(w);
}

static int visit(struct visit *v, const struct doctor_check *c, struct err *e)
{
	struct doctor_result r;
	size_t used = strlen(v->names);

	/* A child has this process's buffers, too. */
	fflush(stdout);
	if (doctor_run(&v->doctor, c, &r, e) < 0)
		return -1;
	if (v->json)
		write_row(&v->w, c, &r);
	else
		print_row(v, c, &r);
	if (r.state == DOCTOR_MISSING && (c->needed || v->chosen)) {
		v->missing++;
		text_format(v->names + used, sizeof v->names - used, "%s%s", used ? ", " : "",
			    c->name);
	}
	return 0;
}

static int visit_all(struct visit *v, int argc, char **argv, struct err *e)
{
	for (int i = 0; i < argc; i++) {
		if (visit(v, doctor_find(argv[i]), e) < 0)
			return -1;
	}
	for (size_t i = 0; !argc && i < doctor_checks_count; i++) {
		if (visit(v, &doctor_checks[i], e) < 0)
			return -1;
	}
	return 0;
}

static void begin_json(struct visit *v)
{
	struct utsname u = { 0 };

	uname(&u);
	json_write_init(&v->w, true);
	json_write_object_begin(&v->w, NULL);
	json_write_string(&v->w, "version", PACKAGE_VERSION);
	json_write_string(&v->w, "kernel", u.release);
	json_write_u64(&v->w, "uid", v->doctor.host.euid);
	json_write_array_begin(&v->w, "checks");
}

static int end(struct visit *v, struct err *e)
{
	if (v->json) {
		json_write_array_end(&v->w);
		if (!v->chosen)
			json_write_bool(&v->w, "sandbox", !v->missing);
		json_write_object_end(&v->w);
		return output_json(&v->w, e);
	}
	if (!v->chosen && v->missing)
		printf("\nhusk sandbox does not work here without: %s\n", v->names);
	else if (!v->chosen)
		printf("\nhusk sandbox has all that it needs.\n");
	return 0;
}

static int doctor_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct doctor_options *o = options;
	struct visit v = {
		.doctor = { .arena = call->arena, .state_root = call->global.root },
		.json = o->format && text_equal(o->format, "json"),
		.chosen = argc > 0,
		.group = -1,
	};

	if (o->format && !v.json && !text_equal(o->format, "text"))
		return err_set(e, ERR_USAGE, 0, "doctor: --format \"%s\" is neither text nor json",
			       o->format);
	for (int i = 0; i < argc; i++) {
		if (!doctor_find(argv[i]))
			return err_set(
				e, ERR_USAGE, 0,
				"doctor: there is no check \"%s\" (without one, all are made)",
				argv[i]);
	}
	if (doctor_prepare(&v.doctor, e) < 0)
		return -1;
	if (v.json)
		begin_json(&v);
	if (visit_all(&v, argc, argv, e) < 0) {
		json_write_free(&v.w);
		return -1;
	}
	return end(&v, e) < 0 ? -1 : v.missing > 0;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = "[CHECK...]",
	.about = "Say what this host and this user can do, and what to do about the rest",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct doctor_options),
	.arguments_max = 64,
	.run = doctor_verb,
};
