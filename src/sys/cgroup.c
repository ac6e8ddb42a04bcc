/*
 * cgroup.c - finds a control group that we may divide, and makes one for each worker.
 *
 * See "Control Group v2" and "cgroup-v1" in the kernel's documentation. The groups are named after the process that found the place, so that
 * those of dead ones can be told from those in use.
 */
#include "sys/cgroup.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "bisect-run."

enum { TEXT_MAX_B = 1 << 16 };

static char *read_text(const char *folder, const char *name)
{
	br_auto_free char *path = br_asprintf("%s/%s", folder, name);
	char *text = NULL;
	size_t n;

	return br_file_read(path, TEXT_MAX_B, &text, &n, NULL) < 0 ? NULL : text;
}

static bool write_text(const char *folder, const char *name, const char *text)
{
	br_auto_free char *path = br_asprintf("%s/%s", folder, name);
	br_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool has_word(const char *text, const char *word, const char *breaks)
{
	size_t n = strlen(word);

	while (text && *text) {
		size_t len = strcspn(text, breaks);

		if (len == n && strncmp(text, word, n) == 0)
			return true;
		text += len + (text[len] != '\0');
	}
	return false;
}

/* "device point type options dump pass" */
char *br_cgroup_mount_of(const char *line, const char *controller)
{
	char point[4096], type[32], options[1024];

	if (sscanf(line, "%*s %4095s %31s %1023s", point, type, options) != 3)
		return NULL;
	if (strcmp(type, controller ? "cgroup" : "cgroup2") != 0)
		return NULL;
	return !controller || has_word(options, controller, ",") ? br_strdup(point) : NULL;
}

/* "4:memory:/path", "0::/path" */
char *br_cgroup_path_of(const char *text, const char *controller)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		br_auto_free char *line = br_strndup(text, n);
		char *list = strchr(line, ':');
		char *path = list ? strchr(list + 1, ':') : NULL;

		if (path) {
			*path++ = '\0';
			list++;
			if (controller ? has_word(list, controller, ",") : !*list)
				return br_strdup(path);
		}
		text += n + (text[n] == '\n');
	}
	return NULL;
}

uint64_t br_cgroup_number(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (text && *text) {
		if (strncmp(text, key, n) == 0 && text[n] == ' ')
			return strtoull(text + n + 1, NULL, 10);
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return 0;
}

static char *find_mount(const char *controller)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char *line = NULL, *point = NULL;
	size_t size = 0;

	while (file && !point && getline(&line, &size, file) > 0)
		point = br_cgroup_mount_of(line, controller);
	free(line);
	if (file)
		(void)fclose(file);
	return point;
}

/* Our own group in that hierarchy, as a folder. In a container its path may be one of the outside: then it is the top that we see. */
static char *own_folder(const char *point, const char *controller)
{
	br_auto_free char *text = read_text("/proc/self", "cgroup");
	br_auto_free char *path = text ? br_cgroup_path_of(text, controller) : NULL;
	char *folder = path ? br_asprintf("%s%s", point, strcmp(path, "/") == 0 ? "" : path) : NULL;

	if (folder && access(folder, F_OK) < 0) {
		free(folder);
		folder = br_strdup(point);
	}
	return folder;
}

static bool is_ours(const char *folder)
{
	br_auto_free char *procs = br_asprintf("%s/cgroup.procs", folder);

	return access(folder, W_OK) == 0 && access(procs, W_OK) == 0;
}

/* ---- version 2 ---- */

static bool divides(const char *folder)
{
	br_auto_free char *text = read_text(folder, "cgroup.subtree_control");

	return has_word(text, "memory", " \n") && has_word(text, "pids", " \n");
}

/*
 * Groups that have processes cannot be divided: alone in ours we move into a part of it. A group that was delegated to us (systemd-run
 * --user --scope -p Delegate=yes) is like that.
 */
static bool divide_own(const char *own)
{
	br_auto_free char *part = br_asprintf("%s/" PREFIX "%ld.own", own, (long)getpid());
	char pid[24];

	(void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
	if (write_text(own, "cgroup.subtree_control", "+memory +pids"))
		return divides(own);
	if (mkdir(part, 0755) < 0)
		return false;
	if (write_text(part, "cgroup.procs", pid) &&
	    write_text(own, "cgroup.subtree_control", "+memory +pids") && divides(own))
		return true;
	(void)write_text(own, "cgroup.procs", pid);
	(void)rmdir(part);
	return false;
}

static char *dividing_folder(const char *point, const char *own)
{
	br_auto_free char *folder = br_strdup(own);

	while (strlen(folder) >= strlen(point)) {
		if (is_ours(folder) && divides(folder))
			return br_steal(&folder);
		*strrchr(folder, '/') = '\0';
	}
	return is_ours(own) && divide_own(own) ? br_strdup(own) : NULL;
}

static bool find_2(struct br_cgroup_place *out)
{
	br_auto_free char *point = find_mount(NULL);
	br_auto_free char *own = point ? own_folder(point, NULL) : NULL;
	br_auto_free char *controllers = point ? read_text(point, "cgroup.controllers") : NULL;
	char *folder;

	if (!own || !has_word(controllers, "memory", " \n") || !has_word(controllers, "pids", " \n"))
		return false;
	folder = dividing_folder(point, own);
	if (!folder)
		return false;
	*out = (struct br_cgroup_place){.version = 2,
					.memory = folder,
					.pids = br_strdup(folder),
					.own_memory = br_strdup(own),
					.own_pids = br_strdup(own)};
	return true;
}

/* ---- version 1 ---- */

static bool find_1(struct br_cgroup_place *out)
{
	br_auto_free char *memory = find_mount("memory");
	br_auto_free char *pids = find_mount("pids");
	br_auto_free char *own_memory = memory ? own_folder(memory, "memory") : NULL;
	br_auto_free char *own_pids = pids ? own_folder(pids, "pids") : NULL;

	if (!own_memory || !own_pids || !is_ours(own_memory) || !is_ours(own_pids))
		return false;
	*out = (struct br_cgroup_place){.version = 1,
					.memory = br_strdup(own_memory),
					.pids = br_strdup(own_pids),
					.own_memory = br_steal(&own_memory),
					.own_pids = br_steal(&own_pids)};
	return true;
}

bool br_cgroup_find(struct br_cgroup_place *out, char **why)
{
	*out = (struct br_cgroup_place){0};
	if (find_2(out) || find_1(out)) {
		out->owner = getpid();
		return true;
	}
	if (why)
		*why = br_strdup(geteuid() == 0 ? "no control group can be divided here"
						: "no control group was delegated to this user");
	return false;
}

void br_cgroup_place_done(struct br_cgroup_place *p)
{
	free(p->memory);
	free(p->pids);
	free(p->own_memory);
	free(p->own_pids);
	*p = (struct br_cgroup_place){0};
}

/* ---- groups ---- */

static char *group(const char *folder, uint32_t slot, pid_t owner)
{
	return br_asprintf("%s/" PREFIX "%ld.%" PRIu32, folder, (long)owner, slot);
}

/* Empty ones whose owner is dead; those in use cannot be removed anyway. */
static void remove_stale(const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		long owner;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		owner = strtol(e->d_name + strlen(PREFIX), NULL, 10);
		if (owner > 0 && kill((pid_t)owner, 0) < 0 && errno == ESRCH)
			(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir)
		(void)closedir(dir);
}

static int make(const char *folder, uint32_t slot, pid_t owner, char **out, struct br_err *err)
{
	br_auto_free char *path = group(folder, slot, owner);

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return br_fail_errno(err, "cannot make the control group %s", path);
	*out = br_steal(&path);
	return 0;
}

static void set_number(const char *folder, const char *name, uint64_t value, const char *none)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	(void)write_text(folder, name, value ? text : none);
}

/* Swap would only make a trial that uses too much slower. */
static void set_limits(int version, const char *memory, const char *pids,
		       const struct br_cgroup_limits *limits)
{
	if (version == 2) {
		set_number(memory, "memory.max", limits->memory_b, "max");
		(void)write_text(memory, "memory.swap.max", limits->memory_b ? "0" : "max");
	} else { /* the one with swap can never be the smaller one */
		(void)write_text(memory, "memory.memsw.limit_in_bytes", "-1");
		set_number(memory, "memory.limit_in_bytes", limits->memory_b, "-1");
		set_number(memory, "memory.memsw.limit_in_bytes", limits->memory_b, "-1");
	}
	set_number(pids, "pids.max", limits->pids, "max");
}

int br_cgroup_enter(const struct br_cgroup_place *p, uint32_t slot, const struct br_cgroup_limits *limits,
		    struct br_err *err)
{
	br_auto_free char *memory = NULL;
	br_auto_free char *pids = NULL;
	char pid[24];
	int rc;

	remove_stale(p->memory);
	remove_stale(p->pids);
	rc = make(p->memory, slot, p->owner, &memory, err);
	if (!rc)
		rc = make(p->pids, slot, p->owner, &pids, err);
	if (rc)
		return rc;
	set_limits(p->version, memory, pids, limits);
	(void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
	if (!write_text(memory, "cgroup.procs", pid) || !write_text(pids, "cgroup.procs", pid))
		return br_fail_errno(err, "cannot enter the control group %s", memory);
	return 0;
}

void br_cgroup_events(const struct br_cgroup_place *p, uint32_t slot, struct br_cgroup_events *out)
{
	br_auto_free char *memory = group(p->memory, slot, p->owner);
	br_auto_free char *pids = group(p->pids, slot, p->owner);
	br_auto_free char *kills =
		read_text(memory, p->version == 2 ? "memory.events" : "memory.oom_control");
	br_auto_free char *refused = read_text(pids, "pids.events");

	out->oom_kills = br_cgroup_number(kills, "oom_kill");
	out->forks_refused = br_cgroup_number(refused, "max");
}

void br_cgroup_remove(const struct br_cgroup_place *p, uint32_t slot, bool inside)
{
	br_auto_free char *memory = group(p->memory, slot, p->owner);
	br_auto_free char *pids = group(p->pids, slot, p->owner);
	char pid[24];

	(void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
	if (inside) {
		(void)write_text(p->own_memory, "cgroup.procs", pid);
		(void)write_text(p->own_pids, "cgroup.procs", pid);
	}
	(void)rmdir(memory);
	(void)rmdir(pids);
}
