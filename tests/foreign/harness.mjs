// Shared by the Node peers and the browser tests: runs checks, starts and stops the examples.
// Must not speak any network protocol: the peers do that themselves.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const STARTUP_MS = 60_000;
const STOP_MS = 30_000;
const LINE_MS = 30_000;
const POLL_MS = 10;

/** A failed expectation, told without a stack. */
export class CheckFailed extends Error {}

export function fail(why) {
  throw new CheckFailed(why);
}

export function expect(condition, why) {
  if (!condition) fail(why);
}

export function shorten(value, limit = 160) {
  const text = Buffer.isBuffer(value) ? value.toString("hex") : JSON.stringify(value) ?? "none";
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}

export function expectEqual(actual, wanted, what) {
  const same =
    Buffer.isBuffer(actual) && Buffer.isBuffer(wanted)
      ? actual.equals(wanted)
      : JSON.stringify(actual) === JSON.stringify(wanted);
  if (!same) fail(`${what}: got ${shorten(actual)}, wanted ${shorten(wanted)}`);
}

/** Rejects when the promise takes longer than it may. */
export function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new CheckFailed(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Polls until the (possibly asynchronous) condition gives something truthy; returns that. */
export async function waitUntil(condition, ms, what) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() >= end) fail(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Loads an npm package from the node_modules folder (or its parent) that the environment names. */
export function loadPackage(name) {
  const folder = process.env.NETDRIVER_NODE_MODULES ?? process.env.NODE_PATH?.split(":")[0];
  if (!folder) {
    console.error(`set NETDRIVER_NODE_MODULES to the node_modules folder that holds ${name}`);
    process.exit(2);
  }
  return createRequire(path.join(path.resolve(folder), "x.js"))(name);
}

function example(name) {
  const folder = process.env.NETDRIVER_EXAMPLES;
  if (!folder) {
    console.error("set NETDRIVER_EXAMPLES to the folder of the built examples");
    process.exit(2);
  }
  const file = path.join(folder, name);
  try {
    accessSync(file, name.endsWith(".exe") ? constants.R_OK : constants.X_OK);
  } catch {
    console.error(`${file} is not there; build the examples first`);
    process.exit(2);
  }
  return file;
}

/** The command that runs an example: C# programs need Mono, which finds the library beside them. */
function command(name, args) {
  const file = example(name);
  if (!name.endsWith(".exe")) return [file, args, process.env];
  const env = { ...process.env, LD_LIBRARY_PATH: path.dirname(file) };
  return ["mono", ["--debug", file, ...args], env];
}

/** A running example program: its lines of output as they come. */
export class Program {
  constructor(name, ...args) {
    this.name = name;
    this.stdout = [];
    this.stderr = [];
    this.code = null;
    const [file, words, env] = command(name, args.map(String));
    this.child = spawn(file, words, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin.on("error", () => {}); // it has ended, and somebody types
    collectLines(this.child.stdout, this.stdout);
    collectLines(this.child.stderr, this.stderr);
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.code = code ?? signal;
        resolve(this.code);
      });
    });
  }

  get log() {
    return [...this.stdout, ...this.stderr].join("\n");
  }

  /** Types a line. */
  type(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Waits for a line of output that holds this text; returns the line. */
  async line(text, ms = LINE_MS) {
    const found = () => this.stdout.find((line) => line.includes(text));
    return await waitUntil(found, ms, `"${text}" from ${this.name}`);
  }

  /** Waits for the end; returns the exit code. */
  async finish(ms) {
    try {
      return await within(ms, this.ended, `the end of ${this.name}`);
    } catch (error) {
      this.kill();
      throw error;
    }
  }

  kill() {
    if (this.code === null) this.child.kill("SIGKILL");
  }

  lastJson() {
    const line = this.stdout.filter((text) => text.trim()).at(-1);
    expect(line, `${this.name} printed nothing; stderr: ${this.stderr.slice(-3)}`);
    try {
      return JSON.parse(line);
    } catch {
      return fail(`the last line of ${this.name} is not JSON: ${line}`);
    }
  }
}

function collectLines(stream, lines) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop();
    lines.push(...parts);
  });
  stream.on("end", () => rest && lines.push(rest));
}

/** An example that listens: knows its ports once `start` has returned. */
export class Server extends Program {
  static async start(name, ...args) {
    const server = new Server(name, "--udp", 0, "--ws", 0, ...args);
    const listening = () => {
      if (server.code !== null) fail(`${name} ended at once: ${server.stderr.join(" ")}`);
      return server.stdout.find((line) => line.includes('"listening"'));
    };
    const line = await waitUntil(listening, STARTUP_MS, "the line with the ports");
    const ports = JSON.parse(line).listening;
    server.wsPort = ports.ws;
    server.udpPort = ports.udp;
    return server;
  }

  get url() {
    return `ws://127.0.0.1:${this.wsPort}`;
  }

  /** Ends the server as a user would; returns its counters. */
  async stop() {
    this.child.kill("SIGTERM");
    expectEqual(await this.finish(STOP_MS), 0, `exit code of ${this.name}`);
    const report = this.lastJson();
    expect(report.final === true, `no final counters: ${shorten(report)}`);
    return report;
  }
}

/** Starts a server for the time of a function. */
export async function withServer(name, args, body) {
  const server = await Server.start(name, ...args);
  try {
    return await body(server);
  } finally {
    server.kill();
    await server.ended;
  }
}

/** A counter of a report, wherever it is nested. */
export function counter(report, name) {
  for (const [key, value] of Object.entries(report)) {
    if (key === name) return value;
    if (value && typeof value === "object") {
      const found = counter(value, name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Runs named checks one after the other and counts. */
export class Checks {
  passed = 0;
  failed = 0;

  async run(name, body, ms = 90000) {
    try {
      await within(ms, body(), "the check to end");
      this.passed += 1;
      console.log(`ok ${name}`);
    } catch (error) {
      this.failed += 1;
      const why = error instanceof CheckFailed ? error.message : `${error.name}: ${error.message}`;
      console.log(`FAILED ${name}: ${why}`.replaceAll("\n", " "));
    }
  }

  /** Prints the last line and ends the program. */
  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed || !this.passed ? 1 : 0);
  }
}
