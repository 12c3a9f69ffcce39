import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { dayFromNow } from "../../components/dayFromNow";
import { formSystemName } from "../../components/useTitles";

type GrantSpec = Schemas["GrantSpec"];

/** By the name of each operation that is asked for, the fields of its answer. */
export type Fields = Readonly<Record<string, readonly string[]>>;

export const PERIODS = { second: "perSecond", minute: "perMinute", hour: "perHour", day: "perDay" } as const;
export type Period = keyof typeof PERIODS;

/** Stands for all fields of an answer, as grants write it. */
export const EVERYTHING = "*";

/** So many grants of one holder on one service get names by themselves. */
const MOST_NAMES = 20;
const MAX_NAME = 63;

/** Who is to hold a grant: a system, or the officers of an agency, who use forms. */
export interface Holder {
  kind: "system" | "officers";
  /** The name of the system. */
  system: string;
  /** The agency of the officers. */
  agency: string;
  /** The positions of the officers; none for all officers of the agency. */
  positions: readonly string[];
  /** How often each officer may ask. */
  requests: number | "";
  per: Period;
}

/** What a request for a grant asks for. */
export interface GrantRequest {
  holder: Holder;
  /** Name and major version, as in `population/1`. */
  service: string;
  operations: Fields;
  /** Events that it may subscribe to, by name. */
  events: Fields;
  reason: string;
  purposes: readonly string[];
  legalBasis: string;
  requests: number | "";
  per: Period;
  referenceRequired: boolean;
  validFrom: string;
  validUntil: string;
}

/** Return a request that asks for nothing yet. */
export function emptyRequest(holder: Partial<Holder>, service: string): GrantRequest {
  return {
    holder: { kind: "system", system: "", agency: "", positions: [], requests: 30, per: "hour", ...holder },
    service,
    operations: {},
    events: {},
    reason: "",
    purposes: [],
    legalBasis: "",
    requests: 600,
    per: "minute",
    referenceRequired: true,
    validFrom: dayFromNow(0),
    validUntil: dayFromNow(365),
  };
}

/** Return the system that is to hold the grant. */
export function consumerOf(holder: Holder): string {
  if (holder.kind === "system") return holder.system;
  return holder.agency && formSystemName(holder.agency);
}

/** What is missing in a request, by the JSON pointer of the document: each a key of the texts of the page. */
export type Missing = ReadonlyMap<string, MissingText>;
export type MissingText =
  | "missingSystem"
  | "missingAgency"
  | "missingService"
  | "missingOperations"
  | "missingFields"
  | "missingPurposes"
  | "missingLegalBasis"
  | "missingQuota"
  | "missingDay"
  | "untilBeforeFrom";

/** Find what nobody has to ask the bus about: what is not filled in. Whatever else is wrong the bus says, at the field. */
export function missingIn(request: GrantRequest): Missing {
  const { holder } = request;
  const found = new Map<string, MissingText>();
  if (!consumerOf(holder))
    found.set("/spec/consumer", holder.kind === "system" ? "missingSystem" : "missingAgency");
  if (holder.kind === "officers" && !holder.requests) found.set("/spec/officers/quota", "missingQuota");
  if (!request.service) found.set("/spec/service", "missingService");
  else if ([...Object.keys(request.operations), ...Object.keys(request.events)].length === 0)
    found.set("/spec/operations", "missingOperations");
  for (const kind of ["operations", "events"] as const)
    for (const [name, fields] of Object.entries(request[kind]))
      if (fields.length === 0) found.set(`/spec/${kind}/${name}`, "missingFields");
  if (request.purposes.length === 0) found.set("/spec/purposes", "missingPurposes");
  if (!request.legalBasis.trim()) found.set("/spec/legalBasis", "missingLegalBasis");
  if (!request.requests) found.set("/spec/quota", "missingQuota");
  if (!request.validFrom) found.set("/spec/validFrom", "missingDay");
  if (!request.validUntil) found.set("/spec/validUntil", "missingDay");
  else if (request.validUntil < request.validFrom) found.set("/spec/validUntil", "untilBeforeFrom");
  return found;
}

/** Send a request, and return the grant that waits for its approvals. */
export async function sendRequest(request: GrantRequest): Promise<Schemas["Grant"]> {
  const spec = specOf(request);
  for (let number = 1; ; number += 1) {
    const metadata = { name: nameOf(spec.consumer, spec.service, number) };
    try {
      return await dataOf(
        api.POST("/registry/grants", {
          params: { query: request.reason ? { reason: request.reason } : {} },
          body: { apiVersion: "lgsp/v1", kind: "Grant", metadata, spec },
        }),
      );
    } catch (error) {
      const taken = error instanceof ApiError && error.code === "already-exists";
      if (!taken || number === MOST_NAMES) throw error;
    }
  }
}

function nameOf(consumer: string, service: string, number: number): string {
  const suffix = number === 1 ? "" : `-${number}`;
  return `${consumer}-${service}`.slice(0, MAX_NAME - suffix.length).replace(/-+$/, "") + suffix;
}

function specOf(request: GrantRequest): GrantSpec {
  const [service = "", major = "1"] = request.service.split("/");
  const { holder } = request;
  const quota = (requests: number | "", per: Period) => ({ requests: Number(requests), per });
  const forOfficers = holder.kind === "officers";
  return {
    consumer: consumerOf(holder),
    service,
    major: Number(major),
    ...(hasAny(request.operations) && { operations: shownIn(request.operations) }),
    ...(!forOfficers && hasAny(request.events) && { events: shownIn(request.events) }),
    purposes: [...request.purposes],
    legalBasis: request.legalBasis.trim(),
    quota: quota(request.requests, request.per),
    senderConstrained: false,
    referenceRequired: forOfficers && request.referenceRequired,
    validFrom: request.validFrom,
    validUntil: request.validUntil,
    ...(forOfficers && {
      officers: {
        ...(holder.positions.length > 0 && { positions: [...holder.positions] }),
        quota: quota(holder.requests, holder.per),
      },
    }),
  };
}

function hasAny(fields: Fields): boolean {
  return Object.keys(fields).length > 0;
}

function shownIn(chosen: Fields): Record<string, { fields: string[] }> {
  return Object.fromEntries(
    Object.entries(chosen).map(([name, fields]) => [
      name,
      { fields: fields.includes(EVERYTHING) ? [EVERYTHING] : [...fields] },
    ]),
  );
}
