#!/usr/bin/env python3
"""make-history.py python|c DIR - makes DIR a git repository with a small history that gets slower on the way, always the same one.

python: tally.py; one commit turns an iterator loop into a counted one (clip), one a cached name into a repeated look-up (weigh), one a vectorised
sum into a loop (total). c: a queue whose append comes to walk the whole list. Between them lie harmless commits. Tags: v1, HEAD is v2.
"""
import os
import subprocess
import sys

PYTHON = {
    "tally.py": '''"""Small sums over samples."""


class Settings:
    def __init__(self):
        self.weights = {"gain": 3, "offset": 7}


class Tally:
    def __init__(self):
        self.settings = Settings()

    def clip(self, samples):
        out = 0
        for sample in samples:
            if sample < 1000:
                out += sample
        return out

    def weigh(self, samples):
        gain, offset = self.settings.weights["gain"], self.settings.weights["offset"]
        out = 0
        for sample in samples:
            out += sample * gain + offset
        return out

    def total(self, samples):
        return sum(samples)
''',
    "run.py": '''"""run.py NAME - runs Tally.NAME over the same samples again and again."""
import sys

import tally

SAMPLES = list(range(20000))
function = getattr(tally.Tally(), sys.argv[1])
for _ in range(100):
    function(SAMPLES)
''',
}

C = {
    "queue.h": '''struct node {
	int value;
	struct node *next;
};
struct queue {
	struct node *head, *tail;
	long length;
};
void queue_append(struct queue *q, int value);
long queue_sum(const struct queue *q);
void queue_free(struct queue *q);
''',
    "queue.c": '''#include "queue.h"

#include <stdlib.h>

static struct node *new_node(int value)
{
	struct node *n = malloc(sizeof *n);

	if (!n)
		abort();
	n->value = value;
	n->next = NULL;
	return n;
}

void queue_append(struct queue *q, int value)
{
	struct node *n = new_node(value);

	if (q->tail)
		q->tail->next = n;
	else
		q->head = n;
	q->tail = n;
	q->length++;
}

long queue_sum(const struct queue *q)
{
	long sum = 0;

	for (const struct node *n = q->head; n; n = n->next)
		sum += n->value;
	return sum;
}

void queue_free(struct queue *q)
{
	while (q->head) {
		struct node *n = q->head;

		q->head = n->next;
		free(n);
	}
}
''',
    "main.c": '''/* Fills queues and adds them up. */
#include "queue.h"

#include <stdio.h>

int main(void)
{
	long sum = 0;

	for (int k = 0; k < 5; k++) {
		struct queue q = {0};

		for (int i = 0; i < 3000; i++)
			queue_append(&q, i);
		sum += queue_sum(&q);
		queue_free(&q);
	}
	printf("%ld\\n", sum);
	return 0;
}
''',
}


def replace(path, old, new):
    def edit(files):
        assert files[path].count(old) == 1, (path, old)
        files[path] = files[path].replace(old, new)
    return edit


def note(number):
    def edit(files):
        files["NOTES"] = files.get("NOTES", "") + f"Note {number}.\n"
    return edit


STORY = {
    "python": (PYTHON, [
        ("notes: one", note(1)),
        ("tally: clip by position, for the coming windows", replace("tally.py", """        for sample in samples:
            if sample < 1000:
                out += sample
        return out
""", """        i = 0
        while i < len(samples):
            if samples[i] < 1000:
                out += samples[i]
            i = i + 1
        return out
""")),
        ("notes: two", note(2)),
        ("tally: say what it is for", replace("tally.py", "Small sums over samples.", "Small sums over samples of a sensor.")),
        ("tally: a gain may change while we weigh", replace("tally.py", """        gain, offset = self.settings.weights["gain"], self.settings.weights["offset"]
        out = 0
        for sample in samples:
            out += sample * gain + offset
""", """        out = 0
        for sample in samples:
            out += sample * self.settings.weights["gain"] + self.settings.weights["offset"]
""")),
        ("notes: three", note(3)),
        ("tally: total in plain words", replace("tally.py", """        return sum(samples)
""", """        out = 0
        for sample in samples:
            out = out + sample
        return out
""")),
        ("notes: four", note(4)),
    ]),
    "c": (C, [
        ("notes: one", note(1)),
        ("queue: keep the sum in a long", replace("queue.c", "	long sum = 0;\n", "	long sum = 0L;\n")),
        ("notes: two", note(2)),
        ("queue: one pointer less to keep right", replace("queue.c", """	if (q->tail)
		q->tail->next = n;
	else
		q->head = n;
	q->tail = n;
""", """	struct node **end = &q->head;

	while (*end)
		end = &(*end)->next;
	*end = n;
""")),
        ("notes: three", note(3)),
        ("notes: four", note(4)),
    ]),
}


def main():
    files, steps = STORY[sys.argv[1]]
    where = sys.argv[2]
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

    def git(*args, at=0):
        when = f"{1614585600 + 7620 * at} +0000"
        who = {"GIT_AUTHOR_NAME": "Anna Berg", "GIT_AUTHOR_EMAIL": "anna@example.org", "GIT_COMMITTER_NAME": "Anna Berg",
               "GIT_COMMITTER_EMAIL": "anna@example.org", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        subprocess.run(["git", *args], cwd=where, env={**env, **who}, check=True)

    def commit(subject, number):
        for path, text in files.items():
            with open(os.path.join(where, path), "w", encoding="utf-8") as out:
                out.write(text)
        git("add", "-A")
        git("commit", "-q", "-m", subject, at=number)

    os.makedirs(where)
    git("init", "-q", "-b", "main")
    files = dict(files)
    commit("first version", 0)
    git("tag", "v1")
    for number, (subject, edit) in enumerate(steps, 1):
        edit(files)
        commit(subject, number)
    git("tag", "v2")


if __name__ == "__main__":
    main()
