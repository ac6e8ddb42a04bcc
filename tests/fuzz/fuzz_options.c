/* fuzz_options.c - any words are either refused in two lines, or understood and written back to the same. */
#include "app/options.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <stdint.h>
#include <string.h>

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words end at newlines; so they can hold everything else. */
static char **split(const uint8_t *data, size_t size)
{
	br_auto_free char *text = br_malloc(size + 1);
	char **argv = NULL;
	char *at = text;

	memcpy(text, data, size);
	text[size] = '\0';
	br_strv_add(&argv, "bisect-run");
	for (size_t n = 0; at && n < WORDS_MAX; n++) {
		char *word = strsep(&at, "\n");

		br_strv_add(&argv, word);
	}
	return argv;
}

static void check_error(const struct br_err *err)
{
	const char *newline = strchr(err->msg, '\n');

	if (err->code != BR_EUSAGE || !newline || strchr(newline + 1, '\n') || strchr(err->msg, '\033'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	br_auto_strv char **argv = split(data, size), **once = NULL, **twice = NULL;
	struct br_options o = {0}, again = {0};
	struct br_err err = {0};

	if (br_options_parse(&o, (int)br_strv_len(argv), argv, &err) != 0) {
		check_error(&err);
		return 0;
	}
	if (o.command != BR_CMD_HELP_SHORT && o.command != BR_CMD_HELP_LONG && o.command != BR_CMD_VERSION) {
		once = br_options_unparse(&o);
		if (br_options_parse(&again, (int)br_strv_len(once), once, &err) != 0)
			abort();
		twice = br_options_unparse(&again);
		for (size_t i = 0; once[i] || twice[i]; i++)
			if (!once[i] || !twice[i] || strcmp(once[i], twice[i]) != 0)
				abort();
	}
	br_options_done(&o);
	br_options_done(&again);
	return 0;
}
