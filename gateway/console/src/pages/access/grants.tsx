import { Anchor, Group, Select, Stack, Table, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { PagedTable } from "../../components/PagedTable";
import { EmptyState } from "../../components/PageStates";
import { TitleAndCode } from "../../components/TitleAndCode";
import { usePurposes } from "../../components/usePurposes";
import { type Titles, useTitles } from "../../components/useTitles";
import { useAccessTexts } from "../../texts/access";
import { formatDay } from "./formatDay";
import { GRANT_PHASES, PhaseBadge, usePhaseText } from "./phases";

const PAGE = 50;

/** All grants that the user may read, with filters that stand in the address. */
export function Grants() {
  const t = useAccessTexts();
  const phaseText = usePhaseText();
  const [search, setSearch] = useSearchParams();
  const consumer = search.get("consumer") ?? "";
  const service = search.get("service") ?? "";
  const phase = GRANT_PHASES.find((one) => one === search.get("phase"));
  const filter = useDebouncedCallback((name: string, value: string) => {
    setSearch(
      (before) => {
        before.delete(name);
        if (value) before.set(name, value);
        return before;
      },
      { replace: true },
    );
  }, 250);
  const query = {
    limit: PAGE,
    ...(consumer && { consumer }),
    ...(service && { service }),
    ...(phase && { phase }),
  };
  return (
    <Stack>
      <Group align="flex-end">
        <TextInput
          label={t("filterConsumer")}
          defaultValue={consumer}
          onChange={(event) => filter("consumer", event.currentTarget.value.trim())}
        />
        <TextInput
          label={t("filterService")}
          defaultValue={service}
          onChange={(event) => filter("service", event.currentTarget.value.trim())}
        />
        <Select
          label={t("filterState")}
          placeholder={t("all")}
          clearable
          value={phase ?? null}
          data={GRANT_PHASES.map((value) => ({ value, label: phaseText(value) }))}
          onChange={(value) => filter("phase", value ?? "")}
        />
      </Group>
      <GrantList query={query} />
    </Stack>
  );
}

type Query = NonNullable<Parameters<typeof readGrants>[0]>;

async function readGrants(query: {
  limit: number;
  consumer?: string;
  service?: string;
  phase?: (typeof GRANT_PHASES)[number];
  expiringWithin?: number;
  cursor?: string;
}) {
  return dataOf(api.GET("/registry/grants", { params: { query } }));
}

/** A list of grants. */
export function GrantList({ query, empty }: { query: Query; empty?: string }) {
  const t = useAccessTexts();
  const { title } = usePurposes();
  const titles = useTitles();
  return (
    <PagedTable
      queryKey={["grants", query]}
      read={(cursor) => readGrants({ ...query, ...(cursor && { cursor }) })}
      columns={[t("name"), t("consumer"), t("service"), t("purposes"), t("ends"), t("state")]}
      rowKey={(grant) => grant.metadata.name}
      row={(grant) => <GrantRow grant={grant} purposeTitle={title} titles={titles} />}
      empty={
        <EmptyState title={empty ?? t("noGrants")}>
          {t(empty ? "noneExpiringHelp" : "noGrantsHelp")}
        </EmptyState>
      }
      minWidth={640}
    />
  );
}

function GrantRow({
  grant,
  purposeTitle,
  titles,
}: {
  grant: Schemas["Grant"];
  titles: Titles;
  purposeTitle: (code: string) => string;
}) {
  const { name } = grant.metadata;
  const { consumer, service, major, purposes, validUntil } = grant.spec;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/grants/${name}`} fz="sm">
          {name}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <TitleAndCode title={titles.system(consumer)} code={consumer} />
      </Table.Td>
      <Table.Td>
        <TitleAndCode title={titles.service(service, major)} code={`${service} v${major}`} />
      </Table.Td>
      <Table.Td>{purposes.map(purposeTitle).join(", ")}</Table.Td>
      <Table.Td>{formatDay(validUntil)}</Table.Td>
      <Table.Td>
        <PhaseBadge document={grant} />
      </Table.Td>
    </Table.Tr>
  );
}
