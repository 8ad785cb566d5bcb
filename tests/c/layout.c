/* Prints where each field of the ABI's structs lies, as C sees it: "struct.field offset size".
 * csharp/tests/programs/Layout.cs prints the same lines from C#; equal output is the test.
 *
 * The ABI's structs have no padding, so fields that do not follow each other closely would mean
 * that one is missing here: that fails too. */
#include <netdriver.h>
#include <stddef.h>
#include <stdio.h>

static size_t end_of_last;
static int gaps;

static void field(const char *of, const char *name, size_t offset, size_t size) {
  printf("%s.%s %zu %zu\n", of, name, offset, size);
  if (offset != end_of_last) {
    fprintf(stderr, "%s.%s begins at %zu, not at %zu\n", of, name, offset, end_of_last);
    gaps += 1;
  }
  end_of_last = offset + size;
}

static void end(const char *of, size_t size) {
  printf("%s size %zu\n", of, size);
  if (size != end_of_last) {
    fprintf(stderr, "%s ends at %zu, its last field here at %zu\n", of, size, end_of_last);
    gaps += 1;
  }
  end_of_last = 0;
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define FIELD(name) field(TEXT(STRUCT), #name, offsetof(STRUCT, name), sizeof(((STRUCT *)0)->name))
#define END() end(TEXT(STRUCT), sizeof(STRUCT))

#define STRUCT nd_endpoint
static void print_nd_endpoint(void) {
  FIELD(address);
  FIELD(family);
  FIELD(reserved);
  FIELD(port);
  END();
}
#undef STRUCT

#include "layout_settings.h"

#define STRUCT nd_event
static void print_nd_event(void) {
  FIELD(connection);
  FIELD(data);
  FIELD(data_length);
  FIELD(kind);
  FIELD(close_code);
  FIELD(reason);
  FIELD(pipeline);
  FIELD(flags);
  END();
}
#undef STRUCT

#define STRUCT nd_send
static void print_nd_send(void) {
  FIELD(handle);
  FIELD(data);
  FIELD(capacity);
  FIELD(reserved);
  END();
}
#undef STRUCT

#define STRUCT nd_connection_info
static void print_nd_connection_info(void) {
  FIELD(struct_size);
  FIELD(state);
  FIELD(interface_index);
  FIELD(interface_kind);
  FIELD(dialect);
  FIELD(round_trip_us);
  FIELD(remote);
  FIELD(local);
  FIELD(messages_in);
  FIELD(messages_out);
  FIELD(bytes_in);
  FIELD(bytes_out);
  FIELD(dropped_in);
  FIELD(refused_out);
  FIELD(inbound_bytes);
  FIELD(outbound_bytes);
  FIELD(peer);
  FIELD(last_message_age_ms);
  FIELD(reserved);
  FIELD(round_trip_smoothed_us);
  FIELD(round_trip_jitter_us);
  FIELD(round_trip_min_us);
  FIELD(round_trip_max_us);
  FIELD(round_trip_count);
  FIELD(path_mtu);
  FIELD(validated);
  FIELD(session);
  FIELD(loss_permille);
  FIELD(reserved_2);
  END();
}
#undef STRUCT

#define STRUCT nd_request
static void print_nd_request(void) {
  FIELD(struct_size);
  FIELD(interface_index);
  FIELD(id);
  FIELD(flags);
  FIELD(remaining_ms);
  FIELD(remote);
  FIELD(peer);
  FIELD(local);
  END();
}
#undef STRUCT

#define STRUCT nd_driver_statistics
static void print_nd_driver_statistics(void) {
  FIELD(struct_size);
  FIELD(connections);
  FIELD(handshakes_pending);
  FIELD(connections_closing);
  FIELD(connections_incoming);
  FIELD(connections_outgoing);
  FIELD(messages_in);
  FIELD(messages_out);
  FIELD(bytes_in);
  FIELD(bytes_out);
  FIELD(datagrams_in);
  FIELD(datagrams_out);
  FIELD(stream_bytes_in);
  FIELD(stream_bytes_out);
  FIELD(malformed_in);
  FIELD(unknown_token_in);
  FIELD(old_protocol_in);
  FIELD(dropped_in);
  FIELD(refused_out);
  FIELD(protocol_errors);
  FIELD(handshakes_failed);
  FIELD(documents_served);
  FIELD(connections_refused);
  FIELD(handshakes_too_large);
  FIELD(handshakes_malformed);
  FIELD(handshakes_not_found);
  FIELD(handshakes_timed_out);
  FIELD(handshakes_abandoned);
  FIELD(handshakes_displaced);
  FIELD(handshakes_overloaded);
  FIELD(connections_timed_out);
  FIELD(connections_lost);
  FIELD(messages_too_big);
  FIELD(payloads_invalid);
  FIELD(tls_failures);
  FIELD(handshakes_refused);
  FIELD(handshakes_unanswered);
  FIELD(connections_unvalidated);
  FIELD(reserved);
  FIELD(connections_unheard);
  FIELD(requests_unvalidated);
  FIELD(requests_over_address);
  FIELD(requests_over_rate);
  FIELD(requests_late);
  FIELD(retries_out);
  FIELD(cookies_accepted);
  FIELD(cookies_refused);
  FIELD(sockets_remade);
  END();
}
#undef STRUCT

#define STRUCT nd_traffic
static void print_nd_traffic(void) {
  FIELD(bytes);
  FIELD(packets);
  FIELD(exact_bytes);
  FIELD(size_classes);
  FIELD(size_mean);
  FIELD(size_deviation);
  FIELD(size_min);
  FIELD(size_max);
  FIELD(bandwidth_mean);
  FIELD(bandwidth_current);
  FIELD(bandwidth_min);
  FIELD(bandwidth_max);
  FIELD(bandwidth_burst);
  FIELD(queue_mean);
  FIELD(queue_max);
  FIELD(reserved);
  END();
}
#undef STRUCT

#define STRUCT nd_traffic_statistics
static void print_nd_traffic_statistics(void) {
  FIELD(struct_size);
  FIELD(receive_error);
  FIELD(rx);
  FIELD(tx);
  END();
}
#undef STRUCT

#define STRUCT nd_connection_statistics
static void print_nd_connection_statistics(void) {
  FIELD(struct_size);
  FIELD(latency_count);
  FIELD(latency_mean);
  FIELD(latency_deviation);
  FIELD(latency_min);
  FIELD(latency_max);
  FIELD(latency_current);
  FIELD(latency_smoothed);
  FIELD(reliable_packets_received);
  FIELD(reliable_packets_sent);
  FIELD(reliable_acks_received);
  FIELD(reliable_acks_sent);
  FIELD(reliable_packets_dropped);
  FIELD(reliable_packets_out_of_order);
  FIELD(reliable_packets_duplicated);
  FIELD(reliable_packets_stale);
  FIELD(reliable_packets_resent);
  FIELD(sequenced_packets_sent);
  FIELD(sequenced_packets_received);
  FIELD(sequenced_packets_out_of_order);
  FIELD(sequenced_packets_lost);
  END();
}
#undef STRUCT

#define STRUCT nd_network_simulator
static void print_nd_network_simulator(void) {
  FIELD(struct_size);
  FIELD(receive_loss_percent);
  FIELD(send_loss_percent);
  FIELD(send_duplicate_percent);
  FIELD(send_reorder_percent);
  FIELD(send_delay_ms);
  FIELD(send_jitter_ms);
  FIELD(receive_mtu);
  FIELD(partitioned);
  FIELD(reserved);
  FIELD(seed);
  FIELD(send_bytes_per_second);
  FIELD(send_backlog_bytes);
  END();
}
#undef STRUCT

#define STRUCT nd_extension_frame
static void print_nd_extension_frame(void) {
  FIELD(opcode);
  FIELD(last);
  FIELD(reserved_bits);
  FIELD(data_length);
  FIELD(data);
  END();
}
#undef STRUCT

#define STRUCT nd_extension
static void print_nd_extension(void) {
  FIELD(struct_size);
  FIELD(reserved_bits);
  FIELD(flags);
  FIELD(reserved);
  FIELD(name);
  FIELD(offer);
  FIELD(user);
  FIELD(negotiate);
  FIELD(encode);
  FIELD(decode);
  FIELD(release);
  END();
}
#undef STRUCT

#define STRUCT nd_pipeline_stage
static void print_nd_pipeline_stage(void) {
  FIELD(stage);
  FIELD(payload_capacity);
  FIELD(window_size);
  FIELD(minimum_resend_time_ms);
  FIELD(maximum_resend_time_ms);
  FIELD(reserved);
  FIELD(simulator);
  END();
}
#undef STRUCT

#define STRUCT nd_simulator_stage
static void print_nd_simulator_stage(void) {
  FIELD(struct_size);
  FIELD(max_packet_count);
  FIELD(max_packet_size);
  FIELD(mode);
  FIELD(packet_delay_ms);
  FIELD(packet_jitter_ms);
  FIELD(packet_drop_interval);
  FIELD(packet_drop_percentage);
  FIELD(packet_duplication_percentage);
  FIELD(fuzz_factor);
  FIELD(fuzz_offset);
  FIELD(random_seed);
  END();
}
#undef STRUCT

#define STRUCT nd_pipeline_statistics
static void print_nd_pipeline_statistics(void) {
  FIELD(struct_size);
  FIELD(reserved);
  FIELD(reliable_packets_received);
  FIELD(reliable_packets_sent);
  FIELD(reliable_acks_received);
  FIELD(reliable_acks_sent);
  FIELD(reliable_packets_dropped);
  FIELD(reliable_packets_out_of_order);
  FIELD(reliable_packets_duplicated);
  FIELD(reliable_packets_stale);
  FIELD(reliable_packets_resent);
  FIELD(round_trip_last_us);
  FIELD(round_trip_smoothed_us);
  FIELD(round_trip_variance_us);
  FIELD(resend_timeout_us);
  FIELD(sequenced_packets_sent);
  FIELD(sequenced_packets_received);
  FIELD(sequenced_packets_culled);
  FIELD(sequenced_packets_dropped);
  FIELD(fragmentation_messages_sent);
  FIELD(fragmentation_packets_sent);
  FIELD(fragmentation_messages_received);
  FIELD(fragmentation_packets_received);
  FIELD(fragmentation_packets_dropped);
  FIELD(fragmentation_messages_dropped);
  FIELD(simulator_packets);
  FIELD(simulator_dropped);
  FIELD(simulator_duplicated);
  FIELD(simulator_fuzzed);
  FIELD(simulator_waiting);
  END();
}
#undef STRUCT

#define STRUCT nd_stage_call
static void print_nd_stage_call(void) {
  FIELD(now_us);
  FIELD(wake_us);
  FIELD(data);
  FIELD(data_length);
  FIELD(forward_max);
  FIELD(receiving);
  FIELD(reserved);
  END();
}
#undef STRUCT

#define STRUCT nd_job_scheduler
static void print_nd_job_scheduler(void) {
  FIELD(struct_size);
  FIELD(parallelism);
  FIELD(user);
  FIELD(schedule);
  FIELD(complete);
  END();
}
#undef STRUCT

#define STRUCT nd_stage_functions
static void print_nd_stage_functions(void) {
  FIELD(struct_size);
  FIELD(header_size);
  FIELD(payload_capacity);
  FIELD(reserved);
  FIELD(name);
  FIELD(user);
  FIELD(create);
  FIELD(send);
  FIELD(receive);
  FIELD(timeout);
  FIELD(destroy);
  END();
}
#undef STRUCT

#define STRUCT nd_stream_writer
static void print_nd_stream_writer(void) {
  FIELD(data);
  FIELD(capacity);
  FIELD(length);
  FIELD(pending);
  FIELD(pending_count);
  FIELD(failed_writes);
  FIELD(reserved);
  END();
}
#undef STRUCT

#define STRUCT nd_stream_reader
static void print_nd_stream_reader(void) {
  FIELD(data);
  FIELD(length);
  FIELD(position);
  FIELD(bit_count);
  FIELD(failed_reads);
  END();
}
#undef STRUCT

#define STRUCT nd_incoming_packet
static void print_nd_incoming_packet(void) {
  FIELD(endpoint);
  FIELD(length);
  FIELD(capacity);
  FIELD(data);
  END();
}
#undef STRUCT

#define STRUCT nd_outgoing_packet
static void print_nd_outgoing_packet(void) {
  FIELD(endpoint);
  FIELD(length);
  FIELD(reserved);
  FIELD(data);
  END();
}
#undef STRUCT

#define STRUCT nd_interface_functions
static void print_nd_interface_functions(void) {
  FIELD(struct_size);
  FIELD(reserved);
  FIELD(user);
  FIELD(bind);
  FIELD(listen);
  FIELD(receive);
  FIELD(send);
  FIELD(release);
  END();
}
#undef STRUCT

int main(void) {
  print_nd_endpoint();
  print_nd_settings();
  print_nd_connection_limits();
  print_nd_interface_settings();
  print_nd_connect_options();
  print_nd_tls_identity();
  print_nd_tls_client();
  print_nd_tls_server();
  print_nd_event();
  print_nd_send();
  print_nd_connection_info();
  print_nd_request();
  print_nd_driver_statistics();
  print_nd_traffic();
  print_nd_traffic_statistics();
  print_nd_connection_statistics();
  print_nd_network_simulator();
  print_nd_incoming_packet();
  print_nd_outgoing_packet();
  print_nd_interface_functions();
  print_nd_extension_frame();
  print_nd_extension();
  print_nd_pipeline_stage();
  print_nd_simulator_stage();
  print_nd_pipeline_statistics();
  print_nd_stage_call();
  print_nd_job_scheduler();
  print_nd_stage_functions();
  print_nd_stream_writer();
  print_nd_stream_reader();
  return gaps == 0 ? 0 : 1;
}
