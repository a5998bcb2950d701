/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cred/cred-caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/io.h"
#include "src/cred/cred-fields.h"

/* In the order of <linux/capability.h>; the kernel never changes a number. */
static const char *const names[CRED_CAP_COUNT] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

#define PREFIX "CAP_"

const char *cred_cap_name(unsigned cap)
{
	return cap < CRED_CAP_COUNT ? names[cap] : NULL;
}

int cred_cap_parse(const char *name)
{
	for (int i = 0; i < CRED_CAP_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

int cred_cap_parse_loose(const char *name)
{
	if (strncasecmp(name, PREFIX, sizeof PREFIX - 1) == 0)
		name += sizeof PREFIX - 1;
	for (int i = 0; i < CRED_CAP_COUNT; i++)
		if (strcasecmp(names[i] + sizeof PREFIX - 1, name) == 0)
			return i;
	return -1;
}

static int parse_hex(const char *text, uint64_t *value)
{
	uint64_t sum = 0;

	if (!*text || strlen(text) > 16)
		return -1;
	for (; *text; text++) {
		int digit;
		if (*text >= '0' && *text <= '9')
			digit = *text - '0';
		else if (*text >= 'a' && *text <= 'f')
			digit = *text - 'a' + 10;
		else
			return -1;
		sum = sum << 4 | (uint64_t)digit;
	}
	*value = sum;
	return 0;
}

int cred_status_read(int procfd, struct cred_caps *out, uint64_t *ignored_signals, struct err *e)
{
	const struct {
		const char *key;
		uint64_t *set;
	} lines[] = {
		{ "SigIgn", ignored_signals }, { "CapInh", &out->inheritable },
		{ "CapPrm", &out->permitted }, { "CapEff", &out->effective },
		{ "CapBnd", &out->bounding },  { "CapAmb", &out->ambient },
	};
	const size_t wanted = sizeof lines / sizeof *lines;
	CLEAN_FD int fd = path_open(procfd, "self/status", O_RDONLY, 0);
	struct cred_fields f = { .fd = fd };
	size_t found = 0;
	char key[16], value[64];
	bool cut;

	if (fd < 0)
		return err_sys(e, "open self/status in procfs");
	memset(out, 0, sizeof *out);
	/* The file also lists all groups, up to 65536, so no fixed buffer holds it. */
	for (int stop = 1; stop > 0 && found < wanted;) {
		stop = cred_fields_next(&f, ":\n", key, sizeof key, &cut);
		if (stop != ':')
			continue;
		stop = cred_fields_next(&f, "\n", value, sizeof value, &cut);
		for (size_t i = 0; i < wanted; i++)
			if (text_equal(key, lines[i].key) &&
			    parse_hex(value + strspn(value, "\t "), lines[i].set) == 0)
				found++;
	}
	if (found < wanted)
		return err_set(
			e, ERR_SYSTEM, 0,
			"read self/status in procfs: lines of signals or capabilities are missing");
	return 0;
}

int cred_caps_read(int procfd, struct cred_caps *out, struct err *e)
{
	uint64_t ignored;

	return cred_status_read(procfd, out, &ignored, e);
}

int cred_caps_known(int procfd, uint64_t *mask, struct err *e)
{
	char text[16];
	uint32_t last;

	if (io_read_at(procfd, "sys/kernel/cap_last_cap", text, sizeof text) < 0)
		return err_sys(e, "read sys/kernel/cap_last_cap in procfs");
	if (text_parse_u32(text, &last) < 0 || last > 63)
		return err_set(e, ERR_SYSTEM, 0, "sys/kernel/cap_last_cap in procfs: \"%s\"", text);
	*mask = UINT64_MAX >> (63 - last);
	return 0;
}

uint64_t cred_caps_clamp(struct cred_caps *want, const struct cred_caps *held, uint64_t known)
{
	const struct cred_caps asked = *want;

	want->bounding &= held->bounding & known;
	want->permitted &= held->permitted & known;
	want->effective &= want->permitted;
	/* capset(2): a capability comes into the inheritable set only from the bounding set. */
	want->inheritable &= want->bounding;
	want->ambient &= want->permitted & want->inheritable;
	return (asked.bounding & ~want->bounding) | (asked.permitted & ~want->permitted) |
	       (asked.effective & ~want->effective) | (asked.inheritable & ~want->inheritable) |
	       (asked.ambient & ~want->ambient);
}

struct cred_caps cred_caps_until_exec(const struct cred_caps *final, const struct cred_caps *held)
{
	struct cred_caps caps = *final;
	uint64_t admin = held->permitted & CRED_CAP_BIT(CAP_SYS_ADMIN);

	caps.permitted |= admin;
	caps.effective |= admin;
	return caps;
}

size_t cred_caps_print(uint64_t mask, char *out, size_t size)
{
	size_t n = 0;

	if (size)
		*out = '\0';
	for (unsigned cap = 0; cap < 64; cap++) {
		if (!(mask & CRED_CAP_BIT(cap)))
			continue;
		if (n)
			n += text_format(out + n, size - n, ", ");
		if (cap < CRED_CAP_COUNT)
			n += text_format(out + n, size - n, "%s", names[cap]);
		else
			n += text_format(out + n, size - n, "%u", cap);
	}
	return n;
}

int cred_caps_drop_bounding(uint64_t held, uint64_t keep, struct err *e)
{
	/*
	 * There is no call that drops several, and a namespace or an exec does not help: a new
	 * user namespace fills the set again. 27 calls of 0.2 us each for Docker's default
	 * set are therefore the least. What is not held needs no call.
	 */
	for (uint64_t drop = held & ~keep; drop; drop &= drop - 1) {
		unsigned cap = (unsigned)__builtin_ctzll(drop);
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		const char *name = cred_cap_name(cap);
		err_sys(e, "drop %s (%u) from the bounding set", name ? name : "capability", cap);
		if (errno == EPERM)
			err_append(e, ": this needs CAP_SETPCAP");
		return -1;
	}
	return 0;
}

int cred_caps_set(const struct cred_caps *caps, struct err *e)
{
	/* Version 3 has 64 bits as two structures, the low halves first. */
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)caps->effective, (uint32_t)caps->permitted,
		  (uint32_t)caps->inheritable },
		{ (uint32_t)(caps->effective >> 32), (uint32_t)(caps->permitted >> 32),
		  (uint32_t)(caps->inheritable >> 32) },
	};

	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e,
			       "set capabilities to permitted %llx, effective %llx, "
			       "inheritable %llx",
			       (unsigned long long)caps->permitted,
			       (unsigned long long)caps->effective,
			       (unsigned long long)caps->inheritable);
	return 0;
}

int cred_caps_raise_ambient(uint64_t ambient, struct err *e)
{
	for (; ambient; ambient &= ambient - 1) {
		unsigned cap = (unsigned)__builtin_ctzll(ambient);
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0)
			continue;
		const char *name = cred_cap_name(cap);
		return err_sys(e, "raise ambient %s (%u)", name ? name : "capability", cap);
	}
	return 0;
}

int cred_caps_clear_ambient(struct err *e)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "clear the ambient capabilities");
	return 0;
}
