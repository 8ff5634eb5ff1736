/* SPDX-License-Identifier: MIT
 *
 * base: the dozen of macros that every file may use, and nothing else.
 *
 * AGNI_ASSERT guards against mistakes of ours and stays on in release builds: a server that hands
 * out wrong prices is worse than one that stops and is restarted.
 */
#ifndef AGNI_CORE_BASE_H
#define AGNI_CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGNI_MUST_USE     __attribute__((warn_unused_result))
#define AGNI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define AGNI_NORETURN     __attribute__((noreturn))
#define AGNI_LIKELY(x)    __builtin_expect(!!(x), 1)
#define AGNI_UNLIKELY(x)  __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of type `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))

#define AGNI_ASSERT(cond)                                                                          \
	(AGNI_LIKELY(cond) ? (void)0 : agni_assert_failed(#cond, __FILE__, __LINE__))

/* Prints the failed claim to stderr and aborts. */
AGNI_NORETURN void agni_assert_failed(const char *cond, const char *file, int line);

#endif
