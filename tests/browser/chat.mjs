// A chat as its users see it: the server in C, pages in headless Chromium, a program in C#.
//
// Run as `node chat.mjs` with NETDRIVER_EXAMPLES (folder of the examples),
// NETDRIVER_NODE_MODULES (folder that holds playwright-core) and, if it is not at
// /usr/bin/chromium, NETDRIVER_CHROMIUM set. It leaves pictures in NETDRIVER_ARTIFACTS
// (target/artifacts without it): chat.png, chat-dark.png and chat-phone.png.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";
import {
  Checks,
  counter,
  expect,
  expectEqual,
  loadPackage,
  Program,
  waitUntil,
} from "../foreign/harness.mjs";
import { makeCertificates } from "./certificates.mjs";
import { FLAGS, requireChromium } from "./chromium.mjs";

const EVENT_MS = 30_000;
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const PAGE = path.join(ROOT, "examples/page/chat.html");
const { NETDRIVER_ARTIFACTS: ARTIFACTS = path.join(ROOT, "target/artifacts") } = process.env;
const CHROMIUM = requireChromium();

/** The checksum of PNG. */
function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/** A small picture: a gradient of 96 by 64 dots. */
function gradient() {
  const [width, height] = [96, 64];
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rows.set([x * 2, 120, 255 - y * 3], y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", zlib.deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A person at a page. */
class Guest {
  static async at(room, name, options = {}) {
    const guest = new Guest();
    guest.page = await room.browser.newPage();
    guest.errors = [];
    guest.page.on("pageerror", (error) => guest.errors.push(error.message));
    if (options.size) await guest.page.setViewportSize(options.size);
    if (options.dark) await guest.page.emulateMedia({ colorScheme: "dark" });
    await guest.page.goto(room.page, { timeout: EVENT_MS });
    await guest.enter(name);
    return guest;
  }

  async enter(name) {
    await this.page.fill("#name", name);
    await this.page.keyboard.press("Enter");
    await this.state("connected");
    this.id = await this.page.evaluate(() => window.chat.id);
  }

  async state(text) {
    await this.page.waitForFunction(
      (wanted) => document.querySelector("#state").textContent === wanted,
      text,
      { timeout: EVENT_MS },
    );
  }

  /** Waits until the log shows a text. */
  async sees(text) {
    await this.page.waitForFunction(
      (wanted) => document.querySelector("#log").innerText.includes(wanted),
      text,
      { timeout: EVENT_MS },
    );
  }

  async log() {
    return await this.page.innerText("#log");
  }

  /** Types a line, to a target if one is given. */
  async say(text, target = "0") {
    await this.page.selectOption("#target", String(target));
    await this.page.fill("#line", text);
    await this.page.keyboard.press("Enter");
  }
}

async function everybodyEnters(room) {
  room.anna = await Guest.at(room, "Anna");
  const words = ["--name", "Mono", "--save", room.folder];
  if (room.secure) words.push("--tls-ca", room.files.ca);
  room.mono = new Program("ChatClient.exe", room.url, ...words);
  await room.mono.line(`speaking demo-chat${room.secure ? " over TLS" : ""}`);
  await room.anna.sees("Mono joined");
  room.bo = await Guest.at(room, "Bø ☕", { dark: true });
  await room.mono.line("* Anna is here as 2");
  await room.mono.line("* Bø ☕ joined as 4");
  await room.anna.sees("Bø ☕ joined (4)");
  const protocol = await room.anna.page.evaluate(() => window.chat.protocol);
  expectEqual(protocol, "demo-chat", "sub-protocol in the page");
  for (const guest of [room.anna, room.bo]) {
    const people = await guest.page.evaluate(() => window.chat.people);
    expectEqual(people, { 2: "Anna", 3: "Mono", 4: "Bø ☕" }, "people");
    expectEqual(await guest.page.innerText("#count"), "3", "how many are here");
  }
}

async function linesReachEverybodyElse(room) {
  await room.anna.say("Hello everybody, 你好 🎉");
  await room.bo.sees("Hello everybody, 你好 🎉");
  await room.mono.line("Anna: Hello everybody, 你好 🎉");
  room.mono.type("a line from C#, snö");
  await room.anna.sees("a line from C#, snö");
  await room.bo.sees("a line from C#, snö");
  room.server.type("welcome to the room");
  await room.anna.sees("welcome to the room");
  await room.mono.line("the server: welcome to the room");
  const log = await room.anna.log();
  expectEqual(log.split("Hello everybody").length, 2, "how often one sees what one has said, + 1");
  await room.bo.say("<b>not bold</b> & 'quoted'");
  await room.anna.sees("<b>not bold</b> & 'quoted'");
}

async function whispersReachOneAndExceptionsAllButOne(room) {
  await room.anna.page.click(`#people [data-id="${room.bo.id}"]`);
  expectEqual(await room.anna.page.inputValue("#target"), "4", "the target after a click");
  await room.anna.say("for Bø alone", room.bo.id);
  await room.bo.sees("for Bø alone");
  await room.bo.sees("to you alone");
  await room.anna.say("the cake is for everybody else", -room.bo.id);
  await room.mono.line("Anna to all but Bø ☕: the cake is for everybody else");
  room.mono.type("/to 1 to the server");
  await room.server.line('"text":"to the server"');
  room.mono.type("/to 99 to nobody");
  await room.mono.line("! nobody here has that number");
  // Whatever was on its way has arrived once a later line has.
  await room.anna.say("afterwards");
  await room.mono.line("Anna: afterwards");
  await room.bo.sees("afterwards");
  expect(!room.mono.log.includes("for Bø alone"), "a whisper reached somebody else");
  expect(!(await room.bo.log()).includes("the cake"), "Bø heard what was not for Bø");
}

async function filesAndStickersAreBinary(room) {
  const picture = gradient();
  const buffer = picture;
  await room.anna.page.selectOption("#target", "0");
  await room.anna.page.setInputFiles("#file", { name: "dots.png", mimeType: "image/png", buffer });
  await room.mono.line(`Anna: [file dots.png, ${picture.length} bytes]`);
  const kept = path.join(room.folder, "dots.png");
  await waitUntil(() => statSync(kept, { throwIfNoEntry: false })?.size === picture.length,
    EVENT_MS, "the file that the C# program keeps");
  expectEqual(readFileSync(kept), picture, "the file's bytes in C#");
  await room.bo.page.waitForFunction(
    () => document.querySelector("#log img")?.naturalWidth === 96,
    null,
    { timeout: EVENT_MS },
  );
  const large = Buffer.alloc((1 << 20) - 64, "netdriver ");
  const sent = path.join(room.folder, "large.bin");
  writeFileSync(sent, large);
  room.mono.type(`/file 0 ${sent}`);
  await room.bo.sees("large.bin");
  const same = await room.bo.page.evaluate(async (size) => {
    const link = [...document.querySelectorAll("#log a")].at(-1);
    const bytes = new Uint8Array(await (await fetch(link.href)).arrayBuffer());
    const wanted = new TextEncoder().encode("netdriver ");
    return bytes.length === size && bytes.every((byte, i) => byte === wanted[i % wanted.length]);
  }, large.length);
  expect(same, "a file of nearly 1 MiB from C# differs in the page");
  await room.bo.page.click("#emoji");
  await room.bo.page.keyboard.press("ArrowRight");
  await room.bo.page.click('[aria-label="sticker 😎"]');
  await room.mono.line("Bø ☕: [sticker 😎]");
  await room.anna.page.waitForSelector(".sticker", { timeout: EVENT_MS });
}

async function picturesAreTaken(room) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const phone = await Guest.at(room, "Cleo", { size: { width: 390, height: 780 } });
  await room.anna.say("Hello Cleo!", phone.id);
  await phone.sees("Hello Cleo!");
  await phone.say("Hi! What a nice room ☺");
  await room.anna.sees("What a nice room");
  const views = { "chat.png": room.anna, "chat-dark.png": room.bo, "chat-phone.png": phone };
  for (const [name, guest] of Object.entries(views)) {
    const picture = path.join(ARTIFACTS, name);
    await guest.page.screenshot({ path: picture });
    expect(statSync(picture).size > 5000, `${name} is empty`);
    const { wide, high } = await guest.page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - innerWidth,
      high: document.documentElement.scrollHeight - innerHeight,
    }));
    expect(wide <= 0 && high <= 0, `${name}: the page is larger than its window`);
  }
  await phone.page.click("#join");
  await phone.state("closed (1000)");
  await room.anna.sees("Cleo left (1000, Bye bye!)");
  expectEqual(phone.errors, [], "errors on the phone");
  await phone.page.close();
}

async function everyControlHasAName(room) {
  const nameless = await room.anna.page.evaluate(() =>
    [...document.querySelectorAll("button, input, select, img")]
      .filter((one) => one.getAttribute("aria-hidden") !== "true")
      .filter((one) => {
        const label = one.labels?.[0]?.textContent ?? one.alt ?? "";
        return !(one.getAttribute("aria-label") || label || one.textContent.trim());
      })
      .map((one) => one.outerHTML),
  );
  expectEqual(nameless, [], "controls without a name");
  const foreign = await room.anna.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => name)
      .filter((name) => !name.startsWith("blob:") && !name.startsWith("data:")),
  );
  expectEqual(foreign, [], "what the page has loaded besides itself");
}

async function theServerShowsSomebodyTheDoor(room) {
  room.server.type(`/kick ${room.bo.id} 4005 be nice`);
  await room.bo.state("closed (4005)");
  const closed = await room.bo.page.evaluate(() => window.chat.closed);
  expectEqual(closed, { code: 4005, reason: "be nice", wasClean: true }, "the close in the page");
  await room.bo.sees("be nice");
  await room.anna.sees("Bø ☕ left (4005, be nice)");
  await room.mono.line("* Bø ☕ left with code 4005: be nice");
  room.server.type("/refuse on");
  await room.server.line('"refusing":1,"number":1');
  await room.bo.page.click("#join");
  await room.bo.state("closed (1013)");
  room.server.type("/refuse off");
  await room.server.line('"refusing":1,"number":0');
  await room.bo.enter("Bo again");
  await room.anna.sees("Bo again joined");
}

async function whoLeavesIsMissed(room) {
  const bo = room.bo.id;
  expectEqual(room.bo.errors, [], "errors on the page");
  await room.bo.page.close();
  await room.mono.line("* Bo again left with code 1000: Bye bye!");
  await waitUntil(() => room.server.stdout.some((line) => line.startsWith(`{"left":${bo}`)),
    EVENT_MS, "the end of a closed tab in the server's log");
  room.mono.type("/quit");
  expectEqual(await room.mono.finish(EVENT_MS), 0, "exit code of the C# program");
  await room.anna.sees("Mono left (1000, Bye bye!)");
}

async function strangersDoNotGetIn(room) {
  const joined = () => room.server.stdout.filter((line) => line.startsWith('{"joined"')).length;
  const before = joined();
  const outcome = await room.anna.page.evaluate(async (offers) => {
    const one = (offer) => new Promise((resolve) => {
      const socket = new WebSocket(location.href.replace("http", "ws"), offer);
      socket.onopen = () => socket.send("name stranger");
      socket.onclose = ({ code }) => resolve(code);
    });
    return await Promise.all(offers.map(one));
  }, [[], ["other-chat"], ["demo-cha", "xdemo-chat"]]);
  expectEqual(outcome, [1006, 1006, 1006], "codes of sockets that were answered with 400");
  const silent = await room.anna.page.evaluate(() => new Promise((resolve) => {
    const socket = new WebSocket(location.href.replace("http", "ws"), "demo-chat");
    socket.onopen = () => socket.send("say 0 without a name");
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  }));
  expectEqual(silent, { code: 4001, reason: "no name came in time" }, "a client without a name");
  expectEqual(joined() - before, 0, "strangers in the room");
}

async function theRoomCloses(room) {
  room.server.type("/quit");
  await room.anna.state("closed (1001)");
  await room.anna.sees("the room closes");
  expectEqual(room.anna.errors, [], "errors on the page");
  expectEqual(await room.server.finish(EVENT_MS), 0, "exit code of chat_server");
  const report = room.server.lastJson();
  expectEqual(counter(report, "tls_failures"), room.refusals, "streams that TLS has refused");
  expect(report.final === true, "the server's last line holds its counters");
  expectEqual(counter(report, "protocol_errors"), 0, "protocol errors");
  expectEqual(counter(report, "connections"), 0, "connections");
  expectEqual(counter(report, "files"), room.secure ? 3 : 0, "files");
}

/** Nobody gets in without TLS, or without trusting the one who has signed the certificate. */
async function theCertificateIsChecked(room) {
  const doubtful = new Program("ChatClient.exe", room.url, "--name", "Doubtful");
  expectEqual(await doubtful.finish(EVENT_MS), 1, "exit code of a client that trusts nobody");
  await doubtful.line("AuthenticationFailure");
  room.refusals += 1;
  const bare = new Program("ChatClient.exe", room.url.replace("wss", "ws"), "--name", "Bare");
  expectEqual(await bare.finish(EVENT_MS), 1, "exit code of a client without TLS");
  room.refusals += 1;
}

const CHECKS = {
  everybody_enters: everybodyEnters,
  lines_reach_everybody_else: linesReachEverybodyElse,
  whispers_reach_one_and_exceptions_all_but_one: whispersReachOneAndExceptionsAllButOne,
  files_and_stickers_are_binary: filesAndStickersAreBinary,
  pictures_are_taken: picturesAreTaken,
  every_control_has_a_name: everyControlHasAName,
  the_server_shows_somebody_the_door: theServerShowsSomebodyTheDoor,
  who_leaves_is_missed: whoLeavesIsMissed,
  strangers_do_not_get_in: strangersDoNotGetIn,
  the_certificate_is_checked: theCertificateIsChecked,
  the_room_closes: theRoomCloses,
};

/** What is the same without TLS is not done again. */
const WITHOUT_TLS = ["everybody_enters", "lines_reach_everybody_else", "the_room_closes"];

/** A room, its server, and all who come; with a browser that knows the server's certificate. */
async function withRoom(secure, body) {
  const { chromium } = loadPackage("playwright-core");
  const folder = mkdtempSync(path.join(os.tmpdir(), "netdriver-chat-"));
  const room = { folder, secure, refusals: 0, files: {} };
  const words = ["--ws", 0, "--page", PAGE];
  const flags = [...FLAGS];
  if (secure) {
    const { pin, ...texts } = makeCertificates();
    for (const [name, text] of Object.entries(texts)) {
      room.files[name] = path.join(folder, `${name}.pem`);
      writeFileSync(room.files[name], text, { mode: 0o600 });
    }
    words.push("--tls-cert", room.files.certificate, "--tls-key", room.files.key);
    flags.push(`--ignore-certificate-errors-spki-list=${pin}`);
  }
  room.server = new Program("chat_server", ...words);
  room.browser = await chromium.launchPersistentContext(path.join(folder, "profile"), {
    executablePath: CHROMIUM,
    args: flags,
    headless: true,
    viewport: { width: 1000, height: 680 },
  });
  try {
    const { ws } = JSON.parse(await room.server.line("listening")).listening;
    room.url = `${secure ? "wss" : "ws"}://localhost:${ws}/`;
    room.page = room.url.replace("ws", "http");
    await body(room);
  } finally {
    room.mono?.kill();
    room.server.kill();
    await room.browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const checks = new Checks();
await withRoom(true, async (room) => {
  for (const [name, body] of Object.entries(CHECKS)) {
    await checks.run(`chat_wss_${name}`, () => body(room));
  }
});
await withRoom(false, async (room) => {
  for (const name of WITHOUT_TLS) await checks.run(`chat_ws_${name}`, () => CHECKS[name](room));
});
checks.finish();
