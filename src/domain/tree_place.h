/*
 * tree_place.h - puts files, links and folders below one root and takes them away again. No link is ever followed below the
 * root, whatever a test left there, so nothing outside of it can be written.
 */
#ifndef BR_TREE_PLACE_H
#define BR_TREE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct br_err;

/* Paths are relative to the root and consist of names that br_tree_path_ok accepts. */
struct br_place {
	int root;
	int dir_fd; /* the folder used last, or -1 */
	char *dir;  /* its path */
	mode_t umask;
	bool no_openat2; /* then folders are opened one by one */
};

/* Takes over root, a descriptor of the top folder. */
void br_place_init(struct br_place *p, int root);
void br_place_done(struct br_place *p);
/* To be called when others may have moved folders since the last call. */
void br_place_forget(struct br_place *p);

/* 1: there (lstat), 0: not there, or something that is no folder is in its way. */
int br_place_stat(struct br_place *p, const char *path, struct stat *st, struct br_err *err);
/*
 * Makes path a regular file with these bytes and permissions, or a link, or a folder. Whatever else is there, or stands where
 * one of its folders should be, is removed. What is already right is left alone, with its times. *st is the result's.
 */
int br_place_file(struct br_place *p, const char *path, const void *data, size_t n, mode_t perm,
		  struct stat *st, struct br_err *err);
int br_place_link(struct br_place *p, const char *path, const char *to, struct stat *st, struct br_err *err);
int br_place_dir(struct br_place *p, const char *path, struct stat *st, struct br_err *err);
/* Opens the folder path, made when missing; the descriptor is the caller's. */
int br_place_open(struct br_place *p, const char *path, struct br_err *err);
/* A regular file with what can be read from fd. */
int br_place_copy(struct br_place *p, const char *path, int fd, mode_t perm, struct br_err *err);

/* Takes a file or link away, then the folders that became empty; a folder in its place goes only when it is empty. */
int br_place_delete(struct br_place *p, const char *path, struct br_err *err);
/* The same, with all that is below path. */
int br_place_remove(struct br_place *p, const char *path, struct br_err *err);
/* Removes everything in the root but the entry keep. */
int br_place_wipe(struct br_place *p, const char *keep, struct br_err *err);

#endif
