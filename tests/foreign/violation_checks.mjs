// Frames that break RFC 6455, byte by byte, and what echo_server closes with.

import { expect, expectEqual } from "./harness.mjs";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  frame,
  PING,
  PONG,
  RawStream,
  TEXT,
} from "./raw_websocket.mjs";

const MESSAGE_SIZE_MAX = 1n << 20n;

/** Frames that must end the connection with a code. RFC 6455 sections 5, 7.4 and 8.1. */
const VIOLATIONS = {
  unmasked_frame: [1002, frame(TEXT, "bare", { masked: false })],
  rsv1_without_an_extension: [1002, frame(TEXT, "x", { first: 0xc1 })],
  rsv2: [1002, frame(BINARY, "x", { first: 0xa2 })],
  rsv3_on_a_ping: [1002, frame(PING, "x", { first: 0x99 })],
  reserved_data_opcode_3: [1002, frame(3, "x")],
  reserved_data_opcode_7: [1002, frame(7, "")],
  reserved_control_opcode_11: [1002, frame(11, "x")],
  reserved_control_opcode_15: [1002, frame(15, "")],
  fragmented_ping: [1002, frame(PING, "x", { fin: false })],
  fragmented_close: [1002, frame(CLOSE, "", { fin: false })],
  long_ping: [1002, frame(PING, Buffer.alloc(126))],
  long_close: [1002, frame(CLOSE, closePayload(1000, "x".repeat(124)))],
  continuation_of_nothing: [1002, frame(CONTINUATION, "x")],
  continuation_after_a_message: [1002, frame(TEXT, "whole"), frame(CONTINUATION, "x")],
  message_inside_a_message: [1002, frame(TEXT, "a", { fin: false }), frame(BINARY, "b")],
  close_payload_of_one_byte: [1002, frame(CLOSE, "x")],
  close_code_0: [1002, frame(CLOSE, closePayload(0))],
  close_code_999: [1002, frame(CLOSE, closePayload(999))],
  close_code_1004: [1002, frame(CLOSE, closePayload(1004))],
  close_code_1005: [1002, frame(CLOSE, closePayload(1005))],
  close_code_1006: [1002, frame(CLOSE, closePayload(1006))],
  close_code_1015: [1002, frame(CLOSE, closePayload(1015))],
  close_code_2999: [1002, frame(CLOSE, closePayload(2999))],
  close_code_5000: [1002, frame(CLOSE, closePayload(5000))],
  close_reason_not_utf8: [1007, frame(CLOSE, closePayload(1000, Buffer.from([0xc3, 0x28])))],
  text_not_utf8: [1007, frame(TEXT, Buffer.from([0xff, 0xfe]))],
  text_cut_in_a_character: [1007, frame(TEXT, Buffer.from([0xf0, 0x9f, 0x8e]))],
  text_with_a_surrogate: [1007, frame(TEXT, Buffer.from([0xed, 0xa0, 0x80]))],
  text_overlong: [1007, frame(TEXT, Buffer.from([0xc0, 0xaf]))],
  text_above_unicode: [1007, frame(TEXT, Buffer.from([0xf4, 0x90, 0x80, 0x80]))],
  bad_utf8_across_fragments: [
    1007,
    frame(TEXT, Buffer.from([0xf0, 0x9f]), { fin: false }),
    frame(CONTINUATION, Buffer.from([0x28, 0x28])),
  ],
  bad_utf8_in_an_unfinished_message: [1007, frame(TEXT, Buffer.from([0xff]), { fin: false })],
  oversized_by_its_header_alone: [
    1009,
    frame(BINARY, "", { announce: MESSAGE_SIZE_MAX + 1n }),
  ],
  oversized_with_four_gigabytes: [1009, frame(TEXT, "", { announce: 1n << 32n })],
  oversized_with_the_largest_length: [1009, frame(BINARY, "", { announce: (1n << 63n) - 1n })],
  oversized_by_its_fragments: [
    1009,
    frame(BINARY, Buffer.alloc(1 << 20), { fin: false }),
    frame(CONTINUATION, "x"),
  ],
};

async function expectClose(server, code, frames) {
  const stream = await RawStream.open(server.wsPort);
  try {
    for (const bytes of frames) stream.write(bytes);
    expectEqual(await stream.closeCode(), code, "close code");
    // A client that never answers: the server must not wait for ever.
    await stream.end(5000);
  } finally {
    stream.destroy();
  }
}

async function lengthWithTheHighBitEndsTheStream(server) {
  const stream = await RawStream.open(server.wsPort);
  stream.write(frame(BINARY, "", { announce: 1n << 63n }));
  const code = await stream.closeCode();
  expect(code === 1002 || code === 1009, `close code ${code}`);
  await stream.end(5000);
}

/** What is unusual and allowed. */
async function allowedOdditiesPass(server) {
  const stream = await RawStream.open(server.wsPort);
  stream.write(frame(PONG, "nobody asked"));
  stream.write(frame(TEXT, "", { fin: false }));
  stream.write(frame(CONTINUATION, "", { fin: false }));
  stream.write(frame(CONTINUATION, Buffer.from([0xf0, 0x9f]), { fin: false }));
  stream.write(frame(PING, ""));
  stream.write(frame(CONTINUATION, Buffer.from([0x8e, 0xae])));
  const pong = await stream.frame([PONG]);
  expectEqual(pong.payload.length, 0, "pong");
  const echo = await stream.frame([TEXT]);
  expectEqual([echo.fin, echo.masked, echo.payload.toString()], [true, false, "🎮"], "echo");
  stream.write(frame(CLOSE, ""));
  const close = await stream.frame([CLOSE]);
  expect(close.payload.length === 0 || close.payload.readUInt16BE(0) === 1000, "close payload");
  await stream.end();
}

async function framesOfOneByteSegmentsPass(server) {
  const stream = await RawStream.open(server.wsPort);
  const bytes = Buffer.concat([frame(TEXT, "slow"), frame(BINARY, Buffer.alloc(130, 7))]);
  for (const byte of bytes) {
    stream.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expectEqual((await stream.frame([TEXT])).payload.toString(), "slow", "text");
  expectEqual((await stream.frame([BINARY])).payload, Buffer.alloc(130, 7), "binary");
  stream.destroy();
}

async function nothingIsAnsweredAfterAClose(server) {
  const stream = await RawStream.open(server.wsPort);
  const tail = Buffer.concat([frame(CLOSE, closePayload(1000)), frame(TEXT, "too late")]);
  stream.write(tail);
  expectEqual(await stream.closeCode(), 1000, "close code");
  await stream.end();
  expectEqual(stream.bytes.length, 0, "bytes after the Close");
}

async function earlierMessagesAreAnsweredBeforeTheError(server) {
  const stream = await RawStream.open(server.wsPort);
  stream.write(frame(TEXT, "good"));
  expectEqual((await stream.frame([TEXT])).payload.toString(), "good", "echo");
  stream.write(frame(3, "bad"));
  expectEqual(await stream.closeCode(), 1002, "close code");
  stream.destroy();
}

export const CHECKS = {
  ...Object.fromEntries(
    Object.entries(VIOLATIONS).map(([name, [code, ...frames]]) => [
      `${name}_closes_with_${code}`,
      (server) => expectClose(server, code, frames),
    ]),
  ),
  length_with_the_high_bit_ends_the_stream: lengthWithTheHighBitEndsTheStream,
  allowed_oddities_pass: allowedOdditiesPass,
  frames_in_one_byte_segments_pass: framesOfOneByteSegmentsPass,
  nothing_is_answered_after_a_close: nothingIsAnsweredAfterAClose,
  earlier_messages_are_answered_before_the_error: earlierMessagesAreAnsweredBeforeTheError,
};
