import { Text } from "@mantine/core";
import { type Language, useLanguage } from "../texts/createTexts";

/** The time zone of everything that the console shows. */
export const TIME_ZONE = "Asia/Ho_Chi_Minh";

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

// Making a format takes a hundred times as long as using it.
const CLOCK = new Intl.DateTimeFormat("vi-VN", { timeStyle: "medium", timeZone: TIME_ZONE });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeZone: TIME_ZONE });
const AGO = {
  vi: new Intl.RelativeTimeFormat("vi", { numeric: "auto" }),
  en: new Intl.RelativeTimeFormat("en", { numeric: "auto" }),
};

/** Return a time of day with seconds, in Vietnam. */
export function formatTime(time: Date): string {
  return CLOCK.format(time);
}

/** Return a date in Vietnam: `28/11/2026`. */
export function formatDay(day: string): string {
  return DAY.format(new Date(day));
}

/** Return a date and a time with seconds, in Vietnam: `28/11/2026 18:33:05`. */
export function formatDateTime(time: Date): string {
  return `${DAY.format(time)} ${formatTime(time)}`;
}

/** Return how long ago a time was, or how far away it is, in words. */
export function formatRelative(time: Date, language: Language, now = new Date()): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
  return AGO[language].format(Math.round(seconds / size), unit);
}

/** Show a time: exact, or relative with the exact one as its title. */
export function Timestamp({ time, relative = false }: { time: string | Date; relative?: boolean }) {
  const language = useLanguage();
  const date = new Date(time);
  const exact = formatDateTime(date);
  return (
    <Text component="time" span inherit dateTime={date.toISOString()} title={exact}>
      {relative ? formatRelative(date, language) : exact}
    </Text>
  );
}
