/* paths.h - pathspecs of the command line as the domain wants them: seen from the top folder. */
#ifndef BR_PATHS_H
#define BR_PATHS_H

struct br_repo;

/*
 * Pathspecs are meant as git means them: from the folder prefix ("": the top), unless they begin with ":", or are absolute and lie
 * in the work tree. NULL: all paths (no spec, or one is the top folder itself). The caller frees (br_strv_free).
 */
char **br_paths_from_top(const struct br_repo *repo, const char *prefix, char *const *spec);

#endif
