import type { Schemas } from "../../api/client";
import { formatNumber } from "../../components/formats";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";

type GrantSpec = Schemas["Grant"]["spec"];
type Quota = Pick<GrantSpec["quota"], "requests" | "per"> & { daily?: number };

const PERIODS = { second: "perSecond", minute: "perMinute", hour: "perHour", day: "perDay" } as const;
const PERSONS = { citizen: "forCitizen", officer: "forOfficer", anyone: "forAnyone" } as const;

/**
 * Return how often and by whom a grant may be used, and what each call has to bring, as names and texts.
 *
 * Whoever approves a grant approves these with it, so none of them may be missing from its page.
 */
export function useConditions(): (spec: GrantSpec) => [string, string][] {
  const t = useAccessTexts();
  const quotaText = useQuotaText();
  return (spec) => {
    const rows: [string, string][] = [[t("quota"), quotaText(spec.quota)]];
    if (spec.officers) {
      const { positions = [], persons = [], quota } = spec.officers;
      const named = [...positions, ...persons].join(", ");
      rows.push([t("forOfficers"), named || t("allOfficers")]);
      if (quota) rows.push([t("quotaEach"), quotaText(quota)]);
    }
    if (spec.onBehalfOf) rows.push([t("onBehalfOf"), t(PERSONS[spec.onBehalfOf as keyof typeof PERSONS])]);
    const asked = [
      spec.referenceRequired && t("needsReference"),
      spec.senderConstrained && t("needsBoundToken"),
    ];
    if (asked.some(Boolean)) rows.push([t("eachCall"), asked.filter(Boolean).join("; ")]);
    if (spec.files) {
      const { mediaTypes = [], maxSize } = spec.files;
      rows.push([
        t("files"),
        [mediaTypes.join(", "), maxSize && t("atMost", { maxSize })].filter(Boolean).join("; "),
      ]);
    }
    return rows;
  };
}

function useQuotaText(): (quota: Quota) => string {
  const t = useAccessTexts();
  const language = useLanguage();
  return ({ requests, per, daily }) => {
    const text = t("quotaText", {
      requests: formatNumber(requests, language),
      per: t(PERIODS[per as keyof typeof PERIODS]),
    });
    return daily ? `${text}; ${t("quotaDaily", { requests: formatNumber(daily, language) })}` : text;
  };
}
