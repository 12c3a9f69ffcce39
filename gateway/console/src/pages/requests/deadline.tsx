import type { Schemas } from "../../api/client";
import { StatusBadge } from "../../components/StatusBadge";
import { formatDay } from "../../components/Timestamp";
import { useRequestsTexts } from "../../texts/requests";

/** Show until when the citizen must have heard something, while they have heard nothing. */
export function FirstReply({
  request,
}: {
  request: Pick<
    Schemas["CitizenRequestSummary"],
    "waitsForFirstReply" | "firstReplyDaysLeft" | "firstReplyDue"
  >;
}) {
  const t = useRequestsTexts();
  if (!request.waitsForFirstReply) return null;
  const due = formatDay(request.firstReplyDue);
  if (request.firstReplyDaysLeft < 0)
    return <StatusBadge meaning="failure">{t("firstReplyOverdue", { due })}</StatusBadge>;
  const meaning = request.firstReplyDaysLeft <= 1 ? "attention" : "neutral";
  return <StatusBadge meaning={meaning}>{t("firstReplyBy", { due })}</StatusBadge>;
}

/** Days before the deadline at which a request needs attention. */
const SOON = 2;

/** Show how long there is to answer, or that it was answered. */
export function Deadline({
  request,
}: {
  request: Pick<Schemas["CitizenRequestSummary"], "state" | "daysLeft" | "due">;
}) {
  const t = useRequestsTexts();
  const { state, daysLeft } = request;
  if (state === "answered") return <StatusBadge meaning="healthy">{t("answered")}</StatusBadge>;
  const due = formatDay(request.due);
  if (daysLeft < 0)
    return <StatusBadge meaning="failure">{t("overdue", { count: -daysLeft, due })}</StatusBadge>;
  const text = daysLeft === 0 ? t("today", { due }) : t("daysLeft", { count: daysLeft, due });
  return <StatusBadge meaning={daysLeft <= SOON ? "attention" : "neutral"}>{text}</StatusBadge>;
}
