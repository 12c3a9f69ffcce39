const ZONE = "Asia/Ho_Chi_Minh";

/** Return a date in Vietnam: `28/11/2026`. */
export function formatDay(time: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeZone: ZONE }).format(new Date(time));
}

/** Return a date and a time of day in Vietnam: `18:33, 28/11/2026`. */
export function formatMoment(time: string): string {
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: ZONE }).format(
    new Date(time),
  );
  return `${clock}, ${formatDay(time)}`;
}

/** Return the day after a date such as `2026-11-28`. */
export function dayAfter(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}
