import { Anchor, ScrollArea, Table, Text } from "@mantine/core";
import type { KeyboardEvent } from "react";
import { Link } from "wouter";
import type { Schemas } from "../../api/client";
import { formatMilliseconds } from "../../components/formats";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { usePurposes } from "../../components/usePurposes";
import { useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";
import { ExchangeName, type MessageTitles, SystemName } from "./names";
import { meaningOf, useOutcomeTitles } from "./useOutcomeTitles";

/** Entries that a search found, one a row. The arrow keys move between the links of the rows. */
export function ResultTable({
  items,
  titles,
  dimmed,
}: {
  items: readonly Schemas["EntryFound"][];
  titles: MessageTitles;
  dimmed: boolean;
}) {
  const t = useMessageTexts();
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }} opacity={dimmed ? 0.6 : 1}>
      <Table miw={760} verticalSpacing={6} fz="sm" highlightOnHover aria-label={t("results")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={170}>{t("time")}</Table.Th>
            <Table.Th>{t("who")}</Table.Th>
            <Table.Th>{t("what")}</Table.Th>
            <Table.Th>{t("purposeField")}</Table.Th>
            <Table.Th>{t("outcome")}</Table.Th>
            <Table.Th ta="right" w={100}>
              {t("duration")}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody onKeyDown={moveFocus}>
          {items.map((item) => (
            <Row
              key={`${item.message} ${item.kind} ${item.time} ${item.attempt} ${item.to}`}
              item={item}
              names={titles}
            />
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

function Row({ item, names }: { item: Schemas["EntryFound"]; names: MessageTitles }) {
  const t = useMessageTexts();
  const language = useLanguage();
  const titles = useOutcomeTitles();
  const purposes = usePurposes();
  const took = item.totalMs || item.providerMs;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/${item.message}`} data-row size="sm">
          <Timestamp time={new Date(item.time)} />
        </Anchor>
      </Table.Td>
      <Table.Td>
        <SystemName system={item.consumer} agency={item.agency} titles={names} />
      </Table.Td>
      <Table.Td>
        <ExchangeName service={item.service} name={item.operation || item.event} titles={names} />
        {item.kind !== "call" && (
          <Text size="xs" c="dimmed">
            {t(kindText(item.kind))}
            {item.attempt > 0 && ` #${item.attempt}`}
          </Text>
        )}
      </Table.Td>
      <Table.Td>{item.purpose ? purposes.title(item.purpose) : "–"}</Table.Td>
      <Table.Td>
        <StatusBadge meaning={meaningOf(item.status)}>
          <span title={`${item.outcome} · ${item.status}`}>{titles.get(item.outcome) ?? item.outcome}</span>
        </StatusBadge>
      </Table.Td>
      <Table.Td ta="right">{took ? formatMilliseconds(took, language) : ""}</Table.Td>
    </Table.Tr>
  );
}

/** Return the key of the text that names a kind of entry. */
export function kindText(kind: string): "call" | "acceptedKind" | "delivery" | "event" | "file" {
  if (kind === "accepted") return "acceptedKind";
  return kind === "delivery" || kind === "event" || kind === "file" ? kind : "call";
}

function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row]")];
  const next = links[links.indexOf(document.activeElement as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
