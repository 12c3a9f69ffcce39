import { Anchor, Button, Group, Modal, Stack, Table, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { errorAt, fieldErrors } from "../../api/fieldErrors";
import { useHasRole } from "../../app/session";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { useAccessTexts } from "../../texts/access";
import { useCommonTexts } from "../../texts/common";
import { useLanguage } from "../../texts/createTexts";

/** Read all agencies of the registry. */
export function useAgencies() {
  return useQuery({
    queryKey: ["agencies"],
    queryFn: async () => {
      const found: Schemas["Agency"][] = [];
      let cursor: string | undefined;
      do {
        const page: Schemas["AgencyList"] = await dataOf(
          api.GET("/registry/agencies", { params: { query: { limit: 1000, ...(cursor && { cursor }) } } }),
        );
        found.push(...page.items);
        cursor = page.next;
      } while (cursor);
      return found;
    },
  });
}

/** The agencies of the registry. */
export function Agencies() {
  const t = useAccessTexts();
  const language = useLanguage();
  const operates = useHasRole("operator");
  const [word, setWord] = useState("");
  const [adding, setAdding] = useState(false);
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
          <Button variant="default" onClick={() => setAdding(true)}>
            {t("newAgency")}
          </Button>
        )}
      </Group>
      {shown.length === 0 && <EmptyState title={t("noAgencies")} />}
      <Table.ScrollContainer minWidth={480}>
        <Table verticalSpacing="xs" fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("code")}</Table.Th>
              <Table.Th>{t("agency")}</Table.Th>
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
      {adding && <NewAgency onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function NewAgency({ onClose }: { onClose: () => void }) {
  const t = useAccessTexts();
  const common = useCommonTexts();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [vi, setVi] = useState("");
  const [en, setEn] = useState("");
  const save = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST("/registry/agencies", {
          body: { apiVersion: "lgsp/v1", kind: "Agency", metadata: { name }, spec: { title: { vi, en } } },
        }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = fieldErrors(save.error);
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("newAgency")}
      closeButtonProps={{ "aria-label": common("close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack>
          <TextInput
            data-autofocus
            label={t("code")}
            placeholder="H49.12"
            value={name}
            error={errorAt(errors, "/metadata/name")}
            onChange={(event) => setName(event.currentTarget.value.trim())}
          />
          <TextInput
            label={t("titleVi")}
            value={vi}
            error={errorAt(errors, "/spec/title/vi")}
            onChange={(event) => setVi(event.currentTarget.value)}
          />
          <TextInput
            label={t("titleEn")}
            value={en}
            error={errorAt(errors, "/spec/title/en")}
            onChange={(event) => setEn(event.currentTarget.value)}
          />
          {save.error && errors.size === 0 && <ErrorState error={save.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending}>
              {t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
