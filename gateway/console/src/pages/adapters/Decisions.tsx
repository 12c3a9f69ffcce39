import { Card, ScrollArea, Table, Text, Title } from "@mantine/core";
import { Timestamp } from "../../components/Timestamp";
import { useAdapterTexts } from "../../texts/adapters";
import type { Adapter } from "./useAdapters";

/** Show who drained and resumed an instance, when and why. */
export function Decisions({ decisions }: { decisions: NonNullable<Adapter["decisions"]> }) {
  const t = useAdapterTexts();
  return (
    <Card withBorder padding="md">
      <Title order={2} id="decisions">
        {t("decisions")}
      </Title>
      {decisions.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t("noDecisions")}
        </Text>
      ) : (
        <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
          <Table miw={520} fz="sm" verticalSpacing={6} aria-labelledby="decisions">
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={170}>{t("when")}</Table.Th>
                <Table.Th>{t("what")}</Table.Th>
                <Table.Th>{t("by")}</Table.Th>
                <Table.Th>{t("reason")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {decisions.map((one) => (
                <Table.Tr key={one.at}>
                  <Table.Td>
                    <Timestamp time={one.at} />
                  </Table.Td>
                  <Table.Td>{t(one.drained ? "decisionDrained" : "decisionResumed")}</Table.Td>
                  <Table.Td>{one.by}</Table.Td>
                  <Table.Td>{one.reason ?? "–"}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea>
      )}
    </Card>
  );
}
