import { useQuery } from "@tanstack/react-query";
import { allPages } from "../../api/allPages";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole, useSession } from "../../app/session";

/** Return the names of the systems whose endpoints and subscriptions the user may decide about. The API decides; this chooses what is shown. */
export function useOwnSystems(): readonly string[] {
  const session = useSession();
  const decides = useHasRole("agency-admin", "developer");
  const { data } = useQuery({
    queryKey: ["own systems"],
    queryFn: () =>
      allPages<Schemas["System"]>((cursor) =>
        dataOf(
          api.GET("/registry/systems", { params: { query: { limit: 1000, ...(cursor && { cursor }) } } }),
        ),
      ),
    enabled: decides,
  });
  if (!decides) return [];
  return (data ?? []).filter((one) => one.spec.agency === session?.agency).map((one) => one.metadata.name);
}
