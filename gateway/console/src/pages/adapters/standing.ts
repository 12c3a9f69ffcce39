import type { Meaning } from "../../components/StatusBadge";
import type { useAdapterTexts } from "../../texts/adapters";
import type { Slowness } from "./slowness";
import type { Adapter } from "./useAdapters";

type Texts = ReturnType<typeof useAdapterTexts>;

const REASONS = [
  "unreachable",
  "refused",
  "unintelligible",
  "broken",
  "late",
  "limited",
  "uncounted",
  "resting",
] as const;

/** The last failure of a system behind an operation, in words. */
export interface LastFailure {
  operation: string;
  reason: string;
  note: string;
  at: Date;
}

/** Return how an instance stands, in a word and with its meaning; `slow` as `slownessOfInstance` has it. */
export function standingOf(
  adapter: Adapter,
  t: Texts,
  slow: Slowness | null,
): { meaning: Meaning; text: string } {
  if (adapter.state === "drained") return { meaning: "neutral", text: t("drained") };
  if (adapter.state !== "serving") return { meaning: "attention", text: t(adapter.state) };
  if (adapter.instance?.circuit.open || failsNow(adapter)) return { meaning: "failure", text: t("unwell") };
  if (needsAttention(adapter)) return { meaning: "attention", text: t("attention") };
  if (slow) return { meaning: "attention", text: t("slow") };
  return { meaning: "healthy", text: t("serving") };
}

/** Tell whether somebody should look at an instance. */
export function isUnwell(adapter: Adapter): boolean {
  const { state, instance } = adapter;
  return (
    state !== "serving" || Boolean(instance?.circuit.open) || failsNow(adapter) || needsAttention(adapter)
  );
}

function failsNow(adapter: Adapter): boolean {
  return Object.values(adapter.operations).some((operation) => operation.upstream?.up === false);
}

function needsAttention(adapter: Adapter): boolean {
  const watches = Object.values(adapter.events ?? {});
  return (
    watches.some((watch) => watch.state === "failing" || watch.held > 0) ||
    Object.values(adapter.operations).some(
      ({ data, setAside, tasks }) =>
        data?.current === false || (setAside?.count ?? 0) > 0 || Object.keys(tasks ?? {}).length > 0,
    )
  );
}

/** Return the newest failure of the systems behind an instance; null where none failed. */
export function lastFailureOf(adapter: Adapter, t: Texts): LastFailure | null {
  const failures = Object.entries(adapter.operations)
    .flatMap(([operation, { upstream }]) => (upstream?.lastFailure ? [{ operation, upstream }] : []))
    .sort((one, other) => other.upstream.lastFailure - one.upstream.lastFailure);
  const [newest] = failures;
  if (!newest) return null;
  const { lastReason, lastNote, lastFailure } = newest.upstream;
  return {
    operation: newest.operation,
    reason: reasonText(lastReason, t),
    note: lastNote,
    at: new Date(lastFailure * 1000),
  };
}

/** Return why a system did not answer, in words. */
export function reasonText(reason: string, t: Texts): string {
  const known = REASONS.find((one) => one === reason);
  return t(known ? `why_${known}` : "why_other");
}

/** Return the slowest median and 95th percentile of an instance's operations, in milliseconds; null where none was answered. */
export function latencyOf(adapter: Adapter): { p50: number; p95: number } | null {
  const asked = Object.values(adapter.operations).flatMap(({ upstream }) =>
    upstream?.answered && upstream.p95Ms !== undefined ? [upstream] : [],
  );
  if (asked.length === 0) return null;
  return {
    p50: Math.max(...asked.map((one) => one.p50Ms ?? 0)),
    p95: Math.max(...asked.map((one) => one.p95Ms ?? 0)),
  };
}
