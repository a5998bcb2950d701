/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/select.h"

#include <regex.h>

#include "runtime/cli/log.h"

int select_containers(struct call *call, const char *text, bool regex,
		      int (*each)(struct call *, const char *id, const void *data, struct err *e),
		      const void *data, struct err *e)
{
	char **ids;
	regex_t expression;
	int result = 0;
	bool failed = false;

	if (!regex)
		return each(call, text, data, e);
	ssize_t count = container_list(call, &ids, e);
	if (count < 0)
		return -1;
	result = regcomp(&expression, text, REG_EXTENDED | REG_NOSUB);
	if (result != 0) {
		char why[128];
		regerror(result, &expression, why, sizeof why);
		return err_set(e, ERR_USAGE, 0, "--regex \"%s\": %s", text, why);
	}
	for (ssize_t i = 0; i < count; i++) {
		if (regexec(&expression, ids[i], 0, NULL, 0) != 0)
			continue;
		if (failed)
			log_error(e);
		failed |= each(call, ids[i], data, e) < 0;
	}
	regfree(&expression);
	return failed ? -1 : 0;
}
