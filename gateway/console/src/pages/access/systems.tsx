import { Anchor, Button, Group, Paper, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { AgencyName } from "../../components/AgencyName";
import { CopyableCode } from "../../components/CopyableCode";
import { PagedTable } from "../../components/PagedTable";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { useRoleTitle } from "../../components/roles";
import { Timestamp } from "../../components/Timestamp";
import { useAgencies } from "../../components/useTitles";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { GrantList } from "./grants";
import { DocumentHistory } from "./history";

/** The systems that the user may read. */
export function Systems() {
  const t = useAccessTexts();
  const language = useLanguage();
  const agencies = useAgencies();
  const [search, setSearch] = useSearchParams();
  const agency = search.get("agency") ?? "";
  return (
    <Stack>
      <Select
        label={t("agency")}
        placeholder={t("all")}
        clearable
        searchable
        maw={360}
        value={agency || null}
        data={
          agencies.data?.map((one) => ({ value: one.metadata.name, label: one.spec.title[language] })) ?? []
        }
        onChange={(value) => setSearch(value ? { agency: value } : {}, { replace: true })}
      />
      <PagedTable
        queryKey={["systems", agency]}
        read={(cursor) =>
          dataOf(
            api.GET("/registry/systems", {
              params: { query: { limit: 100, ...(agency && { agency }), ...(cursor && { cursor }) } },
            }),
          )
        }
        columns={[t("name"), t("agency"), t("roles"), t("keys")]}
        rowKey={(system) => system.metadata.name}
        row={(system) => <SystemRow system={system} />}
        empty={<EmptyState title={t("noSystems")}>{t("noSystemsHelp")}</EmptyState>}
      />
    </Stack>
  );
}

function SystemRow({ system }: { system: Schemas["System"] }) {
  const language = useLanguage();
  const roleTitle = useRoleTitle();
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/systems/${system.metadata.name}`} fz="sm">
          {system.spec.title[language]}
        </Anchor>
        <Text size="xs" c="dimmed">
          {system.metadata.name}
        </Text>
      </Table.Td>
      <Table.Td>
        <AgencyName code={system.spec.agency} below />
      </Table.Td>
      <Table.Td>{system.spec.roles?.map(roleTitle).join(", ")}</Table.Td>
      <Table.Td>
        <Keys system={system} />
      </Table.Td>
    </Table.Tr>
  );
}

function Keys({ system }: { system: Schemas["System"] }) {
  const t = useAccessTexts();
  const keys = system.spec.jwks ?? [];
  if (keys.length === 0) return <Text size="sm">{system.spec.secretSha256 ? t("secret") : t("noKeys")}</Text>;
  return (
    <Stack gap={2}>
      {keys.map((key) => (
        <Group key={key.kid} gap={6}>
          <CopyableCode value={key.kid} label={t("keys")} />
          {key.exp !== undefined && (
            <Text size="xs" c="dimmed">
              <Timestamp time={new Date(key.exp * 1000)} />
            </Text>
          )}
        </Group>
      ))}
    </Stack>
  );
}

/** One system: its keys, its grants and its history. */
export function SystemPage({ name }: { name: string }) {
  const t = useAccessTexts();
  const language = useLanguage();
  const roleTitle = useRoleTitle();
  const administers = useHasRole("operator", "agency-admin");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["system", name],
    queryFn: () => dataOf(api.GET("/registry/systems/{name}", { params: { path: { name } } })),
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Stack gap={0}>
          <Title order={2}>{data.spec.title[language]}</Title>
          <Text c="dimmed" size="sm">
            {name} · <AgencyName code={data.spec.agency} />
            {(data.spec.roles ?? []).map((role) => ` · ${roleTitle(role)}`)}
          </Text>
        </Stack>
        {administers && (
          <Button component={Link} href={`/systems/${name}/edit`} variant="default">
            {t("edit")}
          </Button>
        )}
      </Group>
      <Paper withBorder p="md">
        <Title order={3} mb="xs">
          {t("keys")}
        </Title>
        <Keys system={data} />
      </Paper>
      <Stack gap="xs">
        <Title order={3}>{t("grants")}</Title>
        <GrantList query={{ limit: 50, consumer: name }} />
      </Stack>
      <Paper withBorder p="md">
        <Title order={3} mb="sm">
          {t("history")}
        </Title>
        <DocumentHistory kind="systems" name={name} />
      </Paper>
    </Stack>
  );
}
