import type { Schemas } from "../../api/client";
import { StatusBadge } from "../../components/StatusBadge";
import { useRequestsTexts } from "../../texts/requests";

/** Days before the deadline at which a request needs attention. */
const SOON = 2;

/** Show how long there is to answer, or that it was answered. */
export function Deadline({
  request,
}: {
  request: Pick<Schemas["CitizenRequestSummary"], "state" | "daysLeft">;
}) {
  const t = useRequestsTexts();
  const { state, daysLeft } = request;
  if (state === "answered") return <StatusBadge meaning="healthy">{t("answered")}</StatusBadge>;
  if (daysLeft < 0) return <StatusBadge meaning="failure">{t("overdue", { count: -daysLeft })}</StatusBadge>;
  const text = daysLeft === 0 ? t("today") : t("daysLeft", { count: daysLeft });
  return <StatusBadge meaning={daysLeft <= SOON ? "attention" : "neutral"}>{text}</StatusBadge>;
}
