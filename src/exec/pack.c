/* pack.c - compresses with zlib: what gunzip reads everywhere. */
#include "exec/pack.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <fcntl.h>
#include <stdbool.h>
#include <zlib.h>

enum { CHUNK_B = 1 << 16 };

/* mode: as gzopen's; "T" leaves it uncompressed. */
static int pack(int fd, const char *path, const char *mode, struct br_err *err)
{
	br_auto_free char *chunk = br_malloc(CHUNK_B);
	gzFile out = gzopen(path, mode);
	bool fine = out != NULL;
	off_t at = 0;
	ssize_t n = 0;

	while (fine && (n = pread(fd, chunk, CHUNK_B, at)) > 0) {
		fine = gzwrite(out, chunk, (unsigned)n) == (int)n;
		at += n;
	}
	if (out && gzclose(out) != Z_OK)
		fine = false;
	if (fine && n == 0)
		return 0;
	(void)unlink(path);
	return br_fail_errno(err, "cannot write %s", path);
}

int br_pack_gzip(int fd, const char *path, struct br_err *err)
{
	return pack(fd, path, "wbe1", err);
}

int br_pack_copy(int fd, const char *path, struct br_err *err)
{
	return pack(fd, path, "wbeT", err);
}
