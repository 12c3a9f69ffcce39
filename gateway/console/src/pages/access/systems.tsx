import { Anchor, Button, Group, Paper, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { CopyableCode } from "../../components/CopyableCode";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useAgencies } from "./agencies";
import { GrantList } from "./grants";
import { DocumentHistory } from "./history";

/** The systems that the user may read. */
export function Systems() {
  const t = useAccessTexts();
  const language = useLanguage();
  const agencies = useAgencies();
  const [search, setSearch] = useSearchParams();
  const agency = search.get("agency") ?? "";
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["systems", agency],
    queryFn: ({ pageParam }) =>
      dataOf(
        api.GET("/registry/systems", {
          params: {
            query: { limit: 100, ...(agency && { agency }), ...(pageParam && { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
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
      {isPending && <LoadingState />}
      {error && <ErrorState error={error} onRetry={refetch} />}
      {data?.pages[0]?.items.length === 0 && <EmptyState title={t("noSystems")} />}
      {data && (
        <Table.ScrollContainer minWidth={560}>
          <Table verticalSpacing="xs" fz="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("name")}</Table.Th>
                <Table.Th>{t("agency")}</Table.Th>
                <Table.Th>{t("roles")}</Table.Th>
                <Table.Th>{t("keys")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.pages
                .flatMap((page) => page.items)
                .map((system) => (
                  <Table.Tr key={system.metadata.name}>
                    <Table.Td>
                      <Anchor component={Link} href={`/systems/${system.metadata.name}`} fz="sm">
                        {system.spec.title[language]}
                      </Anchor>
                      <Text size="xs" c="dimmed">
                        {system.metadata.name}
                      </Text>
                    </Table.Td>
                    <Table.Td>{system.spec.agency}</Table.Td>
                    <Table.Td>{system.spec.roles?.join(", ")}</Table.Td>
                    <Table.Td>
                      <Keys system={system} />
                    </Table.Td>
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {hasNextPage && (
        <Button variant="default" onClick={() => fetchNextPage()}>
          {t("more")}
        </Button>
      )}
    </Stack>
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
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["system", name],
    queryFn: () => dataOf(api.GET("/registry/systems/{name}", { params: { path: { name } } })),
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <Stack gap="lg">
      <Stack gap={0}>
        <Title order={2}>{data.spec.title[language]}</Title>
        <Text c="dimmed" size="sm">
          {name} · {data.spec.agency} {data.spec.roles && `· ${data.spec.roles.join(", ")}`}
        </Text>
      </Stack>
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
