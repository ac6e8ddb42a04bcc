/*
 * reduce.c - counts what a reduction costs: reduce [-v] [-b BY] [-j N] SCRIPT FILE. SCRIPT gets a file's path and exits 0 when the
 * file is still interesting; reduce -g lines|bytes|json|c prints an input. Prints the runs, and the rounds that N workers of equal speed would take; -o FILE keeps the result.
 */
#include "../property/reduce_run.h"
#include "bisect_run/err.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

struct options {
	enum br_reduce_by by;
	size_t jobs;
	bool verbose;
	const char *script, *file, *out, *make;
};

static int options_of(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){.jobs = 1};
	while ((c = getopt(argc, argv, "vb:g:j:o:")) != -1) {
		if (c == 'v')
			o->verbose = true;
		else if (c == 'b' && br_reduce_by_from(optarg) >= 0)
			o->by = (enum br_reduce_by)br_reduce_by_from(optarg);
		else if (c == 'j' && strtoul(optarg, NULL, 10) > 0)
			o->jobs = strtoul(optarg, NULL, 10);
		else if (c == 'g')
			o->make = optarg;
		else if (c == 'o')
			o->out = optarg;
		else
			return -1;
	}
	if (o->make)
		return argc == optind ? 0 : -1;
	if (argc - optind != 2)
		return -1;
	o->script = argv[optind];
	o->file = argv[optind + 1];
	return 0;
}

static int read_all(const char *path, struct br_part *out)
{
	FILE *f = fopen(path, "rbe");
	long n = -1;

	if (f && fseek(f, 0, SEEK_END) == 0)
		n = ftell(f);
	if (!f || n < 0 || fseek(f, 0, SEEK_SET) != 0)
		return -1;
	*out = (struct br_part){.data = br_malloc((size_t)n + 1), .n = (size_t)n};
	n = (long)fread(out->data, 1, out->n, f);
	(void)fclose(f);
	return (size_t)n == out->n ? 0 : -1;
}

static int write_all(const char *path, const struct br_part *part)
{
	FILE *f = fopen(path, "wbe");

	if (!f)
		return -1;
	if (fwrite(part->data, 1, part->n, f) != part->n)
		return fclose(f), -1;
	return fclose(f);
}

static enum br_class run(const char *script, const char *path)
{
	posix_spawn_file_actions_t quiet;
	char *argv[3] = {br_strdup(script), br_strdup(path), NULL};
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, script, &quiet, NULL, argv, environ) == 0)
		(void)waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&quiet);
	free(argv[0]);
	free(argv[1]);
	return status == 0 ? BR_BAD : BR_GOOD;
}

static enum br_class test(const struct options *o, const char *path, const struct br_part *part)
{
	return write_all(path, part) == 0 ? run(o->script, path) : BR_SKIP;
}

/* Rounds of o->jobs candidates; prints each pass as it ends. */
static size_t reduce(struct br_reduce *r, const struct options *o, const char *path)
{
	br_auto_free struct br_candidate *c = br_calloc(o->jobs, sizeof *c);
	struct br_reduce_status s;
	char pass[64] = "";
	size_t rounds = 0, n;

	while ((n = br_reduce_propose(r, c, o->jobs))) {
		br_reduce_status(r, &s);
		if (o->verbose && strcmp(pass, s.pass) != 0)
			fprintf(stderr, "%5llu runs %7llu bytes: %s\n", (unsigned long long)s.runs,
				(unsigned long long)s.bytes_after, s.pass);
		(void)snprintf(pass, sizeof pass, "%s", s.pass);
		for (size_t i = 0; i < n; i++) {
			br_reduce_observe(r, c[i].id, test(o, path, c[i].part));
			br_candidate_done(&c[i]);
		}
		rounds++;
	}
	return rounds;
}

/* 5,000 lines of which 12 say NEED. */
static struct br_part lines(void)
{
	struct br_rand r = {.state = 1};
	struct br_buf b = {0};
	uint64_t at[12];

	for (unsigned k = 0; k < 12; k++)
		at[k] = 416 * k + br_rand_below(&r, 416);
	for (unsigned i = 0, k = 0; i < 5000; i++)
		br_buf_fmt(&b, "%s %u\n", k < 12 && at[k] == i ? (k++, "NEED") : "line", i);
	return reduce_part_of(&b);
}

/* 65,536 bytes, of which 0xf1 to 0xf5 stand once each, in order. */
static struct br_part bytes(void)
{
	struct br_rand r = {.state = 2};
	struct br_part p = {.data = br_malloc(65536), .n = 65536};

	for (size_t i = 0; i < p.n; i++)
		p.data[i] = (char)br_rand_below(&r, 0xf0);
	for (size_t k = 0; k < 5; k++)
		p.data[13000 * k + br_rand_below(&r, 13000)] = (char)(0xf1 + k);
	return p;
}

static int make(const char *kind)
{
	struct br_part p = strcmp(kind, "json") == 0	? reduce_json(1, 51000)
			   : strcmp(kind, "c") == 0	? reduce_c(1, 3500)
			   : strcmp(kind, "bytes") == 0 ? bytes()
							: lines();
	bool all = fwrite(p.data, 1, p.n, stdout) == p.n && fflush(stdout) == 0;

	free(p.data);
	return all ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options o;
	struct br_part part;
	struct br_reduce *r;
	struct br_reduce_status s;
	struct br_err err;
	br_auto_free char *path = br_asprintf("%s/reduce-bench.%d",
					      getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	size_t rounds;

	if (options_of(&o, argc, argv) == 0 && o.make)
		return make(o.make);
	if (!o.file || read_all(o.file, &part) < 0)
		return fprintf(stderr, "usage: reduce [-v] [-b BY] [-j N] [-o OUT] SCRIPT FILE\n"), 2;
	if (test(&o, path, &part) != BR_BAD)
		return fprintf(stderr, "%s is not interesting\n", o.file), 1;
	if (br_reduce_open(&r, &part, 1, &(struct br_reduce_cfg){.by = o.by}, &err) < 0)
		return fprintf(stderr, "%s\n", err.msg), 1;
	rounds = reduce(r, &o, path) + 1;
	br_reduce_status(r, &s);
	printf("%llu runs, %zu rounds of %zu, %llu -> %llu bytes, %llu -> %llu units (%s)\n",
	       (unsigned long long)s.runs + 1, rounds, o.jobs, (unsigned long long)s.bytes_before,
	       (unsigned long long)s.bytes_after, (unsigned long long)s.units_before,
	       (unsigned long long)s.units_after, br_reduce_by_name(s.by));
	if (o.out && write_all(o.out, br_reduce_best(r)) < 0)
		perror(o.out);
	(void)unlink(path);
	br_reduce_close(r);
	free(part.data);
	return 0;
}
