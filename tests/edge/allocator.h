/* An allocator of the whole process that counts: how often memory was asked for, and how much is
 * held. It hands everything on to glibc's own, whose names it needs. Include it in one file. */
#ifndef TESTS_ALLOCATOR_H
#define TESTS_ALLOCATOR_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_ullong allocator_calls;
static atomic_llong allocator_bytes;

/* How often memory was asked for so far. */
static inline unsigned long long allocations(void) {
  return atomic_load(&allocator_calls);
}

/* Bytes that are held now, as glibc rounds them. */
static inline long long held_bytes(void) {
  return atomic_load(&allocator_bytes);
}

static void *allocator_gave(void *memory) {
  atomic_fetch_add_explicit(&allocator_calls, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&allocator_bytes, (long long)malloc_usable_size(memory),
                            memory_order_relaxed);
  return memory;
}

static void allocator_takes(void *memory) {
  atomic_fetch_sub_explicit(&allocator_bytes, (long long)malloc_usable_size(memory),
                            memory_order_relaxed);
}

void *malloc(size_t size) {
  return allocator_gave(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
  return allocator_gave(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size) {
  long long before = (long long)malloc_usable_size(memory);
  void *after = __libc_realloc(memory, size);
  if (after != NULL || size == 0)
    atomic_fetch_sub_explicit(&allocator_bytes, before, memory_order_relaxed);
  return allocator_gave(after);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return allocator_gave(__libc_memalign(alignment, size));
}

int posix_memalign(void **out_memory, size_t alignment, size_t size) {
  void *memory = allocator_gave(__libc_memalign(alignment, size));
  if (memory == NULL) return ENOMEM;
  *out_memory = memory;
  return 0;
}

void free(void *memory) {
  allocator_takes(memory);
  __libc_free(memory);
}

#endif
