import { useHasRole, useSession } from "../../app/session";
import { beginningOf, type Filters } from "./filters";
import type { Flow, Picture } from "./useFlows";

/** Return the agency whose messages alone the user sees; null for who sees all. */
export function useOwnAgency(): string | null {
  const session = useSession();
  const seesAll = useHasRole("operator", "auditor");
  return seesAll ? null : (session?.agency ?? "");
}

/**
 * Return where a flow leads: to its messages; for agencies, to the flows of their systems.
 *
 * @param own the agency whose messages alone the user sees: what others asked of it is found from the provider's side.
 */
export function linkOf(flow: Flow, picture: Picture, own: string | null): string {
  if (picture.group === "agency") {
    const agency = flow.kind === "event" ? flow.providerAgency : flow.consumerAgency || flow.providerAgency;
    return `/console/flows?${new URLSearchParams({ group: "service", window: picture.window, ...(agency ? { agency } : {}) })}`;
  }
  return messagesOf(
    {
      consumer: flow.consumer,
      service: flow.service,
      kind: flow.kind,
      since: sinceOf(picture),
      side: own !== null && flow.consumer && flow.consumerAgency !== own ? "provider" : "",
    },
    flow.state,
  );
}

/** Return where a cell of the heat map leads: to the messages of a service in one span of time. */
export function linkOfSpan(
  service: string,
  began: number,
  span: number,
  picture: Picture,
  own: string | null,
): string {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  const provides = picture.items.some((flow) => flow.service === service && flow.providerAgency === own);
  const side = provides ? "provider" : "";
  return messagesOf({ service, since: time(began), until: time(began + span), side }, "healthy");
}

function sinceOf(picture: Picture): string {
  return beginningOf(picture.window as Filters["window"], picture.time);
}

/** Messages that are well are of no interest where a flow is not. */
function messagesOf(query: Record<string, string>, state: Flow["state"]): string {
  const present = Object.fromEntries(Object.entries(query).filter(([, value]) => value));
  const unwell: Record<string, string> =
    state === "slow" ? { minDuration: "1000" } : state === "healthy" ? {} : { failed: "true" };
  return `/console/messages?${new URLSearchParams({ ...present, ...unwell })}`;
}
