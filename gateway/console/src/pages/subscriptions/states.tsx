import type { Schemas } from "../../api/client";
import { StatusBadge } from "../../components/StatusBadge";
import { useSubscriptionTexts } from "../../texts/subscriptions";

/** Show how a subscription stands, in a word. */
export function SubscriptionState({ subscription }: { subscription: Schemas["Subscription"] }) {
  const t = useSubscriptionTexts();
  if (subscription.state === "ended") return <StatusBadge meaning="failure">{t("ended")}</StatusBadge>;
  if (subscription.state === "paused") return <StatusBadge meaning="neutral">{t("paused")}</StatusBadge>;
  if (subscription.blocked) return <StatusBadge meaning="failure">{t("blocked")}</StatusBadge>;
  if (subscription.waiting) return <StatusBadge meaning="attention">{t("waiting")}</StatusBadge>;
  return <StatusBadge meaning="healthy">{t("active")}</StatusBadge>;
}

/** Show how an endpoint stands, in a word. */
export function EndpointState({ endpoint }: { endpoint: Schemas["Endpoint"] }) {
  const t = useSubscriptionTexts();
  if (endpoint.state === "paused") return <StatusBadge meaning="neutral">{t("paused")}</StatusBadge>;
  if (endpoint.failing) return <StatusBadge meaning="failure">{t("endpointFailing")}</StatusBadge>;
  return <StatusBadge meaning="healthy">{t("endpointActive")}</StatusBadge>;
}
