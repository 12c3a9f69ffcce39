import { Card, ScrollArea, Table, Title } from "@mantine/core";
import { Timestamp } from "../../components/Timestamp";
import { useSubscriptionTexts } from "../../texts/subscriptions";

const STEPS = [
  "created",
  "changed",
  "paused",
  "resumed",
  "replayed",
  "deleted",
  "secret-rotated",
  "secret-removed",
] as const;

/** A change of a subscription or an endpoint. */
export interface Change {
  step: string;
  by: string;
  at: string;
  reason?: string;
}

/** Show who changed something, the newest change first. */
export function ChangeHistory({ changes }: { changes: readonly Change[] }) {
  const t = useSubscriptionTexts();
  const stepText = (step: string) => {
    const known = STEPS.find((one) => one === step);
    return known ? t(`step_${known}`) : step;
  };
  return (
    <Card withBorder padding="md">
      <Title order={2} id="history">
        {t("history")}
      </Title>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Table miw={520} fz="sm" verticalSpacing={6} aria-labelledby="history">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={170}>{t("when")}</Table.Th>
              <Table.Th>{t("step")}</Table.Th>
              <Table.Th>{t("by")}</Table.Th>
              <Table.Th>{t("reason")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {[...changes].reverse().map((one) => (
              <Table.Tr key={`${one.at} ${one.step}`}>
                <Table.Td>
                  <Timestamp time={one.at} />
                </Table.Td>
                <Table.Td>{stepText(one.step)}</Table.Td>
                <Table.Td>{one.by || "–"}</Table.Td>
                <Table.Td>{one.reason || "–"}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
    </Card>
  );
}
