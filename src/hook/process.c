/* process.c - runs one hook: its own process group, a time limit, caps on what it says. */
#include "hook/private.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void tail_add(struct br_hook_tail *t, const char *data, size_t n)
{
	if (n > BR_HOOK_TAIL_MAX) {
		data += n - BR_HOOK_TAIL_MAX;
		n = BR_HOOK_TAIL_MAX;
	}
	if (t->len + n > BR_HOOK_TAIL_MAX) {
		size_t drop = t->len + n - BR_HOOK_TAIL_MAX;

		memmove(t->data, t->data + drop, t->len - drop);
		t->len -= drop;
	}
	memcpy(t->data + t->len, data, n);
	t->len += n;
}

/* The last line that is not empty, fit for a terminal. The caller frees. */
static char *last_line(const struct br_hook_tail *t)
{
	size_t end = t->len, start;

	while (end > 0 && (t->data[end - 1] == '\n' || t->data[end - 1] == '\r' || t->data[end - 1] == ' '))
		end--;
	for (start = end; start > 0 && t->data[start - 1] != '\n';)
		start--;
	return br_text_clean(t->data + start, end - start, false);
}

/* One read. False: the other side is closed, or nothing is there now. */
static bool drain_err(struct br_hook_run *r)
{
	char chunk[4096];
	ssize_t n = read(r->err_fd, chunk, sizeof chunk);

	if (n > 0)
		tail_add(&r->tail, chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static bool drain_out(struct br_hook_run *r)
{
	char chunk[65536];
	ssize_t n = r->out_fd >= 0 && !r->out.cut ? read(r->out_fd, chunk, sizeof chunk) : 0;

	if (n > 0)
		br_buf_add(&r->out, chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static int wait_ms(const struct br_hook_run *r)
{
	uint64_t now = br_now_ns();
	uint64_t left = r->deadline_ns > now ? (r->deadline_ns - now + BR_NS_PER_MS - 1) / BR_NS_PER_MS : 0;

	if (r->deadline_ns == 0)
		left = INT32_MAX;
	return r->pidfd < 0 && left > 10 ? 10 : (int)left;
}

/* Looks without reaping: as long as the dead leader is there, its process group cannot be somebody else's. */
static bool has_ended(const struct br_hook_run *r)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

bool br_hook_wait(struct br_hook_run *r)
{
	bool err_open = true, out_open = r->out_fd >= 0;

	while (!has_ended(r)) {
		struct pollfd p[3] = {{.fd = r->pidfd, .events = POLLIN},
				      {.fd = err_open ? r->err_fd : -1, .events = POLLIN},
				      {.fd = out_open ? r->out_fd : -1, .events = POLLIN}};

		if (r->out.cut || (r->deadline_ns != 0 && br_now_ns() >= r->deadline_ns))
			return false;
		if (poll(p, 3, wait_ms(r)) <= 0)
			continue;
		if (p[1].revents)
			err_open = drain_err(r);
		if (p[2].revents)
			out_open = drain_out(r);
	}
	return true;
}

/* The end that we read does not block: programs expect that theirs does. */
static int make_pipe(int ends[2], struct br_err *err)
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return br_fail_errno(err, "cannot make a pipe");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_both(const int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			(void)close(ends[i]);
}

static char **argv_of(const struct br_hook_start *s)
{
	char **argv = NULL;

	br_strv_add(&argv, s->hook->path);
	for (size_t i = 0; s->args && s->args[i]; i++)
		br_strv_add(&argv, s->args[i]);
	return argv;
}

int br_hook_start(const struct br_hook_start *s, struct br_hook_run *r, struct br_err *err)
{
	br_auto_strv char **argv = argv_of(s);
	struct br_spawn spawn = {.argv = argv,
				 .env = s->env,
				 .cwd = s->cwd,
				 .in_fd = s->in_fd,
				 .new_session = true,
				 .die_with_parent = true};
	int said[2] = {-1, -1}, out[2] = {-1, -1};
	int rc = make_pipe(said, err);

	if (rc == 0 && s->listen)
		rc = make_pipe(out, err);
	spawn.err_fd = said[1];
	spawn.out_fd = out[1];
	if (rc == 0)
		rc = br_spawn(&spawn, &r->pid, &r->pidfd, err);
	if (rc != 0) {
		close_both(said);
		close_both(out);
		return br_wrap(err, "hook %s", s->hook->path);
	}
	(void)close(said[1]);
	if (out[1] >= 0)
		(void)close(out[1]);
	r->err_fd = said[0];
	r->out_fd = out[0];
	return 0;
}

int br_hook_finish(struct br_hook_run *r)
{
	int status = 0;

	(void)kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 32 && drain_err(r); i++)
		; /* what a full pipe can hold */
	while (drain_out(r))
		; /* ends at the cap */
	(void)close(r->err_fd);
	if (r->out_fd >= 0)
		(void)close(r->out_fd);
	if (r->pidfd >= 0)
		(void)close(r->pidfd);
	return status;
}

int br_hook_told(const struct br_hook *hook, const struct br_hook_run *r, int status, struct br_err *err)
{
	br_auto_free char *line = last_line(&r->tail);
	const char *colon = *line ? ": " : "";
	char name[24];

	if (WIFSIGNALED(status))
		return br_fail(err, BR_ESYS, "hook %s was killed by %s%s%s", hook->path,
			       br_signal_name(WTERMSIG(status), name, sizeof name), colon, line);
	if (WEXITSTATUS(status) != 0)
		(void)br_fail(err, BR_OK, "hook %s: exit %d%s%s", hook->path, WEXITSTATUS(status), colon,
			      line);
	return WEXITSTATUS(status);
}

char **br_hook_environment(char *const *env, const char *kind)
{
	static const char name[] = "BISECT_RUN_HOOK=";
	size_t total = br_strv_len(env), n = 0;
	char **out = br_calloc(total + 2, sizeof *out);

	for (size_t i = 0; i < total; i++)
		if (strncmp(env[i], name, sizeof name - 1) != 0)
			out[n++] = br_strdup(env[i]);
	out[n] = br_asprintf("%s%s", name, kind);
	return out;
}
