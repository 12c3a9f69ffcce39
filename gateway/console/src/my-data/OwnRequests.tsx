import { useCallback, useEffect } from "react";
import { api, dataOf, type Schemas } from "../api/client";
import { useLanguage } from "../texts/createTexts";
import { useMyDataTexts } from "../texts/myData";
import { Failure, hasEnded } from "./Failure";
import { formatDay, formatMoment } from "./formats";
import { useLoaded } from "./useLoaded";

/** The citizen's own requests, each with its deadline or its answer. */
export function OwnRequests({ onEnded }: { onEnded: () => void }) {
  const t = useMyDataTexts();
  const language = useLanguage();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the titles are in the language of the reader
  const load = useCallback(() => dataOf(api.GET("/me/access-requests")), [language]);
  const requests = useLoaded(load);
  useEffect(() => {
    if (hasEnded(requests.error)) onEnded();
  }, [requests.error, onEnded]);
  return (
    <section aria-label={t("requests")} aria-busy={requests.loading}>
      {requests.error && !hasEnded(requests.error) && (
        <Failure error={requests.error} onRetry={requests.reload} />
      )}
      {!requests.data && requests.loading && <p role="status">{t("loading")}</p>}
      {requests.data?.items.length === 0 && requests.data.damaged.length === 0 && (
        <div className="notice">
          <p>{t("noRequests")}</p>
          <p>{t("noRequestsHelp")}</p>
        </div>
      )}
      <ul className="cards">
        {requests.data?.damaged.map((request) => (
          <li key={request.number}>
            <h2>{t("number", { number: request.number })}</h2>
            <p>{request.agencyTitle}</p>
            <p className="state late">✕ {t("damaged")}</p>
            <p className="note">{t("damagedHelp")}</p>
          </li>
        ))}
        {requests.data?.items.map((request) => (
          <RequestCard key={request.number} request={request} />
        ))}
      </ul>
    </section>
  );
}

function RequestCard({ request }: { request: Schemas["AccessRequest"] }) {
  const t = useMyDataTexts();
  const { entry, answer, firstReply } = request;
  return (
    <li>
      <h2>{request.kind === "object" ? t("objected") : t("question")}</h2>
      <p>
        {request.agencyTitle}
        <br />
        {t("number", { number: request.number })}
      </p>
      <DeadlineNote request={request} />
      <p className="note">
        {t("about", {
          time: formatMoment(entry.time),
          what: `${entry.serviceTitle}, ${entry.operationTitle}`,
        })}
      </p>
      <h3>{t("yourWords")}</h3>
      <p className="words">{request.text}</p>
      {firstReply && (
        <>
          <h3>{t("firstReply", { agency: request.agencyTitle })}</h3>
          <p className="note">{formatMoment(firstReply.at)}</p>
          <p className="words">{firstReply.text}</p>
        </>
      )}
      {answer && (
        <>
          <h3>{t("answer", { agency: request.agencyTitle })}</h3>
          <p className="note">{formatMoment(answer.at)}</p>
          <p className="words">{answer.text}</p>
        </>
      )}
    </li>
  );
}

function DeadlineNote({ request }: { request: Schemas["AccessRequest"] }) {
  const t = useMyDataTexts();
  const due = formatDay(request.due);
  if (request.answer) return <p className="state done">✓ {t("answered")}</p>;
  const { daysLeft } = request;
  const first = formatDay(request.firstReplyDue);
  const firstIsLate = request.firstReplyDaysLeft < 0;
  return (
    <>
      {daysLeft < 0 ? (
        <p className="state late">✕ {t("overdue", { due, days: -daysLeft })}</p>
      ) : (
        <p className="state">{t(daysLeft === 0 ? "waitingToday" : "waiting", { due, days: daysLeft })}</p>
      )}
      {request.waitsForFirstReply && (
        <p className={firstIsLate ? "state late" : "note"}>
          {firstIsLate && "✕ "}
          {t(firstIsLate ? "firstReplyLate" : "firstReplyBy", { due: first })}
        </p>
      )}
    </>
  );
}
