/* Jobs: scheduled, in order, with results, on threads of the driver, of an engine, or of nobody. */
#include "pair.h"

#define CLIENTS 12

static nd_driver *driver_of(uint32_t workers) {
  nd_driver *driver = NULL;
  nd_settings settings = default_settings();
  settings.job_workers = workers;
  NEED_OK(nd_driver_create(&settings, &driver));
  return driver;
}

/* Letters that jobs write, one behind the other: those of one driver never overlap. */
struct word {
  char letters[32];
  uint32_t length;
};

struct letter {
  struct word *word;
  char letter;
};

static nd_result write_letter(void *user) {
  struct letter *letter = user;
  letter->word->letters[letter->word->length++] = letter->letter;
  return letter->letter == '!' ? -4711 : ND_OK;
}

static void jobs_run_in_order(uint32_t workers) {
  struct word word = {{0}, 0};
  struct letter letters[3] = {{&word, 'a'}, {&word, 'b'}, {&word, 'c'}};
  nd_driver *driver = driver_of(workers);
  nd_job jobs[3], all;
  uint32_t complete = 7;
  for (int i = 0; i < 3; i++)
    NEED_OK(nd_driver_schedule_job(driver, write_letter, &letters[i], i ? jobs[i - 1] : 0,
                                   &jobs[i]));
  if (workers == 0) {
    CHECK_OK(nd_job_is_complete(jobs[0], &complete));
    CHECK_EQUAL(complete, 0);
    CHECK_EQUAL(word.length, 0);
    CHECK_RESULT(nd_driver_update(driver), ND_ERROR_DRIVER_IN_USE);
    CHECK_RESULT(nd_driver_destroy(driver), ND_ERROR_DRIVER_IN_USE);
  }
  NEED_OK(nd_job_combine(jobs, 3, &all));
  CHECK_OK(nd_job_complete(all));
  CHECK(strcmp(word.letters, "abc") == 0);
  CHECK_OK(nd_job_is_complete(jobs[2], &complete));
  CHECK_EQUAL(complete, 1);
  CHECK_OK(nd_driver_update(driver));
  CHECK_OK(nd_driver_destroy(driver));
  CHECK_OK(nd_job_complete(all));
}

static void a_failure_is_the_result_of_what_comes_after(uint32_t workers) {
  struct word word = {{0}, 0};
  struct letter bad = {&word, '!'};
  nd_driver *driver = driver_of(workers);
  nd_job failed, update, apart;
  NEED_OK(nd_driver_schedule_job(driver, write_letter, &bad, 0, &failed));
  NEED_OK(nd_driver_schedule_update(driver, failed, &update));
  NEED_OK(nd_driver_schedule_flush_send(driver, 0, &apart));
  CHECK_RESULT(nd_job_complete(update), ND_ERROR_JOB_FAILED);
  CHECK(strstr(last_error(), "-4711") != NULL);
  CHECK_RESULT(nd_job_complete(failed), ND_ERROR_JOB_FAILED);
  CHECK_OK(nd_job_complete(apart));
  CHECK_OK(nd_driver_destroy(driver));
}

static nd_result update_nothing(void *user) {
  (void)user;
  return nd_driver_update(NULL);
}

static void the_error_of_a_call_in_a_job_is_told_in_words(void) {
  nd_driver *driver = driver_of(1);
  nd_job job;
  NEED_OK(nd_driver_schedule_job(driver, update_nothing, NULL, 0, &job));
  CHECK_RESULT(nd_job_complete(job), ND_ERROR_INVALID_HANDLE);
  CHECK(strstr(last_error(), "nd_driver_create") != NULL);
  CHECK_OK(nd_driver_destroy(driver));
}

static nd_result echo(void *user, nd_concurrent *concurrent, nd_connection connection) {
  nd_event event;
  (void)user;
  for (;;) {
    nd_result result = nd_concurrent_pop_event_for_connection(concurrent, connection, &event);
    if (result != ND_OK || event.kind == ND_EVENT_EMPTY) return result;
    if (event.kind != ND_EVENT_DATA) continue;
    result = nd_concurrent_send(concurrent, connection, 0, event.data, event.data_length, 0);
    if (result != ND_OK) return result;
  }
}

static nd_result accept_all(void *user) {
  nd_connection connection;
  nd_result result;
  do result = nd_driver_accept(user, &connection);
  while (result == ND_OK && connection != 0);
  return result;
}

/* Update, accept, one job for each connection, send. */
static nd_job schedule_frame(nd_driver *server) {
  nd_job job;
  NEED_OK(nd_driver_schedule_update(server, 0, &job));
  NEED_OK(nd_driver_schedule_job(server, accept_all, server, job, &job));
  NEED_OK(nd_driver_schedule_for_each_connection(server, echo, NULL, 1, job, &job));
  NEED_OK(nd_driver_schedule_flush_send(server, job, &job));
  checks_passed -= 4;
  return job;
}

static void a_server_of_jobs_echoes(uint32_t workers) {
  nd_settings settings = default_settings();
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  int64_t end = now_ms() + PATIENCE_MS;
  int echoed = 0;
  settings.job_workers = workers;
  struct pair pair = open_pair(&udp, &settings, NULL, "127.0.0.1");
  for (int i = 0; i < CLIENTS; i++) {
    nd_connection connection;
    NEED_OK(nd_driver_connect(pair.client, 0, &pair.address, NULL, 0, &connection));
  }
  while (echoed < CLIENTS && now_ms() < end) {
    nd_event event;
    nd_job job = schedule_frame(pair.server);
    NEED_OK(nd_driver_update(pair.client));
    for (;;) {
      NEED_OK(nd_driver_pop_event(pair.client, &event));
      checks_passed -= 1;
      if (event.kind == ND_EVENT_EMPTY) break;
      if (event.kind == ND_EVENT_CONNECT)
        CHECK_OK(nd_driver_send(pair.client, event.connection, 0, (const uint8_t *)"hello", 5, 0));
      if (event.kind == ND_EVENT_DATA) {
        CHECK_DATA(event, "hello", 5);
        echoed++;
      }
    }
    NEED_OK(nd_driver_flush(pair.client));
    NEED_OK(nd_job_complete(job));
    NEED_OK(nd_driver_wait(pair.client, 1, NULL));
    checks_passed -= 4;
  }
  CHECK_EQUAL(echoed, CLIENTS);
  close_pair(&pair);
}

/* An engine that runs what it is given when it is asked to wait. */
struct engine {
  nd_job given[8];
  uint32_t count, waited;
};

static uint64_t engine_schedule(void *user, nd_job job) {
  struct engine *engine = user;
  engine->given[engine->count] = job;
  return engine->count++;
}

static void engine_complete(void *user, uint64_t ticket) {
  struct engine *engine = user;
  (void)ticket;
  engine->waited++;
}

static void an_engine_runs_jobs(void) {
  struct engine engine = {{0}, 0, 0};
  struct word word = {{0}, 0};
  struct letter letters[2] = {{&word, 'a'}, {&word, 'b'}};
  nd_driver *driver = driver_of(4);
  nd_job_scheduler scheduler;
  nd_job first, second;
  NEED_OK(nd_job_scheduler_init(&scheduler));
  CHECK_EQUAL(scheduler.parallelism, 4);
  CHECK_RESULT(nd_driver_set_job_scheduler(driver, &scheduler), ND_ERROR_NULL_ARGUMENT);
  scheduler.user = &engine;
  scheduler.schedule = engine_schedule;
  scheduler.complete = engine_complete;
  scheduler.parallelism = 0;
  CHECK_RESULT(nd_driver_set_job_scheduler(driver, &scheduler), ND_ERROR_INVALID_ARGUMENT);
  scheduler.parallelism = 1;
  NEED_OK(nd_driver_set_job_scheduler(driver, &scheduler));
  NEED_OK(nd_driver_schedule_job(driver, write_letter, &letters[0], 0, &first));
  NEED_OK(nd_driver_schedule_job(driver, write_letter, &letters[1], 0, &second));
  CHECK_RESULT(nd_driver_set_job_scheduler(driver, NULL), ND_ERROR_DRIVER_IN_USE);
  CHECK_EQUAL(engine.count, 1);
  CHECK(engine.given[0] == first);
  CHECK_OK(nd_job_run(first));
  CHECK_EQUAL(engine.count, 2);
  CHECK(engine.given[1] == second);
  CHECK(strcmp(word.letters, "a") == 0);
  CHECK_OK(nd_job_complete(second));
  CHECK_OK(nd_job_run(second)); /* too late; it has run */
  CHECK(strcmp(word.letters, "ab") == 0);
  CHECK_EQUAL(engine.waited, 0);
  CHECK_OK(nd_driver_set_job_scheduler(driver, NULL));
  CHECK_OK(nd_driver_destroy(driver));
}

static void misuse_is_an_error(void) {
  nd_driver *driver = driver_of(0);
  struct word word = {{0}, 0};
  struct letter letter = {&word, 'a'};
  nd_settings settings = default_settings();
  nd_driver *none = NULL;
  nd_job job = 7, jobs[1] = {12345};
  uint32_t complete = 0;
  CHECK_EQUAL(settings.job_workers, 1);
  settings.job_workers = 65;
  CHECK_RESULT(nd_driver_create(&settings, &none), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_schedule_update(NULL, 0, &job), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_schedule_job(driver, NULL, NULL, 0, &job), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_schedule_for_each_connection(driver, NULL, NULL, 0, 0, &job),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_schedule_for_each_connection(driver, echo, NULL, 65, 0, &job),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_job_is_complete(1, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_job_combine(jobs, 1, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_job_combine(NULL, 1, &job), ND_ERROR_NULL_ARGUMENT);
  CHECK(job == 7);
  /* Values of no job are complete. */
  CHECK_OK(nd_job_complete(0));
  CHECK_OK(nd_job_complete(UINT64_MAX));
  CHECK_OK(nd_job_run(12345));
  CHECK_OK(nd_job_is_complete(12345, &complete));
  CHECK_EQUAL(complete, 1);
  CHECK_OK(nd_job_combine(jobs, 1, &job));
  CHECK_OK(nd_job_complete(job));
  /* Nobody asks for the first job's name; the next one waits for it all the same. */
  CHECK_OK(nd_driver_schedule_job(driver, write_letter, &letter, UINT64_MAX, NULL));
  CHECK_OK(nd_driver_schedule_update(driver, 0, &job));
  CHECK_OK(nd_job_complete(job));
  CHECK_EQUAL(word.length, 1);
  CHECK_OK(nd_driver_destroy(driver));
  CHECK_RESULT(nd_driver_schedule_update(driver, 0, &job), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_set_job_scheduler(driver, NULL), ND_ERROR_INVALID_HANDLE);
}

int main(void) {
  for (uint32_t workers = 0; workers < 3; workers++) {
    jobs_run_in_order(workers);
    a_failure_is_the_result_of_what_comes_after(workers);
    a_server_of_jobs_echoes(workers);
  }
  the_error_of_a_call_in_a_job_is_told_in_words();
  an_engine_runs_jobs();
  misuse_is_an_error();
  return finish();
}
