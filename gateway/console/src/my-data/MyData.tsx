import { useCallback, useEffect, useState } from "react";
import { api, dataOf, type Schemas } from "../api/client";
import { keepIssuerSignOut } from "../app/issuerSignOut";
import { setLanguage, useLanguage } from "../texts/createTexts";
import { useMyDataTexts } from "../texts/myData";
import { AccessLog } from "./AccessLog";
import { Failure } from "./Failure";
import { OwnRequests } from "./OwnRequests";
import { RequestDialog } from "./RequestDialog";
import { SignIn } from "./SignIn";
import { useLoaded } from "./useLoaded";

export type Entry = Schemas["AccessLogEntry"];

const readSession = () => dataOf(api.GET("/me/citizen-session"));

/** The citizens' page: sign in, see who looked at what, object or ask, and read the answers. */
export function MyData() {
  const t = useMyDataTexts();
  const session = useLoaded(readSession);
  const [ended, setEnded] = useState(false);
  const [chosen, setChosen] = useState<Entry | null>(null);
  const [sent, setSent] = useState(0);
  const section = useSection();
  const onEnded = useCallback(() => setEnded(true), []);
  const expires = session.data?.expires;
  const title = t("title");

  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (!expires) return;
    // On a shared computer nothing stays on the screen when the session is over.
    const timer = setTimeout(onEnded, Math.max(0, Date.parse(expires) - Date.now()));
    return () => clearTimeout(timer);
  }, [expires, onEnded]);

  const signedIn = session.data?.signedIn && !ended;
  return (
    <>
      <Header
        province={session.data?.province ?? ""}
        numberEnd={signedIn ? session.data?.numberEnd : undefined}
        signedIn={Boolean(signedIn)}
      />
      <main id="main">
        <h1>{title}</h1>
        {session.error && <Failure error={session.error} onRetry={session.reload} />}
        {!session.data && session.loading && <p role="status">{t("loading")}</p>}
        {session.data && !signedIn && <SignIn session={session.data} ended={ended} />}
        {signedIn && (
          <>
            <Sections section={section} />
            {section === "log" ? (
              <AccessLog onChoose={setChosen} onEnded={onEnded} />
            ) : (
              <OwnRequests key={sent} onEnded={onEnded} />
            )}
          </>
        )}
        {chosen && (
          <RequestDialog
            entry={chosen}
            issuers={session.data?.issuers ?? []}
            onSent={() => setSent((before) => before + 1)}
            onClose={() => setChosen(null)}
          />
        )}
      </main>
    </>
  );
}

function Header({
  province,
  numberEnd,
  signedIn,
}: {
  province: string;
  /** The last characters of the number of whoever is signed in. */
  numberEnd: string | undefined;
  signedIn: boolean;
}) {
  const t = useMyDataTexts();
  const language = useLanguage();
  const other = language === "vi" ? "en" : "vi";
  return (
    <header>
      <a className="skip" href="#main">
        {t("skip")}
      </a>
      <strong>{province || "LGSP"}</strong>
      <span className="actions">
        <button type="button" className="quiet" lang={other} onClick={() => setLanguage(other)}>
          {t("otherLanguage")}
        </button>
        {numberEnd && <span className="who">{t("signedInAs", { end: numberEnd })}</span>}
        {signedIn && (
          <button type="button" className="quiet" onClick={signOut}>
            {t("signOut")}
          </button>
        )}
      </span>
    </header>
  );
}

function Sections({ section }: { section: Section }) {
  const t = useMyDataTexts();
  return (
    <nav aria-label={t("sections")}>
      {SECTIONS.map((one) => (
        <a key={one} href={`#${one}`} aria-current={one === section ? "page" : undefined}>
          {t(one)}
        </a>
      ))}
    </nav>
  );
}

const SECTIONS = ["log", "requests"] as const;
type Section = (typeof SECTIONS)[number];

function useSection(): Section {
  const [section, setSection] = useState(sectionOfAddress);
  useEffect(() => {
    const follow = () => setSection((before) => (location.hash === "#main" ? before : sectionOfAddress()));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return section;
}

function sectionOfAddress(): Section {
  return location.hash === "#requests" ? "requests" : "log";
}

async function signOut(): Promise<void> {
  const { atIssuer } = await dataOf(api.POST("/my-data/sign-out"));
  keepIssuerSignOut(atIssuer);
  location.assign("/my-data");
}
