/* Checks that count, and what the programs of this folder share. Include it first. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <inttypes.h>
#include <netdriver.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 1024

static int checks_passed, checks_failed;

static inline const char *last_error(void) {
  static char text[TEXT_MAX];
  text[0] = '\0';
  nd_last_error(text, sizeof text, NULL);
  return text;
}

static inline int check(int holds, const char *what, const char *file, int line) {
  if (holds) {
    checks_passed += 1;
  } else {
    checks_failed += 1;
    fprintf(stderr, "%s:%d: FAILED: %s\n", file, line, what);
  }
  return holds;
}

static inline int check_number(int64_t is, int64_t wanted, const char *what, const char *file,
                               int line) {
  if (is != wanted)
    fprintf(stderr, "  is %" PRId64 ", wanted %" PRId64 "\n", is, wanted);
  return check(is == wanted, what, file, line);
}

static inline int check_result(nd_result is, nd_result wanted, const char *what, const char *file,
                               int line) {
  if (is != wanted) {
    fprintf(stderr, "  is %s (%d)", nd_result_name(is), (int)is);
    fprintf(stderr, ", wanted %s (%d)", nd_result_name(wanted), (int)wanted);
    fprintf(stderr, "; last error: %s\n", last_error());
  }
  return check(is == wanted, what, file, line);
}

static inline int check_text(const char *is, const char *wanted, const char *what,
                             const char *file, int line) {
  if (strcmp(is, wanted) != 0) fprintf(stderr, "  is \"%s\", wanted \"%s\"\n", is, wanted);
  return check(strcmp(is, wanted) == 0, what, file, line);
}

/* How many rows a table has. */
#define COUNT(table) (sizeof(table) / sizeof *(table))

#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(is, wanted) \
  check_number((int64_t)(is), (int64_t)(wanted), #is " == " #wanted, __FILE__, __LINE__)
#define CHECK_RESULT(call, wanted) \
  check_result((call), (wanted), #call " == " #wanted, __FILE__, __LINE__)
#define CHECK_OK(call) CHECK_RESULT(call, ND_OK)
#define CHECK_TEXT(is, wanted) check_text((is), (wanted), #is " == " #wanted, __FILE__, __LINE__)
/* As CHECK_OK for what the rest of a program cannot do without. */
#define NEED_OK(call)                                                                          \
  do {                                                                                         \
    if (!check_result((call), ND_OK, #call " == ND_OK", __FILE__, __LINE__)) exit(finish()); \
  } while (0)

/* Prints the last line of a program; returns its exit code. */
static inline int finish(void) {
  printf("%d passed, %d failed\n", checks_passed, checks_failed);
  fflush(stdout);
  return checks_failed != 0 || checks_passed == 0;
}

static inline int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
