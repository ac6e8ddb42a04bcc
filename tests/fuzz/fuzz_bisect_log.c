/* fuzz_bisect_log.c - any bytes are refused with one harmless line, or are a log that written anew says the same. */
#include "domain/bisect_log.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool looks_right(void *arg, const char *word)
{
	(void)arg;
	return word[0] != '/';
}

static const struct br_bisect_names names = {.is_commit = looks_right};

static void add_word(struct br_buf *b, const char *word)
{
	br_buf_str(b, " '");
	for (; *word; word++) {
		if (*word == '\'')
			br_buf_str(b, "'\\''");
		else
			br_buf_char(b, *word);
	}
	br_buf_char(b, '\'');
}

static void add_line(struct br_buf *b, const char *command, const char *rev)
{
	br_buf_str(b, "\ngit bisect");
	add_word(b, command);
	add_word(b, rev);
}

/* As a log that has each revision in a line of its own. */
static char *write_again(const struct br_bisect_log *l)
{
	struct br_buf b = {0};
	br_auto_free char *old = br_asprintf("--term-old=%s", l->old_term),
			  *new = br_asprintf("--term-new=%s", l->new_term);
	bool own = strcmp(l->old_term, "good") != 0 || strcmp(l->new_term, "bad") != 0;

	br_buf_fmt(&b, "git bisect start%s%s", l->first_parent ? " --first-parent" : "",
		   l->no_checkout ? " --no-checkout" : "");
	if (own && strcmp(l->old_term, "good") != 0)
		add_word(&b, old);
	if (own && strcmp(l->new_term, "bad") != 0)
		add_word(&b, new);
	br_buf_str(&b, " --");
	for (size_t i = 0; l->path && l->path[i]; i++)
		add_word(&b, l->path[i]);
	if (l->bad.rev)
		add_line(&b, l->new_term, l->bad.rev);
	for (size_t i = 0; i < l->ngood; i++)
		add_line(&b, l->old_term, l->good[i].rev);
	for (size_t i = 0; l->skip && l->skip[i]; i++)
		add_line(&b, "skip", l->skip[i]);
	return br_buf_take(&b);
}

static void check_error(const struct br_err *err)
{
	if (err->code != BR_EPARSE || !err->msg[0] || strpbrk(err->msg, "\n\033"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	br_auto_free char *text = br_malloc(size + 1), *once = NULL, *twice = NULL;
	struct br_bisect_log log, again;
	struct br_err err = {0};

	memcpy(text, data, size);
	text[size] = '?'; /* nothing may be read behind the end */
	if (br_bisect_log_parse(&log, text, size, &names, &err) != 0) {
		check_error(&err);
		return 0;
	}
	(void)br_bisect_log_finds_fix(&log);
	once = write_again(&log);
	if (br_bisect_log_parse(&again, once, strlen(once), &names, &err) != 0)
		abort();
	twice = write_again(&again);
	if (strcmp(once, twice) != 0)
		abort();
	br_bisect_log_done(&log);
	br_bisect_log_done(&again);
	return 0;
}
