import { Anchor, Button, Group, Stack, Table, Text } from "@mantine/core";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { PagedTable } from "../../components/PagedTable";
import { EmptyState } from "../../components/PageStates";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";

/** The purposes that have a title, with their legal bases. */
export function PurposeList() {
  const t = useAccessTexts();
  const operates = useHasRole("operator");
  return (
    <Stack>
      <Text c="dimmed" size="sm">
        {t("purposesHelpPage")}
      </Text>
      {operates && (
        <Group>
          <Button component={Link} href="/purposes/new" variant="default">
            {t("newPurpose")}
          </Button>
        </Group>
      )}
      <PagedTable
        queryKey={["purpose documents"]}
        read={(cursor) =>
          dataOf(
            api.GET("/registry/purposes", { params: { query: { limit: 100, ...(cursor && { cursor }) } } }),
          )
        }
        columns={[t("purposeTitle"), t("legalBasis"), t("history")]}
        rowKey={(purpose) => purpose.metadata.name}
        row={(purpose) => <PurposeRow purpose={purpose} editable={operates} />}
        empty={<EmptyState title={t("noPurposes")}>{t("noPurposesHelp")}</EmptyState>}
      />
    </Stack>
  );
}

function PurposeRow({ purpose, editable }: { purpose: Schemas["Purpose"]; editable: boolean }) {
  const t = useAccessTexts();
  const language = useLanguage();
  const { name } = purpose.metadata;
  const title = purpose.spec.title[language];
  return (
    <Table.Tr>
      <Table.Td>
        {editable ? (
          <Anchor
            component={Link}
            href={`/purposes/${name}/edit`}
            fz="sm"
            aria-label={t("editNamed", { name: title })}
          >
            {title}
          </Anchor>
        ) : (
          title
        )}
        <Text size="xs" c="dimmed">
          {name}
        </Text>
      </Table.Td>
      <Table.Td>{purpose.spec.legalBasis}</Table.Td>
      <Table.Td>
        <Anchor
          component={Link}
          href={`/history/purposes/${name}`}
          fz="sm"
          aria-label={t("historyOf", { name })}
        >
          {t("history")}
        </Anchor>
      </Table.Td>
    </Table.Tr>
  );
}
