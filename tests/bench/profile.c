/* profile.c FORMAT FILE - how long reading a raw profile takes, and its exports: prints seconds. */
#include "bisect_run/profile.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>
#include <string.h>

#define MAX_B (512u << 20)

static void use(char *text)
{
	free(text);
}

int main(int argc, char **argv)
{
	br_auto_free char *text = NULL;
	br_auto_free char *answer = NULL;
	struct br_profile_cfg cfg = {.profiler = "bench", .dir_fd = -1};
	struct br_profile p;
	struct br_err err = {0};
	uint64_t began;
	size_t n;

	if (argc != 3 || br_file_read(argv[2], MAX_B, &text, &n, &err) < 0) {
		fprintf(stderr, "usage: profile FORMAT FILE\n");
		return 2;
	}
	answer = br_asprintf("#format %s %s\n%s", argv[1], argv[2], text);
	began = br_now_ns();
	if (br_profile_read(&p, answer, strlen(answer), &cfg, &err) < 0) {
		fprintf(stderr, "profile: %s\n", err.msg);
		return 1;
	}
	use(br_profile_text(&p, BR_SORT_SELF, 0));
	use(br_profile_json(&p));
	use(br_profile_folded(&p));
	use(br_profile_speedscope(&p));
	use(br_profile_callgrind(&p));
	printf("%.6f\n", (double)(br_now_ns() - began) / 1e9);
	br_profile_done(&p);
	return 0;
}
