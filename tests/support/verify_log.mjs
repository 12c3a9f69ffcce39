// Checks an export of a log, or a proof, with nothing but Node's own crypto: written from RFC 6962 and C2SP alone.
//   node verify_log.mjs log ENTRIES.jsonl CHECKPOINTS.json VKEY      node verify_log.mjs proof PROOF.json VKEY
//   node verify_log.mjs sealed PROOF.json VKEY WITNESS-VKEY          the proof, and a witness's seal beside it
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leaf = (entry) => sha(Buffer.from([0]), entry);
const node = (left, right) => sha(Buffer.from([1]), left, right);

function root(leaves) {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return node(root(leaves.slice(0, split)), root(leaves.slice(split)));
}

function opened(note, vkey, kind = 1) {
  const [name, hash, encoded] = [vkey.split("+")[0], vkey.split("+")[1], vkey.split("+").slice(2).join("+")];
  const typed = Buffer.from(encoded, "base64");
  const id = sha(Buffer.from(name + "\n"), typed).subarray(0, 4);
  if (id.toString("hex") !== hash || typed[0] !== kind) throw new Error("not a verifier key");
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), typed.subarray(1)]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const end = note.indexOf("\n\n") + 1;
  const signed = note.slice(end + 1).split("\n").some((line) => {
    const [dash, by, signature] = line.split(" ");
    const bytes = Buffer.from(signature ?? "", "base64");
    const dated = kind === 4 ? `cosignature/v1\ntime ${bytes.length > 12 ? bytes.readBigUInt64BE(4) : 0}\n` : "";
    return dash === "—" && by === name && bytes.subarray(0, 4).equals(id)
      && verify(null, Buffer.from(dated + note.slice(0, end)), key, bytes.subarray(kind === 4 ? 12 : 4));
  });
  const [origin, size, hashed] = note.split("\n");
  if (!signed || (kind === 1 && origin !== name)) throw new Error("not signed by this key");
  return { size: Number(size), root: Buffer.from(hashed, "base64") };
}

function climbed(index, size, from, path) {
  if (size === 1) return path.length === 0 ? from : null;
  if (path.length === 0) return null;
  let split = 1;
  while (split * 2 < size) split *= 2;
  const [last, rest] = [path[path.length - 1], path.slice(0, -1)];
  const below = index < split ? climbed(index, split, from, rest) : climbed(index - split, size - split, from, rest);
  if (below === null) return null;
  return index < split ? node(below, last) : node(last, below);
}

const [what, file, ...more] = process.argv.slice(2);
if (what === "log") {
  const lines = readFileSync(file).toString("latin1").split("\n").slice(0, -1).map((line) => Buffer.from(line, "latin1"));
  const leaves = lines.map(leaf);
  const checkpoints = JSON.parse(readFileSync(more[0])).items.map((note) => opened(note, more[1]));
  for (const one of checkpoints)
    if (one.size > leaves.length || !root(leaves.slice(0, one.size)).equals(one.root)) throw new Error(`broken at ${one.size}`);
  if (checkpoints.at(-1).size !== leaves.length) throw new Error("the last checkpoint does not cover the log");
  console.log(`whole: ${leaves.length} entries`);
} else {
  const proof = JSON.parse(readFileSync(file));
  const signed = opened(proof.checkpoint, more[0]);
  const path = proof.path.map((step) => Buffer.from(step, "base64"));
  const found = climbed(proof.index, signed.size, leaf(Buffer.from(proof.entry)), path);
  if (found === null || !found.equals(signed.root)) throw new Error("the entry is not in the tree");
  console.log(`proved: ${JSON.parse(proof.entry).message}`);
  if (what === "sealed") {
    const by = more[1].split("+")[0];
    const seal = proof.seals.find((one) => one.by === by);
    const sealed = opened(seal.checkpoint, more[0]);
    opened(seal.checkpoint, more[1], 4);
    const steps = seal.path.map((step) => Buffer.from(step, "base64"));
    const top = climbed(proof.index, sealed.size, leaf(Buffer.from(proof.entry)), steps);
    if (top === null || !top.equals(sealed.root)) throw new Error("the entry is not in the tree that was sealed");
    console.log(`sealed: ${by}`);
  }
}
