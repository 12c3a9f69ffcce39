import { Anchor, Button, Group, Stack, Table, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { useHasRole } from "../../app/session";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { useAgencies } from "../../components/useTitles";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";

/** The agencies of the registry. */
export function Agencies() {
  const t = useAccessTexts();
  const language = useLanguage();
  const operates = useHasRole("operator");
  const [word, setWord] = useState("");
  const { data, error, isPending, refetch } = useAgencies();
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const shown = data.filter((one) =>
    `${one.metadata.name} ${one.spec.title.vi} ${one.spec.title.en}`
      .toLowerCase()
      .includes(word.toLowerCase()),
  );
  return (
    <Stack>
      <Group align="flex-end">
        <TextInput
          label={t("search")}
          value={word}
          onChange={(event) => setWord(event.currentTarget.value)}
        />
        {operates && (
          <Button component={Link} href="/agencies/new" variant="default">
            {t("newAgency")}
          </Button>
        )}
      </Group>
      {shown.length === 0 && <EmptyState title={t("noAgencies")}>{t("noAgenciesHelp")}</EmptyState>}
      <Table.ScrollContainer minWidth={480}>
        <Table verticalSpacing="xs" fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("code")}</Table.Th>
              <Table.Th>{t("agency")}</Table.Th>
              {operates && <Table.Th>{t("edit")}</Table.Th>}
              <Table.Th>{t("history")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.slice(0, 500).map(({ metadata, spec }) => (
              <Table.Tr key={metadata.name}>
                <Table.Td>{metadata.name}</Table.Td>
                <Table.Td>
                  <Anchor component={Link} href={`/systems?agency=${metadata.name}`} fz="sm">
                    {spec.title[language]}
                  </Anchor>
                </Table.Td>
                {operates && (
                  <Table.Td>
                    <Anchor
                      component={Link}
                      href={`/agencies/${metadata.name}/edit`}
                      fz="sm"
                      aria-label={t("editNamed", { name: metadata.name })}
                    >
                      {t("edit")}
                    </Anchor>
                  </Table.Td>
                )}
                <Table.Td>
                  <Anchor
                    component={Link}
                    href={`/history/agencies/${metadata.name}`}
                    fz="sm"
                    aria-label={t("historyOf", { name: metadata.name })}
                  >
                    {t("history")}
                  </Anchor>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}
