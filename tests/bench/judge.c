/*
 * judge.c - what judging a long log costs.
 * judge log FILE MIB: writes a log as builds and tests print them, with a failure near its end.
 * judge patterns: the recognisers' patterns, a line each, as grep -P can take them.
 * judge time FILE [RE]: MB/s of reading the evidence, and of the whole verdict, with --bad-if RE.
 */
#include "base/mem.h"
#include "base/rand.h"
#include "bisect_run/err.h"
#include "bisect_run/judge.h"
#include "judge/evidence.h"
#include "sys/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const struct br_err *err)
{
	(void)fprintf(stderr, "judge: %s\n", err->msg);
	return 1;
}

static int write_log(const char *path, uint64_t mib)
{
	static const char *const form[] = {
		"[17/9000] Building CXX object src/CMakeFiles/core.dir/part.cc.o",
		"gcc -O2 -Wall -Iinclude -DVERSION=17 -c -o build/module.o src/module.c",
		"../src/module.c:17:17: warning: unused variable 'error' [-Wunused-variable]",
		"test parser::tests::case ... ok",
		"2024-05-01T10:00:00.000017Z INFO server: request answered in 12 ms, no error",
		"    at com.example.Service.handle(Service.java:17)",
	};
	struct br_rand r = {.state = 1};
	FILE *f = fopen(path, "w");
	uint64_t n = 0;

	if (!f)
		return 1;
	while (n < mib << 20) {
		const char *text = form[br_rand_below(&r, sizeof form / sizeof *form)];
		int len = fprintf(f, "%s %" PRIu64 " %" PRIu64 "\n", text, br_rand_below(&r, 9000), n);

		if (len < 0)
			break;
		n += (uint64_t)len;
	}
	(void)fputs("prog: src/parse.c:12: parse: Assertion `n > 0' failed.\n", f);
	return fclose(f);
}

static void print_patterns(void)
{
	const struct br_recognisers *all[] = {br_recognise_crashes(), br_recognise_languages(),
					      br_recognise_tests(), br_recognise_builds()};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (size_t k = 0; k < all[i]->n; k++) {
			for (const char *s = all[i]->row[k].re; *s; s++) {
				if (strncmp(s, "(?<", 3) == 0 && s[4] == '>') {
					(void)fputs("(?:", stdout);
					s += 4;
					continue;
				}
				(void)putchar(*s);
			}
			(void)putchar('\n');
		}
}

static int time_evidence(const char *path, struct br_err *err)
{
	struct br_evidence *e = br_evidence_new();
	br_auto_free char *text = NULL;
	struct br_reading reading;
	double began;
	size_t n = 0;
	int rc = br_file_read(path, SIZE_MAX / 2, &text, &n, err);

	if (rc == BR_OK)
		rc = br_evidence_read(e, text, n, false, &reading, err);
	began = now_s();
	if (rc == BR_OK)
		rc = br_evidence_read(e, text, n, false, &reading, err);
	if (rc == BR_OK)
		(void)printf("evidence %.0f MB/s (%s: %s)\n", (double)n / 1e6 / (now_s() - began),
			     reading.failure.type, reading.failure.message);
	br_evidence_free(e);
	return rc;
}

static int time_verdict(char *path, const char *re, struct br_err *err)
{
	const char *bad_if[] = {re, NULL};
	struct br_judge_cfg cfg = {.bad_if = re ? bad_if : NULL};
	struct br_outcome o = {.end = BR_END_EXIT, .code = 1, .log_path = path};
	struct br_judge *j = NULL;
	struct br_verdict v;
	double began;
	int rc = br_judge_open(&j, &cfg, err);

	if (rc < 0)
		return rc;
	began = now_s();
	rc = br_judge_verdict(j, &o, BR_ROLE_OTHER, &v, err);
	if (rc == BR_OK)
		(void)printf("verdict%s%s %.3f s (%s)\n", re ? " with --bad-if " : "", re ? re : "",
			     now_s() - began, v.why);
	br_judge_close(j);
	return rc;
}

int main(int argc, char **argv)
{
	struct br_err err = {0};

	if (argc == 4 && strcmp(argv[1], "log") == 0)
		return write_log(argv[2], strtoull(argv[3], NULL, 10));
	if (argc == 2 && strcmp(argv[1], "patterns") == 0) {
		print_patterns();
		return 0;
	}
	if (argc < 3 || strcmp(argv[1], "time") != 0)
		return 2;
	if (time_evidence(argv[2], &err) < 0 || time_verdict(argv[2], NULL, &err) < 0 ||
	    (argc > 3 && time_verdict(argv[2], argv[3], &err) < 0))
		return fail(&err);
	return 0;
}
