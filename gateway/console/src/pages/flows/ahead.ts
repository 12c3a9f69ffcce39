/**
 * Asks for the picture of the flows as soon as the browser has read the HTML: a script of its own that needs no other, which the HTML of the
 * page names (`lgsp_gateway/console/files.py`). The gateway makes the picture while the browser still fetches what draws it.
 */

import { openAhead } from "../../api/streamAhead";
import { type Filters, filtersOf, queryOf } from "./filters";

/** How many flows a picture has at most; unwell ones come first. */
const TOP = 60;

if (location.pathname === "/console/flows") {
  openAhead(streamOf(filtersOf(new URLSearchParams(location.search))), ["picture", "changes"]);
}

/** Return the address of the stream of what some filters show. */
export function streamOf(filters: Filters): string {
  const query = Object.entries({ ...queryOf(filters), top: TOP });
  return `/ops/flows/stream?${new URLSearchParams(query.map(([name, value]) => [name, String(value)]))}`;
}
