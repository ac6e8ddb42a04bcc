/* sha1.c - SHA-1 as in FIPS 180-4, section 6.1.2. */
#include "domain/sha1.h"

#include <string.h>

static uint32_t rol(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* One round; the five words change places by the order of the arguments, so that nothing is copied. */
#define ROUND(a, b, c, d, e, f, k, t)                                                                        \
	do {                                                                                                 \
		(e) += rol((a), 5) + (f) + (k) + w[(t)];                                                     \
		(b) = rol((b), 30);                                                                          \
	} while (0)
#define FIVE(F, k, t)                                                                                        \
	do {                                                                                                 \
		ROUND(a, b, c, d, e, F(b, c, d), k, t);                                                      \
		ROUND(e, a, b, c, d, F(a, b, c), k, (t) + 1);                                                \
		ROUND(d, e, a, b, c, F(e, a, b), k, (t) + 2);                                                \
		ROUND(c, d, e, a, b, F(d, e, a), k, (t) + 3);                                                \
		ROUND(b, c, d, e, a, F(c, d, e), k, (t) + 4);                                                \
	} while (0)
#define CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define PARITY(x, y, z) ((x) ^ (y) ^ (z))
#define MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))

static void block(uint32_t h[5], const uint8_t *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (int t = 0; t < 16; t++, p += 4)
		w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	for (int t = 16; t < 80; t++)
		w[t] = rol(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (int t = 0; t < 20; t += 5)
		FIVE(CHOOSE, 0x5a827999, t);
	for (int t = 20; t < 40; t += 5)
		FIVE(PARITY, 0x6ed9eba1, t);
	for (int t = 40; t < 60; t += 5)
		FIVE(MAJORITY, 0x8f1bbcdc, t);
	for (int t = 60; t < 80; t += 5)
		FIVE(PARITY, 0xca62c1d6, t);
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void br_sha1(const void *data, size_t n, uint8_t out[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	const uint8_t *p = data;
	uint8_t tail[128] = {0};
	size_t rest = n % 64, size = rest < 56 ? 64 : 128;
	uint64_t bits = (uint64_t)n * 8;

	for (size_t i = 0; i < n / 64; i++)
		block(h, p + 64 * i);
	if (rest)
		memcpy(tail, p + (n - rest), rest);
	tail[rest] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[size - 1 - i] = (uint8_t)(bits >> (8 * i));
	for (size_t i = 0; i < size; i += 64)
		block(h, tail + i);
	for (size_t i = 0; i < 20; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
