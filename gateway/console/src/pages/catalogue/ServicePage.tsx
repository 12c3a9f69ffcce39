import { Anchor, Breadcrumbs, Group, Stack, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { PageHeader } from "../../components/PageHeader";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useCatalogueTexts } from "../../texts/catalogue";
import { useLanguage } from "../../texts/createTexts";
import { ClassificationBadge } from "./ClassificationBadge";
import { EventContract } from "./EventContract";
import { OperationContract } from "./OperationContract";
import { Versions } from "./Versions";
import "./catalogue.css";

const DOCUMENTS = [
  ["OpenAPI 3.1", "openapi.json"],
  ["AsyncAPI 3", "asyncapi.json"],
  ["YAML", "contract.yaml"],
] as const;

/** Show one service: its operations and events as people read them, and its versions. What is open stands in the address. */
export function ServicePage({ service, major }: { service: string; major: number }) {
  const t = useCatalogueTexts();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["contract", service, major],
    queryFn: () =>
      dataOf(
        api.GET("/catalog/services/{service}/v{major}/contract.json", {
          params: { path: { service, major } },
        }),
      ),
  });
  return (
    <>
      <Breadcrumbs mb="xs">
        <Anchor component={Link} href="/">
          {t("back")}
        </Anchor>
        <Text ff="monospace">{service}</Text>
      </Breadcrumbs>
      {isPending && !error && <LoadingState />}
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data && <Contract contract={data} major={major} />}
    </>
  );
}

function Contract({ contract, major }: { contract: Schemas["Contract"]; major: number }) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  const [parameters, setParameters] = useSearchParams();
  const operations = Object.keys(contract.operations ?? {}).map((name) => `operation/${name}`);
  const events = Object.keys(contract.events ?? {}).map((name) => `event/${name}`);
  const opened = parameters.get("show") ?? operations[0] ?? events[0] ?? "versions";
  const base = `/catalog/services/${contract.service}/v${major}`;
  return (
    <>
      <PageHeader
        title={contract.title[language]}
        {...(contract.description ? { purpose: contract.description[language] } : {})}
        actions={
          <Anchor component={Link} href={`~/console/access/grants/new?service=${contract.service}/${major}`}>
            {t("requestAccess")}
          </Anchor>
        }
      />
      <Group gap="md" mb="lg">
        <ClassificationBadge classification={contract.classification} />
        <Text size="sm">{t("version", { version: contract.version })}</Text>
        <Text size="sm">
          {t("provider")}: <span className="identifier">{contract.provider}</span>
        </Text>
        <Group gap="xs">
          <Text size="sm">{t("documents")}:</Text>
          {DOCUMENTS.map(([name, file]) => (
            <Anchor key={file} size="sm" href={`${base}/${file}`}>
              {name}
            </Anchor>
          ))}
        </Group>
      </Group>
      <Tabs
        value={opened}
        onChange={(value) => setParameters(value ? { show: value } : {}, { replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {operations.map((key) => (
            <Tabs.Tab key={key} value={key}>
              {contract.operations?.[nameOf(key)]?.title[language]}
            </Tabs.Tab>
          ))}
          {events.map((key) => (
            <Tabs.Tab key={key} value={key}>
              {t("events")}: {contract.events?.[nameOf(key)]?.title[language]}
            </Tabs.Tab>
          ))}
          <Tabs.Tab value="versions">{t("versions")}</Tabs.Tab>
        </Tabs.List>
        {operations.map((key) => (
          <Tabs.Panel key={key} value={key}>
            <OperationContract contract={contract} major={major} name={nameOf(key)} />
          </Tabs.Panel>
        ))}
        {events.map((key) => (
          <Tabs.Panel key={key} value={key}>
            <EventContract contract={contract} name={nameOf(key)} />
          </Tabs.Panel>
        ))}
        <Tabs.Panel value="versions">
          <Stack>
            <Versions service={contract.service} major={major} />
          </Stack>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function nameOf(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}
