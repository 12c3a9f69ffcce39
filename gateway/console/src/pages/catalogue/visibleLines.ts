/** One line of a JSON document. `starts` tells whether a hidden field begins here. */
export interface Line {
  text: string;
  hidden: boolean;
  starts: boolean;
}

/**
 * Return the lines of a JSON document, and which of them a grant hides.
 *
 * @param whole the document.
 * @param visible the part of it that is shown; undefined where nothing is.
 */
export function linesOf(whole: unknown, visible: unknown): Line[] {
  return [...write(whole, visible, "", "", visible === undefined)];
}

function* write(
  whole: unknown,
  visible: unknown,
  indent: string,
  name: string,
  hidden: boolean,
): Generator<Line> {
  const begins = `${indent}${name}`;
  if (typeof whole !== "object" || whole === null) {
    yield { text: `${begins}${JSON.stringify(whole)}`, hidden, starts: hidden };
    return;
  }
  const list = Array.isArray(whole);
  yield { text: `${begins}${list ? "[" : "{"}`, hidden, starts: hidden };
  const entries: [string, unknown][] = Object.entries(whole);
  for (const [key, value] of entries) {
    const shown = partOf(visible, key);
    const label = list ? "" : `${JSON.stringify(key)}: `;
    for (const line of write(value, shown, `${indent}  `, label, hidden || shown === undefined)) {
      yield { ...line, starts: line.starts && !hidden };
    }
  }
  yield { text: `${indent}${list ? "]" : "}"}`, hidden, starts: false };
}

function partOf(visible: unknown, key: string): unknown {
  if (typeof visible !== "object" || visible === null) return undefined;
  return Object.hasOwn(visible, key) ? (visible as Record<string, unknown>)[key] : undefined;
}
