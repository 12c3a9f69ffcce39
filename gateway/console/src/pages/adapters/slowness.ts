import type { Adapter } from "./useAdapters";

/** A 95th percentile above this is slow, as in the picture of the flows (`docs/console/README.md`). */
const SLOW_MS = 1000;
/** An instance is slow beside the others of its service from this many times their median on… */
const TIMES_SLOWER = 3;
/** …and above this, below which nobody waits. */
const NOTICED_MS = 100;

/** How slow an operation of an instance is: above a second, or beside the other instances that answer it. */
export type Slowness = { kind: "slow" } | { kind: "slower"; usual: number };

/** Return how slow an operation is; null where it is as fast as it should be, or was not asked yet. */
export function slownessOf(adapter: Adapter, operation: string, all: readonly Adapter[]): Slowness | null {
  const p95 = p95Of(adapter, operation);
  if (p95 === null) return null;
  const others = all.flatMap((one) => {
    const others = one !== adapter && one.service === adapter.service && one.system === adapter.system;
    const its = others ? p95Of(one, operation) : null;
    return its === null ? [] : [its];
  });
  const usual = median(others);
  if (usual !== null && p95 >= NOTICED_MS && p95 >= TIMES_SLOWER * usual) return { kind: "slower", usual };
  return p95 > SLOW_MS ? { kind: "slow" } : null;
}

/** Return how slow an instance is: as slow as its slowest operation that is. */
export function slownessOfInstance(adapter: Adapter, all: readonly Adapter[]): Slowness | null {
  const slow = Object.keys(adapter.operations).flatMap((name) => slownessOf(adapter, name, all) ?? []);
  return slow.find((one) => one.kind === "slower") ?? slow[0] ?? null;
}

function p95Of(adapter: Adapter, operation: string): number | null {
  const upstream = adapter.operations[operation]?.upstream;
  return upstream?.answered ? (upstream.p95Ms ?? null) : null;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
