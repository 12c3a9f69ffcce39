import { useQuery } from "@tanstack/react-query";
import { allPages } from "../api/allPages";
import { api, dataOf, type Schemas } from "../api/client";
import { useLanguage } from "../texts/createTexts";

/** What systems and services are called, as far as the user may read them; undefined for others. */
export interface Titles {
  system: (name: string) => string | undefined;
  service: (name: string, major: number) => string | undefined;
}

/** Read all services of the catalogue. */
export function readCatalogue(): Promise<Schemas["CatalogueService"][]> {
  return allPages<Schemas["CatalogueService"]>((cursor) =>
    dataOf(api.GET("/catalog/services", { params: { query: cursor ? { cursor } : {} } })),
  );
}

/** Read what systems and services are called, for a list that has their codes. */
export function useTitles(): Titles {
  const language = useLanguage();
  const systems = useQuery({ queryKey: ["systems", "titles"], queryFn: readSystems, retry: false });
  const services = useQuery({ queryKey: ["catalogue", "services"], queryFn: readCatalogue, retry: false });
  const ofSystems = new Map(systems.data?.map(({ metadata, spec }) => [metadata.name, spec.title[language]]));
  const ofServices = new Map(
    services.data?.map((one) => [`${one.service}/${one.version.split(".")[0]}`, one.title[language]]),
  );
  return {
    system: (name) => ofSystems.get(name),
    service: (name, major) => ofServices.get(`${name}/${major}`),
  };
}

function readSystems(): Promise<Schemas["System"][]> {
  return allPages<Schemas["System"]>((cursor) =>
    dataOf(api.GET("/registry/systems", { params: { query: { limit: 1000, ...(cursor && { cursor }) } } })),
  );
}
