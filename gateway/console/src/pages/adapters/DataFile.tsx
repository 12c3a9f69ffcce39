import { Alert, Card, List, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Timestamp } from "../../components/Timestamp";
import { useAdapterTexts } from "../../texts/adapters";
import type { Adapter } from "./useAdapters";

/** Show the file that an adapter answers from, and the report of a newer one that it cannot use; nothing where it keeps no file. */
export function DataFile({ operations }: { operations: Adapter["operations"] }) {
  const t = useAdapterTexts();
  const data = Object.values(operations).find((one) => one.data)?.data;
  if (!data) return null;
  return (
    <Card withBorder padding="md">
      <Title order={2} mb="xs">
        {t("file")}
      </Title>
      <dl className="facts">
        <dt>{t("fileInUse")}</dt>
        <dd>{data.file || t("fileNone")}</dd>
        {data.since > 0 && (
          <>
            <dt>{t("fileSince")}</dt>
            <dd>
              <Timestamp time={new Date(data.since * 1000)} />
            </dd>
          </>
        )}
      </dl>
      {data.withoutKey !== undefined && (
        <Text size="sm" mt="xs">
          {t("withoutKey", { count: data.withoutKey })}
        </Text>
      )}
      {!data.current && (
        <Alert
          mt="sm"
          color="yellow"
          icon={<IconAlertTriangle aria-hidden />}
          title={t(data.file ? "fileNewer" : "fileNone")}
        >
          <Text size="sm">
            {data.about ? `${data.about}: ` : ""}
            {data.why}
          </Text>
          {data.report && (
            <>
              <Text size="sm" fw={600} mt="xs">
                {t("fileReport")}
              </Text>
              <List size="sm">
                {data.report.map((fault) => (
                  <List.Item key={fault}>{fault}</List.Item>
                ))}
              </List>
            </>
          )}
        </Alert>
      )}
    </Card>
  );
}
