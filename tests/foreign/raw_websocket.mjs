// TCP streams with hand-made HTTP and frames, to break the rules that a library would keep.

import net from "node:net";
import { CheckFailed, waitUntil } from "./harness.mjs";

const REPLY_MS = 30_000;
// A stream ends because of what was said, and before the limit of handshakes (5 s) would end it.
const END_MS = 4500;
const KEY = "AAECAwQFBgcICQoLDA0ODw==";
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A frame of a client. `first` overrides FIN, RSV and opcode; `announce` the length. */
export function frame(opcode, payload = "", options = {}) {
  const { fin = true, masked = true, first, announce } = options;
  const bytes = Buffer.from(payload);
  const length = announce ?? BigInt(bytes.length);
  const maskBit = masked ? 0x80 : 0;
  const head = [first ?? ((fin ? 0x80 : 0) | opcode)];
  if (length < 126n) {
    head.push(maskBit | Number(length));
  } else if (length < 65536n) {
    head.push(maskBit | 126, Number(length >> 8n), Number(length & 255n));
  } else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(length);
    head.push(maskBit | 127, ...wide);
  }
  const body = masked ? bytes.map((byte, i) => byte ^ MASK[i % 4]) : bytes;
  return Buffer.concat([Buffer.from(head), masked ? MASK : Buffer.alloc(0), body]);
}

export function closePayload(code, reason = "") {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, Buffer.from(reason)]);
}

export function upgradeRequest(port, options = {}) {
  const { path = "/", version = "13", key = KEY, extra = [] } = options;
  const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`];
  lines.push("Upgrade: websocket", "Connection: Upgrade", ...extra);
  if (version) lines.push(`Sec-WebSocket-Version: ${version}`);
  if (key) lines.push(`Sec-WebSocket-Key: ${key}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A TCP stream that keeps what it gets. */
export class RawStream {
  constructor(port) {
    this.bytes = Buffer.alloc(0);
    this.ended = false;
    this.socket = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: false });
    this.socket.on("data", (part) => {
      this.bytes = Buffer.concat([this.bytes, part]);
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.ended = true;
    });
  }

  /** A stream after a successful upgrade. */
  static async open(port, options) {
    const stream = new RawStream(port);
    stream.write(upgradeRequest(port, options));
    const head = await stream.head();
    if (head.status !== 101) throw new CheckFailed(`upgrade answered with ${head.first}`);
    return stream;
  }

  write(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  destroy() {
    this.socket.destroy();
  }

  /** Takes the HTTP head of an answer: {status, first, headers}. */
  async head(ms = REPLY_MS) {
    const length = await waitUntil(
      () => {
        const end = this.bytes.indexOf("\r\n\r\n");
        if (end < 0 && this.ended) throw new CheckFailed("the stream ended without an answer");
        return end < 0 ? 0 : end + 4;
      },
      ms,
      "an HTTP answer",
    );
    const [first, ...lines] = this.bytes.subarray(0, length - 4).toString("latin1").split("\r\n");
    this.bytes = this.bytes.subarray(length);
    const pairs = lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]);
    return { first, status: Number(first.split(" ")[1]), headers: Object.fromEntries(pairs) };
  }

  /** Takes the next frame: {opcode, fin, masked, payload}; undefined while it is incomplete. */
  takeFrame() {
    if (this.bytes.length < 2) return undefined;
    let length = this.bytes[1] & 0x7f;
    const start = { 126: 4, 127: 10 }[length] ?? 2;
    if (this.bytes.length < start) return undefined;
    if (length === 126) length = this.bytes.readUInt16BE(2);
    else if (length === 127) length = Number(this.bytes.readBigUInt64BE(2));
    if (this.bytes.length < start + length) return undefined;
    const taken = {
      opcode: this.bytes[0] & 15,
      fin: this.bytes[0] >= 0x80,
      masked: this.bytes[1] >= 0x80,
      payload: this.bytes.subarray(start, start + length),
    };
    this.bytes = this.bytes.subarray(start + length);
    return taken;
  }

  /** Waits for the next frame with one of these opcodes; skips others. */
  frame(opcodes, ms = REPLY_MS) {
    return waitUntil(
      () => {
        for (let got = this.takeFrame(); got; got = this.takeFrame()) {
          if (opcodes.includes(got.opcode)) return got;
        }
        if (this.ended) throw new CheckFailed("the stream ended without the frame");
        return undefined;
      },
      ms,
      `a frame with opcode ${opcodes}`,
    );
  }

  /** The code of the server's Close frame; 0 when it has none. */
  async closeCode(ms = REPLY_MS) {
    const close = await this.frame([CLOSE], ms);
    return close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 0;
  }

  /** Waits for the end of the TCP stream. */
  end(ms = END_MS) {
    return waitUntil(() => this.ended, ms, "the end of the stream");
  }
}
