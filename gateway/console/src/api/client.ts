import createClient, { type Middleware } from "openapi-fetch";
import { currentLanguage } from "../texts/createTexts";
import { ApiError, problemOf } from "./problem";
import type { components, paths } from "./schema";

/** The documents of the management API, by their names in its description. */
export type Schemas = components["schemas"];

const middleware: Middleware = {
  onRequest({ request }) {
    request.headers.set("Accept-Language", currentLanguage());
    request.headers.set("X-Requested-With", "lgsp-console"); // a page of another origin cannot set it
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
    return response;
  },
  onError({ error }) {
    if (error instanceof ApiError) return error;
    return new ApiError({ type: "", title: "offline", status: 0 }, { cause: error });
  },
};

/** The management API. Its methods throw `ApiError` where the gateway refuses or does not answer. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  credentials: "same-origin",
  cache: "no-store",
});
api.use(middleware);

/** Return the data of an answer of `api`, whose methods throw where there is none. */
export async function dataOf<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new ApiError({ type: "", title: "empty answer", status: 0 });
  return data;
}
