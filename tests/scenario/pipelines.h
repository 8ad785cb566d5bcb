/* The commands of scenario.c that are about pipelines; a part of it that found no room there. */
#ifndef SCENARIO_PIPELINES_H
#define SCENARIO_PIPELINES_H

enum { STAGES_MAX = 16 };

/* One of "null", "frag[:BYTES]", "reliable[:WINDOW]", "useq", "drop:INTERVAL". */
static void parse_stage(const char *word, nd_pipeline_stage *stage, nd_simulator_stage *drop) {
  const char *colon = strchr(word, ':');
  size_t length = colon == NULL ? strlen(word) : (size_t)(colon - word);
  uint32_t value = colon == NULL ? 0 : (uint32_t)number(colon + 1);
  memset(stage, 0, sizeof *stage);
  if (strncmp(word, "null", length) == 0) {
    stage->stage = ND_PIPELINE_STAGE_NULL;
  } else if (strncmp(word, "frag", length) == 0) {
    stage->stage = ND_PIPELINE_STAGE_FRAGMENTATION;
    stage->payload_capacity = value;
  } else if (strncmp(word, "reliable", length) == 0) {
    stage->stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
    stage->window_size = value;
  } else if (strncmp(word, "useq", length) == 0) {
    stage->stage = ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED;
  } else if (strncmp(word, "drop", length) == 0) {
    nd_simulator_stage_init(drop);
    drop->packet_drop_interval = value;
    drop->mode = ND_SIMULATOR_MODE_SENT_PACKETS_ONLY;
    stage->stage = ND_PIPELINE_STAGE_SIMULATOR;
    stage->simulator = drop;
  } else {
    give_up("no stage", word);
  }
}

static void make_pipeline(struct actor *actor, char *words) {
  nd_pipeline_stage stages[STAGES_MAX];
  nd_simulator_stage drops[STAGES_MAX];
  uint32_t count = 0;
  uint8_t made = 0;
  for (char *word = words; word != NULL;) {
    char *comma = strchr(word, ',');
    if (comma != NULL) *comma = '\0';
    if (count == STAGES_MAX) give_up("too many stages", word);
    parse_stage(word, &stages[count], &drops[count]);
    count++;
    word = comma == NULL ? NULL : comma + 1;
  }
  nd_result result = nd_driver_create_pipeline(actor->driver, stages, count, &made);
  if (result == ND_OK)
    printf("%s pipeline %u\n", actor->name, (unsigned)made);
  else
    printf("%s pipeline error %d\n", actor->name, (int)result);
}

static void print_room_through(struct actor *actor, const char *conn, const char *pipeline) {
  uint32_t size = 0;
  nd_result result = nd_connection_get_payload_size_max(
      actor->driver, connection_of(actor, conn), (uint8_t)number(pipeline), &size);
  printf("%s room %s through %s ", actor->name, conn, pipeline);
  if (result == ND_OK)
    printf("%u\n", (unsigned)size);
  else
    print_result(result);
}

static void print_resent(struct actor *actor, const char *conn, const char *pipeline) {
  nd_pipeline_statistics counted;
  nd_pipeline_statistics_init(&counted);
  nd_result result = nd_connection_get_pipeline_statistics(
      actor->driver, connection_of(actor, conn), (uint8_t)number(pipeline), &counted);
  if (result != ND_OK) give_up("no statistics", actor->name);
  printf("%s resent %s through %s %u\n", actor->name, conn, pipeline,
         (unsigned)counted.reliable_packets_resent);
}

#endif
