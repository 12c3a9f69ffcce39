/** Tell whether parsed JSON is an object, and no list. */
export function isObject<Member = unknown>(value: unknown): value is { [name: string]: Member } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
