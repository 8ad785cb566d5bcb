/* Streams of values: writes and reads the table in tests/streams/vectors.txt as Rust and C# do,
 * then what only C can do wrong, then a message that is written and read in place. */
#include "pair.h"

#define OPERATIONS_MAX 64
#define ROOM 4096
#define CASES_MIN 117
#define SHOWN_MAX (2 * ROOM + 2)

struct operation {
  int fails;
  const char *name;
  const char *arguments[3];
};

struct test_case {
  const char *name;
  uint32_t room;
  int has_input;
  uint8_t bytes[ROOM];
  uint32_t byte_count;
  uint64_t bits;
  uint32_t count;
  struct operation operations[OPERATIONS_MAX];
};

/* The types of the integers in the table. */
#define UNSIGNED(X)   \
  X(byte, uint8_t)    \
  X(ushort, uint16_t) \
  X(uint, uint32_t)   \
  X(ulong, uint64_t)  \
  X(ushort_network_byte_order, uint16_t) \
  X(uint_network_byte_order, uint32_t)   \
  X(packed_uint, uint32_t)               \
  X(packed_ulong, uint64_t)
#define SIGNED(X)   \
  X(short, int16_t) \
  X(int, int32_t)   \
  X(long, int64_t)  \
  X(short_network_byte_order, int16_t) \
  X(int_network_byte_order, int32_t)   \
  X(packed_int, int32_t)               \
  X(packed_long, int64_t)
#define UNSIGNED_DELTAS(X)        \
  X(packed_uint_delta, uint32_t)  \
  X(packed_ulong_delta, uint64_t)
#define SIGNED_DELTAS(X)         \
  X(packed_int_delta, int32_t)   \
  X(packed_long_delta, int64_t)

static int is(const struct operation *operation, const char *name) {
  return strcmp(operation->name, name) == 0;
}

static uint64_t number(const struct operation *operation, int index) {
  const char *text = operation->arguments[index];
  return text[0] == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 0);
}

static float as_float(uint64_t bits) {
  uint32_t half = (uint32_t)bits;
  float value;
  memcpy(&value, &half, sizeof value);
  return value;
}

static double as_double(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t from_hex(const char *text, uint8_t *out) {
  uint32_t count = 0;
  for (; text[0] != '-' && text[0] != '\0'; text += 2) {
    const char pair[3] = {text[0], text[1], '\0'};
    out[count++] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return count;
}

static void to_hex(const uint8_t *bytes, uint32_t count, char *out) {
  strcpy(out, "-");
  for (uint32_t i = 0; i < count; i++) sprintf(out + 2 * (size_t)i, "%02x", bytes[i]);
}

/* Where among the arguments the value is that is read; -1 for none. */
static int value_index(const struct operation *operation) {
  if (is(operation, "flush") || is(operation, "seek")) return -1;
  return strstr(operation->name, "string") != NULL;
}

/* What a failed read gives. */
static void zero_of(const struct operation *operation, char *out) {
  if (value_index(operation) < 0) strcpy(out, "");
  else if (strstr(operation->name, "string")) strcpy(out, "-");
  else if (strstr(operation->name, "float")) strcpy(out, "0x00000000");
  else if (strstr(operation->name, "double")) strcpy(out, "0x0000000000000000");
  else strcpy(out, "0");
  if (is(operation, "bytes")) {
    strcpy(out, operation->arguments[0]);
    memset(out, '0', strlen(out));
  }
}

static nd_result write_text(nd_stream_writer *writer, const struct operation *operation) {
  static uint8_t text[ROOM], baseline[ROOM];
  uint32_t most = (uint32_t)number(operation, 0);
  uint32_t length = from_hex(operation->arguments[1], text), baseline_length;
  if (is(operation, "fixed_string"))
    return nd_stream_write_fixed_string(writer, (char *)text, length, most);
  baseline_length = from_hex(operation->arguments[2], baseline);
  return nd_stream_write_packed_fixed_string_delta(writer, (char *)text, length, (char *)baseline,
                                                   baseline_length, most);
}

static nd_result write_value(nd_stream_writer *writer, const struct operation *operation) {
  static uint8_t bytes[ROOM];
  if (is(operation, "flush")) return nd_stream_writer_flush(writer);
  if (strstr(operation->name, "string")) return write_text(writer, operation);
  if (is(operation, "bytes"))
    return nd_stream_write_bytes(writer, bytes, from_hex(operation->arguments[0], bytes));
  uint64_t value = number(operation, 0);
  uint64_t other = operation->arguments[1] ? number(operation, 1) : 0;
  if (is(operation, "raw_bits"))
    return nd_stream_write_raw_bits(writer, (uint32_t)value, (uint32_t)other);
#define WRITE(op, type) \
  if (is(operation, #op)) return nd_stream_write_##op(writer, (type)value);
#define WRITE_DELTA(op, type) \
  if (is(operation, #op)) return nd_stream_write_##op(writer, (type)value, (type)other);
  UNSIGNED(WRITE)
  SIGNED(WRITE)
  UNSIGNED_DELTAS(WRITE_DELTA)
  SIGNED_DELTAS(WRITE_DELTA)
  if (is(operation, "float")) return nd_stream_write_float(writer, as_float(value));
  if (is(operation, "double")) return nd_stream_write_double(writer, as_double(value));
  if (is(operation, "packed_float")) return nd_stream_write_packed_float(writer, as_float(value));
  if (is(operation, "packed_double"))
    return nd_stream_write_packed_double(writer, as_double(value));
  if (is(operation, "packed_float_delta"))
    return nd_stream_write_packed_float_delta(writer, as_float(value), as_float(other));
  if (is(operation, "packed_double_delta"))
    return nd_stream_write_packed_double_delta(writer, as_double(value), as_double(other));
  return ND_ERROR_NOT_FOUND;
}

static nd_result read_text(nd_stream_reader *reader, const struct operation *operation,
                           char *out) {
  static uint8_t baseline[ROOM];
  static char text[ROOM];
  uint32_t most = (uint32_t)number(operation, 0), length = 77, baseline_length;
  nd_result result;
  if (is(operation, "fixed_string")) {
    result = nd_stream_read_fixed_string(reader, text, most, &length);
  } else {
    baseline_length = from_hex(operation->arguments[2], baseline);
    result = nd_stream_read_packed_fixed_string_delta(reader, (char *)baseline, baseline_length,
                                                      text, most, &length);
  }
  to_hex((uint8_t *)text, length, out);
  return result;
}

static nd_result read_float(nd_stream_reader *reader, const struct operation *operation,
                            char *out) {
  float baseline = as_float(operation->arguments[1] ? number(operation, 1) : 0), value = 7;
  uint32_t bits;
  nd_result result = ND_ERROR_NOT_FOUND;
  if (is(operation, "float")) result = nd_stream_read_float(reader, &value);
  if (is(operation, "packed_float")) result = nd_stream_read_packed_float(reader, &value);
  if (is(operation, "packed_float_delta"))
    result = nd_stream_read_packed_float_delta(reader, baseline, &value);
  memcpy(&bits, &value, sizeof bits);
  sprintf(out, "0x%08" PRIx32, bits);
  return result;
}

static nd_result read_double(nd_stream_reader *reader, const struct operation *operation,
                             char *out) {
  double baseline = as_double(operation->arguments[1] ? number(operation, 1) : 0), value = 7;
  uint64_t bits;
  nd_result result = ND_ERROR_NOT_FOUND;
  if (is(operation, "double")) result = nd_stream_read_double(reader, &value);
  if (is(operation, "packed_double")) result = nd_stream_read_packed_double(reader, &value);
  if (is(operation, "packed_double_delta"))
    result = nd_stream_read_packed_double_delta(reader, baseline, &value);
  memcpy(&bits, &value, sizeof bits);
  sprintf(out, "0x%016" PRIx64, bits);
  return result;
}

/* Reads; `out` is what was read, as the table writes it. */
static nd_result read_value(nd_stream_reader *reader, const struct operation *operation,
                            char *out) {
  static uint8_t bytes[ROOM];
  nd_result result;
  out[0] = '\0';
  if (is(operation, "flush")) return nd_stream_reader_flush(reader);
  if (is(operation, "seek")) return nd_stream_reader_seek(reader, (uint32_t)number(operation, 0));
  if (strstr(operation->name, "string")) return read_text(reader, operation, out);
  if (strstr(operation->name, "float")) return read_float(reader, operation, out);
  if (strstr(operation->name, "double")) return read_double(reader, operation, out);
  if (is(operation, "bytes")) {
    uint32_t count = from_hex(operation->arguments[0], bytes);
    memset(bytes, 0xaa, sizeof bytes);
    result = nd_stream_read_bytes(reader, bytes, count);
    to_hex(bytes, count, out);
    return result;
  }
  uint64_t other = operation->arguments[1] ? number(operation, 1) : 0;
  if (is(operation, "raw_bits")) {
    uint32_t value = 7;
    result = nd_stream_read_raw_bits(reader, (uint32_t)other, &value);
    sprintf(out, "%" PRIu32, value);
    return result;
  }
#define READ(op, type, format, wide, arguments) \
  if (is(operation, #op)) {                     \
    type value = 7;                             \
    result = nd_stream_read_##op arguments;     \
    sprintf(out, "%" format, (wide)value);      \
    return result;                              \
  }
#define READ_UNSIGNED(op, type) READ(op, type, PRIu64, uint64_t, (reader, &value))
#define READ_SIGNED(op, type) READ(op, type, PRId64, int64_t, (reader, &value))
#define READ_UNSIGNED_DELTA(op, type) \
  READ(op, type, PRIu64, uint64_t, (reader, (type)other, &value))
#define READ_SIGNED_DELTA(op, type) \
  READ(op, type, PRId64, int64_t, (reader, (type)other, &value))
  UNSIGNED(READ_UNSIGNED)
  SIGNED(READ_SIGNED)
  UNSIGNED_DELTAS(READ_UNSIGNED_DELTA)
  SIGNED_DELTAS(READ_SIGNED_DELTA)
  return ND_ERROR_NOT_FOUND;
}

/* A check that says which line of which case it is about. */
static int hold(int holds, const struct test_case *of, const char *operation, const char *what) {
  if (!holds) fprintf(stderr, "%s: %s\n", of->name, operation);
  return check(holds, what, __FILE__, __LINE__);
}

/* Writes a case and compares; `ends` is after which bit each operation ends. */
static void write_case(const struct test_case *of, uint64_t *ends) {
  static uint8_t memory[ROOM];
  nd_stream_writer writer;
  uint32_t length = 0, failed = 0;
  uint64_t bits = 0;
  memset(memory, 0xaa, sizeof memory);
  CHECK_OK(nd_stream_writer_init(&writer, memory, of->room));
  for (uint32_t i = 0; i < of->count; i++) {
    const struct operation *operation = &of->operations[i];
    nd_result wanted = operation->fails ? ND_ERROR_BUFFER_TOO_SMALL : ND_OK;
    hold(write_value(&writer, operation) == wanted, of, operation->name, "the result");
    failed += operation->fails ? 1 : 0;
    hold(writer.failed_writes == failed, of, operation->name, "failed writes");
    ends[i] = (uint64_t)writer.length * 8 + writer.pending_count;
    hold(!operation->fails || ends[i] == bits, of, operation->name, "a failed write stays");
    bits = ends[i];
  }
  CHECK_OK(nd_stream_writer_length_in_bits(&writer, &bits));
  CHECK_OK(nd_stream_writer_length(&writer, &length));
  hold(bits == of->bits && length == of->byte_count, of, "end", "length");
  hold(memcmp(memory, of->bytes, of->byte_count) == 0, of, "end", "bytes");
  for (uint32_t i = of->byte_count; i < sizeof memory; i++)
    if (memory[i] != 0xaa) hold(0, of, "end", "nothing is written behind the end");
}

/* Reads what was written, of which only so many bytes came. */
static void read_case(const struct test_case *of, const uint64_t *ends, uint32_t length) {
  static char found[SHOWN_MAX], zero[SHOWN_MAX];
  /* Memory of its own, so that a sanitizer sees a read behind the end. */
  uint8_t *bytes = malloc(length + 1);
  nd_stream_reader reader;
  uint64_t bits = 0, start = 0;
  memcpy(bytes + 1, of->bytes, length);
  CHECK_OK(nd_stream_reader_init(&reader, bytes + 1, length));
  for (uint32_t i = 0; i < of->count; i++) {
    const struct operation *operation = &of->operations[i];
    int index = value_index(operation);
    if (operation->fails) continue;
    nd_result result = read_value(&reader, operation, found);
    nd_stream_reader_bits_read(&reader, &bits);
    if (ends[i] > (uint64_t)length * 8) {
      zero_of(operation, zero);
      hold(result == ND_ERROR_BUFFER_TOO_SMALL && reader.failed_reads == 1 && bits == start, of,
           operation->name, "cut off");
      hold(strcmp(found, zero) == 0, of, operation->name, "nothing is there");
      break;
    }
    hold(result == ND_OK && reader.failed_reads == 0 && bits == ends[i], of, operation->name,
         "the result");
    hold(index < 0 || strcmp(found, operation->arguments[index]) == 0, of, operation->name, found);
    start = bits;
  }
  free(bytes);
}

static void read_input(const struct test_case *of) {
  static char found[SHOWN_MAX], zero[SHOWN_MAX];
  nd_stream_reader reader;
  uint64_t bits = 0, start = 0;
  uint32_t failed = 0, bytes_read = 0;
  CHECK_OK(nd_stream_reader_init(&reader, of->bytes, of->byte_count));
  for (uint32_t i = 0; i < of->count; i++) {
    const struct operation *operation = &of->operations[i];
    int index = value_index(operation);
    nd_result wanted = operation->fails ? ND_ERROR_BUFFER_TOO_SMALL : ND_OK;
    hold(read_value(&reader, operation, found) == wanted, of, operation->name, "the result");
    failed += operation->fails ? 1 : 0;
    zero_of(operation, zero);
    nd_stream_reader_bits_read(&reader, &bits);
    hold(reader.failed_reads == failed, of, operation->name, "failed reads");
    if (operation->fails)
      hold(bits == start && strcmp(found, zero) == 0, of, operation->name, "a failed read");
    else
      hold(index < 0 || strcmp(found, operation->arguments[index]) == 0, of, operation->name,
           found);
    start = bits;
  }
  CHECK_OK(nd_stream_reader_bytes_read(&reader, &bytes_read));
  hold(bits == of->bits && bytes_read == (of->bits + 7) / 8, of, "end", "bits read");
}

static void run_case(const struct test_case *of) {
  static uint64_t ends[OPERATIONS_MAX];
  if (of->has_input) {
    read_input(of);
    return;
  }
  write_case(of, ends);
  for (uint32_t length = 0; length <= of->byte_count; length++) read_case(of, ends, length);
}

static char *whole_file(const char *path) {
  FILE *file = fopen(path, "rb");
  char *text;
  long size;
  if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
    fprintf(stderr, "%s cannot be read; run this in the project's folder\n", path);
    exit(1);
  }
  rewind(file);
  text = calloc((size_t)size + 1, 1);
  if (!text || fread(text, 1, (size_t)size, file) != (size_t)size) exit(1);
  fclose(file);
  return text;
}

static void add_operation(struct test_case *of, char *first, char **rest) {
  struct operation *operation = &of->operations[of->count++];
  memset(operation, 0, sizeof *operation);
  operation->fails = first[0] == '!';
  operation->name = first + operation->fails;
  for (int i = 0; i < 3; i++) operation->arguments[i] = strtok_r(NULL, " ", rest);
}

static void run_table(const char *path) {
  static struct test_case one;
  char *text = whole_file(path), *lines = text, *line;
  uint32_t cases = 0;
  while ((line = strtok_r(lines, "\n", &lines)) != NULL) {
    char *rest = NULL, *first;
    if (line[0] == '#') continue;
    first = strtok_r(line, " ", &rest);
    if (strcmp(first, "case") == 0) {
      memset(&one, 0, sizeof one);
      one.name = rest;
      one.room = ROOM;
    } else if (strcmp(first, "room") == 0) {
      one.room = (uint32_t)strtoul(rest, NULL, 10);
    } else if (strcmp(first, "input") == 0) {
      one.has_input = 1;
      one.byte_count = from_hex(rest, one.bytes);
    } else if (strcmp(first, "=") == 0 || strcmp(first, "read") == 0) {
      one.bits = strtoull(rest, &rest, 10);
      if (rest[0] == ' ') one.byte_count = from_hex(rest + 1, one.bytes);
      run_case(&one);
      cases += 1;
    } else if (CHECK(one.count < OPERATIONS_MAX)) {
      add_operation(&one, first, &rest);
    }
  }
  CHECK(cases >= CASES_MIN);
  free(text);
}

static void misuse_of_writers(void) {
  uint8_t memory[8] = {0};
  union {
    nd_stream_writer writer;
    uint8_t bytes[sizeof(nd_stream_writer) + 1];
  } crooked;
  nd_stream_writer writer, copy;
  uint32_t length = 5;
  CHECK_RESULT(nd_stream_writer_init(NULL, memory, 8), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_writer_init(&writer, NULL, 8), ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_stream_writer_init(&writer, NULL, 0));
  CHECK_RESULT(nd_stream_write_byte(&writer, 1), ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_OK(nd_stream_writer_init(&writer, memory, 8));
  CHECK_RESULT(nd_stream_write_byte(NULL, 1), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_writer_length(&writer, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_write_bytes(&writer, NULL, 1), ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_stream_write_bytes(&writer, NULL, 0));
  CHECK_RESULT(nd_stream_write_fixed_string(&writer, NULL, 1, 29), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_write_packed_fixed_string_delta(&writer, "a", 1, NULL, 1, 29),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_EQUAL(writer.failed_writes, 0);
  CHECK_RESULT(nd_stream_write_raw_bits(&writer, 0, 33), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_stream_write_raw_bits(&writer, 8, 3), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_stream_write_fixed_string(&writer, "abc", 3, 2), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_stream_write_packed_fixed_string_delta(&writer, "abc", 3, "", 0, 2),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_EQUAL(writer.failed_writes, 4);
  CHECK_RESULT(nd_stream_write_byte((nd_stream_writer *)(void *)(crooked.bytes + 1), 1),
               ND_ERROR_INVALID_ARGUMENT);
  copy = writer;
  copy.length = 9;
  CHECK_RESULT(nd_stream_write_byte(&copy, 1), ND_ERROR_INVALID_ARGUMENT);
  copy = writer;
  copy.pending_count = 8;
  CHECK_RESULT(nd_stream_writer_flush(&copy), ND_ERROR_INVALID_ARGUMENT);
  copy = writer;
  copy.pending = 256;
  CHECK_RESULT(nd_stream_writer_clear(&copy), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_stream_writer_clear(&writer));
  CHECK_EQUAL(writer.failed_writes, 0);
  CHECK_OK(nd_stream_writer_length(&writer, &length));
  CHECK_EQUAL(length, 0);
}

static void misuse_of_readers(void) {
  static const uint8_t memory[2] = {1, 2};
  nd_stream_reader reader, copy;
  uint32_t value = 7;
  char text[4];
  CHECK_RESULT(nd_stream_reader_init(NULL, memory, 2), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_reader_init(&reader, NULL, 2), ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_stream_reader_init(&reader, NULL, 0));
  CHECK_RESULT(nd_stream_read_uint(&reader, &value), ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_EQUAL(value, 0);
  CHECK_OK(nd_stream_reader_init(&reader, memory, 2));
  CHECK_RESULT(nd_stream_read_uint(NULL, &value), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_read_byte(&reader, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_read_bytes(&reader, NULL, 1), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_read_fixed_string(&reader, text, 4, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stream_read_packed_fixed_string_delta(&reader, NULL, 1, text, 4, &value),
               ND_ERROR_NULL_ARGUMENT);
  CHECK(reader.failed_reads == 0 && reader.position == 0);
  CHECK_RESULT(nd_stream_read_raw_bits(&reader, 33, &value), ND_ERROR_INVALID_ARGUMENT);
  CHECK_EQUAL(reader.failed_reads, 1);
  CHECK_RESULT(nd_stream_reader_seek(&reader, 3), ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_EQUAL(reader.failed_reads, 2);
  copy = reader;
  copy.position = 2;
  copy.bit_count = 1;
  CHECK_RESULT(nd_stream_reader_flush(&copy), ND_ERROR_INVALID_ARGUMENT);
  copy = reader;
  copy.bit_count = 8;
  CHECK_RESULT(nd_stream_reader_bytes_read(&copy, &value), ND_ERROR_INVALID_ARGUMENT);
  copy = reader;
  CHECK_OK(nd_stream_reader_seek(&copy, 2));
  CHECK_EQUAL(reader.position, 0);
}

/* A writer over a send in place, patched through a copy; a reader over the event. */
static void message_in_place(void) {
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  nd_connection incoming = 0, outgoing;
  nd_event event;
  nd_send send;
  nd_stream_writer writer, count;
  nd_stream_reader reader;
  uint32_t length = 0, text_length = 0;
  uint16_t patched = 0;
  int32_t packed = 0;
  char text[ND_FIXED_STRING_32_MAX];
  struct pair pair = open_pair(&udp, NULL, NULL, "127.0.0.1");
  outgoing = connect_pair(&pair, &incoming);
  NEED_OK(nd_driver_begin_send(pair.client, outgoing, 0, 0, &send));
  CHECK_OK(nd_stream_writer_init(&writer, send.data, send.capacity));
  count = writer;
  CHECK_OK(nd_stream_write_ushort(&writer, 0));
  CHECK_OK(nd_stream_write_packed_int_delta(&writer, -1979, 20));
  CHECK_OK(nd_stream_write_packed_fixed_string_delta(&writer, "name 2", 6, "name 1", 6,
                                                     ND_FIXED_STRING_32_MAX));
  CHECK_OK(nd_stream_write_ushort(&count, 2));
  CHECK_OK(nd_stream_writer_length(&writer, &length));
  CHECK_EQUAL(writer.failed_writes, 0);
  CHECK_OK(nd_driver_end_send(pair.client, &send, length, 0));
  event = next_event(&pair, pair.server);
  CHECK_EQUAL(event.data_length, length);
  CHECK_OK(nd_stream_reader_init(&reader, event.data, event.data_length));
  CHECK_OK(nd_stream_read_ushort(&reader, &patched));
  CHECK_OK(nd_stream_read_packed_int_delta(&reader, 20, &packed));
  CHECK_OK(nd_stream_read_packed_fixed_string_delta(&reader, "name 1", 6, text, sizeof text,
                                                    &text_length));
  CHECK(patched == 2 && packed == -1979);
  CHECK(text_length == 6 && memcmp(text, "name 2", 6) == 0);
  CHECK_EQUAL(reader.failed_reads, 0);
  close_pair(&pair);
}

int main(int count, char **arguments) {
  run_table(count > 1 ? arguments[1] : "tests/streams/vectors.txt");
  misuse_of_writers();
  misuse_of_readers();
  message_in_place();
  return finish();
}
