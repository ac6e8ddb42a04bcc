/* signals.c - signals as a descriptor; dying by the signal that came. */
#include "app/signals.h"

#include "bisect_run/err.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};

static void fill(sigset_t *set)
{
	struct sigaction old;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
		if (sigaction(watched[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaddset(set, watched[i]);
}

int br_signals_open(struct br_err *err)
{
	sigset_t set;
	int fd;

	fill(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return br_fail_errno(err, "cannot block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return br_fail_errno(err, "cannot watch signals");
	return fd;
}

int br_signals_take(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
		return 0;
	return (int)info.ssi_signo;
}

void br_signals_release(void)
{
	sigset_t set;

	fill(&set);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void br_signals_die(int sig)
{
	struct sigaction def = {.sa_handler = SIG_DFL};
	sigset_t set;

	(void)sigaction(sig, &def, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)kill(getpid(), sig);
	_exit(128 + sig); /* only when the signal is ignored by whoever started us */
}
