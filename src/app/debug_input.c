/* debug_input.c - puts what a search over inputs, numbers or items ended with in the place of @@. */
#include "app/debug.h"

#include "app/options.h"
#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"

#include <stdio.h>
#include <string.h>

/* What stands for `@@`; kept: for `@@*`, or NULL. */
struct found {
	const char *text;
	char *const *kept;
	bool is_file; /* without a place for it, it is the last argument */
};

static int find(const struct br_options *o, const struct br_result *r, struct found *out, struct br_err *err)
{
	enum br_aim aim = br_options_aim(o);

	*out = (struct found){.is_file = aim != BR_AIM_LINE};
	if (aim == BR_AIM_LINE)
		out->text = r->line.first_bad;
	else if (aim == BR_AIM_REDUCE)
		out->text = r->reduced.result;
	else
		out->text = r->subset.result;
	out->kept = aim == BR_AIM_SUBSET ? r->subset.kept : NULL;
	if (out->text)
		return 0;
	return br_fail(err, BR_ESTATE, "search %s has found nothing to put in the place of @@", r->id);
}

static char *with_value(const char *word, const char *value)
{
	struct br_buf b = {0};

	for (const char *at = word; *at;) {
		bool place = strncmp(at, "@@", 2) == 0;

		br_buf_add(&b, place ? value : at, place ? strlen(value) : 1);
		at += place ? 2 : 1;
	}
	return br_buf_take(&b);
}

static char **words_with(char *const *argv, const struct found *f)
{
	char **out = NULL;
	bool placed = false;

	for (; *argv; argv++) {
		br_auto_free char *word = with_value(*argv, f->text);

		if (f->kept && strcmp(*argv, "@@*") == 0)
			for (char *const *item = f->kept; *item; item++)
				br_strv_add(&out, *item);
		else
			br_strv_add(&out, word);
		placed = placed || strstr(*argv, "@@");
	}
	if (!placed && f->is_file)
		br_strv_add(&out, f->text);
	return out;
}

static void forget_forms(struct br_options *o)
{
	free(br_steal(&o->range));
	free(br_steal(&o->list));
	free(br_steal(&o->subset));
	free(br_steal(&o->by));
	br_strv_free(o->reduce);
	o->reduce = NULL;
}

int br_debug_take_input(struct br_options *o, const struct br_result *r, struct br_err *err)
{
	struct found f;
	char **argv;
	int rc;

	if (br_options_aim(o) == BR_AIM_COMMITS || !o->argv)
		return 0;
	if (br_strv_len(o->reduce) > 1)
		return br_fail(err, BR_EUNSUPPORTED,
			       "debug of a search with several --reduce files is not in this version; their "
			       "reduced copies lie in %s",
			       r->reduced.result ? r->reduced.result : "the state directory");
	rc = find(o, r, &f, err);
	if (rc < 0)
		return rc;
	fprintf(stderr, "@@ is %s\n", f.text);
	argv = words_with(o->argv, &f);
	br_strv_free(o->argv);
	o->argv = argv;
	forget_forms(o);
	return 0;
}
