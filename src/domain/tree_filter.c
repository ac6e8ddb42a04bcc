/* tree_filter.c - `git checkout-index` in the workshop. */
#include "domain/tree_filter.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "sys/file.h"

#include <sys/stat.h>

int br_filter_begin(struct br_workshop *s, git_index *attributes, struct br_err *err)
{
	int rc = br_workshop_begin(s, err);

	return rc < 0 ? rc : br_workshop_add_attributes(s, attributes, err);
}

int br_filter_run(struct br_workshop *s, struct br_err *err)
{
	static const char *const args[] = {"checkout-index", "-q", "-f", "-a", NULL};
	br_auto_free char *said = NULL;
	int rc = br_workshop_write(s, err);

	if (rc >= 0)
		rc = br_workshop_git(s, args, &said, err);
	if (rc == 0)
		return br_fail(err, BR_ECORRUPT, "git cannot write files that need a filter: %s", said);
	return rc < 0 ? rc : 0;
}

int br_filter_take(struct br_workshop *s, const char *path, const git_oid *blob, struct br_filtered *out,
		   struct br_err *err)
{
	br_auto_free char *full = br_asprintf("%s/tree/%s", s->dir, path);
	const git_index_entry *e = s->index ? git_index_get_bypath(s->index, path, 0) : NULL;
	struct stat st;

	if (!e || !git_oid_equal(&e->id, blob))
		return 0;
	if (lstat(full, &st) != 0 || !S_ISREG(st.st_mode))
		return br_fail(err, BR_ECORRUPT, "git did not write \"%s\"", path);
	return br_file_read(full, (size_t)st.st_size, &out->data, &out->n, err) < 0 ? BR_ESYS : 1;
}
