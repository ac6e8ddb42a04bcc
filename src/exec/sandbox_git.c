/*
 * sandbox_git.c - the user's git directory inside a box: read-only, with all object stores that it borrows from.
 *
 * Usually it lies in the checkout, which the private tree covers. Then it is seen below PLACE under its full path, so that relative
 * paths of alternates lead to the same places below PLACE, and the private .git is told so.
 */
#include "exec/sandbox_plan.h"

#include "base/mem.h"
#include "sys/file.h"

#include <string.h>

#define PLACE "/run/bisect-run/root"

enum {
	ALTERNATES_MAX_B = 1 << 16,
	ALTERNATES_DEPTH = 5, /* git follows as many */
};

/* The path without "." and ".." (at the top they lead nowhere), as git puts it together. The caller frees. */
static char *normal(const char *path)
{
	char *out = br_calloc(strlen(path) + 2, 1);
	size_t n = 0;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (n && out[--n] != '/')
				;
		} else if (len && !(len == 1 && path[0] == '.')) {
			out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len + (path[len] == '/');
	}
	out[n] = '\0';
	return out;
}

static void add_alternates(struct br_sandbox_plan *p, const char *objects, const char *seen, int depth);

/* A line of alternates of the store objects, which is seen at the path seen. */
static void add_alternate(struct br_sandbox_plan *p, const char *objects, const char *seen, const char *line,
			  int depth)
{
	bool absolute = *line == '/';
	br_auto_free char *joined = absolute ? br_strdup(line) : br_asprintf("%s/%s", objects, line);
	br_auto_free char *seen_joined = absolute ? br_strdup(line) : br_asprintf("%s/%s", seen, line);
	br_auto_free char *source = normal(joined);
	br_auto_free char *target = normal(seen_joined);

	if (!*source || !*target)
		return;
	br_sandbox_add(p, BR_NS_READ, br_sandbox_keep(p, source), br_sandbox_keep(p, target))->optional =
		true;
	add_alternates(p, source, target, depth + 1);
}

static void add_alternates(struct br_sandbox_plan *p, const char *objects, const char *seen, int depth)
{
	br_auto_free char *path = br_asprintf("%s/info/alternates", objects);
	br_auto_free char *text = NULL;
	size_t n;

	if (depth >= ALTERNATES_DEPTH || br_file_read(path, ALTERNATES_MAX_B, &text, &n, NULL) < 0)
		return;
	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		br_auto_free char *part = br_strndup(line, len);

		if (*part && *part != '#')
			add_alternate(p, objects, seen, part, depth);
		line += len + (line[len] == '\n');
	}
}

/* Our own folder in the git directory is nothing to look at. */
static void hide_own(struct br_sandbox_plan *p, const char *place)
{
	br_auto_free char *own = br_asprintf("%s/bisect-run", place);

	if (!br_path_is_below(p->top, own))
		br_sandbox_add(p, BR_NS_MASK, NULL, br_sandbox_keep(p, own));
}

void br_sandbox_add_git(struct br_sandbox_plan *p)
{
	const char *dir = p->job->spec->git_dir;
	const char *view = p->job->spec->box.view;
	bool covered = dir && !view && br_path_is_below(dir, p->top);
	br_auto_free char *place = dir ? br_asprintf("%s%s", covered ? PLACE : "", dir) : NULL;
	br_auto_free char *objects = dir ? br_asprintf("%s/objects", dir) : NULL;
	br_auto_free char *seen = dir ? br_asprintf("%s/objects", place) : NULL;

	if (!dir)
		return;
	hide_own(p, place);
	add_alternates(p, objects, seen, 0);
	if (view && br_path_is_at_or_below(dir, view))
		return; /* the view has it, and writes to it are thrown away */
	br_sandbox_add(p, BR_NS_READ, dir, br_sandbox_keep(p, place));
	if (covered) {
		br_auto_free char *text = br_asprintf("%s\n", place);
		br_auto_free char *file = br_asprintf("%s/.git/commondir", p->top);

		br_sandbox_add(p, BR_NS_TEXT, br_sandbox_keep(p, text), br_sandbox_keep(p, file))->optional =
			true;
	}
}
