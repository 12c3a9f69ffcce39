import {
  Button,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  ScrollArea,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { errorAt, fieldErrors } from "../../api/fieldErrors";
import { dayFromNow } from "../../components/dayFromNow";
import { ErrorState } from "../../components/PageStates";
import { PurposeInput } from "../../components/PurposeInput";
import { usePurposes } from "../../components/usePurposes";
import { isObject } from "../../contracts/isObject";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { type Field, fieldsOf } from "./contractFields";

type GrantSpec = Schemas["GrantSpec"];
type Fields = Record<string, string[]>;

const PERIODS = { second: "perSecond", minute: "perMinute", hour: "perHour", day: "perDay" } as const;
const EVERYTHING = "*";

interface Answers {
  service: string;
  operations: Fields;
  purposes: string[];
  legalBasis: string;
  requests: number;
  per: keyof typeof PERIODS;
  validFrom: string;
  validUntil: string;
}

/** Ask for a grant of a system: which operations, seeing which fields, why and on what legal basis, how often, until when. */
export function NewGrant({
  consumer,
  onDone,
  onSkip,
}: {
  consumer: string;
  onDone: (grant: Schemas["Grant"]) => void;
  onSkip: () => void;
}) {
  const t = useAccessTexts();
  const language = useLanguage();
  const queries = useQueryClient();
  const purposes = usePurposes();
  const legalBasisOf = (code?: string) => purposes.all.find((one) => one.code === code)?.legalBasis ?? "";
  const [answers, setAnswers] = useState<Answers>(() => ({
    service: "",
    operations: {},
    purposes: [],
    legalBasis: "",
    requests: 600,
    per: "minute",
    validFrom: dayFromNow(0),
    validUntil: dayFromNow(365),
  }));
  const services = useQuery({ queryKey: ["catalogue"], queryFn: readCatalogue });
  const change = (part: Partial<Answers>) => setAnswers((before) => ({ ...before, ...part }));
  const send = useMutation({
    mutationFn: () => requestGrant(consumer, answers),
    onSuccess: (grant) => {
      void queries.invalidateQueries();
      onDone(grant);
    },
  });
  const errors = fieldErrors(send.error);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send.mutate();
      }}
    >
      <Stack>
        {services.error && <ErrorState error={services.error} onRetry={services.refetch} />}
        <Select
          label={t("chooseService")}
          required
          searchable
          value={answers.service || null}
          error={errorAt(errors, "/spec/service")}
          data={
            services.data?.map((one) => ({
              value: `${one.service}/${one.version.split(".")[0]}`,
              label: `${one.title[language]} (${one.service} v${one.version.split(".")[0]})`,
            })) ?? []
          }
          onChange={(value) => change({ service: value ?? "", operations: {} })}
        />
        {answers.service && (
          <Operations
            service={answers.service}
            chosen={answers.operations}
            error={errorAt(errors, "/spec/operations")}
            onChange={(operations) => change({ operations })}
          />
        )}
        <PurposeInput
          label={t("purposes")}
          description={t("purposesHelp")}
          value={answers.purposes}
          error={errorAt(errors, "/spec/purposes")}
          onChange={(purposes) =>
            change({ purposes, legalBasis: answers.legalBasis || legalBasisOf(purposes[0]) })
          }
        />
        <TextInput
          label={t("legalBasis")}
          required
          value={answers.legalBasis}
          error={errorAt(errors, "/spec/legalBasis")}
          onChange={(event) => change({ legalBasis: event.currentTarget.value })}
        />
        <Group grow align="flex-start">
          <NumberInput
            label={t("requests")}
            min={1}
            allowDecimal={false}
            value={answers.requests}
            error={errorAt(errors, "/spec/quota")}
            onChange={(value) => change({ requests: Number(value) })}
          />
          <Select
            label={t("per")}
            allowDeselect={false}
            value={answers.per}
            data={Object.entries(PERIODS).map(([value, text]) => ({ value, label: t(text) }))}
            onChange={(value) => change({ per: (value ?? "minute") as Answers["per"] })}
          />
          <TextInput
            type="date"
            label={t("validFrom")}
            required
            value={answers.validFrom}
            error={errorAt(errors, "/spec/validFrom")}
            onChange={(event) => change({ validFrom: event.currentTarget.value })}
          />
          <TextInput
            type="date"
            label={t("validUntil")}
            required
            value={answers.validUntil}
            error={errorAt(errors, "/spec/validUntil")}
            onChange={(event) => change({ validUntil: event.currentTarget.value })}
          />
        </Group>
        {send.error && errors.size === 0 && <ErrorState error={send.error} />}
        <Group justify="space-between">
          <Button variant="default" onClick={onSkip}>
            {t("later")}
          </Button>
          <Button type="submit" loading={send.isPending}>
            {t("requestGrant")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Operations({
  service,
  chosen,
  error,
  onChange,
}: {
  service: string;
  chosen: Fields;
  error: string | undefined;
  onChange: (chosen: Fields) => void;
}) {
  const t = useAccessTexts();
  const language = useLanguage();
  const contract = useQuery({ queryKey: ["contract", service], queryFn: () => readContract(service) });
  if (contract.error) return <ErrorState error={contract.error} onRetry={contract.refetch} />;
  const operations = isObject(contract.data?.operations) ? Object.entries(contract.data.operations) : [];
  return (
    <Fieldset legend={t("operations")}>
      <Stack>
        {error && (
          <Text c="red" size="sm" role="alert">
            {error}
          </Text>
        )}
        {operations.map(([name, operation]) => {
          const title = isObject(operation) && isObject(operation.title) ? operation.title[language] : name;
          const fields = isObject(operation) ? fieldsOf(contract.data, operation.response, language) : [];
          return (
            <Stack key={name} gap="xs">
              <Checkbox
                label={`${title} (${name})`}
                checked={name in chosen}
                onChange={(event) => {
                  const { [name]: _, ...rest } = chosen;
                  onChange(event.currentTarget.checked ? { ...rest, [name]: [] } : rest);
                }}
              />
              {chosen[name] && (
                <FieldChoice
                  fields={fields}
                  chosen={chosen[name]}
                  onChange={(shown) => onChange({ ...chosen, [name]: shown })}
                />
              )}
            </Stack>
          );
        })}
      </Stack>
    </Fieldset>
  );
}

function FieldChoice({
  fields,
  chosen,
  onChange,
}: {
  fields: Field[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}) {
  const t = useAccessTexts();
  return (
    <Checkbox.Group
      label={t("fields")}
      description={t("fieldsHelp")}
      pl="xl"
      value={chosen}
      onChange={onChange}
    >
      <ScrollArea.Autosize mah={260} mt="xs" type="auto" viewportProps={{ tabIndex: 0 }}>
        <Stack gap={6}>
          <Checkbox value={EVERYTHING} label={t("allFields")} />
          {!chosen.includes(EVERYTHING) &&
            fields.map(({ pointer, title }) => (
              <Checkbox
                key={pointer}
                value={pointer}
                label={
                  <>
                    {title}{" "}
                    <Text span ff="monospace" fz="xs" c="dimmed">
                      {pointer}
                    </Text>
                  </>
                }
              />
            ))}
        </Stack>
      </ScrollArea.Autosize>
    </Checkbox.Group>
  );
}

async function readCatalogue(): Promise<Schemas["CatalogueService"][]> {
  const found: Schemas["CatalogueService"][] = [];
  let cursor: string | undefined;
  do {
    const page: Schemas["Catalogue"] = await dataOf(
      api.GET("/catalog/services", { params: { query: cursor ? { cursor } : {} } }),
    );
    found.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return found;
}

async function readContract(service: string): Promise<Record<string, unknown>> {
  const [name = "", major = "1"] = service.split("/");
  const path = { service: name, major: Number(major) };
  return {
    ...(await dataOf(api.GET("/catalog/services/{service}/v{major}/contract.json", { params: { path } }))),
  };
}

async function requestGrant(consumer: string, answers: Answers): Promise<Schemas["Grant"]> {
  const [service = "", major = "1"] = answers.service.split("/");
  const operations = Object.fromEntries(
    Object.entries(answers.operations).map(([name, fields]) => [
      name,
      { fields: fields.includes(EVERYTHING) ? [EVERYTHING] : fields },
    ]),
  );
  const spec: GrantSpec = {
    consumer,
    service,
    major: Number(major),
    operations,
    purposes: answers.purposes,
    legalBasis: answers.legalBasis.trim(),
    quota: { requests: answers.requests, per: answers.per },
    senderConstrained: false,
    referenceRequired: false,
    validFrom: answers.validFrom,
    validUntil: answers.validUntil,
  };
  const name = `${consumer}-${service}`.slice(0, 63).replace(/-+$/, "");
  return dataOf(
    api.POST("/registry/grants", {
      body: { apiVersion: "lgsp/v1", kind: "Grant", metadata: { name }, spec },
    }),
  );
}
