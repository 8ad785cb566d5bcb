// Node's `ws`: `node ws.mjs [--deflate 1]`, with NETDRIVER_NODE_MODULES (folder that holds the
// package) set. It is measured from outside.

import { createRequire } from "node:module";
import { join } from "node:path";

const MESSAGE_MAX = 1 << 20;

const require = createRequire(join(process.env.NETDRIVER_NODE_MODULES, "index.js"));
const { WebSocketServer } = require("ws");

const deflate = process.argv[2] === "--deflate" && process.argv[3] === "1";
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  backlog: 1024,
  maxPayload: MESSAGE_MAX,
  // It would leave messages below 1024 bytes as they are.
  perMessageDeflate: deflate ? { threshold: 0 } : false,
});
server.on("listening", () => console.log(`port ${server.address().port}`));
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
