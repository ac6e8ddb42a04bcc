/* core.c - finds the core file of a process that died. */
#include "stack/stack.h"

#include "base/mem.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What names of core files begin with. False: they do not go where the process stands. */
static bool read_pattern(char *text, size_t size)
{
	br_auto_fd int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n <= 0 || text[0] == '|' || memchr(text, '/', (size_t)n))
		return false;
	text[n] = '\0';
	text[strcspn(text, "%\n")] = '\0';
	return true;
}

static bool is_core(int fd, int64_t since_s)
{
	Elf64_Ehdr head;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtim.tv_sec >= since_s &&
	       pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
	       memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_CORE;
}

static int take(int dir, const char *name, int64_t since_s)
{
	br_auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int found = fd;

	if (fd < 0 || !is_core(fd, since_s))
		return -1;
	(void)unlinkat(dir, name, 0);
	fd = -1;
	return found;
}

int br_crash_take_core(const struct br_crash *c)
{
	char start[256];
	int fd, found = -1;
	DIR *dir;

	if (c->dir_fd < 0 || !read_pattern(start, sizeof start))
		return -1;
	fd = openat(c->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -1;
	for (struct dirent *e; found < 0 && (e = readdir(dir));)
		if (strncmp(e->d_name, start, strlen(start)) == 0)
			found = take(c->dir_fd, e->d_name, c->died_s);
	(void)closedir(dir);
	return found;
}
