import type { paths } from "../../api/schema";

/** The search of messages as its address holds it, and as the API takes it. */
export type SearchQuery = NonNullable<paths["/evidence/messages"]["get"]["parameters"]["query"]>;

/** The fields of the form whose values the API takes as they are. */
export const TEXT_FIELDS = [
  "service",
  "operation",
  "event",
  "consumer",
  "provider",
  "agency",
  "outcome",
  "grant",
  "purpose",
  "to",
  "trace",
  "message",
] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

export const KINDS = ["call", "accepted", "delivery", "event", "file"] as const;

/** The periods that can be chosen, in seconds; `all` and `custom` have none. */
export const PERIODS = { "15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
const DEFAULT_PERIOD = "24h";

/** Return the period that an address names: the times in it, all for an id, the last day where it names none. */
export function periodOf(address: URLSearchParams): string {
  const named = address.get("period");
  if (named && (named in PERIODS || named === "all" || named === "custom")) return named;
  if (address.get("since") || address.get("until")) return "custom";
  return address.get("trace") || address.get("message") ? "all" : DEFAULT_PERIOD;
}

/** Return what to ask the API for. A period that moves with the clock is counted from now. */
export function queryOf(address: URLSearchParams, now = Date.now()): SearchQuery {
  const query: SearchQuery = { limit: 50 };
  for (const field of TEXT_FIELDS) {
    const value = address.get(field)?.trim();
    if (value) query[field] = field === "trace" || field === "message" ? value.toLowerCase() : value;
  }
  const kind = KINDS.find((one) => one === address.get("kind"));
  if (kind) query.kind = kind;
  const side = address.get("side");
  if (side === "provider") query.side = side;
  if (address.get("failed") === "true") query.failed = true;
  const slowest = Number(address.get("minDuration"));
  if (slowest > 0) query.minDuration = slowest;
  const cursor = address.get("cursor");
  if (cursor) query.cursor = cursor;
  const period = periodOf(address);
  const [since, until] = [address.get("since"), address.get("until")];
  if (period in PERIODS) {
    query.since = new Date(now - PERIODS[period as keyof typeof PERIODS] * 1000).toISOString();
  } else if (period === "custom") {
    if (since) query.since = since;
    if (until) query.until = until;
  }
  return query;
}

/** Return how many filters an address sets that the first row of the form does not show. */
export function hiddenFilters(address: URLSearchParams): number {
  const hidden = [
    "operation",
    "event",
    "provider",
    "agency",
    "grant",
    "purpose",
    "to",
    "kind",
    "minDuration",
    "trace",
    "message",
  ];
  return hidden.filter((name) => address.get(name)).length;
}
