import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { errorAt } from "../../api/fieldErrors";
import { useHasRole } from "../../app/session";
import { useAgencies } from "../../components/useTitles";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useGrantRequestTexts } from "../../texts/grantRequest";

/** What is asked about a system before its key. */
export interface SystemAnswers {
  name: string;
  agency: string;
  vi: string;
  en: string;
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** The first step of the wizard: what the system is called, and whose it is. */
export function SystemStep({
  answers,
  refusals,
  onChange,
  onContinue,
}: {
  answers: SystemAnswers;
  /** What the bus refused, by JSON pointer. */
  refusals: ReadonlyMap<string, string>;
  onChange: (answers: SystemAnswers) => void;
  onContinue: () => void;
}) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  const language = useLanguage();
  const form = useRef<HTMLFormElement>(null);
  const operates = useHasRole("operator");
  const agencies = useAgencies();
  const [missing, setMissing] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    if (missing.size > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [missing]);
  const errorOf = (pointer: string) => missing.get(pointer) ?? errorAt(refusals, pointer);
  function look(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    if (!answers.name) found.set("/metadata/name", own("missingName"));
    else if (!NAME.test(answers.name)) found.set("/metadata/name", own("malformedName"));
    if (!answers.vi.trim()) found.set("/spec/title/vi", own("missingTitle"));
    if (!answers.en.trim()) found.set("/spec/title/en", own("missingTitle"));
    if (!answers.agency) found.set("/spec/agency", own("missingAgency"));
    return found;
  }
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const found = look();
        setMissing(found);
        if (found.size === 0) onContinue();
      }}
    >
      <Stack>
        <TextInput
          label={t("systemName")}
          description={t("systemNameHelp")}
          required
          maxLength={63}
          spellCheck={false}
          value={answers.name}
          error={errorOf("/metadata/name")}
          onChange={(event) => onChange({ ...answers, name: event.currentTarget.value.trim() })}
        />
        {(["vi", "en"] as const).map((one) => (
          <TextInput
            key={one}
            label={t(one === "vi" ? "titleVi" : "titleEn")}
            required
            value={answers[one]}
            error={errorOf(`/spec/title/${one}`)}
            onChange={(event) => onChange({ ...answers, [one]: event.currentTarget.value })}
          />
        ))}
        <Select
          label={t("agency")}
          required
          searchable
          disabled={!operates}
          value={answers.agency || null}
          error={errorOf("/spec/agency")}
          data={
            agencies.data?.map(({ metadata, spec }) => ({
              value: metadata.name,
              label: `${spec.title[language]} (${metadata.name})`,
            })) ?? [answers.agency]
          }
          onChange={(value) => onChange({ ...answers, agency: value ?? "" })}
        />
        <Group justify="flex-end">
          <Button type="submit">{t("continue")}</Button>
        </Group>
      </Stack>
    </form>
  );
}
