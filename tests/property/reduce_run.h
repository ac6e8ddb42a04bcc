/* reduce_run.h - inputs to reduce, and reductions against a predicate, alone or with workers whose answers arrive in any order. */
#ifndef REDUCE_RUN_H
#define REDUCE_RUN_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bisect_run/reduce.h"

#include <string.h>

enum { REDUCE_WORKERS = 8, REDUCE_FILES = 4 };

typedef enum br_class reduce_test(const void *context, const struct br_part *part, size_t npart);

struct reduce_case {
	const struct br_part *part;
	size_t npart;
	reduce_test *test;
	const void *context;
	struct br_reduce_cfg cfg;
};

struct reduce_answer {
	char key[BR_REDUCE_KEY + 1];
	enum br_class cls;
};

/* runs counts the original too. at_200: runs until at most 200 bytes were left, coarse: bytes before the first pass on tokens. */
struct reduce_log {
	struct reduce_answer *answer;
	size_t n, cap;
	size_t runs, rounds, cancelled, at_200, at_80, coarse_runs, coarse_bytes;
	struct br_reduce_status status;
	struct br_part part[REDUCE_FILES];
	size_t npart;
};

static inline void reduce_land(struct reduce_log *log, const struct reduce_case *c, struct br_reduce *r,
			       struct br_candidate *candidate)
{
	struct br_reduce_status s;
	enum br_class cls = c->test(c->context, candidate->part, candidate->npart);

	br_grow(&log->answer, log->n, &log->cap);
	memcpy(log->answer[log->n].key, candidate->key, sizeof candidate->key);
	log->answer[log->n++].cls = cls;
	br_reduce_observe(r, candidate->id, cls);
	br_candidate_done(candidate);
	br_reduce_status(r, &s);
	if (s.bytes_after <= 200 && !log->at_200)
		log->at_200 = log->n + 1;
	if (s.bytes_after <= 80 && !log->at_80)
		log->at_80 = log->n + 1;
	if (!log->coarse_runs && (s.done || strcmp(s.pass, "tokens") == 0)) {
		log->coarse_runs = log->n + 1;
		log->coarse_bytes = s.bytes_after;
	}
}

static inline struct br_reduce *reduce_open(const struct reduce_case *c)
{
	struct br_reduce *r = NULL;

	return br_reduce_open(&r, c->part, c->npart, &c->cfg, NULL) == 0 ? r : NULL;
}

static inline void reduce_finish(struct reduce_log *log, struct br_reduce *r)
{
	const struct br_part *best = br_reduce_best(r);

	br_reduce_status(r, &log->status);
	log->status.pass = NULL;
	for (size_t i = 0; i < log->npart; i++) {
		log->part[i] = (struct br_part){br_malloc(best[i].n + 1), best[i].n, best[i].gone};
		memcpy(log->part[i].data, best[i].data, best[i].n);
		log->part[i].data[best[i].n] = '\0';
	}
	log->runs = log->n + 1;
	br_reduce_close(r);
}

/* Rounds of so many workers. */
static inline void reduce_in_rounds(struct reduce_log *log, const struct reduce_case *c, size_t workers)
{
	struct br_reduce *r = reduce_open(c);
	struct br_candidate candidate[REDUCE_WORKERS];
	size_t n;

	*log = (struct reduce_log){.rounds = 1, .npart = c->npart};
	while ((n = br_reduce_propose(r, candidate, workers))) {
		for (size_t i = 0; i < n; i++)
			reduce_land(log, c, r, &candidate[i]);
		log->rounds++;
	}
	reduce_finish(log, r);
}

/* Workers that finish in random order; what is moot is cancelled, and now and then a candidate is lost. known: answers from before. */
static inline void reduce_scrambled(struct reduce_log *log, const struct reduce_case *c, struct br_rand *rand,
				    const struct reduce_answer *known, size_t nknown)
{
	struct br_reduce *r = reduce_open(c);
	struct br_candidate flight[REDUCE_WORKERS];
	size_t n = 0;

	*log = (struct reduce_log){.npart = c->npart};
	for (size_t i = 0; i < nknown; i++)
		br_reduce_known(r, known[i].key, known[i].cls);
	for (;;) {
		size_t i;

		n += br_reduce_propose(r, flight + n, REDUCE_WORKERS - n);
		if (n == 0)
			break;
		i = br_rand_below(rand, n);
		if (br_reduce_moot(r, flight[i].id) || br_rand_below(rand, 20) == 0) {
			br_reduce_forget(r, flight[i].id);
			br_candidate_done(&flight[i]);
			log->cancelled++;
		} else {
			reduce_land(log, c, r, &flight[i]);
		}
		flight[i] = flight[--n];
	}
	reduce_finish(log, r);
}

static inline void reduce_log_done(struct reduce_log *log)
{
	for (size_t i = 0; i < log->npart; i++)
		free(log->part[i].data);
	free(log->answer);
	*log = (struct reduce_log){0};
}

/* ---- inputs ---- */

static inline struct br_part reduce_part_of(struct br_buf *b)
{
	struct br_part part = {.n = b->len};

	part.data = br_buf_take(b);
	return part;
}

static inline const char *reduce_pick(struct br_rand *r, const char *const *from, size_t n)
{
	return from[br_rand_below(r, n)];
}

static inline void reduce_json_value(struct br_buf *b, struct br_rand *r, unsigned depth)
{
	uint64_t kind = br_rand_below(r, depth < 5 ? 10 : 4), n = 2 + br_rand_below(r, 4);

	if (kind < 2)
		br_buf_fmt(b, "%u", (unsigned)br_rand_below(r, 1000000));
	else if (kind < 4)
		br_buf_fmt(b, "\"text %u, [with] {marks}\"", (unsigned)br_rand_below(r, 100));
	else if (kind < 7) {
		for (uint64_t i = 0; i < n; i++) {
			br_buf_fmt(b, "%s\n%*s\"key%u\": ", i ? "," : "{", (int)depth + 1, "",
				   (unsigned)br_rand_below(r, 1000));
			reduce_json_value(b, r, depth + 1);
		}
		br_buf_str(b, "}");
	} else {
		for (uint64_t i = 0; i < n; i++) {
			br_buf_str(b, i ? ", " : "[");
			reduce_json_value(b, r, depth + 1);
		}
		br_buf_str(b, "]");
	}
}

/* About `size` bytes; two thirds down, {"op": {"limits": {"max": -1 ... in the midst of others. */
static inline struct br_part reduce_json(uint64_t seed, size_t size)
{
	struct br_rand r = {.state = seed};
	struct br_buf b = {0};
	bool put = false;

	br_buf_str(&b, "{\"version\": 3,\n\"items\": [");
	for (unsigned i = 0; b.len + 20 < size || !put; i++) {
		br_buf_fmt(&b, "%s\n {\"name\": \"item %u\", \"data\": ", i ? "," : "", i);
		if (!put && b.len > size * 2 / 3) {
			br_buf_str(&b, "{\"other\": ");
			reduce_json_value(&b, &r, 3);
			br_buf_str(&b, ", \"op\": {\"x\": 1, \"limits\": {\"min\": ");
			reduce_json_value(&b, &r, 4);
			br_buf_str(&b, ", \"max\": -1}}, \"rest\": ");
			reduce_json_value(&b, &r, 3);
			br_buf_str(&b, "}");
			put = true;
		} else {
			reduce_json_value(&b, &r, 2);
		}
		br_buf_str(&b, "}");
	}
	br_buf_str(&b, "\n]}\n");
	return reduce_part_of(&b);
}

static inline void reduce_c_statement(struct br_buf *b, struct br_rand *r, unsigned function)
{
	unsigned x = (unsigned)br_rand_below(r, 3), y = (unsigned)br_rand_below(r, 3);

	switch (br_rand_below(r, 5)) {
	case 0:
		br_buf_fmt(b,
			   "\tif (value%u > %u && name) {\n\t\tvalue%u += value%u * 3;\n\t\tprintf(\"%%s "
			   "%%d\\n\", name, value%u);\n\t}\n",
			   x, (unsigned)br_rand_below(r, 99), x, y, x);
		break;
	case 1:
		br_buf_fmt(b,
			   "\tfor (int i = 0; i < count; i++) {\n\t\tvalue%u ^= table[i & 15];\n\t\tif "
			   "(value%u %% 7 == 0)\n\t\t\tbreak;\n\t}\n",
			   x, y);
		break;
	case 2:
		br_buf_fmt(b, "\twhile (value%u > 100) {\n\t\tvalue%u /= 2;\n\t\tvalue%u++;\n\t}\n", x, x, y);
		break;
	case 3:
		if (function > 0) {
			br_buf_fmt(b, "\tvalue%u += process_item_%u(value%u, \"x\", NULL);\n", x,
				   (unsigned)br_rand_below(r, function), y);
			break;
		}
		/* fall through */
	default:
		br_buf_fmt(b, "\tvalue%u = (int)strlen(name) + value%u - (rec != NULL);\n", x, y);
	}
}

/* A program of so many lines; a function in its middle compares an int with a size_t. */
static inline struct br_part reduce_c(uint64_t seed, size_t lines)
{
	struct br_rand r = {.state = seed};
	struct br_buf b = {0};
	size_t have = 0;

	br_buf_str(&b, "#include <stdio.h>\n#include <string.h>\n\n/* made up */\nstatic int table[16] = {1, "
		       "2, 3, 4};\n\n");
	for (unsigned i = 0; i < 20; i++)
		br_buf_fmt(&b, "struct rec%u {\n\tint field0;\n\tdouble field1;\n\tunsigned field2;\n};\n\n",
			   i);
	for (unsigned f = 0; have < lines; f++) {
		br_buf_fmt(&b,
			   "static int process_item_%u(int count, const char *name, struct rec%u *rec)\n{\n",
			   f, (unsigned)br_rand_below(&r, 20));
		for (unsigned i = 0; i < 3; i++)
			br_buf_fmt(&b, "\tint value%u = %u;\n", i, (unsigned)br_rand_below(&r, 1000));
		br_buf_str(&b, "\n");
		for (uint64_t i = 3 + br_rand_below(&r, 5); i > 0; i--)
			reduce_c_statement(&b, &r, f);
		if (f == lines / 50)
			br_buf_str(&b,
				   "\tfor (int k = 0; k < count; k++) {\n\t\tsize_t limit = strlen(name) + "
				   "sizeof *rec;\n"
				   "\t\tif (value0 < count) {\n\t\t\tfor (int j = value0; j < limit; j++)\n"
				   "\t\t\t\tvalue1 += table[j & 15];\n\t\t}\n\t}\n");
		br_buf_str(&b, "\treturn value0 + value1 + value2;\n}\n\n");
		have = 0;
		for (size_t i = 0; i < b.len; i++)
			have += b.data[i] == '\n';
	}
	br_buf_str(&b, "int main(int argc, char **argv)\n{\n\treturn process_item_0(argc, argv[0], NULL) + "
		       "process_item_3(1, \"a\", NULL);\n}\n");
	return reduce_part_of(&b);
}

#endif
