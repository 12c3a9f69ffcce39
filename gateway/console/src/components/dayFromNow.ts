import { TIME_ZONE } from "./Timestamp";

/** Return a day so many days from today, as registry documents write it (`2026-12-31`). */
export function dayFromNow(days: number): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: TIME_ZONE }).format(
    new Date(Date.now() + days * 86_400_000),
  );
}
