/* The part of layout.c about the structs that things are set up with; it brings FIELD and END. */
#define STRUCT nd_settings
static void print_nd_settings(void) {
  FIELD(struct_size);
  FIELD(connect_timeout_ms);
  FIELD(max_connect_attempts);
  FIELD(disconnect_timeout_ms);
  FIELD(heartbeat_timeout_ms);
  FIELD(reconnection_timeout_ms);
  FIELD(max_frame_time_ms);
  FIELD(fixed_frame_time_ms);
  FIELD(receive_queue_capacity);
  FIELD(send_queue_capacity);
  FIELD(max_message_size);
  FIELD(perform_path_mtu_discovery);
  FIELD(optional_events);
  FIELD(connections_max);
  FIELD(inbound_bytes_max);
  FIELD(outbound_bytes_max);
  FIELD(pending_handshakes_max);
  FIELD(head_size_max);
  FIELD(handshake_timeout_ms);
  FIELD(plain_grace_ms);
  FIELD(websocket_message_size_max);
  FIELD(close_timeout_ms);
  FIELD(ping_interval_ms);
  FIELD(pong_timeout_ms);
  FIELD(deflate);
  FIELD(deflate_level);
  FIELD(deflate_window_bits);
  FIELD(deflate_peer_window_bits);
  FIELD(deflate_no_context_takeover);
  FIELD(deflate_minimum_length);
  FIELD(sub_protocol_rule);
  FIELD(fragment_size);
  FIELD(silence_timeout_ms);
  FIELD(tolerate_throttled);
  FIELD(connect_race_delay_ms);
  FIELD(fragmentation_payload_capacity);
  FIELD(reliable_window_size);
  FIELD(reliable_minimum_resend_time_ms);
  FIELD(reliable_maximum_resend_time_ms);
  FIELD(unvalidated_connections_max);
  FIELD(cookie_threshold);
  FIELD(unvalidated_timeout_ms);
  FIELD(connections_per_address_max);
  FIELD(requests_per_address_max);
  FIELD(accept_payload_before_validation);
  FIELD(round_trip_interval_ms);
  FIELD(websocket_send_queue_capacity);
  FIELD(session);
  FIELD(session_repair_percent);
  FIELD(background_pump);
  FIELD(job_workers);
  FIELD(path_mtu_raise_interval_ms);
  END();
}
#undef STRUCT

#define STRUCT nd_connection_limits
static void print_nd_connection_limits(void) {
  FIELD(struct_size);
  FIELD(receive_queue_capacity);
  FIELD(inbound_bytes_max);
  FIELD(outbound_bytes_max);
  FIELD(websocket_message_size_max);
  FIELD(websocket_send_queue_capacity);
  END();
}
#undef STRUCT

#define STRUCT nd_interface_settings
static void print_nd_interface_settings(void) {
  FIELD(struct_size);
  FIELD(kind);
  FIELD(dialect);
  FIELD(reserved);
  FIELD(path);
  FIELD(utp_path);
  FIELD(plain_path);
  FIELD(sub_protocols);
  FIELD(accept_requests);
  FIELD(request_timeout_ms);
  FIELD(allowed_origins);
  FIELD(response_headers);
  FIELD(trusted_proxies);
  FIELD(proxy_protocol);
  FIELD(reserved_2);
  FIELD(limits);
  END();
}
#undef STRUCT

#define STRUCT nd_connect_options
static void print_nd_connect_options(void) {
  FIELD(struct_size);
  FIELD(dialect);
  FIELD(sub_protocols);
  FIELD(headers);
  FIELD(payload);
  FIELD(payload_length);
  FIELD(reserved);
  FIELD(tls);
  FIELD(connect_deadline_ms);
  FIELD(redirects_max);
  FIELD(proxy_from_environment);
  FIELD(reserved_2);
  FIELD(proxy);
  FIELD(no_proxy);
  FIELD(limits);
  FIELD(proxy_tls);
  FIELD(digest_only);
  FIELD(reserved_3);
  END();
}
#undef STRUCT

#define STRUCT nd_tls_identity
static void print_nd_tls_identity(void) {
  FIELD(certificate);
  FIELD(key);
  FIELD(certificate_length);
  FIELD(key_length);
  FIELD(ocsp);
  FIELD(ocsp_length);
  FIELD(reserved);
  END();
}
#undef STRUCT

#define STRUCT nd_tls_client
static void print_nd_tls_client(void) {
  FIELD(struct_size);
  FIELD(use_system_roots);
  FIELD(insecure);
  FIELD(version_min);
  FIELD(ca);
  FIELD(identity);
  FIELD(server_name);
  FIELD(ca_length);
  FIELD(reserved);
  FIELD(key_log_file);
  END();
}
#undef STRUCT

#define STRUCT nd_tls_server
static void print_nd_tls_server(void) {
  FIELD(struct_size);
  FIELD(identity_count);
  FIELD(client_certificates);
  FIELD(version_min);
  FIELD(identities);
  FIELD(client_ca);
  FIELD(client_name);
  FIELD(client_ca_length);
  FIELD(reserved);
  FIELD(key_log_file);
  END();
}
#undef STRUCT
