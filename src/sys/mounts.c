/* mounts.c - reads /proc/self/mountinfo, see proc(5). */
#include "sys/mounts.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A field with its octal escapes (\040 is a blank) taken out. The caller frees. */
static char *unescape(const char *field, size_t n)
{
	char *out = br_malloc(n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		unsigned value = 0;
		bool octal = field[i] == '\\' && i + 3 < n;

		for (size_t k = 1; octal && k <= 3; k++) {
			octal = field[i + k] >= '0' && field[i + k] <= '7';
			value = value * 8 + (unsigned)(field[i + k] - '0');
		}
		octal = octal && value > 0 && value < 256;
		*to++ = octal ? (char)value : field[i];
		i += octal ? 3 : 0;
	}
	*to = '\0';
	return out;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": the third to fifth are ours. */
int br_mounts_parse(const char *line, struct br_mount *out)
{
	struct br_mount m = {0};
	int at = 0;
	size_t root, point;

	if (sscanf(line, "%*u %*u %" SCNu32 ":%" SCNu32 " %n", &m.major, &m.minor, &at) != 2 || !at)
		return -1;
	line += at;
	root = strcspn(line, " ");
	point = line[root] ? strcspn(line + root + 1, " \n") : 0;
	if (!root || line[root] != ' ' || line[root + 1] != '/' || !point)
		return -1;
	m.root = unescape(line, root);
	m.point = unescape(line + root + 1, point);
	*out = m;
	return 0;
}

size_t br_mounts_read(struct br_mount **out)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct br_mount *list = NULL, m;
	size_t n = 0, cap = 0, size = 0;
	char *line = NULL;

	while (file && getline(&line, &size, file) > 0) {
		if (br_mounts_parse(line, &m) < 0)
			continue;
		br_grow(&list, n, &cap);
		list[n++] = m;
	}
	free(line);
	if (file)
		(void)fclose(file);
	*out = list;
	return n;
}

void br_mounts_free(struct br_mount *mount, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(mount[i].root);
		free(mount[i].point);
	}
	free(mount);
}

static bool holds(const char *point, const char *path)
{
	size_t n = strlen(point);

	if (n == 1)
		return true;
	return strncmp(path, point, n) == 0 && (path[n] == '/' || !path[n]);
}

const struct br_mount *br_mounts_of(const struct br_mount *mount, size_t n, const char *path)
{
	const struct br_mount *best = NULL;

	for (size_t i = 0; i < n; i++) /* of two at the same place the later one covers the other */
		if (holds(mount[i].point, path) && (!best || strlen(mount[i].point) >= strlen(best->point)))
			best = &mount[i];
	return best;
}
