/* SPDX-License-Identifier: BSD-3-Clause */
#include "checksum.h"

/* One word; *to moves on, unless it is NULL: then nothing is copied. */
#define ADD_WORD(type, bytes) do { \
	type word_ = 0; \
	memcpy(&word_, p, bytes); \
	if (to) { \
		memcpy(to, p, bytes); \
		to += (bytes); \
	} \
	p += (bytes); \
	sum += (word_ & 0xffffffff) + ((uint64_t)word_ >> 32); \
} while (0)

/* What is left when no whole vector is. */
static inline __attribute__((always_inline)) uint64_t add_tail(uint64_t sum, uint8_t *to, const uint8_t *p, size_t len)
{
	for (; len >= 8; len -= 8)
		ADD_WORD(uint64_t, 8);
	if (len & 4)
		ADD_WORD(uint32_t, 4);
	if (len & 2)
		ADD_WORD(uint16_t, 2);
	if (len & 1)
		ADD_WORD(uint16_t, 1);
	return sum;
}

/*
 * NAME_add and NAME_copy with vectors of `size` bytes: the 32-bit words at even places and those at odd places are added up in lanes of
 * 64 bits, which need no carry.
 */
#define CHECKSUM_WAY(name, size, attributes) \
typedef uint64_t name##_vec __attribute__((vector_size(size))); \
\
attributes static inline __attribute__((always_inline)) uint64_t name##_run(uint64_t sum, uint8_t *to, const uint8_t *p, size_t len) \
{ \
	name##_vec even = { 0 }, odd = { 0 }, v; \
\
	for (; len >= size; len -= size, p += size) { \
		memcpy(&v, p, size); \
		if (to) { \
			memcpy(to, &v, size); \
			to += size; \
		} \
		even += v & 0xffffffff; \
		odd += v >> 32; \
	} \
	even += odd; \
	for (unsigned int i = 0; i < size / sizeof(uint64_t); i++) \
		sum += even[i]; \
	return add_tail(sum, to, p, len); \
} \
\
attributes static uint64_t name##_add(uint64_t sum, const void *data, size_t len) \
{ \
	return name##_run(sum, NULL, data, len); \
} \
\
attributes static uint64_t name##_copy(uint64_t sum, void *to, const void *data, size_t len) \
{ \
	return name##_run(sum, to, data, len); \
}

/* SSE2, NEON, or what the compiler makes of it. */
CHECKSUM_WAY(baseline, 16,)

static bool baseline_usable(void)
{
	return true;
}

#ifdef __x86_64__
CHECKSUM_WAY(avx2, 32, __attribute__((target("avx2"))))
CHECKSUM_WAY(avx512, 64, __attribute__((target("avx512f,avx512bw"))))

static bool avx2_usable(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool avx512_usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}
#endif

#define WAY(name) { #name, name##_usable, name##_add, name##_copy }

const struct checksum_way checksum_ways[CHECKSUM_WAYS_MAX + 1] = {
#ifdef __x86_64__
	WAY(avx512),
	WAY(avx2),
#endif
	WAY(baseline),
};

/* __builtin_cpu_supports reads a word that the C runtime has set before main: cheaper than a pointer that somebody would have to set. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	if (len < 64)
		return add_tail(sum, NULL, data, len);
#ifdef __x86_64__
	if (avx512_usable())
		return avx512_add(sum, data, len);
	if (avx2_usable())
		return avx2_add(sum, data, len);
#endif
	return baseline_add(sum, data, len);
}

uint64_t checksum_copy(uint64_t sum, void *to, const void *data, size_t len)
{
#ifdef __x86_64__
	if (avx512_usable())
		return avx512_copy(sum, to, data, len);
	if (avx2_usable())
		return avx2_copy(sum, to, data, len);
#endif
	return baseline_copy(sum, to, data, len);
}
