/* sha1.h - SHA-1 (FIPS 180-4) of a plain buffer: libgit2 only hashes objects. For checksums, not for security. */
#ifndef BR_SHA1_H
#define BR_SHA1_H

#include <stddef.h>
#include <stdint.h>

void br_sha1(const void *data, size_t n, uint8_t out[20]);

#endif
