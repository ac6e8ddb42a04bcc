/* fuzz_profile.c - whatever a profiler or a hook wrote, it is refused or makes a table, all exports, and a comparison with itself. */
#include "bisect_run/profile.h"
#include "bisect_run/profile_diff.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct br_profile *p)
{
	const struct br_line_range lines = {1, 3};
	const struct br_changed_file changed = {
		.new_path = "a.c", .old_path = "a.c", .new_range = &lines, .nnew = 1};
	const struct br_profile_side side = {p, 1};
	struct br_profile_diff d;
	br_auto_free char *text = br_profile_text(p, BR_SORT_CUM, 0);
	br_auto_free char *folded = br_profile_folded(p);
	br_auto_free char *sheet = br_profile_callgrind(p);
	br_auto_free char *json = br_profile_json(p);
	br_auto_free char *scope = br_profile_speedscope(p);

	if (!folded || !sheet || !json || !scope)
		abort();
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 && *at != '\n')
			abort();
	if (br_profile_compare(&d, &side, &side, &changed, 1, NULL) == 0) {
		br_auto_free char *table = br_profile_diff_text(&d, 5);

		if (!table || d.nrow > 0)
			abort(); /* nothing differs from itself */
		br_profile_diff_done(&d);
	}
}

/* The first byte chooses the format; of the last kind is an answer as it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const head[] = {"#format callgrind x\n", "#format gprof x\n", "#format perf\n",
					   "#format nsys\n",	    "#format table\n",	 ""};
	static const char *const prefix[] = {"/home/user/tree", NULL};
	struct br_profile_cfg cfg = {.profiler = "fuzz", .dir_fd = -1, .prefix = prefix};
	struct br_profile p;
	const char *first;
	char *answer;
	size_t n;

	if (size == 0)
		return 0;
	first = head[data[0] % (sizeof head / sizeof *head)];
	n = strlen(first);
	answer = br_malloc(n + size);
	memcpy(answer, first, n);
	memcpy(answer + n, data + 1, size - 1);
	if (br_profile_read(&p, answer, n + size - 1, &cfg, NULL) == 0) {
		use(&p);
		br_profile_done(&p);
	}
	free(answer);
	return 0;
}
