import { formatNumber, formatPercent } from "../../components/formats";
import type { Meaning } from "../../components/StatusBadge";
import type { Language } from "../../texts/createTexts";
import type { Flow, Picture } from "./useFlows";

/** Return a rate: one place after the point where that is not noise. */
export function formatRate(perSecond: number, language: Language): string {
  if (perSecond > 0 && perSecond < 0.01) return `<\u00a0${formatRate(0.01, language)}`;
  return formatNumber(perSecond, language, perSecond >= 10 ? 0 : perSecond >= 1 ? 1 : 2);
}

/** Return a whole number. */
export function formatCount(count: number, language: Language): string {
  return formatNumber(count, language);
}

/** Return a share from 0 to 1 as a percentage. */
export function formatShare(share: number, language: Language): string {
  return formatPercent(share, language, share > 0 && share < 0.1 ? 1 : 0);
}

/** Return a duration given in milliseconds: milliseconds below one second, else seconds. */
export function formatDuration(milliseconds: number, language: Language): string {
  const seconds = milliseconds >= 1000;
  const value = seconds ? milliseconds / 1000 : milliseconds;
  return `${formatNumber(value, language, value < 10 ? 1 : 0)}\u00a0${seconds ? "s" : "ms"}`;
}

/** What the state of a flow means, in the palette of the console. */
export const MEANINGS: Record<Flow["state"], Meaning> = {
  healthy: "healthy",
  slow: "attention",
  refused: "attention",
  failing: "failure",
};

/** Return the title of an agency, a system or a service; its name where it is not registered. */
export function titleOf(
  picture: Picture,
  kind: "agencies" | "systems" | "services",
  name: string,
  language: Language,
): string {
  return picture[kind][name]?.[language] ?? name;
}

/** Return the titles of both ends of a flow, and of what runs between them. */
export function titlesOf(flow: Flow, picture: Picture, language: Language) {
  const ofAgencies = picture.group === "agency";
  const end = (system: string, agency: string) =>
    ofAgencies
      ? titleOf(picture, "agencies", agency, language)
      : titleOf(picture, "systems", system, language);
  return {
    consumer: flow.kind === "event" ? "" : end(flow.consumer, flow.consumerAgency),
    provider: end(flow.provider, flow.providerAgency),
    service: ofAgencies ? "" : titleOf(picture, "services", flow.service, language),
    consumerAgency: titleOf(picture, "agencies", flow.consumerAgency, language),
    providerAgency: titleOf(picture, "agencies", flow.providerAgency, language),
  };
}
