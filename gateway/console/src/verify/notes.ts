import { equal, sha256 } from "./merkle";

/** Signed notes, checkpoints, cosignatures and verifier keys of C2SP, checked with the browser's own Ed25519. */

type Bytes = Uint8Array<ArrayBuffer>;

const LOG = 1;
const WITNESS = 4;

/** The public key of a log or a witness, from a line `NAME+ID+BASE64`. */
export interface VerifierKey {
  name: string;
  witness: boolean;
  id: Bytes;
  publicKey: Bytes;
  line: string;
}

/** A log at one moment, as its signed text says. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
  /** The origins that the log had before, as its extension lines cite them. */
  predecessors: string[];
}

/** Evidence that does not prove what it should. */
export class NotProved extends Error {
  readonly reason:
    | "format"
    | "key"
    | "signature"
    | "inclusion"
    | "consistency"
    | "cosignature"
    | "digest"
    | "shown";

  constructor(reason: NotProved["reason"]) {
    super(reason);
    this.name = "NotProved";
    this.reason = reason;
  }
}

/** Tell whether this browser can check Ed25519 signatures; it can on HTTPS or localhost only. */
export async function canVerify(): Promise<boolean> {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

/** Decode base64. Throws `NotProved` where it is none. */
export function fromBase64(text: string): Bytes {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new NotProved("format");
  }
}

/** Return the keys in a file of keys, one a line. Throws `NotProved` where a line is no key, or there is none. */
export async function parseKeys(text: string): Promise<VerifierKey[]> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new NotProved("format");
  return Promise.all(lines.map((line) => parseKey(line.trim())));
}

async function parseKey(line: string): Promise<VerifierKey> {
  const [name = "", id = "", ...rest] = line.split("+");
  const typed = fromBase64(rest.join("+"));
  const expected = (await sha256(utf8(`${name}\n`), typed)).slice(0, 4);
  if (typed.length !== 33 || ![LOG, WITNESS].includes(typed[0] ?? 0) || hex(expected) !== id) {
    throw new NotProved("format");
  }
  return { name, witness: typed[0] === WITNESS, id: expected, publicKey: typed.slice(1), line };
}

/** Return the checkpoint in a note. Its signatures are not looked at. */
export function parseCheckpoint(note: string): Checkpoint {
  const [origin = "", size = "", root = "", ...extensions] = signedText(note).split("\n");
  if (!origin || !/^(0|[1-9][0-9]{0,15})$/.test(size)) throw new NotProved("format");
  const bytes = fromBase64(root);
  if (bytes.length !== 32) throw new NotProved("format");
  const predecessors = extensions
    .filter((line) => line.startsWith("continues "))
    .map((line) => line.split(" ")[1] ?? "");
  return { origin, size: Number(size), root: bytes, predecessors };
}

/**
 * Return the checkpoint in a note that its log has signed, with the key that signed it.
 *
 * A log that was renamed is known by the key of an origin that its checkpoint cites, where the public key is the same.
 *
 * @param keys of logs that the user trusts.
 */
export async function openCheckpoint(
  note: string,
  keys: readonly VerifierKey[],
): Promise<{ checkpoint: Checkpoint; key: VerifierKey }> {
  const checkpoint = parseCheckpoint(note);
  const named = [checkpoint.origin, ...checkpoint.predecessors];
  const gateway = checkpoint.origin.split("/").at(-1);
  const usable = keys.filter(
    (key) => !key.witness && named.includes(key.name) && key.name.split("/").at(-1) === gateway,
  );
  if (usable.length === 0) throw new NotProved("key");
  for (const key of usable) {
    const present = await newestOf(key, note);
    const renamed = await withName(present, checkpoint.origin);
    for (const signature of signaturesOf(note, renamed)) {
      if (await isSignedBy(renamed, signature, utf8(signedText(note)))) return { checkpoint, key };
    }
  }
  throw new NotProved("signature");
}

/** Return the key that signs a log now, as the successions in a checkpoint say: each old key has signed the one that follows it. */
async function newestOf(key: VerifierKey, note: string): Promise<VerifierKey> {
  let present = key;
  const lines = signedText(note).split("\n").slice(3);
  for (const line of lines.filter((one) => one.startsWith("successor "))) {
    const [, old = "", next = "", signature = ""] = line.split(" ");
    if (hex(fromBase64(old)) !== hex(present.publicKey)) continue;
    const text = utf8(`lgsp log key succession\n${old}\n${next}\n`);
    if (await isSignedBy(present, fromBase64(signature), text)) {
      present = { ...present, publicKey: fromBase64(next) };
    }
  }
  return present;
}

/** Return when a witness cosigned a note. Throws `NotProved` where it did not. */
export async function cosignedAt(note: string, witness: VerifierKey): Promise<Date> {
  for (const signature of signaturesOf(note, witness)) {
    if (signature.length !== 72) continue;
    const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    const text = utf8(`cosignature/v1\ntime ${time}\n${signedText(note)}`);
    if (await isSignedBy(witness, signature.slice(8), text)) return new Date(Number(time) * 1000);
  }
  throw new NotProved("cosignature");
}

/** Return the UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

/** Return bytes in hex. */
export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function withName(key: VerifierKey, name: string): Promise<VerifierKey> {
  const typed = new Uint8Array([LOG, ...key.publicKey]);
  return { ...key, name, id: (await sha256(utf8(`${name}\n`), typed)).slice(0, 4) };
}

function signedText(note: string): string {
  const end = note.indexOf("\n\n");
  if (end < 0) throw new NotProved("format");
  return note.slice(0, end + 1);
}

function signaturesOf(note: string, key: VerifierKey): Bytes[] {
  const lines = note.slice(note.indexOf("\n\n") + 2).split("\n");
  const own = lines
    .map((line) => line.split(" "))
    .filter(([dash, name]) => dash === "—" && name === key.name);
  return own
    .map(([, , encoded]) => fromBase64(encoded ?? ""))
    .filter((bytes) => equal(bytes.slice(0, 4), key.id))
    .map((bytes) => bytes.slice(4));
}

async function isSignedBy(key: VerifierKey, signature: Bytes, text: Bytes): Promise<boolean> {
  const publicKey = await crypto.subtle.importKey("raw", key.publicKey, { name: "Ed25519" }, false, [
    "verify",
  ]);
  return crypto.subtle.verify({ name: "Ed25519" }, publicKey, signature, text);
}
