/* What the load programs of all benchmarks measure with: the clock that the processes of a machine
 * share, and a table of times that gives quantiles. */
#ifndef BENCHES_COMMON_MEASURE_H
#define BENCHES_COMMON_MEASURE_H

#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US 1000

/* Nanoseconds of the clock that all processes of the machine share. */
uint64_t clock_ns(void);

/* Adds a time to the table. */
void note_time(uint64_t ns);
/* Prints `, "p50_us": …, "p99_us": …, "max_us": …`, if there are any times. */
void print_times(void);

#endif
