import { useQuery } from "@tanstack/react-query";
import { allPages } from "../api/allPages";
import { api, dataOf, type Schemas } from "../api/client";
import { type Language, useLanguage } from "../texts/createTexts";

/** What agencies, systems and services are called, as far as the user may read them; undefined for others. */
export interface Titles {
  agency: (code: string) => string | undefined;
  system: (name: string) => string | undefined;
  service: (name: string, major: number) => string | undefined;
  event: (service: string, major: number, name: string) => string | undefined;
}

/** As the gateway calls the systems by which the officers of an agency use forms (`registry/form_systems.py`). */
const FORMS_OF: Record<Language, (agency: string) => string> = {
  vi: (agency) => `Biểu mẫu của ${agency}`,
  en: (agency) => `Forms of ${agency}`,
};

/** Return the name of the form system of an agency, by which its officers call: `forms-h49-12` for `H49.12`. */
export function formSystemName(agency: string): string {
  return `forms-${agency.toLowerCase().replaceAll(".", "-")}`;
}

/** Read all agencies of the registry. */
export function useAgencies() {
  return useQuery({
    queryKey: ["agencies"],
    queryFn: () =>
      allPages<Schemas["Agency"]>((cursor) =>
        dataOf(
          api.GET("/registry/agencies", { params: { query: { limit: 1000, ...(cursor && { cursor }) } } }),
        ),
      ),
  });
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
  const agencies = useAgencies();
  const ofAgencies = new Map(
    agencies.data?.map(({ metadata, spec }) => [metadata.name, spec.title[language]]),
  );
  const ofSystems = new Map([
    ...[...ofAgencies].map(([code, title]) => [formSystemName(code), FORMS_OF[language](title)] as const),
    ...(systems.data ?? []).map(({ metadata, spec }) => [metadata.name, spec.title[language]] as const),
  ]);
  const ofServices = new Map(
    services.data?.map((one) => [`${one.service}/${one.version.split(".")[0]}`, one.title[language]]),
  );
  const ofEvents = new Map(
    services.data?.flatMap((one) =>
      one.events.map(
        ({ event, title }) =>
          [`${one.service}/${one.version.split(".")[0]}/${event}`, title[language]] as const,
      ),
    ),
  );
  return {
    agency: (code) => ofAgencies.get(code),
    event: (service, major, name) => ofEvents.get(`${service}/${major}/${name}`),
    system: (name) => ofSystems.get(name),
    service: (name, major) => ofServices.get(`${name}/${major}`),
  };
}

function readSystems(): Promise<Schemas["System"][]> {
  return allPages<Schemas["System"]>((cursor) =>
    dataOf(api.GET("/registry/systems", { params: { query: { limit: 1000, ...(cursor && { cursor }) } } })),
  );
}
