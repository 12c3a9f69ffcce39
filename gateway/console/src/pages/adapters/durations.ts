/** Return a duration as people read it: `3.2 ms`, `1,234 ms`. */
export function formatMilliseconds(milliseconds: number, language: string): string {
  const digits = milliseconds < 1 ? 2 : milliseconds < 100 ? 1 : 0;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(milliseconds)} ms`;
}
