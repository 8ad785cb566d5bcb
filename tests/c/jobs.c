/* Jobs: scheduled, in order, with results, on threads of the driver, of an engine, or of nobody;
 * and where they cannot be completed. */
#include <pthread.h>

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

/* ---- a job that is completed where it can never run ----------------------------------------- */

enum place { BIND, LISTEN, RECEIVE, SEND, CREATE, STAGE, NEGOTIATE, ENCODE, RELEASE, LOG };

/* What a function of the program tries, once, while a call on the driver runs it. */
struct visit {
  nd_driver *driver;
  enum place place;
  uint32_t calls;
  nd_job job;
  nd_result scheduled, completed;
  int told;
};

static void visit(void *user, enum place place) {
  struct visit *visit = user;
  if (visit->driver == NULL || visit->place != place || visit->calls++ > 0) return;
  visit->scheduled = nd_driver_schedule_update(visit->driver, 0, &visit->job);
  visit->completed = nd_job_complete(visit->job);
  visit->told = strstr(last_error(), "call") != NULL;
}

static struct visit visit_of(nd_driver *driver, enum place place) {
  struct visit visit = {driver, place, 0, 0, 1, 1, 0};
  return visit;
}

/* It was refused there, and is complete once the call is over. */
static void check_visit(struct visit *visit) {
  if (!CHECK(visit->calls > 0)) fprintf(stderr, "  at place %d\n", (int)visit->place);
  CHECK_EQUAL(visit->scheduled, ND_OK);
  CHECK_EQUAL(visit->completed, ND_ERROR_DRIVER_IN_USE);
  CHECK(visit->told);
  CHECK_OK(nd_job_complete(visit->job));
  visit->driver = NULL;
}

static int32_t visit_bind(void *user, const nd_endpoint *endpoint, nd_endpoint *out_endpoint) {
  (void)endpoint, (void)out_endpoint;
  visit(user, BIND);
  return 0;
}

static int32_t visit_listen(void *user) {
  visit(user, LISTEN);
  return 0;
}

static int32_t visit_receive(void *user, nd_incoming_packet *packets, uint32_t capacity,
                             uint32_t *out_count) {
  (void)packets, (void)capacity;
  visit(user, RECEIVE);
  *out_count = 0;
  return 0;
}

static int32_t visit_send(void *user, const nd_outgoing_packet *packets, uint32_t count,
                          uint32_t *out_taken) {
  (void)packets, (void)count, (void)out_taken;
  visit(user, SEND);
  return 0;
}

static void functions_of_an_interface(uint32_t workers) {
  struct visit visit;
  nd_interface_functions functions;
  nd_driver *server = driver_of(workers), *client = driver_of(workers);
  nd_endpoint address;
  nd_connection connection;
  uint32_t number;
  memset(&address, 0, sizeof address);
  address.family = ND_FAMILY_CUSTOM;
  address.address[0] = 1;
  NEED_OK(nd_interface_functions_init(&functions));
  functions.user = &visit;
  functions.bind = visit_bind;
  functions.listen = visit_listen;
  functions.receive = visit_receive;
  functions.send = visit_send;
  NEED_OK(nd_driver_add_custom_interface(server, &functions, &number));
  NEED_OK(nd_driver_add_custom_interface(client, &functions, &number));
  visit = visit_of(server, BIND);
  CHECK_OK(nd_driver_bind(server, number, &address, NULL));
  check_visit(&visit);
  visit = visit_of(server, LISTEN);
  CHECK_OK(nd_driver_listen(server));
  check_visit(&visit);
  visit = visit_of(server, RECEIVE);
  CHECK_OK(nd_driver_update(server));
  check_visit(&visit);
  CHECK_OK(nd_driver_connect(client, number, &address, NULL, 0, &connection));
  visit = visit_of(client, SEND);
  CHECK_OK(nd_driver_flush(client));
  check_visit(&visit);
  CHECK_OK(nd_driver_destroy(client));
  CHECK_OK(nd_driver_destroy(server));
}

static int32_t visit_create(void *user, uint64_t seed, void **out_instance) {
  (void)seed, (void)out_instance;
  visit(user, CREATE);
  return 0;
}

static int32_t visit_stage(void *user, void *instance, nd_stage_call *call) {
  (void)instance;
  visit(user, STAGE);
  return nd_stage_forward(NULL, 0, call->data, call->data_length);
}

static void functions_of_a_stage(uint32_t workers) {
  struct visit visits[2];
  const nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  nd_connection incoming, outgoing;
  nd_event event;
  nd_driver *drivers[] = {driver_of(workers), driver_of(workers)};
  struct pair pair;
  memset(&pair, 0, sizeof pair);
  pair.server = drivers[0], pair.client = drivers[1];
  for (uint32_t i = 0; i < COUNT(drivers); i++) {
    nd_stage_functions functions;
    nd_pipeline_stage stage;
    uint8_t made;
    visits[i] = visit_of(NULL, CREATE);
    memset(&stage, 0, sizeof stage);
    NEED_OK(nd_stage_functions_init(&functions));
    functions.user = &visits[i];
    functions.create = visit_create;
    functions.send = visit_stage;
    NEED_OK(nd_driver_register_stage(drivers[i], &functions, &stage.stage));
    NEED_OK(nd_driver_create_pipeline(drivers[i], &stage, 1, &made));
    NEED_OK(nd_driver_add_interface(drivers[i], &udp, &pair.server_interface));
  }
  NEED_OK(nd_endpoint_parse("127.0.0.1", 0, ND_FAMILY_INVALID, &pair.address));
  NEED_OK(nd_driver_bind(pair.server, 0, &pair.address, NULL));
  NEED_OK(nd_driver_get_local_endpoint(pair.server, 0, 0, &pair.address));
  NEED_OK(nd_driver_listen(pair.server));
  outgoing = connect_pair(&pair, &incoming);
  visits[1] = visit_of(pair.client, CREATE);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 1, (const uint8_t *)"one", 3, 0));
  check_visit(&visits[1]);
  visits[1] = visit_of(pair.client, STAGE);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 1, (const uint8_t *)"two", 3, 0));
  check_visit(&visits[1]);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, "one", 3);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, "two", 3);
  close_pair(&pair);
}

static int32_t visit_negotiate(void *user, int32_t server, const char *parameters, char *answer,
                               uint32_t answer_capacity, void **out_session) {
  (void)server, (void)parameters, (void)answer, (void)answer_capacity, (void)out_session;
  visit(user, NEGOTIATE);
  return 0;
}

static int32_t visit_encode(void *user, void *session, nd_extension_frame *frame) {
  (void)session;
  visit(user, ENCODE);
  return nd_extension_write(frame->data, frame->data_length) == ND_OK ? 0 : 1011;
}

static void visit_release(const uint8_t *data, void *user) {
  (void)data;
  visit(user, RELEASE);
}

static void visit_log(uint32_t level, const char *text, void *user) {
  (void)level, (void)text;
  visit(user, LOG);
}

/* A pair whose server's extension is watched by `visit`. */
static struct pair open_extended(uint32_t workers, struct visit *visit) {
  nd_settings settings = default_settings();
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  static struct visit nobody;
  websocket.dialect = ND_DIALECT_PLAIN;
  settings.job_workers = workers;
  struct pair pair = open_pair(&websocket, &settings, &settings, "127.0.0.1");
  nd_extension extension;
  NEED_OK(nd_extension_init(&extension));
  extension.name = "x-visit";
  extension.negotiate = visit_negotiate;
  extension.encode = extension.decode = visit_encode;
  extension.user = visit;
  NEED_OK(nd_driver_add_extension(pair.server, pair.server_interface, &extension));
  extension.user = &nobody;
  NEED_OK(nd_driver_add_extension(pair.client, pair.client_interface, &extension));
  return pair;
}

static void functions_of_an_extension_a_release_and_a_log(uint32_t workers) {
  struct visit visit;
  struct pair pair = open_extended(workers, &visit);
  nd_connection outgoing = connect_url(&pair, "/", NULL), incoming;
  int64_t end = now_ms() + PATIENCE_MS;
  nd_event event;
  nd_send left_open;
  visit = visit_of(pair.server, NEGOTIATE);
  while (visit.calls == 0 && now_ms() < end) {
    NEED_OK(nd_driver_update(pair.client));
    NEED_OK(nd_driver_wait(pair.client, 1, NULL));
    NEED_OK(nd_driver_update(pair.server));
    checks_passed -= 3;
  }
  check_visit(&visit);
  incoming = next_connection(&pair);
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  visit = visit_of(pair.server, ENCODE);
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, (const uint8_t *)"hello", 5, 0));
  check_visit(&visit);
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, "hello", 5);

  /* A client masks, so it copies and lets go at once. */
  visit = visit_of(pair.client, RELEASE);
  CHECK_OK(nd_driver_send_owned(pair.client, outgoing, 0, (const uint8_t *)"back", 4, 0,
                                visit_release, &visit));
  check_visit(&visit);

  CHECK_OK(nd_driver_begin_send(pair.server, incoming, 0, 4, &left_open));
  visit = visit_of(pair.server, LOG);
  CHECK_OK(nd_log_set_callback(ND_LOG_ERROR, visit_log, &visit));
  CHECK_OK(nd_driver_update(pair.server));
  CHECK_OK(nd_log_set_callback(0, NULL, NULL));
  check_visit(&visit);
  close_pair(&pair);
}

/* A function that an update of one driver calls may complete jobs of others. */
static int32_t receive_helps(void *user, nd_incoming_packet *packets, uint32_t capacity,
                             uint32_t *out_count) {
  struct visit *visit = user;
  (void)packets, (void)capacity;
  *out_count = 0;
  visit->calls += 1;
  visit->completed = nd_job_complete(visit->job);
  return 0;
}

static void a_job_of_another_driver_is_completed_anywhere(uint32_t workers) {
  nd_driver *driver = driver_of(workers), *other = driver_of(workers);
  struct visit visit = visit_of(NULL, RECEIVE);
  nd_interface_functions functions;
  nd_endpoint address;
  uint32_t number;
  memset(&address, 0, sizeof address);
  address.family = ND_FAMILY_CUSTOM;
  NEED_OK(nd_interface_functions_init(&functions));
  functions.user = &visit;
  functions.receive = receive_helps;
  functions.send = visit_send;
  NEED_OK(nd_driver_add_custom_interface(driver, &functions, &number));
  NEED_OK(nd_driver_bind(driver, number, &address, NULL));
  NEED_OK(nd_driver_schedule_update(other, 0, &visit.job));
  CHECK_OK(nd_driver_update(driver));
  CHECK(visit.calls > 0);
  CHECK_EQUAL(visit.completed, ND_OK);
  CHECK_OK(nd_driver_destroy(other));
  CHECK_OK(nd_driver_destroy(driver));
}

/* ---- a thread that is ending ----------------------------------------------------------------- */

/* Runs after the library has let go of what it kept for the thread. */
static void run_a_job_at_the_end(void *driver) {
  struct word word = {{0}, 0};
  struct letter bad = {&word, '!'};
  nd_job job;
  CHECK_OK(nd_driver_schedule_job(driver, write_letter, &bad, 0, &job));
  CHECK_OK(nd_job_run(job));
  CHECK_RESULT(nd_job_complete(job), ND_ERROR_JOB_FAILED);
  CHECK_EQUAL(word.length, 1);
  CHECK_OK(nd_driver_update(driver));
}

static pthread_key_t key_of_the_end;

static void *work_and_end(void *driver) {
  nd_job job;
  CHECK_EQUAL(pthread_setspecific(key_of_the_end, driver), 0);
  /* The library keeps a text for the thread from here on. */
  CHECK_RESULT(nd_driver_update(NULL), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_driver_schedule_update(driver, 0, &job));
  CHECK_OK(nd_job_complete(job));
  return NULL;
}

static void a_thread_that_is_ending_runs_jobs(void) {
  nd_driver *driver = driver_of(0);
  pthread_t thread;
  CHECK_EQUAL(pthread_key_create(&key_of_the_end, run_a_job_at_the_end), 0);
  CHECK_EQUAL(pthread_create(&thread, NULL, work_and_end, driver), 0);
  CHECK_EQUAL(pthread_join(thread, NULL), 0);
  CHECK_EQUAL(pthread_key_delete(key_of_the_end), 0);
  CHECK_OK(nd_driver_destroy(driver));
}

int main(void) {
  for (uint32_t workers = 0; workers < 3; workers++) {
    jobs_run_in_order(workers);
    a_failure_is_the_result_of_what_comes_after(workers);
    a_server_of_jobs_echoes(workers);
    functions_of_an_interface(workers);
    functions_of_a_stage(workers);
    functions_of_an_extension_a_release_and_a_log(workers);
    a_job_of_another_driver_is_completed_anywhere(workers);
  }
  the_error_of_a_call_in_a_job_is_told_in_words();
  an_engine_runs_jobs();
  misuse_is_an_error();
  a_thread_that_is_ending_runs_jobs();
  return finish();
}
