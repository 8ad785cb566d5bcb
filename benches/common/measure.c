#define _GNU_SOURCE
#include "measure.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* 128 buckets for each power of two: a quantile is right to 0.8 %. */
#define BUCKET_BITS 7
#define BUCKETS (64 << BUCKET_BITS)

static struct {
  uint64_t count[BUCKETS];
  uint64_t total, max;
} times;

static uint32_t bucket_of(uint64_t value) {
  if (value < (1u << BUCKET_BITS)) return (uint32_t)value;
  uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - BUCKET_BITS;
  return ((shift + 1) << BUCKET_BITS) + (uint32_t)((value >> shift) - (1u << BUCKET_BITS));
}

static uint64_t bucket_start(uint32_t bucket) {
  if (bucket < (1u << BUCKET_BITS)) return bucket;
  uint32_t shift = (bucket >> BUCKET_BITS) - 1;
  return (uint64_t)((1u << BUCKET_BITS) + (bucket & ((1u << BUCKET_BITS) - 1))) << shift;
}

void note_time(uint64_t ns) {
  times.count[bucket_of(ns)] += 1;
  times.total += 1;
  if (ns > times.max) times.max = ns;
}

static double quantile_us(double part) {
  uint64_t rank = (uint64_t)(part * (double)times.total), seen = 0;
  for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
    seen += times.count[bucket];
    if (seen > rank) return (double)bucket_start(bucket) / NS_PER_US;
  }
  return (double)times.max / NS_PER_US;
}

void print_times(void) {
  if (times.total == 0) return;
  printf(", \"p50_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f", quantile_us(0.50),
         quantile_us(0.99), (double)times.max / NS_PER_US);
}
