import { ApiError } from "./problem";

const POINTER = /(\/(?:metadata|spec)[^\s:]*):\s*/;

/** What was wrong with each field of a document, by its JSON pointer; what concerns no field stands under "". */
export function fieldErrors(error: Error | null): ReadonlyMap<string, string> {
  if (!(error instanceof ApiError)) return new Map();
  if (error.fields.size > 0) return error.fields;
  const place = POINTER.exec(error.message);
  if (!place?.[1]) return new Map();
  return new Map([[place[1], error.message.slice(place.index + place[0].length)]]);
}

/** Return what was wrong with a field, or anything below it; undefined for nothing. */
export function errorAt(errors: ReadonlyMap<string, string>, pointer: string): string | undefined {
  for (const [at, message] of errors) if (at === pointer || at.startsWith(`${pointer}/`)) return message;
  return undefined;
}
