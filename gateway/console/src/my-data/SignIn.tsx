import { useState } from "react";
import type { Schemas } from "../api/client";
import { takeIssuerSignOut } from "../app/issuerSignOut";
import { useLanguage } from "../texts/createTexts";
import { useMyDataTexts } from "../texts/myData";

export type Issuer = Schemas["CitizenSession"]["issuers"][number];

/** Return the address that begins a sign-in with an issuer. */
export function signInAddress(issuer: Issuer): string {
  return `/my-data/sign-in?issuer=${encodeURIComponent(issuer.issuer)}`;
}

/** Say what the page is for, and let a citizen sign in. */
export function SignIn({ session, ended }: { session: Schemas["CitizenSession"]; ended: boolean }) {
  const t = useMyDataTexts();
  const language = useLanguage();
  const [atIssuer] = useState(takeIssuerSignOut);
  return (
    <>
      {atIssuer && (
        <p role="status" className="notice">
          {t("stillAtIssuer")} <a href={atIssuer}>{t("signOutAtIssuer")}</a>
        </p>
      )}
      <p className="lead">{t("purpose")}</p>
      {ended && (
        <p role="status" className="notice">
          {t("ended")}
        </p>
      )}
      {session.failure && (
        <div role="alert" className="failure">
          <p>{session.failure}</p>
        </div>
      )}
      {session.issuers.length === 0 && <p className="notice">{t("noIssuer")}</p>}
      {session.issuers.map((issuer) => (
        <p key={issuer.issuer}>
          <a className="button primary" href={signInAddress(issuer)}>
            {t("signInWith", { issuer: issuer.title[language] ?? new URL(issuer.issuer).host })}
          </a>
        </p>
      ))}
      {session.issuers.length > 0 && <p className="note">{t("signInHelp")}</p>}
    </>
  );
}
