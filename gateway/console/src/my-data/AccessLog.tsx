import { useCallback, useEffect, useRef, useState } from "react";
import { api, dataOf, type Schemas } from "../api/client";
import { useLanguage } from "../texts/createTexts";
import { useMyDataTexts } from "../texts/myData";
import { Failure, hasEnded } from "./Failure";
import { dayAfter, formatMoment } from "./formats";
import type { Entry } from "./MyData";
import { useLoaded } from "./useLoaded";

interface Filter {
  agency: string;
  from: string;
  to: string;
}

/** The log: who looked at what, when, why, and on what legal basis. */
export function AccessLog({ onChoose, onEnded }: { onChoose: (entry: Entry) => void; onEnded: () => void }) {
  const t = useMyDataTexts();
  const language = useLanguage();
  const [filter, setFilter] = useFilter();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the titles are in the language of the reader
  const load = useCallback(() => readLog(filter, ""), [filter, language]);
  const log = useLoaded(load);
  const [moreError, setMoreError] = useState<Error | null>(null);
  const error = log.error ?? moreError;
  const agencies = useAgencies(log.data?.items ?? []);

  useEffect(() => {
    if (hasEnded(error)) onEnded();
  }, [error, onEnded]);

  const showMore = async (before: Schemas["AccessLog"]) => {
    try {
      const next = await readLog(filter, before.cursor);
      log.replace({ ...next, own: before.own, items: [...before.items, ...next.items] });
      setMoreError(null);
    } catch (reason) {
      setMoreError(reason instanceof Error ? reason : new Error(String(reason)));
    }
  };

  const filtered = Boolean(filter.agency || filter.from || filter.to);
  const looks = (log.data?.own ?? []).reduce((sum, day) => sum + day.looks, 0);
  return (
    <section aria-label={t("log")} aria-busy={log.loading}>
      <FilterForm filter={filter} agencies={agencies} onChange={setFilter} />
      {error && !hasEnded(error) && <Failure error={error} onRetry={log.reload} />}
      {!log.data && log.loading && <p role="status">{t("loading")}</p>}
      {log.data && log.data.items.length === 0 && (
        <p className="notice">{filtered ? t("nobodyFiltered") : t("nobody")}</p>
      )}
      <ul className="cards">
        {log.data?.items.map((entry) => (
          <EntryCard key={`${entry.message} ${entry.agency}`} entry={entry} onChoose={onChoose} />
        ))}
      </ul>
      {log.data?.cursor && (
        <button type="button" onClick={() => log.data && void showMore(log.data)}>
          {t("more")}
        </button>
      )}
      {looks > 0 && <p className="note">{t("ownReads", { count: looks })}</p>}
    </section>
  );
}

function EntryCard({ entry, onChoose }: { entry: Entry; onChoose: (entry: Entry) => void }) {
  const t = useMyDataTexts();
  const dossier = entry.reference && t("dossier", { reference: entry.reference });
  return (
    <li>
      <h2>{entry.agencyTitle}</h2>
      <p>
        <time dateTime={entry.time}>{formatMoment(entry.time)}</time>
      </p>
      <dl>
        <dt>{entry.event ? t("told") : t("asked")}</dt>
        <dd>
          {entry.serviceTitle}: {entry.operationTitle}
        </dd>
        <dt>{t("reason")}</dt>
        <dd>{[entry.purposeTitle || t("noReason"), dossier].filter(Boolean).join(", ")}</dd>
        <dt>{t("basis")}</dt>
        <dd>{entry.legalBasis || t("noReason")}</dd>
        <dt>{t("outcome")}</dt>
        <dd>{entry.received ? t("received") : t("notReceived")}</dd>
      </dl>
      <button type="button" onClick={() => onChoose(entry)}>
        {t("objectOrAsk")}
      </button>
    </li>
  );
}

function FilterForm({
  filter,
  agencies,
  onChange,
}: {
  filter: Filter;
  agencies: ReadonlyMap<string, string>;
  onChange: (filter: Filter) => void;
}) {
  const t = useMyDataTexts();
  const day = (name: "from" | "to") => (
    <label>
      {t(name)}
      <input
        type="date"
        value={filter[name]}
        onChange={(event) => onChange({ ...filter, [name]: event.target.value })}
      />
    </label>
  );
  return (
    <details open={Boolean(filter.agency || filter.from || filter.to)}>
      <summary>{t("filter")}</summary>
      <div className="filter">
        <label>
          {t("agency")}
          <select
            value={filter.agency}
            onChange={(event) => onChange({ ...filter, agency: event.target.value })}
          >
            <option value="">{t("allAgencies")}</option>
            {[...agencies].map(([agency, title]) => (
              <option key={agency} value={agency}>
                {title}
              </option>
            ))}
            {filter.agency && !agencies.has(filter.agency) && (
              <option value={filter.agency}>{filter.agency}</option>
            )}
          </select>
        </label>
        {day("from")}
        {day("to")}
        <button type="button" className="quiet" onClick={() => onChange({ agency: "", from: "", to: "" })}>
          {t("clear")}
        </button>
      </div>
    </details>
  );
}

/** Return the titles of all agencies that were shown, by their codes. */
function useAgencies(items: readonly Entry[]): ReadonlyMap<string, string> {
  const known = useRef(new Map<string, string>());
  for (const entry of items) known.current.set(entry.agency, entry.agencyTitle);
  return known.current;
}

/** The filter stands in the address, so that reload and back keep it. */
function useFilter(): [Filter, (filter: Filter) => void] {
  const [filter, setFilter] = useState(() => {
    const query = new URLSearchParams(location.search);
    return { agency: query.get("agency") ?? "", from: query.get("from") ?? "", to: query.get("to") ?? "" };
  });
  const change = (next: Filter) => {
    const query = new URLSearchParams(Object.entries(next).filter(([, value]) => value));
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    setFilter(next);
  };
  return [filter, change];
}

function readLog({ agency, from, to }: Filter, cursor: string): Promise<Schemas["AccessLog"]> {
  const query = {
    ...(agency && { agency }),
    ...(from && { since: from }),
    ...(to && { until: dayAfter(to) }),
    ...(cursor && { cursor }),
  };
  return dataOf(api.GET("/me/access-log", { params: { query } }));
}
