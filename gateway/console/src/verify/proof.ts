import { isObject } from "../contracts/isObject";
import { equal, leafHash, rootOfInclusion, sha256 } from "./merkle";
import {
  type Checkpoint,
  cosignedAt,
  fromBase64,
  hex,
  NotProved,
  openCheckpoint,
  utf8,
  type VerifierKey,
} from "./notes";

/** What a proof (`lgsp-evidence-proof/1`) was found to prove. */
export interface Proved {
  entry: Record<string, unknown>;
  index: number;
  checkpoint: Checkpoint;
  key: VerifierKey;
  /** The witnesses that cosigned a checkpoint with the entry, and when. */
  witnesses: { name: string; size: number; at: Date }[];
  /** The names of those who cosigned, whose keys the user has not given. */
  unknownWitnesses: string[];
}

/** Members of a shown entry that an entry of the log may lack: the explanation, and what the search index makes of its others. */
const DERIVED = new Set(["explanation", "kind", "state", "requestSize", "answerSize", "totalMs"]);

interface Proof {
  format: string;
  index: number;
  entry: string;
  path: string[];
  checkpoint: string;
  seals: { by: string; checkpoint: string; path: string[] }[];
}

/**
 * Check that the entry of a message is in its log, and who vouches for the log. Throws `NotProved`.
 *
 * @param document as the bus sent it.
 * @param message the id of the message that it must be about.
 * @param keys of logs and witnesses that the user trusts.
 */
export async function verifyProof(
  document: unknown,
  message: string,
  keys: readonly VerifierKey[],
): Promise<Proved> {
  if (!isProof(document)) throw new NotProved("format");
  const { checkpoint, key } = await openCheckpoint(document.checkpoint, keys);
  await checkInclusion(document, checkpoint, document.path);
  const entry: unknown = JSON.parse(document.entry);
  if (!isObject(entry) || entry.message !== message) throw new NotProved("format");
  const witnesses: Proved["witnesses"] = [];
  const unknownWitnesses: string[] = [];
  for (const seal of document.seals.filter((one) => one.by !== "timestamp")) {
    const opened = await openCheckpoint(seal.checkpoint, keys);
    await checkInclusion(document, opened.checkpoint, seal.path);
    const witness = keys.find((one) => one.witness && one.name === seal.by);
    if (witness) {
      const at = await cosignedAt(seal.checkpoint, witness);
      witnesses.push({ name: seal.by, size: opened.checkpoint.size, at });
    } else {
      unknownWitnesses.push(seal.by);
    }
  }
  return { entry, index: document.index, checkpoint, key, witnesses, unknownWitnesses };
}

/**
 * Check that what a page shows of a message is what its proven entry says. Throws `NotProved`.
 *
 * @param proven the entry of a proof that holds.
 * @param shown the entries that the page shows, of which one must be the proven one.
 */
export function verifyShown(proven: Record<string, unknown>, shown: readonly object[]): void {
  if (!shown.some((entry) => isSameEntry(proven, entry))) throw new NotProved("shown");
}

function isSameEntry(proven: Record<string, unknown>, shown: object): boolean {
  return Object.entries(shown).every(([name, value]) =>
    name in proven ? isSameValue(proven[name], value) : !value || DERIVED.has(name),
  );
}

/** An archived entry is shown with its durations rounded, as the search index has them. */
function isSameValue(proven: unknown, shown: unknown): boolean {
  if (typeof proven === "number" && typeof shown === "number") {
    return Math.abs(proven - shown) <= Math.max(0.01, proven * 1e-6);
  }
  return JSON.stringify(proven) === JSON.stringify(shown);
}

/**
 * Check that a file is the request or the answer of an entry. Throws `NotProved`.
 *
 * @param salt the value of `Lgsp-Digest-Salt`, in hex.
 */
export async function verifyContent(
  entry: Record<string, unknown>,
  document: "request" | "answer",
  content: Uint8Array<ArrayBuffer>,
  salt: string,
): Promise<void> {
  if (!/^[0-9a-fA-F]{32}$/.test(salt)) throw new NotProved("format");
  const bytes = Uint8Array.from(salt.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (hex(await sha256(bytes, content)) !== entry[`${document}Digest`]) throw new NotProved("digest");
}

async function checkInclusion(proof: Proof, checkpoint: Checkpoint, path: string[]): Promise<void> {
  const steps = path.map(fromBase64);
  if (steps.some((step) => step.length !== 32)) throw new NotProved("format");
  const leaf = await leafHash(utf8(proof.entry));
  const root = await rootOfInclusion(proof.index, checkpoint.size, leaf, steps);
  if (!root || !equal(root, checkpoint.root)) throw new NotProved("inclusion");
}

function isProof(document: unknown): document is Proof {
  return (
    isObject(document) &&
    document.format === "lgsp-evidence-proof/1" &&
    typeof document.index === "number" &&
    typeof document.entry === "string" &&
    typeof document.checkpoint === "string" &&
    isTexts(document.path) &&
    Array.isArray(document.seals) &&
    document.seals.every(
      (seal) =>
        isObject(seal) &&
        typeof seal.by === "string" &&
        typeof seal.checkpoint === "string" &&
        isTexts(seal.path),
    )
  );
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
