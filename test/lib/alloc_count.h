/* SPDX-License-Identifier: MIT
 *
 * alloc_count: counts the allocations of a test program: by standing in front of malloc, and under
 * the address sanitizer, which stands there itself, by its hook.
 *
 * For one file of a program: it defines malloc.
 */
#ifndef AGNI_TEST_ALLOC_COUNT_H
#define AGNI_TEST_ALLOC_COUNT_H

#include "check.h"

static volatile uint64_t allocations; /* the compiler takes malloc for one without side effects */

#if defined(__SANITIZE_ADDRESS__)
/* As in <sanitizer/allocator_interface.h>, which not every compiler package brings. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *p, size_t n),
					      void (*on_free)(const volatile void *p));

static void on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	(void)size;
	allocations++;
}

static void on_free(const volatile void *p)
{
	(void)p;
}

static void count_allocations(void)
{
	assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free));
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}

static void count_allocations(void)
{
}
#endif

#endif
