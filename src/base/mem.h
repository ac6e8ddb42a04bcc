/* mem.h - memory that cannot fail, and cleanup by scope. Running out of memory aborts: every finished trial is on disk. */
#ifndef BR_MEM_H
#define BR_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *br_malloc(size_t n) __attribute__((malloc, warn_unused_result));
void *br_calloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));
void *br_reallocarray(void *p, size_t n, size_t size) __attribute__((warn_unused_result));
char *br_strdup(const char *s) __attribute__((malloc, nonnull, warn_unused_result));
char *br_strndup(const char *s, size_t n) __attribute__((malloc, nonnull, warn_unused_result));
char *br_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), warn_unused_result));
/* strdup that lets NULL through. */
char *br_strdup_or_null(const char *s) __attribute__((warn_unused_result));

/* Makes room for one more element in the array *p of *cap elements of which n are in use. */
#define br_grow(p, n, cap)                                                                                   \
	do {                                                                                                 \
		if ((n) >= *(cap)) {                                                                         \
			*(cap) = *(cap) ? *(cap)*2 : 8;                                                      \
			*(p) = br_reallocarray(*(p), *(cap), sizeof **(p));                                  \
		}                                                                                            \
	} while (0)

/* NULL-terminated vectors of owned strings. NULL is an empty one. */
size_t br_strv_len(char *const *v);
void br_strv_add(char ***v, const char *s); /* copies s */
char **br_strv_copy(char *const *v);
void br_strv_free(char **v);

static inline void br_cleanup_free(void *p)
{
	free(*(void **)p);
}
static inline void br_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
static inline void br_cleanup_strv(char ***v)
{
	br_strv_free(*v);
}
#define br_auto_free __attribute__((cleanup(br_cleanup_free)))
#define br_auto_fd __attribute__((cleanup(br_cleanup_fd)))
#define br_auto_strv __attribute__((cleanup(br_cleanup_strv)))

/* Takes a pointer out of a cleanup variable. */
#define br_steal(p)                                                                                          \
	__extension__({                                                                                      \
		__typeof__(*(p)) stolen_ = *(p);                                                             \
		*(p) = NULL;                                                                                 \
		stolen_;                                                                                     \
	})

#endif
