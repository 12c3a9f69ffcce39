import { Anchor, Card, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useRef, useState } from "react";
import { Link } from "wouter";
import { StatusBadge } from "../../components/StatusBadge";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import { formatCount, formatDuration, formatRate, formatShare, MEANINGS, titlesOf } from "./formats";
import { linkOf, useOwnAgency } from "./links";
import type { Flow, Picture } from "./useFlows";

/** Show the flows as a table, or as cards where there is little room; unwell ones come first. */
export function FlowTable({ picture }: { picture: Picture }) {
  const t = useFlowTexts();
  const narrow = useMediaQuery("(max-width: 62em)");
  const [held, setHeld] = useState(false);
  const order = useRef<string[]>([]);
  if (!held) order.current = sorted(picture.items).map(({ id }) => id);
  const places = new Map(order.current.map((id, place) => [id, place]));
  const last = places.size;
  const flows = [...picture.items].sort((a, b) => (places.get(a.id) ?? last) - (places.get(b.id) ?? last));
  return (
    <Stack gap="xs" component="section" aria-labelledby="table-title">
      <Title order={2} id="table-title">
        {t("table")}
      </Title>
      {/* Rows do not change places while somebody points at them. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only holds the order */}
      <div
        onMouseEnter={() => setHeld(true)}
        onMouseLeave={() => setHeld(false)}
        onFocus={() => setHeld(true)}
        onBlur={() => setHeld(false)}
      >
        {narrow ? (
          <FlowCards flows={flows} picture={picture} />
        ) : (
          <FlowRows flows={flows} picture={picture} />
        )}
      </div>
    </Stack>
  );
}

function sorted(flows: Flow[]): Flow[] {
  return [...flows].sort(
    (a, b) =>
      Number(a.state === "healthy") - Number(b.state === "healthy") ||
      b.calls - a.calls ||
      a.id.localeCompare(b.id),
  );
}

function FlowRows({ flows, picture }: { flows: Flow[]; picture: Picture }) {
  const t = useFlowTexts();
  const heads = [
    "state",
    "consumer",
    "services",
    "provider",
    "kind",
    "rate",
    "calls",
    "refused",
    "errors",
  ] as const;
  const numbers = new Set(["rate", "calls", "refused", "errors"]);
  return (
    <Table.ScrollContainer minWidth={960}>
      <Table aria-labelledby="table-title" verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {heads.map((head) => (
              <Table.Th
                key={head}
                scope="col"
                w={head === "state" ? 150 : undefined}
                ta={numbers.has(head) ? "right" : undefined}
              >
                {t(head)}
              </Table.Th>
            ))}
            {["p50", "p95", "p99"].map((head) => (
              <Table.Th key={head} scope="col" ta="right">
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {flows.map((flow) => (
            <FlowRow key={flow.id} flow={flow} picture={picture} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function FlowRow({ flow, picture }: { flow: Flow; picture: Picture }) {
  const t = useFlowTexts();
  const language = useLanguage();
  const titles = titlesOf(flow, picture, language);
  const numbers = [
    t("perSecond", { rate: formatRate(flow.perSecond, language) }),
    formatCount(flow.calls, language),
    formatShare(flow.refusedRate, language),
    formatShare(flow.errorRate, language),
    ...[flow.p50, flow.p95, flow.p99].map(
      (duration) => (flow.kind === "event" ? "–" : formatDuration(duration, language)), // nobody waited for an answer
    ),
  ];
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: "nowrap" }}>
        <StateBadge flow={flow} />
      </Table.Td>
      <Table.Td>{titles.consumer || "–"}</Table.Td>
      <Table.Td>
        <FlowLink flow={flow} picture={picture} />
      </Table.Td>
      <Table.Td>{titles.provider || "–"}</Table.Td>
      <Table.Td>{t(`one-${flow.kind}`)}</Table.Td>
      {numbers.map((number, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
        <Table.Td key={index} ta="right" style={{ whiteSpace: "nowrap" }}>
          {number}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function FlowCards({ flows, picture }: { flows: Flow[]; picture: Picture }) {
  const t = useFlowTexts();
  const language = useLanguage();
  return (
    <SimpleGrid
      cols={{ base: 1, sm: 2 }}
      spacing="xs"
      component="ul"
      p={0}
      m={0}
      style={{ listStyle: "none" }}
    >
      {flows.map((flow) => {
        const titles = titlesOf(flow, picture, language);
        const figures = [
          t("perSecond", { rate: formatRate(flow.perSecond, language) }),
          `${t("errors")} ${formatShare(flow.errorRate, language)}`,
          ...(flow.kind === "event" ? [] : [`p95 ${formatDuration(flow.p95, language)}`]),
        ];
        return (
          <Card key={flow.id} component="li" withBorder padding="sm">
            <Stack gap={4}>
              <Group justify="space-between" wrap="nowrap">
                <StateBadge flow={flow} />
                <Text size="xs" c="dimmed">
                  {t(`one-${flow.kind}`)}
                </Text>
              </Group>
              <FlowLink flow={flow} picture={picture} />
              <Text size="sm">
                {titles.consumer ? `${titles.consumer} → ` : ""}
                {titles.provider}
              </Text>
              <Text size="sm" c="dimmed">
                {figures.join(" · ")}
              </Text>
            </Stack>
          </Card>
        );
      })}
    </SimpleGrid>
  );
}

function StateBadge({ flow }: { flow: Flow }) {
  const t = useFlowTexts();
  return (
    <StatusBadge meaning={MEANINGS[flow.state]}>
      {t(flow.state === "refused" ? "state-refused" : flow.state)}
    </StatusBadge>
  );
}

function FlowLink({ flow, picture }: { flow: Flow; picture: Picture }) {
  const t = useFlowTexts();
  const titles = titlesOf(flow, picture, useLanguage());
  const own = useOwnAgency();
  const what = t(picture.group === "agency" ? "seeSystems" : "seeMessages");
  const name = titles.service || (picture.group === "agency" ? what : t("unknownService"));
  const label = [what, name, titles.consumer, titles.provider].filter(Boolean).join(", ");
  return (
    <Anchor
      component={Link}
      href={`~${linkOf(flow, picture, own)}`}
      size="sm"
      aria-label={`${name}: ${label}`}
    >
      {name}
    </Anchor>
  );
}
