import { Anchor, Button, Group, Paper, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { errorAt, fieldErrors } from "../../api/fieldErrors";
import { useHasRole, useSession } from "../../app/session";
import { AgencyName } from "../../components/AgencyName";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { CopyableCode } from "../../components/CopyableCode";
import { DateInput } from "../../components/DateInput";
import { PagedTable } from "../../components/PagedTable";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { PrincipalName } from "../../components/PrincipalName";
import { useRoleTitle } from "../../components/roles";
import { useAccessTexts } from "../../texts/access";
import { formatDay } from "./formatDay";
import { DocumentHistory } from "./history";
import { LinkAccount } from "./linkAccount";
import { PhaseBadge, phaseOf } from "./phases";

type Person = Schemas["Person"];
type Step = "approve" | "suspend" | "resume" | "end";

/** The phases in which a document may be edited and an account linked. */
const EDITABLE = ["created", "awaiting-operator", "active"];

const STEPS: Record<string, readonly Step[]> = {
  created: ["end"],
  "awaiting-operator": ["approve", "end"],
  active: ["suspend", "end"],
  suspended: ["resume", "end"],
};

/** The persons that the user may read. */
export function Persons() {
  const t = useAccessTexts();
  const operates = useHasRole("operator");
  return (
    <Stack>
      {operates && (
        <Group>
          <Button component={Link} href="/persons/new" variant="default">
            {t("newPerson")}
          </Button>
        </Group>
      )}
      <PagedTable
        queryKey={["persons"]}
        read={(cursor) =>
          dataOf(
            api.GET("/registry/persons", { params: { query: { limit: 100, ...(cursor && { cursor }) } } }),
          )
        }
        columns={[t("name"), t("agency"), t("roles"), t("state")]}
        rowKey={(person) => person.metadata.name}
        row={(person) => <PersonRow person={person} />}
        empty={<EmptyState title={t("noPersons")}>{t("noPersonsHelp")}</EmptyState>}
      />
    </Stack>
  );
}

function PersonRow({ person }: { person: Person }) {
  const roleTitle = useRoleTitle();
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/persons/${person.metadata.name}`} fz="sm">
          <PrincipalName name={`person/${person.metadata.name}`} />
        </Anchor>
      </Table.Td>
      <Table.Td>
        <AgencyName code={person.spec.agency} below />
      </Table.Td>
      <Table.Td>{person.spec.roles.map(roleTitle).join(", ")}</Table.Td>
      <Table.Td>
        <PhaseBadge document={person} />
      </Table.Td>
    </Table.Tr>
  );
}

/** One person: who they are, their roles, and the steps in their life. */
export function PersonPage({ name }: { name: string }) {
  const t = useAccessTexts();
  const roleTitle = useRoleTitle();
  const session = useSession();
  const operates = useHasRole("operator");
  const [step, setStep] = useState<Step>();
  const [linking, setLinking] = useState(false);
  const path = { params: { path: { name } } };
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["person", name],
    queryFn: () => dataOf(api.GET("/registry/persons/{name}", path)),
  });
  const profile = useQuery({
    queryKey: ["profile", name],
    queryFn: () => dataOf(api.GET("/registry/persons/{name}/profile", path)),
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const own = session?.person === name;
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Title order={2}>{profile.data?.name || name}</Title>
          <Group gap="xs">
            <PhaseBadge document={data} />
            <CopyableCode value={name} label={t("name")} />
          </Group>
        </Stack>
        {operates && !own && (
          <Group gap="xs">
            {EDITABLE.includes(phaseOf(data)) && (
              <>
                <Button component={Link} href={`/persons/${name}/edit`} variant="default">
                  {t("edit")}
                </Button>
                <Button variant="default" onClick={() => setLinking(true)}>
                  {t("link")}
                </Button>
              </>
            )}
            {STEPS[phaseOf(data)]?.map((one) => (
              <Button
                key={one}
                variant={one === "approve" ? "filled" : "default"}
                onClick={() => setStep(one)}
              >
                {t(one)}
              </Button>
            ))}
          </Group>
        )}
      </Group>
      <Paper withBorder p="md">
        <Table variant="vertical" fz="sm">
          <Table.Tbody>
            <Table.Tr>
              <Table.Th w={180}>{t("agency")}</Table.Th>
              <Table.Td>
                <AgencyName code={data.spec.agency} />
              </Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Th>{t("roles")}</Table.Th>
              <Table.Td>{data.spec.roles.map(roleTitle).join(", ")}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Th>{t("account")}</Table.Th>
              <Table.Td ff="monospace">{profile.data?.account ?? "-"}</Table.Td>
            </Table.Tr>
            <Table.Tr>
              <Table.Th>{t("myDeputy")}</Table.Th>
              <Table.Td>
                {data.spec.deputy
                  ? `${data.spec.deputy.person} · ${formatDay(data.spec.deputy.from)} – ${formatDay(data.spec.deputy.until)}`
                  : t("nothing")}
              </Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
        {operates && !own && <NameDeputy person={data} />}
      </Paper>
      <Paper withBorder p="md">
        <Title order={3} mb="sm">
          {t("history")}
        </Title>
        <DocumentHistory kind="persons" name={name} />
      </Paper>
      {linking && <LinkAccount person={data} onClose={() => setLinking(false)} />}
      {step && <PersonStep person={data} step={step} onClose={() => setStep(undefined)} />}
    </Stack>
  );
}

function PersonStep({ person, step, onClose }: { person: Person; step: Step; onClose: () => void }) {
  const t = useAccessTexts();
  const roleTitle = useRoleTitle();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const { name, revision } = person.metadata;
  const send = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST("/registry/persons/{name}/{action}", {
          params: { path: { name, action: step }, header: { "If-Match": `"${revision}"` } },
          body: { reason },
        }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <ConfirmDialog
      opened
      title={`${t(step)}: ${name}`}
      action={t(step)}
      danger={step === "end"}
      pending={send.isPending}
      error={send.error}
      onClose={onClose}
      onConfirm={() => send.mutate()}
    >
      <Text size="sm">
        <AgencyName code={person.spec.agency} /> · {person.spec.roles.map(roleTitle).join(", ")}
      </Text>
      <TextInput
        data-autofocus
        label={t("reason")}
        maxLength={500}
        required={step === "suspend" || step === "end"}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

function NameDeputy({ person }: { person: Person }) {
  const t = useAccessTexts();
  const queries = useQueryClient();
  const [opened, setOpened] = useState(false);
  const [deputy, setDeputy] = useState({ person: "", from: "", until: "" });
  const { name, revision } = person.metadata;
  const save = useMutation({
    mutationFn: () =>
      dataOf(
        api.PUT("/registry/persons/{name}", {
          params: { path: { name }, header: { "If-Match": `"${revision}"` } },
          body: {
            apiVersion: "lgsp/v1",
            kind: "Person",
            metadata: { name },
            spec: { ...person.spec, deputy },
          },
        }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries();
      setOpened(false);
    },
  });
  const errors = fieldErrors(save.error);
  return (
    <>
      <Button size="xs" variant="default" mt="sm" onClick={() => setOpened(true)}>
        {t("nameDeputy")}
      </Button>
      <ConfirmDialog
        opened={opened}
        title={t("nameDeputy")}
        action={t("save")}
        pending={save.isPending}
        error={errors.size > 0 ? null : save.error}
        onClose={() => setOpened(false)}
        onConfirm={() => save.mutate()}
      >
        <TextInput
          data-autofocus
          label={t("deputyPerson")}
          value={deputy.person}
          error={errorAt(errors, "/spec/deputy/person")}
          onChange={(event) => setDeputy({ ...deputy, person: event.currentTarget.value.trim() })}
        />
        {(["from", "until"] as const).map((day) => (
          <DateInput
            key={day}
            label={t(day)}
            value={deputy[day]}
            error={errorAt(errors, `/spec/deputy/${day}`)}
            onChange={(value) => setDeputy({ ...deputy, [day]: value })}
          />
        ))}
      </ConfirmDialog>
    </>
  );
}
