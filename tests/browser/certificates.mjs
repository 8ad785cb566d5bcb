// Certificates for a test: an authority and a server of this machine, made on the spot.
//
// Node can sign but not write certificates, so the few ASN.1 forms of RFC 5280 are written here.

import crypto from "node:crypto";

const DAY_MS = 24 * 60 * 60 * 1000;
const SEQUENCE = 0x30;
const SET = 0x31;

/** One ASN.1 value: its tag, its length, its bytes (X.690). */
function der(tag, ...parts) {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = body;
  const size = length < 128 ? [length]
    : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

/** An object identifier, of small numbers but for those of two bytes. */
function oid(first, ...rest) {
  const bytes = rest.flatMap((part) => {
    const groups = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift(0x80 | (left & 127));
    return groups;
  });
  return der(0x06, [first, ...bytes]);
}

const ECDSA_SHA256 = der(SEQUENCE, oid(0x2a, 840, 10045, 4, 3, 2));

function name(common) {
  return der(SEQUENCE, der(SET, der(SEQUENCE, oid(0x55, 4, 3), der(0x0c, common))));
}

function time(ms) {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x18, digits); // GeneralizedTime
}

function extension(id, critical, value) {
  return der(SEQUENCE, id, ...(critical ? [der(0x01, [0xff])] : []), der(0x04, value));
}

function pem(kind, bytes) {
  const lines = bytes.toString("base64").match(/.{1,64}/g).join("\n");
  return `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`;
}

/** A certificate for a key, signed by another. */
function certificate({ subject, issuer, publicKey, signer, extensions }) {
  const version = der(0xa0, der(0x02, [2]));
  const serial = der(0x02, [1, ...crypto.randomBytes(8)]);
  const validity = der(SEQUENCE, time(Date.now() - DAY_MS), time(Date.now() + 10 * DAY_MS));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const body = der(
    SEQUENCE,
    version,
    serial,
    ECDSA_SHA256,
    name(issuer),
    validity,
    name(subject),
    spki,
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = crypto.sign("sha256", body, signer);
  return pem("CERTIFICATE", der(SEQUENCE, body, ECDSA_SHA256, der(0x03, [0], signature)));
}

function keys() {
  return crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/**
 * An authority and a server's certificate for localhost: {ca, certificate, key} in PEM, and `pin`,
 * the hash of the server's public key as Chromium wants it.
 */
export function makeCertificates() {
  const [authority, server] = [keys(), keys()];
  const constraints = oid(0x55, 29, 19);
  const isAuthority = der(SEQUENCE, der(0x01, [0xff]));
  const names = der(SEQUENCE, der(0x82, "localhost"), der(0x87, [127, 0, 0, 1]));
  const serverUse = der(SEQUENCE, oid(0x2b, 6, 1, 5, 5, 7, 3, 1));
  const ca = certificate({
    subject: "a test's authority",
    issuer: "a test's authority",
    publicKey: authority.publicKey,
    signer: authority.privateKey,
    extensions: [extension(constraints, true, isAuthority)],
  });
  const leaf = certificate({
    subject: "localhost",
    issuer: "a test's authority",
    publicKey: server.publicKey,
    signer: authority.privateKey,
    extensions: [
      extension(constraints, true, der(SEQUENCE)),
      extension(oid(0x55, 29, 37), false, serverUse),
      extension(oid(0x55, 29, 17), false, names),
    ],
  });
  const spki = server.publicKey.export({ type: "spki", format: "der" });
  return {
    ca,
    certificate: leaf,
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }),
    pin: crypto.createHash("sha256").update(spki).digest("base64"),
  };
}
