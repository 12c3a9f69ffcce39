import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../api/client";
import { useLanguage } from "../texts/createTexts";
import { useRoleTitle } from "./roles";

/**
 * Return who a principal is, as approvals and histories name them (`person/p-…`, `mot-cua`): the name of a person or the title of a system
 * where the user may know it, or else roles and agency; "" for nobody.
 */
export function usePrincipalName(principal: string): string {
  const language = useLanguage();
  const roleTitle = useRoleTitle();
  const { data } = useQuery({
    queryKey: ["principal", principal],
    queryFn: () => dataOf(api.GET("/registry/principals", { params: { query: { name: principal } } })),
    enabled: principal !== "",
    staleTime: 60_000,
    retry: false, // the name of the principal itself stays
  });
  const agency = data?.agencyTitle?.[language] ?? data?.agency;
  if (data?.name) return agency ? `${data.name} (${agency})` : data.name;
  if (data?.title) return `${data.title[language]} (${principal})`;
  const roles = data?.roles?.map(roleTitle).join(", ");
  return roles && agency ? `${roles}, ${agency}` : principal;
}

/** Show who a principal is; the name that the registry has for them is the tooltip. */
export function PrincipalName({ name }: { name: string }) {
  return <span title={name}>{usePrincipalName(name)}</span>;
}
