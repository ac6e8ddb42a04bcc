/* fuzz_env_pair.c - any bytes are variables of one line each, and written anew they read the same. */
#include "app/env_pair.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(char *const *env)
{
	struct br_buf b = {0};
	size_t left;

	for (size_t i = 0; env[i]; i++) {
		if (!strchr(env[i], '=') || strchr(env[i], '\n'))
			abort();
		br_buf_fmt(&b, "%s\n", env[i]);
	}
	if (b.len > 0) {
		br_auto_strv char **again = br_env_pair_read(b.data, b.len, &left);

		if (left != 0 || br_strv_len(again) != br_strv_len(env))
			abort();
	}
	br_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	br_auto_free char *text = br_calloc(size + 1, 1);
	br_auto_strv char **env = NULL;
	size_t left;

	memcpy(text, data, size);
	env = br_env_pair_read(text, size, &left);
	check_again(env);
	return 0;
}
