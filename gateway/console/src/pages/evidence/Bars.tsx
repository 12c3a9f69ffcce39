import { Card, Group, Table, Text, Title } from "@mantine/core";
import { scaleLinear } from "d3-scale";
import { formatNumber } from "../../components/formats";
import { useLanguage } from "../../texts/createTexts";
import { useEvidenceTexts } from "../../texts/evidence";
import type { Total } from "./figures";

const PARTS = [
  { key: "answered", label: "answered", colour: "var(--mantine-color-teal-filled)" },
  { key: "refused", label: "refused", colour: "var(--mantine-color-yellow-filled)" },
  { key: "failed", label: "failedCalls", colour: "var(--mantine-color-red-filled)" },
] as const;

/** Totals as bars, each with its figures beside it: what was answered, refused, and what failed. */
export function Bars({ title, totals, others }: { title: string; totals: readonly Total[]; others: Total }) {
  const t = useEvidenceTexts();
  const language = useLanguage();
  const rows = others.calls > 0 ? [...totals, { ...others, name: t("otherRows") }] : totals;
  const scale = scaleLinear([0, Math.max(1, ...rows.map(({ calls }) => calls))], [0, 100]);
  return (
    <Card withBorder className="report-part">
      <Group justify="space-between" mb="xs">
        <Title order={2}>{title}</Title>
        <Group gap="sm">
          {PARTS.map(({ key, label, colour }) => (
            <Group key={key} gap={4}>
              <svg width="10" height="10" aria-hidden="true">
                <rect width="10" height="10" rx="2" fill={colour} />
              </svg>
              <Text size="xs">{t(label)}</Text>
            </Group>
          ))}
        </Group>
      </Group>
      <Table withRowBorders={false} verticalSpacing={4} fz="sm" layout="fixed" aria-label={title}>
        <Table.Tbody>
          {rows.map((total) => (
            <Table.Tr key={total.code ?? total.name} title={total.code}>
              <Table.Th w={{ base: 110, sm: 180 }} fw={400}>
                {total.name || t("none")}
              </Table.Th>
              <Table.Td>
                <svg width="100%" height="14" role="presentation" style={{ display: "block" }}>
                  <rect x="0" width={`${scale(total.answered)}%`} height="14" fill={PARTS[0].colour} />
                  <rect
                    x={`${scale(total.answered)}%`}
                    width={`${scale(total.refused)}%`}
                    height="14"
                    fill={PARTS[1].colour}
                  />
                  <rect
                    x={`${scale(total.answered + total.refused)}%`}
                    width={`${scale(total.failed)}%`}
                    height="14"
                    fill={PARTS[2].colour}
                  />
                </svg>
              </Table.Td>
              <Table.Td w={{ base: 80, sm: 130 }} ta="right">
                {formatNumber(total.calls, language)}
                <Text size="xs" c="dimmed" visibleFrom="sm">
                  {PARTS.map(({ key }) => formatNumber(total[key], language)).join(" / ")}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
