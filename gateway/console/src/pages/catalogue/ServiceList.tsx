import { Card, Group, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { useCatalogueTexts } from "../../texts/catalogue";
import { useLanguage } from "../../texts/createTexts";
import { plain } from "../../texts/plain";
import { ClassificationBadge } from "./ClassificationBadge";
import "./catalogue.css";

type Service = Schemas["CatalogueService"];

const PAGE = 500;

/** List the services by the agency that provides them; the search stands in the address. */
export function ServiceList() {
  const t = useCatalogueTexts();
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.get("q") ?? "";
  const { data, error, isPending, refetch } = useQuery({ queryKey: ["catalogue"], queryFn: readAll });
  const found = (data ?? []).filter((service) => matches(service, asked));
  return (
    <>
      <PageHeader title={t("title")} purpose={t("purpose")} />
      <search>
        <TextInput
          type="search"
          label={t("search")}
          description={t("searchHelp")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={asked}
          onChange={(event) => {
            const words = event.currentTarget.value;
            setParameters(words ? { q: words } : {}, { replace: true });
          }}
          maw={480}
          mb="lg"
        />
      </search>
      {isPending && !error && <LoadingState />}
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data?.length === 0 && <EmptyState title={t("none")}>{t("noneHelp")}</EmptyState>}
      {data && data.length > 0 && found.length === 0 && (
        <EmptyState title={t("noMatch")}>{t("noMatchHelp")}</EmptyState>
      )}
      <Stack gap="xl">
        {byAgency(found).map(([agency, services]) => (
          <AgencyServices key={agency} services={services} />
        ))}
      </Stack>
    </>
  );
}

function AgencyServices({ services }: { services: readonly Service[] }) {
  const language = useLanguage();
  const agency = services[0]?.agency;
  return (
    <section>
      <Group gap="xs" mb="sm" align="baseline">
        <Title order={2}>{agency?.title[language]}</Title>
        <Text size="sm" c="dimmed" ff="monospace">
          {agency?.code}
        </Text>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {services.map((service) => (
          <ServiceCard key={`${service.service} ${service.version}`} service={service} />
        ))}
      </SimpleGrid>
    </section>
  );
}

function ServiceCard({ service }: { service: Service }) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  return (
    <Card withBorder padding="md" component="article">
      <Stack gap={6} h="100%">
        <Title order={3}>
          <Link href={pathOf(service)} className="card-link">
            {service.title[language]}
          </Link>
        </Title>
        <Text size="sm" c="dimmed" ff="monospace">
          {service.service} {service.version}
        </Text>
        {service.description && (
          <Text size="sm" lineClamp={3}>
            {service.description[language]}
          </Text>
        )}
        <Group gap="xs" mt="auto" pt="xs">
          <ClassificationBadge classification={service.classification} />
          <Text size="sm" c="dimmed">
            {t("operationCount", { count: service.operations.length })}
            {service.events.length > 0 && ` · ${t("eventCount", { count: service.events.length })}`}
          </Text>
          {Object.keys(service.notice).length > 0 && (
            <StatusBadge meaning="attention">{t("suspended")}</StatusBadge>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

async function readAll(): Promise<Service[]> {
  const services: Service[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const query = { limit: PAGE, ...(cursor ? { cursor } : {}) };
    const page: Schemas["Catalogue"] = await dataOf(api.GET("/catalog/services", { params: { query } }));
    services.push(...page.items);
    cursor = page.next;
  }
  return services;
}

function byAgency(services: readonly Service[]): [string, Service[]][] {
  const agencies = new Map<string, Service[]>();
  for (const service of services) {
    agencies.set(service.agency.code, [...(agencies.get(service.agency.code) ?? []), service]);
  }
  return [...agencies].sort(([one], [other]) => one.localeCompare(other));
}

function pathOf(service: Service): string {
  return `/${service.service}/v${service.version.split(".")[0]}`;
}

function matches(service: Service, asked: string): boolean {
  const texts = [
    service.service,
    ...Object.values(service.title),
    ...Object.values(service.description ?? {}),
    ...Object.values(service.agency.title),
    ...service.operations.flatMap((one) => [one.operation, ...Object.values(one.title)]),
    ...service.events.flatMap((one) => [one.event, ...Object.values(one.title)]),
  ];
  const searched = plain(texts.join("\n"));
  return plain(asked)
    .split(/\s+/)
    .every((word) => searched.includes(word));
}
