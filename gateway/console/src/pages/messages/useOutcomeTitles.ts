import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../../api/client";
import type { Meaning } from "../../components/StatusBadge";
import { useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";

const DONE = [
  "answered",
  "replayed",
  "settled",
  "accepted",
  "repeated",
  "delivered",
  "done",
  "cancelled",
  "retried",
  "given-up",
  "payload-read",
] as const;

/** Return what the problem codes of the bus are called in the language of the user; a code that a contract declares is shown as it is. */
export function useOutcomeTitles(): ReadonlyMap<string, string> {
  const t = useMessageTexts();
  const language = useLanguage();
  const { data } = useQuery({
    queryKey: ["problems", language],
    queryFn: async () => {
      const listed = await dataOf(api.GET("/problems", { headers: { Accept: "application/json" } }));
      return typeof listed === "string" ? [] : listed.items;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  return new Map([
    ...DONE.map((outcome) => [outcome, t(`outcome-${outcome}`)] as const),
    ...(data ?? []).map(({ code, title }) => [code, title] as const),
  ]);
}

const ACCEPTED = 202;

/** Return what an HTTP status means for whoever looks. */
export function meaningOf(status: number): Meaning {
  if (status >= 500) return "failure";
  if (status >= 300) return "attention";
  return status === ACCEPTED ? "neutral" : "healthy";
}
