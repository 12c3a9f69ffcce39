// An adapter in Node: nothing but a NATS client, the system's key, and wire protocol 1 (docs/protocol/wire-1.md).
//
//   npm install
//   node adapter.mjs --gateway http://127.0.0.1:8080 --nats nats://127.0.0.1:4222 \
//     --system provider --key provider.pem --service desk --major 1
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { connect, tokenAuthenticator } from "nats";

const { values: told } = parseArgs({
  options: Object.fromEntries(
    ["gateway", "nats", "system", "key", "service", "major"].map((name) => [name, { type: "string" }]),
  ),
});
const WIRE = 1;

// What this adapter answers: an async function per operation.
const operations = {
  async read(request) {
    const row = await lookup(request.soDinhDanh);
    if (!row) throw new Declared("person-not-found");
    return { ketQua: row };
  },
};

const records = new Map([["022093001234", "KHOP"]]);
const lookup = async (number) => records.get(number);

class Declared extends Error {} // an error that the contract declares

// The access token of the system: OAuth 2 client credentials with private_key_jwt (RFC 7523).
async function accessToken() {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: told.system, sub: told.system, aud: told.gateway, iat: now, exp: now + 60, jti: randomUUID() };
  const unsigned = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
  const key = createPrivateKey(readFileSync(told.key));
  const signature = sign("sha256", Buffer.from(unsigned), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  const answer = await fetch(`${told.gateway}/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: `${unsigned}.${signature}`,
    }),
  });
  const said = await answer.json();
  if (!said.access_token) throw new Error(said.error_description ?? said.error);
  return said;
}

// Request: a line of JSON, a line feed, the document. Reply: the same.
async function answer(operation, data) {
  const text = Buffer.from(data).toString("utf8");
  const end = text.indexOf("\n");
  const context = JSON.parse(text.slice(0, end));
  if (context.wire !== WIRE) return { line: { status: "failed", why: "broken" } };
  if (context.deadline <= Date.now()) return { line: { status: "late" } };
  try {
    return { line: { status: "answered" }, document: await operation(JSON.parse(text.slice(end + 1)), context) };
  } catch (error) {
    if (error instanceof Declared) return { line: { status: "error", code: error.message } };
    console.error(`${context.message}: ${error.name}`); // its text may quote the document
    return { line: { status: "failed", why: "broken" } };
  }
}

const written = ({ line, document }) => `${JSON.stringify(line)}\n${document ? JSON.stringify(document) : ""}`;

// On the bus under one token; what was begun is finished before the connection is left.
async function serve() {
  const token = await accessToken();
  const connection = await connect({ servers: told.nats, authenticator: tokenAuthenticator(token.access_token) });
  const service = await connection.services.add({
    name: told.service,
    version: "1.0.0",
    metadata: { system: told.system, wire: String(WIRE) },
  });
  for (const [name, operation] of Object.entries(operations)) {
    service.addEndpoint(name, {
      subject: `svc.${told.service}.v${told.major}.${name}`,
      queue: told.service,
      handler: async (error, message) => {
        if (!error) message.respond(written(await answer(operation, message.data)));
      },
    });
  }
  await connection.flush();
  return { connection, seconds: token.expires_in };
}

let serving = await serve();
console.log("READY");
const renew = async () => {
  const before = serving;
  serving = await serve(); // the new connection is there before the old one goes
  await before.connection.drain();
  setTimeout(renew, serving.seconds * 800);
};
setTimeout(renew, serving.seconds * 800);
process.on("SIGTERM", async () => {
  await serving.connection.drain();
  process.exit(0);
});
