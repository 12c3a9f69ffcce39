import { Alert, Button, Group, Paper, Select, Stack, Stepper, Text, TextInput, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { errorAt, fieldErrors } from "../../api/fieldErrors";
import { useHasRole, useSession } from "../../app/session";
import { ErrorState } from "../../components/PageStates";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useAgencies } from "./agencies";
import { FirstToken } from "./firstToken";
import { KeyStep } from "./keyStep";
import type { PublicKey } from "./keys";
import { NewGrant } from "./newGrant";

interface Answers {
  name: string;
  agency: string;
  vi: string;
  en: string;
}

const NAME = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

/** Register a system in four steps: who it is, its key, its first grant, and how it takes its first token. */
export function Wizard() {
  const t = useAccessTexts();
  const session = useSession();
  const queries = useQueryClient();
  const narrow = useMediaQuery("(max-width: 36em)");
  const [step, setStep] = useState(0);
  const [answers, setAnswers] = useState<Answers>({
    name: "",
    agency: session?.agency ?? "",
    vi: "",
    en: "",
  });
  const [key, setKey] = useState<PublicKey>();
  const [grant, setGrant] = useState<Schemas["Grant"]>();
  const register = useMutation({
    mutationFn: (publicKey: PublicKey) => registerSystem(answers, publicKey),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["systems"] });
      setStep(2);
    },
  });
  const errors = fieldErrors(register.error);
  const keyRefusal = errorAt(errors, "/spec/jwks");
  const elsewhere = register.error && errors.size > 0 && !keyRefusal;
  return (
    <Stack maw={860}>
      <Title order={2}>{t("newSystem")}</Title>
      <Text c="dimmed" size="sm">
        {t("wizardPurpose")}
      </Text>
      <Stepper
        active={step}
        size="sm"
        orientation={narrow ? "vertical" : "horizontal"}
        allowNextStepsSelect={false}
      >
        {(["stepSystem", "stepKey", "stepGrant", "stepToken"] as const).map((one) => (
          <Stepper.Step key={one} label={t(one)} allowStepSelect={false} />
        ))}
      </Stepper>
      <Paper withBorder p="md">
        {step === 0 && (
          <SystemStep
            answers={answers}
            errors={errors}
            onChange={setAnswers}
            onContinue={() => {
              register.reset();
              setStep(1);
            }}
          />
        )}
        <div hidden={step !== 1}>
          <KeyStep
            system={answers.name}
            error={keyRefusal}
            pending={register.isPending}
            onBack={() => setStep(0)}
            onContinue={(publicKey) => {
              setKey(publicKey);
              register.mutate(publicKey, {
                onError: (error) => {
                  const at = fieldErrors(error);
                  if (at.size > 0 && !errorAt(at, "/spec/jwks")) setStep(0);
                },
              });
            }}
          />
        </div>
        {register.error && !elsewhere && !keyRefusal && <ErrorState error={register.error} />}
        {step === 2 && (
          <Stack>
            <Alert color="teal">{t("registered", { name: answers.name })}</Alert>
            <NewGrant
              consumer={answers.name}
              onDone={(made) => {
                setGrant(made);
                setStep(3);
              }}
              onSkip={() => setStep(3)}
            />
          </Stack>
        )}
        {step === 3 && key && <FirstToken system={answers.name} kid={key.kid} grant={grant} />}
      </Paper>
    </Stack>
  );
}

function SystemStep({
  answers,
  errors,
  onChange,
  onContinue,
}: {
  answers: Answers;
  errors: ReadonlyMap<string, string>;
  onChange: (answers: Answers) => void;
  onContinue: () => void;
}) {
  const t = useAccessTexts();
  const language = useLanguage();
  const operates = useHasRole("operator");
  const agencies = useAgencies();
  const ofAll = agencies.data?.map(({ metadata, spec }) => ({
    value: metadata.name,
    label: `${spec.title[language]} (${metadata.name})`,
  }));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onContinue();
      }}
    >
      <Stack>
        <TextInput
          label={t("systemName")}
          description={t("systemNameHelp")}
          required
          pattern={NAME}
          maxLength={63}
          value={answers.name}
          error={errorAt(errors, "/metadata/name")}
          onChange={(event) => onChange({ ...answers, name: event.currentTarget.value })}
        />
        <TextInput
          label={t("titleVi")}
          required
          value={answers.vi}
          error={errorAt(errors, "/spec/title/vi")}
          onChange={(event) => onChange({ ...answers, vi: event.currentTarget.value })}
        />
        <TextInput
          label={t("titleEn")}
          required
          value={answers.en}
          error={errorAt(errors, "/spec/title/en")}
          onChange={(event) => onChange({ ...answers, en: event.currentTarget.value })}
        />
        <Select
          label={t("agency")}
          required
          searchable
          disabled={!operates}
          value={answers.agency}
          error={errorAt(errors, "/spec/agency")}
          data={ofAll ?? [answers.agency]}
          onChange={(value) => onChange({ ...answers, agency: value ?? "" })}
        />
        <Group justify="flex-end">
          <Button type="submit">{t("continue")}</Button>
        </Group>
      </Stack>
    </form>
  );
}

async function registerSystem(answers: Answers, publicKey: PublicKey): Promise<Schemas["System"]> {
  const { name, agency, vi, en } = answers;
  return dataOf(
    api.POST("/registry/systems", {
      body: {
        apiVersion: "lgsp/v1",
        kind: "System",
        metadata: { name },
        spec: { agency, title: { vi, en }, roles: [], jwks: [publicKey] },
      },
    }),
  );
}
