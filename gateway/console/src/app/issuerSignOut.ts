const KEY = "lgsp-issuer-sign-out";

/** Keep where the user signs out at their issuer too, for the page that this tab shows next. */
export function keepIssuerSignOut(address: string | undefined): void {
  if (address) sessionStorage.setItem(KEY, address);
}

/** Return where the user who has just signed out in this tab signs out at their issuer too, once; null where there is nothing. */
export function takeIssuerSignOut(): string | null {
  const address = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return address;
}
