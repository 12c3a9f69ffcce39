import { Button, Card, Group, ScrollArea, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { IconDownload, IconPrinter } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { DateInput } from "../../components/DateInput";
import { parseMonth } from "../../components/dates";
import { formatNumber } from "../../components/formats";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { formatDateTime } from "../../components/Timestamp";
import { usePurposes } from "../../components/usePurposes";
import { useLanguage } from "../../texts/createTexts";
import { useEvidenceTexts } from "../../texts/evidence";
import { saveFile } from "../../verify/ProofCard";
import { Bars } from "./Bars";
import { monthBefore, type Row, totalsBy } from "./figures";

type Statistics = Schemas["Statistics"];

/** Columns of codes for which the statistics have titles. */
const TITLED: Partial<Record<keyof Row, "agencies" | "systems" | "services">> = {
  agency: "agencies",
  provider: "systems",
  service: "services",
};

const MAX_BARS = 12;
const MAX_ROWS = 500;

/** The figures that the operator of the bus reports, as charts, as a table, as CSV, and as pages to print. */
export function Reports() {
  const t = useEvidenceTexts();
  const [address, setAddress] = useSearchParams();
  const since = address.get("since") || monthBefore(11);
  const until = address.get("until") || monthBefore(0);
  const query = { since, until };
  const {
    data,
    failureReason: error,
    refetch,
  } = useQuery({
    queryKey: ["statistics", since, until],
    queryFn: () => readStatistics(query),
    placeholderData: keepPreviousData,
  });
  const save = useMutation({
    mutationFn: async () => {
      const text = await dataOf(
        api.GET("/ops/statistics", { params: { query }, headers: { Accept: "text/csv" }, parseAs: "blob" }),
      );
      saveFile(text, `lgsp-${since}-${until}.csv`);
    },
  });
  const change = (name: "since" | "until") => (month: string) =>
    parseMonth(month) && setAddress({ ...query, [name]: month });
  return (
    <Stack>
      <Group align="flex-end" className="no-print">
        <Month label={t("from")} value={since} onChange={change("since")} />
        <Month label={t("to")} value={until} onChange={change("until")} />
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={save.isPending}
          onClick={() => save.mutate()}
        >
          {t("exportCsv")}
        </Button>
        <Button
          variant="default"
          leftSection={<IconPrinter size={16} aria-hidden />}
          onClick={() => window.print()}
        >
          {t("print")}
        </Button>
      </Group>
      {(error ?? save.error) && (
        <ErrorState error={(error ?? save.error) as Error} onRetry={() => void refetch()} />
      )}
      {!data && !error && <LoadingState />}
      {data?.items.length === 0 && <EmptyState title={t("noFigures")}>{t("noFiguresHelp")}</EmptyState>}
      {data && data.items.length > 0 && <Report statistics={data} since={since} until={until} />}
    </Stack>
  );
}

/** Return what people call the value of a column. */
type TitleOf = (column: keyof Row, value: string) => string;

function Report({ statistics, since, until }: { statistics: Statistics; since: string; until: string }) {
  const t = useEvidenceTexts();
  const language = useLanguage();
  const purposes = usePurposes();
  const rows = statistics.items;
  const titleOf: TitleOf = (column, value) => {
    if (column === "purpose") return purposes.title(value);
    const kind = TITLED[column];
    return (kind && statistics[kind][value]?.[language]) ?? value;
  };
  const charts = [
    ["byMonth", "month"],
    ["byAgency", "agency"],
    ["byService", "service"],
    ["byPurpose", "purpose"],
  ] as const;
  return (
    <Stack>
      <div className="print-only">
        <Title order={1}>{t("reportTitle")}</Title>
        <Text>{t("reportPeriod", { from: since, to: until })}</Text>
        <Text size="sm">{t("printedAt", { time: formatDateTime(new Date()) })}</Text>
      </div>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        {charts.map(([heading, column]) => {
          const { shown, others } = totalsBy(rows, column, column === "month" ? 24 : MAX_BARS);
          const named = shown.map((one) => ({ ...one, name: titleOf(column, one.name), code: one.name }));
          return <Bars key={column} title={t(heading)} totals={named} others={others} />;
        })}
      </SimpleGrid>
      <Details rows={rows} titleOf={titleOf} />
    </Stack>
  );
}

function Details({ rows, titleOf }: { rows: readonly Row[]; titleOf: TitleOf }) {
  const t = useEvidenceTexts();
  const language = useLanguage();
  const columns = [
    ["month", "month"],
    ["agency", "agency"],
    ["provider", "provider"],
    ["service", "service"],
    ["operation", "operation"],
    ["purposeColumn", "purpose"],
  ] as const;
  const figures = [
    ["calls", "calls"],
    ["answered", "answered"],
    ["refused", "refused"],
    ["failedCalls", "failed"],
  ] as const;
  return (
    <Card withBorder>
      <Title order={2} mb="xs">
        {t("details")}
      </Title>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0, role: "region", "aria-label": t("details") }}>
        <Table fz="sm" miw={900} verticalSpacing={4} aria-label={t("details")}>
          <Table.Thead>
            <Table.Tr>
              {columns.map(([title]) => (
                <Table.Th key={title}>{t(title)}</Table.Th>
              ))}
              {figures.map(([title]) => (
                <Table.Th key={title} ta="right">
                  {t(title)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, MAX_ROWS).map((row) => (
              <Table.Tr key={columns.map(([, column]) => row[column]).join(" ")}>
                {columns.map(([, column]) => (
                  <Table.Td key={column} title={row[column]}>
                    {titleOf(column, row[column]) || "–"}
                  </Table.Td>
                ))}
                {figures.map(([, column]) => (
                  <Table.Td key={column} ta="right">
                    {formatNumber(row[column], language)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      {rows.length > MAX_ROWS && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("detailsCut", { shown: MAX_ROWS, all: rows.length })}
        </Text>
      )}
    </Card>
  );
}

function Month({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (month: string) => void;
}) {
  return <DateInput kind="month" label={label} value={value} onChange={onChange} />;
}

async function readStatistics(query: { since: string; until: string }): Promise<Statistics> {
  const { data } = await api.GET("/ops/statistics", {
    params: { query },
    headers: { Accept: "application/json" },
  });
  if (typeof data !== "object") throw new TypeError("statistics as CSV, which was not asked for");
  return data;
}
