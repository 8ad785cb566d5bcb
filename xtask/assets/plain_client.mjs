// Plays the arena over a plain WebSocket from Node, where no browser is installed: joins, moves for
// so many seconds, and until the server has moved it and shows others, and leaves as the page does.
//
//   node plain_client.mjs URL SECONDS NAME      (NODE_PATH finds ws)
//
// The messages are those of PROTOCOL in examples/page/arena.html. Prints "joined" once the server
// has welcomed it; ends with 0 only if all of it worked.
import { createRequire } from 'node:module';

const { WebSocket } = createRequire(import.meta.url)('ws');
const [url, seconds, name] = process.argv.slice(2);
if (!name) {
  console.error('usage: node plain_client.mjs URL SECONDS NAME');
  process.exit(2);
}

const START_LIMIT_MS = 50_000;
const PLAY_MS = seconds * 1000;
const PLAY_LIMIT_MS = PLAY_MS + 25_000;
const LEAVE_LIMIT_MS = 5_000;
const MOVE_INTERVAL_MS = 50;
const STEP = 12;               // units between two messages
const TURN = 0.15;             // radians between two steps
const FAR = 40;                // units from the first place: moved for certain
const CLOSE_NORMAL = 1000;
const OPCODE = { join: 0x4a, move: 0x4d, leave: 0x4c };

let own = null;                // our id, once the server has welcomed us
let size = null;
let first = null;              // where the server put us
let place = null;              // where the server shows us
const others = new Set();
const names = new Map();

const socket = new WebSocket(url);
socket.binaryType = 'nodebuffer';
socket.on('error', (error) => fail(error.message));
socket.on('open', join);
socket.on('message', (message, binary) => {
  if (!binary) fail('the server sent text');
  take(message);
});
let alarm = limit(START_LIMIT_MS, 'the server did not say welcome');

function fail(why) {
  console.error(`plain client: ${why}`);
  process.exit(1);
}

function limit(milliseconds, why) {
  return setTimeout(() => fail(`after ${milliseconds} ms: ${why}`), milliseconds);
}

function join() {
  const text = Buffer.from(name);
  socket.send(Buffer.concat([Buffer.from([OPCODE.join, text.length]), text]));
}

function take(message) {
  switch (String.fromCharCode(message[0])) {
    case 'W':
      if (own === null) welcome(message);
      break;
    case 'S':
      snapshot(message);
      break;
    case 'N':
      names.set(message.readUInt32LE(1), message.toString('utf8', 7, 7 + message[6]));
      break;
    case 'G':
      others.delete(message.readUInt32LE(1));
      break;
    case 'P':
      socket.send(message); // the answer is the question
      break;
    default: // what is unknown is ignored
  }
}

function welcome(message) {
  own = message.readUInt32LE(1);
  size = { x: message.readUInt16LE(5), y: message.readUInt16LE(7) };
  console.log('joined');
  clearTimeout(alarm);
  alarm = limit(PLAY_LIMIT_MS, 'it did not move, or saw nobody');
}

function snapshot(message) {
  for (let i = 0, at = 3; i < message.readUInt16LE(1); i += 1, at += 8) {
    const id = message.readUInt32LE(at);
    if (id !== own) {
      others.add(id);
      continue;
    }
    place = { x: message.readInt16LE(at + 4), y: message.readInt16LE(at + 6) };
    if (first === null) {
      first = place;
      play();
    }
  }
}

/** Walks in circles until the server's snapshots show us elsewhere, and others by name. */
function play() {
  let at = { ...first };
  let angle = 0;
  let moved = false;
  const start = Date.now();
  const timer = setInterval(() => {
    const seen = [...others].filter((id) => names.has(id));
    moved ||= Math.hypot(place.x - first.x, place.y - first.y) >= FAR;
    if (moved && seen.length > 0 && Date.now() - start >= PLAY_MS) {
      clearInterval(timer);
      console.log(`moved, and saw ${seen.map((id) => names.get(id)).join(', ')}`);
      leave();
      return;
    }
    angle += TURN;
    at = {
      x: clamp(at.x + STEP * Math.cos(angle), size.x),
      y: clamp(at.y + STEP * Math.sin(angle), size.y),
    };
    const message = Buffer.alloc(5);
    message[0] = OPCODE.move;
    message.writeInt16LE(Math.round(at.x), 1);
    message.writeInt16LE(Math.round(at.y), 3);
    socket.send(message);
  }, MOVE_INTERVAL_MS);
}

function clamp(value, most) {
  return Math.min(most, Math.max(0, value));
}

/** Says that we leave, closes, and sees that the server answers the closing handshake. */
function leave() {
  clearTimeout(alarm);
  alarm = limit(LEAVE_LIMIT_MS, 'the server did not answer the close');
  socket.once('close', (code) => {
    if (code !== CLOSE_NORMAL) fail(`closed with ${code}`);
    clearTimeout(alarm);
    console.log('left');
  });
  socket.send(Buffer.from([OPCODE.leave]));
  socket.close(CLOSE_NORMAL, 'bye');
}
