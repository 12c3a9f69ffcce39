import type { Language } from "../texts/createTexts";

const LOCALES = { vi: "vi-VN", en: "en-GB" } as const;

// Making a format takes a hundred times as long as using it, and a live page shows hundreds of figures.
const made = new Map<string, Intl.NumberFormat>();

/** Return a number as people write it: `1.234,5` or `1,234.5`. */
export function formatNumber(value: number, language: Language, maximumFractionDigits = 0): string {
  return formatOf(language, maximumFractionDigits, "decimal").format(value);
}

/** Return a share from 0 to 1 as a percentage. */
export function formatPercent(share: number, language: Language, maximumFractionDigits = 0): string {
  return formatOf(language, maximumFractionDigits, "percent").format(share);
}

/** Return a duration in milliseconds: `3.2 ms`, `1,234 ms`. */
export function formatMilliseconds(milliseconds: number, language: Language): string {
  const digits = milliseconds < 1 ? 2 : milliseconds < 100 ? 1 : 0;
  return `${formatNumber(milliseconds, language, digits)}\u00a0ms`;
}

function formatOf(
  language: Language,
  maximumFractionDigits: number,
  style: "decimal" | "percent",
): Intl.NumberFormat {
  const key = `${language} ${maximumFractionDigits} ${style}`;
  const known = made.get(key);
  if (known) return known;
  const format = new Intl.NumberFormat(LOCALES[language], { style, maximumFractionDigits });
  made.set(key, format);
  return format;
}
