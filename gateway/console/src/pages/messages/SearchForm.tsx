import {
  Button,
  Checkbox,
  Collapse,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, dataOf } from "../../api/client";
import { useHasRole } from "../../app/session";
import { DateInput } from "../../components/DateInput";
import { NamedInput } from "../../components/NamedInput";
import { usePurposes } from "../../components/usePurposes";
import { readCatalogue } from "../../components/useTitles";
import { type Language, useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";
import { hiddenFilters, KINDS, periodOf, type TextField } from "./filters";
import { kindText } from "./ResultTable";
import { useOutcomeTitles } from "./useOutcomeTitles";

interface Props {
  address: URLSearchParams;
  /** The number that was searched for last. */
  person: string;
  /** What the API refused, by the names of fields. */
  fields: ReadonlyMap<string, string>;
  onSearch: (filters: URLSearchParams, person: string) => void;
}

/** The filters of the search; they take effect together, when the form is sent. */
export function SearchForm({ address, person, fields, onSearch }: Props) {
  const t = useMessageTexts();
  const seesPersons = useHasRole("auditor");
  const seesAll = useHasRole("auditor", "operator");
  const [period, setPeriod] = useState(periodOf(address));
  const [opened, setOpened] = useState(hiddenFilters(address) > 0 || person !== "");
  const [personWrong, setPersonWrong] = useState(false);
  const named = (name: TextField) => ({
    name,
    defaultValue: address.get(name) ?? "",
    error: fields.get(`/${name}`) ?? fields.get(name),
  });
  const text = (name: TextField) => ({ ...named(name), maxLength: 255 });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const filters = new URLSearchParams();
    const form = new FormData(event.currentTarget);
    for (const [name, value] of form) {
      if (typeof value === "string" && value.trim() && name !== "person") filters.set(name, value.trim());
    }
    if (period !== "custom") {
      filters.delete("since");
      filters.delete("until");
    }
    filters.set("period", period);
    const number = String(form.get("person") ?? "").trim();
    const sendable = /^[\x20-\x7e]*$/.test(number); // it goes into a header
    setPersonWrong(!sendable);
    if (sendable) onSearch(filters, number);
  };
  return (
    <search>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm" verticalSpacing="xs">
            <Select
              label={t("period")}
              data={[
                { value: "15m", label: t("last15m") },
                { value: "1h", label: t("last1h") },
                { value: "24h", label: t("last24h") },
                { value: "7d", label: t("last7d") },
                { value: "all", label: t("allTime") },
                { value: "custom", label: t("custom") },
              ]}
              value={period}
              allowDeselect={false}
              onChange={(chosen) => setPeriod(chosen ?? "24h")}
            />
            <KnownName label={t("service")} kind="services" {...named("service")} />
            <KnownName label={t("consumer")} kind="systems" {...named("consumer")} />
            <OutcomeInput {...named("outcome")} />
          </SimpleGrid>
          {period === "custom" && (
            <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
              <TimeInput label={t("since")} name="since" value={address.get("since")} />
              <TimeInput label={t("until")} name="until" value={address.get("until")} />
            </SimpleGrid>
          )}
          <Collapse expanded={opened}>
            <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm" verticalSpacing="xs">
              <TextInput label={t("operation")} {...text("operation")} />
              <TextInput label={t("event")} {...text("event")} />
              <KnownName label={t("provider")} kind="systems" {...named("provider")} />
              <KnownName label={t("agency")} kind="agencies" {...named("agency")} />
              <PurposeFilter {...named("purpose")} />
              <TextInput label={t("grant")} {...text("grant")} />
              <Select
                label={t("kind")}
                name="kind"
                placeholder={t("anyKind")}
                clearable
                data={KINDS.map((kind) => ({ value: kind, label: t(kindText(kind)) }))}
                defaultValue={address.get("kind")}
              />
              <NumberInput
                label={t("minDuration")}
                name="minDuration"
                min={0}
                max={1e9}
                defaultValue={address.get("minDuration") ?? ""}
              />
              <TextInput label={t("trace")} {...text("trace")} />
              <TextInput label={t("id")} {...text("message")} />
              {seesPersons && (
                <TextInput
                  label={t("person")}
                  description={t("personHint")}
                  name="person"
                  defaultValue={person}
                  error={personWrong ? t("personWrong") : null}
                  autoComplete="off"
                  inputMode="numeric"
                  maxLength={64}
                />
              )}
            </SimpleGrid>
          </Collapse>
          <Group gap="md">
            <Button type="submit">{t("find")}</Button>
            <Button variant="default" aria-expanded={opened} onClick={() => setOpened(!opened)}>
              {t(opened ? "fewer" : "more")}
            </Button>
            <Button variant="subtle" onClick={() => onSearch(new URLSearchParams(), "")}>
              {t("clear")}
            </Button>
            <Checkbox
              label={t("failedOnly")}
              name="failed"
              value="true"
              defaultChecked={address.get("failed") === "true"}
            />
            {!seesAll && (
              <Select
                aria-label={t("side")}
                name="side"
                allowDeselect={false}
                w={300}
                data={[
                  { value: "consumer", label: t("sideConsumer") },
                  { value: "provider", label: t("sideProvider") },
                ]}
                defaultValue={address.get("side") ?? "consumer"}
              />
            )}
          </Group>
        </Stack>
      </form>
    </search>
  );
}

interface KnownNameProps {
  kind: "services" | "systems" | "agencies";
  label: string;
  name: string;
  defaultValue: string;
  error: string | undefined;
}

/** A field that offers what the user may read in the registry by its title, and takes any other code. */
function KnownName({ kind, ...field }: KnownNameProps) {
  const language = useLanguage();
  const { data } = useQuery({
    queryKey: ["names", kind],
    queryFn: () => readNames(kind),
    staleTime: 60_000,
    retry: false,
  });
  return (
    <NamedInput
      {...field}
      choices={data?.map(({ code, title }) => ({ code, title: title?.[language] ?? code })) ?? []}
    />
  );
}

/** A field that offers what becomes of messages in words, and takes the code of an error that a contract declares. */
function OutcomeInput(field: Omit<KnownNameProps, "kind" | "label">) {
  const t = useMessageTexts();
  const titles = useOutcomeTitles();
  return (
    <NamedInput
      {...field}
      label={t("outcome")}
      placeholder={t("outcomeHint")}
      choices={[...titles].map(([code, title]) => ({ code, title }))}
    />
  );
}

function PurposeFilter(field: Omit<KnownNameProps, "kind" | "label">) {
  const t = useMessageTexts();
  const { all, title } = usePurposes();
  return (
    <NamedInput
      {...field}
      label={t("purposeField")}
      choices={all.map(({ code }) => ({ code, title: title(code) }))}
    />
  );
}

function TimeInput({ label, name, value }: { label: string; name: string; value: string | null }) {
  const [time, setTime] = useState(value ?? "");
  return <DateInput kind="datetime-local" label={label} name={name} value={time} onChange={setTime} />;
}

interface KnownCode {
  code: string;
  title?: Record<Language, string>;
}

async function readNames(kind: KnownNameProps["kind"]): Promise<KnownCode[]> {
  if (kind === "services") {
    const services = await readCatalogue();
    return [...new Map(services.map(({ service, title }) => [service, { code: service, title }])).values()];
  }
  const path = kind === "systems" ? "/registry/systems" : "/registry/agencies";
  const { items } = await dataOf(api.GET(path, { params: { query: { limit: 1000 } } }));
  return items.map(({ metadata, spec }) => ({ code: metadata.name, title: spec.title }));
}
