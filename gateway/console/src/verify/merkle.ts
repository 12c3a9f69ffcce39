/** Merkle trees of RFC 6962, as far as a proof needs them: hashes of leaves and nodes, inclusion, and consistency. */

type Bytes = Uint8Array<ArrayBuffer>;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Return the SHA-256 of some bytes, one after the other. */
export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}

/** Return the hash of an entry as a leaf of its log. */
export async function leafHash(entry: Bytes): Promise<Bytes> {
  return sha256(LEAF, entry);
}

/** Tell whether two byte strings are equal. */
export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/**
 * Return the root of a tree that has a leaf at an index; null where the path has another length.
 *
 * @param size of the tree in leaves.
 * @param path from the leaf to the root.
 */
export async function rootOfInclusion(
  index: number,
  size: number,
  leaf: Bytes,
  path: readonly Bytes[],
): Promise<Bytes | null> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  const last = path.at(-1);
  if (size === 1) return last ? null : leaf;
  if (!last) return null;
  const split = splitOf(size);
  const rest = path.slice(0, -1);
  if (index < split) {
    const left = await rootOfInclusion(index, split, leaf, rest);
    return left && (await sha256(NODE, left, last));
  }
  const right = await rootOfInclusion(index - split, size - split, leaf, rest);
  return right && (await sha256(NODE, last, right));
}

/**
 * Tell whether a tree of `newSize` leaves begins with the tree of `oldSize` leaves (RFC 6962, 2.1.4).
 *
 * @param path the consistency proof.
 */
export async function isConsistent(
  oldSize: number,
  newSize: number,
  oldRoot: Bytes,
  newRoot: Bytes,
  path: readonly Bytes[],
): Promise<boolean> {
  if (oldSize > newSize || oldSize < 1) return false;
  if (oldSize === newSize) return path.length === 0 && equal(oldRoot, newRoot);
  const steps = isPowerOfTwo(oldSize) ? [oldRoot, ...path] : [...path];
  let node = BigInt(oldSize - 1);
  let last = BigInt(newSize - 1);
  while (node & 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  const first = steps.shift();
  if (!first) return false;
  let [oldHash, newHash] = [first, first];
  for (const step of steps) {
    if (last === 0n) return false;
    if (node & 1n || node === last) {
      oldHash = await sha256(NODE, step, oldHash);
      newHash = await sha256(NODE, step, newHash);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      newHash = await sha256(NODE, newHash, step);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(oldHash, oldRoot) && equal(newHash, newRoot);
}

function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function isPowerOfTwo(size: number): boolean {
  return splitOf(size * 2) === size;
}
