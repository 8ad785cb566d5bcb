// permessage-deflate between echo_server, echo_client and the npm library `ws`.

import { expect, expectEqual, Program, waitUntil, withServer } from "./harness.mjs";
import { Client } from "./ws_client_checks.mjs";
import { echo, expectSuccess, withLibraryServer } from "./ws_server_checks.mjs";

const REPLY_MS = 30_000;
const MESSAGE_SIZE_MAX = 1 << 20;
const KEEP = ["--deflate", "--keep-contexts"];
const FORGET = ["--deflate"];
/** What a client may ask for. */
const WISHES = [
  {},
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
  { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
  { serverMaxWindowBits: 12, clientMaxWindowBits: 10, clientNoContextTakeover: true },
];

function line(number) {
  return `message ${number} is much like message ${number - 1}, `.repeat(20);
}

function noise(length) {
  return Buffer.alloc(length).map((_, i) => (i * 7919 + ((i * i) >> 5)) & 255);
}

async function clientsWithCompressionGetTheirEchoes() {
  for (const server of [KEEP, FORGET]) {
    await withServer("echo_server", server, async ({ url }) => {
      for (const wishes of WISHES) {
        const perMessageDeflate = { threshold: 0, ...wishes };
        const client = await Client.open(url, [], { perMessageDeflate });
        expect(client.socket.extensions.includes("permessage-deflate"), "nothing was agreed on");
        for (let turn = 0; turn < 2; turn += 1) {
          for (let number = 0; number < 20; number += 1) await client.expectEcho(line(number));
          await client.expectEcho("");
          await client.expectEcho(Buffer.alloc(0));
          await client.expectEcho("snö, 雪, 🎮 ".repeat(5000));
          await client.expectEcho(noise(70000));
          await client.expectEcho(Buffer.alloc(MESSAGE_SIZE_MAX));
        }
        client.socket.send(line(1), { fin: false });
        client.socket.ping("between");
        client.socket.send(line(2), { fin: true });
        expectEqual((await client.message()).data.toString(), line(1) + line(2), "fragments");
        await client.leave();
      }
    });
  }
}

async function aBombClosesWith1009() {
  for (const server of [KEEP, FORGET]) {
    await withServer("echo_server", server, async ({ url }) => {
      const client = await Client.open(url, [], { perMessageDeflate: true });
      client.socket.send(Buffer.alloc(32 << 20), () => {});
      expectEqual((await client.end()).code, 1009, "close code");
    });
  }
}

async function echoClientCompresses() {
  for (const wishes of WISHES) {
    const agreed = [];
    const noting = (socket) => {
      agreed.push(socket.extensions);
      echo(socket);
    };
    const perMessageDeflate = { threshold: 0, ...wishes };
    await withLibraryServer({ perMessageDeflate }, noting, async (url) => {
      for (const memory of [KEEP, FORGET]) {
        await expectSuccess(url, "--count", 60, "--size", 900, ...memory);
        await expectSuccess(url, "--count", 9, "--size", 90000, "--text", ...memory);
      }
      await waitUntil(() => agreed.length === 4, REPLY_MS, "four connections");
    });
    expectEqual(agreed, Array(4).fill("permessage-deflate"), "what was agreed on");
  }
}

async function anExtensionOfTheProgramWorks() {
  const program = new Program("extension_xor");
  await program.finish(REPLY_MS);
  expectEqual(program.code, 0, `exit code of extension_xor (${program.log.slice(-200)})`);
  expect(program.log.includes("x-xor; key=90"), `nothing was agreed on: ${program.log}`);
}

export const CHECKS = {
  deflate_clients_get_their_echoes: clientsWithCompressionGetTheirEchoes,
  deflate_bomb_closes_with_1009: aBombClosesWith1009,
  deflate_echo_client_compresses: echoClientCompresses,
  extension_of_the_program_works: anExtensionOfTheProgramWorks,
};
