import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { useEventStream } from "../../api/useEventStream";
import type { Language } from "../../texts/createTexts";

export type Adapter = Schemas["Adapter"];
export type AdapterList = Schemas["AdapterList"];

const KEY = ["adapters"];

/** Follow the adapters on the bus: once as they are, then after each round of discovery. */
export function useAdapters() {
  const queries = useQueryClient();
  const stream = useEventStream("/ops/adapters", {
    message: (data) => queries.setQueryData<AdapterList>(KEY, data as AdapterList),
  });
  const { data, error, refetch } = useQuery({
    queryKey: KEY,
    queryFn: async () => (await dataOf(api.GET("/ops/adapters"))) as AdapterList, // events are asked for by EventSource alone
    staleTime: Number.POSITIVE_INFINITY,
  });
  const replace = (changed: Adapter) =>
    queries.setQueryData<AdapterList>(KEY, (before) => {
      if (!before) return before;
      const items = before.items.map((one) => (keyOf(one) === keyOf(changed) ? changed : one));
      return { ...before, items };
    });
  return { list: data, adapters: data?.items, error, refetch, stream, replace };
}

/** Return what identifies an instance among those of all systems, as the API takes it. */
export function keyOf(adapter: Adapter): string {
  return `${adapter.system}.${adapter.id}`;
}

/** Return what people call a system, an agency or a service of the list; its code where it is not registered. */
export function titleOf(
  list: AdapterList,
  kind: "systems" | "agencies" | "services",
  code: string,
  language: Language,
): string {
  return list[kind][code]?.[language] ?? code;
}
