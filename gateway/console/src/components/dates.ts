/** Dates as people in Vietnam write them (17/05/1993), and as contracts have them (1993-05-17). */

const DAY_FIRST = /^(\d{1,2})[/.\-\s](\d{1,2})[/.\-\s](\d{4})$/;
const DIGITS = /^(\d{2})(\d{2})(\d{4})$/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/;
const MONTH_FIRST = /^(\d{1,2})[/.\-\s](\d{4})$/;
const ISO_MONTH = /^(\d{4})-(\d{2})$/;

/** Return the ISO date that somebody typed; null where it is no date. */
export function parseDate(typed: string): string | null {
  const text = typed.trim();
  const iso = ISO.exec(text);
  if (iso) return isoDate(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const written = DAY_FIRST.exec(text) ?? DIGITS.exec(text);
  return written ? isoDate(Number(written[3]), Number(written[2]), Number(written[1])) : null;
}

/** Return the ISO month (1993-05) that somebody typed; null where it is none. */
export function parseMonth(typed: string): string | null {
  const text = typed.trim();
  const iso = ISO_MONTH.exec(text);
  const written = MONTH_FIRST.exec(text);
  const [year, month] = iso ? [iso[1], iso[2]] : [written?.[2], written?.[1]];
  const valid = Number(month) >= 1 && Number(month) <= 12;
  return year && month && valid ? `${year}-${month.padStart(2, "0")}` : null;
}

/** Return an ISO date or month as people write it; any other text as it is. */
export function formatDate(text: string): string {
  const date = ISO.exec(text);
  if (date) return `${date[3]}/${date[2]}/${date[1]}`;
  const month = ISO_MONTH.exec(text);
  return month ? `${month[2]}/${month[1]}` : text;
}

function isoDate(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists && year >= 1000 ? date.toISOString().slice(0, 10) : null;
}

const TIME_OF_DAY = /^(.*\S)[\sT]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$/;

/** Return the ISO date and time (2026-11-28T08:00:00, in Vietnam) that somebody typed; null where it is none. A day alone begins at midnight. */
export function parseDateTime(typed: string): string | null {
  const text = typed.trim();
  const [, day = text, hour = "0", minute = "00", second = "00"] = TIME_OF_DAY.exec(text) ?? [];
  const date = parseDate(day);
  const exists = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  return date && exists ? `${date}T${hour.padStart(2, "0")}:${minute}:${second}` : null;
}

/** Return an ISO date and time as people write it (28/11/2026 08:00:00); any other text as it is. */
export function formatDateAndTime(text: string): string {
  const [date = "", time = ""] = text.split("T");
  return ISO.test(date) && time ? `${formatDate(date)} ${time}` : text;
}
