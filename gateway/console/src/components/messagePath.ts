const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Return where a pasted identifier leads, below the page Messages: one message, or the messages of a trace; null where it is neither. */
export function messagePathOf(pasted: string): string | null {
  const id = pasted
    .trim()
    .toLowerCase()
    .replace(/^urn:uuid:/, "");
  if (UUID.test(id)) return `/${id}`;
  const trace = /^(?:00-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/.exec(id)?.[1];
  return trace ? `/?trace=${trace}` : null;
}
