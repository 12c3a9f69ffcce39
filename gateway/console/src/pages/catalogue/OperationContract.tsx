import { Code, Group, SimpleGrid, Stack, Table, Tabs, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { CopyableCode } from "../../components/CopyableCode";
import { ErrorState } from "../../components/PageStates";
import { useCatalogueTexts } from "../../texts/catalogue";
import { useLanguage } from "../../texts/createTexts";
import { ClassificationBadge } from "./ClassificationBadge";
import { FieldTree } from "./FieldTree";
import { Trial } from "./Trial";

interface Props {
  contract: Schemas["Contract"];
  major: number;
  name: string;
}

/** Show an operation of a contract: what it asks and answers, its errors, programs that call it, and a form to try it. */
export function OperationContract({ contract, major, name }: Props) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  const operation = contract.operations?.[name];
  if (!operation) return null;
  const classification = operation.classification ?? contract.classification;
  const facts = [
    t("answersWithin", { time: operation.timeout.replace(/(\d)([a-z])/g, "$1\u00a0$2") }),
    t(operation.idempotent ? "idempotent" : "notIdempotent"),
    ...(operation.async ? [t("asynchronous")] : []),
    ...(classification === "personal" ? [t("needsPurpose")] : []),
  ];
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        {operation.description && <Text maw={720}>{operation.description[language]}</Text>}
        <Group gap="md">
          <ClassificationBadge classification={classification} />
          <Text size="sm">{facts.join(" · ")}</Text>
        </Group>
        <CopyableCode value={`POST /services/${contract.service}/v${major}/${name}`} label={t("address")} />
      </Stack>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="xl">
        <section>
          <Title order={2} mb="xs">
            {t("request")}
          </Title>
          <FieldTree schema={operation.request} />
        </section>
        <section>
          <Title order={2} mb="xs">
            {t("answer")}
          </Title>
          <FieldTree schema={operation.response} />
        </section>
      </SimpleGrid>
      <Errors errors={operation.errors ?? {}} />
      <section>
        <Title order={2}>{t("try")}</Title>
        <Trial service={contract.service} major={major} operation={name} example={operation.example} />
      </section>
      <Programs service={contract.service} major={major} operation={name} />
    </Stack>
  );
}

function Errors({ errors }: { errors: NonNullable<Schemas["ContractOperation"]["errors"]> }) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  if (Object.keys(errors).length === 0) return null;
  return (
    <section>
      <Title order={2} mb="xs">
        {t("errors")}
      </Title>
      <Table>
        <Table.Tbody>
          {Object.entries(errors).map(([code, error]) => (
            <Table.Tr key={code}>
              <Table.Td w={64}>{error.status}</Table.Td>
              <Table.Td>
                <Code>{code}</Code>
              </Table.Td>
              <Table.Td>{error.title[language]}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function Programs({ service, major, operation }: { service: string; major: number; operation: string }) {
  const t = useCatalogueTexts();
  const { data, error } = useQuery({
    queryKey: ["programs", service, major, operation],
    queryFn: () =>
      dataOf(
        api.GET("/catalog/services/{service}/v{major}/operations/{operation}/programs", {
          params: { path: { service, major, operation } },
        }),
      ),
  });
  return (
    <section>
      <Title order={2}>{t("programs")}</Title>
      <Text size="sm" c="dimmed" mb="xs">
        {t("programsHelp")}
      </Text>
      {error && <ErrorState error={error} />}
      {data && (
        <Tabs defaultValue={data.items[0]?.language ?? ""} keepMounted={false}>
          <Tabs.List>
            {data.items.map((program) => (
              <Tabs.Tab key={program.language} value={program.language}>
                {program.title}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {data.items.map((program) => (
            <Tabs.Panel key={program.language} value={program.language} pt="xs">
              <Code block tabIndex={0}>
                {program.program}
              </Code>
            </Tabs.Panel>
          ))}
        </Tabs>
      )}
    </section>
  );
}
