import { useSubscriptionTexts } from "../../texts/subscriptions";

const KNOWN = ["delivered", "gone", "url-not-allowed", "unreachable", "timeout", "tls"] as const;

/** Return what became of a request in words; an outcome that the console does not know keeps its code. */
export function useOutcomeText(): (outcome: string) => string {
  const t = useSubscriptionTexts();
  return (outcome) => {
    const known = KNOWN.find((one) => one === outcome);
    return known ? t(`outcome_${known}`) : outcome;
  };
}
