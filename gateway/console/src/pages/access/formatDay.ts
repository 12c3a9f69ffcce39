/** Return a date as people in Vietnam write it. */
export function formatDay(day: string): string {
  return day.split("-").reverse().join("/");
}
