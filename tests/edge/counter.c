/* What a C# program needs to count its instructions: callgrind's requests as functions. */
#include <valgrind/callgrind.h>

/* Starts or stops to count. */
void edge_toggle(void) {
  CALLGRIND_TOGGLE_COLLECT;
}

/* Forgets what was counted. */
void edge_zero(void) {
  CALLGRIND_ZERO_STATS;
}

/* Writes down what was counted, under a name that ends with a NUL. */
void edge_dump(const char *name) {
  CALLGRIND_DUMP_STATS_AT(name);
}

/* Does nothing: what is left is the price of a call out of the program's language. */
void edge_nothing(void *driver, unsigned int number) {
  (void)driver;
  (void)number;
}
