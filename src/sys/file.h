/* file.h - files and folders without domain words. All descriptors are close-on-exec. */
#ifndef BR_FILE_H
#define BR_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

struct br_err;

/* Whether a folder's entry is "." or "..". */
static inline bool br_name_is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* The whole file, NUL-terminated, at most max bytes (*n is what was read; more in the file is no error). The
 * caller frees *out. */
int br_file_read(const char *path, size_t max, char **out, size_t *n, struct br_err *err);
/* The last max bytes. */
int br_file_tail(const char *path, size_t max, char **out, size_t *n, struct br_err *err);
/* By a temporary file and rename. */
int br_file_write(const char *path, const void *data, size_t n, struct br_err *err);
/* The folder and its parents, mode 0777 less the umask. */
int br_dir_make(const char *path, struct br_err *err);
/*
 * Removes a file or folder with all in it, never following links, also where modes forbid it (they are
 * changed first) and where it is nested thousands deep. A missing one is fine. Bounded memory and
 * descriptors.
 */
int br_dir_remove(const char *path, struct br_err *err);
/* from takes the place of to in one step; what was at to is removed. */
int br_dir_replace(const char *from, const char *to, struct br_err *err);
/* Sum of the sizes of all files below (blocks in use), in bytes; a missing folder is 0. */
uint64_t br_dir_usage(const char *path);
/* Copies a regular file or a link, with its mode. Parents of to are made. An existing one is replaced. */
int br_file_copy(const char *from, const char *to, struct br_err *err);

#endif
