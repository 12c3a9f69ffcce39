import { api, dataOf, type Schemas } from "../api/client";
import { isConsistent } from "./merkle";
import {
  type Checkpoint,
  cosignedAt,
  fromBase64,
  hex,
  NotProved,
  openCheckpoint,
  type VerifierKey,
} from "./notes";

/** What the state of a log was found to be. */
export interface VerifiedLog {
  checkpoint: Checkpoint;
  witnesses: { name: string; size: number; at: Date }[];
  unknownWitnesses: string[];
  /** How many entries the log had when this browser verified it last; null where it did not. */
  since: number | null;
}

interface Remembered {
  size: number;
  root: string;
}

/**
 * Check the newest checkpoint of a log, the cosignatures of witnesses, and that the log only grew since what they cosigned and since
 * what this browser verified last. Throws `NotProved` or `ApiError`.
 */
export async function verifyLog(
  log: Schemas["LogList"]["items"][number],
  keys: readonly VerifierKey[],
): Promise<VerifiedLog> {
  const { checkpoint } = await openCheckpoint(log.checkpoint, keys);
  const { items } = await dataOf(
    api.GET("/evidence/logs/{gateway}/seals", { params: { path: { gateway: log.gateway } } }),
  );
  const witnesses: VerifiedLog["witnesses"] = [];
  const unknownWitnesses: string[] = [];
  for (const { by, checkpoint: note } of items as { by: string; checkpoint: string }[]) {
    if (by === "timestamp") continue;
    const sealed = (await openCheckpoint(note, keys)).checkpoint;
    await checkContinues(log.gateway, sealed, checkpoint);
    const witness = keys.find((one) => one.witness && one.name === by);
    if (witness) witnesses.push({ name: by, size: sealed.size, at: await cosignedAt(note, witness) });
    else unknownWitnesses.push(by);
  }
  const before = remembered(checkpoint.origin);
  if (before) await checkContinues(log.gateway, before, checkpoint);
  remember(checkpoint);
  return { checkpoint, witnesses, unknownWitnesses, since: before?.size ?? null };
}

async function checkContinues(
  gateway: string,
  older: Pick<Checkpoint, "size" | "root">,
  newer: Checkpoint,
): Promise<void> {
  if (older.size === 0) return;
  const [first, last] = older.size <= newer.size ? [older, newer] : [newer, older];
  const path =
    first.size === last.size
      ? []
      : (
          await dataOf(
            api.GET("/evidence/logs/{gateway}/consistency", {
              params: { path: { gateway }, query: { from: first.size, to: last.size } },
            }),
          )
        ).path.map(fromBase64);
  if (!(await isConsistent(first.size, last.size, first.root, last.root, path)))
    throw new NotProved("consistency");
}

/** A checkpoint holds nothing of a message, so a browser may remember it: a log that is rewritten later is noticed. */
function remember({ origin, size, root }: Checkpoint): void {
  localStorage.setItem(storedAs(origin), JSON.stringify({ size, root: hex(root) } satisfies Remembered));
}

function remembered(origin: string): Pick<Checkpoint, "size" | "root"> | null {
  const stored = localStorage.getItem(storedAs(origin));
  if (!stored) return null;
  const { size, root } = JSON.parse(stored) as Remembered;
  return { size, root: Uint8Array.from(root.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) };
}

function storedAs(origin: string): string {
  return `lgsp-checkpoint ${origin}`;
}
