import { type FormEvent, useEffect, useRef, useState } from "react";
import { api, dataOf, type Schemas } from "../api/client";
import { ApiError } from "../api/problem";
import { useMyDataTexts } from "../texts/myData";
import { Failure, hasEnded } from "./Failure";
import { formatDay, formatMoment } from "./formats";
import type { Entry } from "./MyData";
import { type Issuer, signInAddress } from "./SignIn";

const MAX_TEXT = 2000;
const KINDS = ["object", "ask"] as const;

/** What was typed about an entry and not sent, by its message: closing the dialog loses nothing. */
const drafts = new Map<string, string>();

interface Props {
  entry: Entry;
  issuers: readonly Issuer[];
  onSent: () => void;
  onClose: () => void;
}

/** Object to an entry of the log, or ask about it. */
export function RequestDialog({ entry, issuers, onSent, onClose }: Props) {
  const t = useMyDataTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  const [sent, setSent] = useState<Schemas["AccessRequest"] | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{sent ? t("sent") : t("dialogTitle", { agency: entry.agencyTitle })}</h2>
      {sent ? (
        <>
          <p role="status">
            {t("sentHelp", { number: sent.number, agency: sent.agencyTitle, due: formatDay(sent.due) })}
          </p>
          <p className="actions">
            <button type="button" className="primary" onClick={() => dialog.current?.close()}>
              {t("close")}
            </button>
          </p>
        </>
      ) : (
        <RequestForm
          entry={entry}
          issuers={issuers}
          onCancel={() => dialog.current?.close()}
          onSent={(request) => {
            drafts.delete(entry.message);
            setSent(request);
            onSent();
          }}
        />
      )}
    </dialog>
  );
}

interface FormProps {
  entry: Entry;
  issuers: readonly Issuer[];
  onSent: (request: Schemas["AccessRequest"]) => void;
  onCancel: () => void;
}

function RequestForm({ entry, issuers, onSent, onCancel }: FormProps) {
  const t = useMyDataTexts();
  const [kind, setKind] = useState<(typeof KINDS)[number] | null>(null);
  const [text, setText] = useState(drafts.get(entry.message) ?? "");
  const [error, setError] = useState<Error | null>(null);
  const [pending, setPending] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const textError = error instanceof ApiError ? error.fields.get("/text") : undefined;

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (!kind) return; // the form requires one
    setPending(true);
    try {
      const body = { message: entry.message, agency: entry.agency, kind, text };
      onSent(await dataOf(api.POST("/me/access-requests", { body })));
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
      setPending(false);
      field.current?.focus();
    }
  };

  return (
    <form onSubmit={(event) => void send(event)}>
      <p className="note">
        {formatMoment(entry.time)}: {entry.serviceTitle}, {entry.operationTitle}
      </p>
      <fieldset>
        <legend>{t("kind")}</legend>
        {KINDS.map((one) => (
          <label key={one} className="choice">
            <input
              type="radio"
              name="kind"
              required
              value={one}
              checked={kind === one}
              onChange={() => setKind(one)}
            />
            {t(one)}
          </label>
        ))}
      </fieldset>
      <label>
        {t("text")}
        <textarea
          ref={field}
          required
          rows={6}
          maxLength={MAX_TEXT}
          value={text}
          aria-invalid={Boolean(textError)}
          aria-describedby="text-help"
          onChange={(event) => {
            setText(event.target.value);
            drafts.set(entry.message, event.target.value);
          }}
        />
      </label>
      <p id="text-help" className="note">
        {textError ?? t("textHelp", { left: MAX_TEXT - text.length })}
      </p>
      {error && !textError && <Failure error={error} />}
      {hasEnded(error) &&
        issuers.map((issuer) => (
          <p key={issuer.issuer}>
            <a href={signInAddress(issuer)} target="_blank" rel="noreferrer">
              {t("signInAgain")}
            </a>
            . {t("thenSend")}
          </p>
        ))}
      <p className="actions">
        <button type="button" onClick={onCancel}>
          {t("cancel")}
        </button>
        <button type="submit" className="primary" disabled={pending}>
          {t("send")}
        </button>
      </p>
    </form>
  );
}
