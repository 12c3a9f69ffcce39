import { Alert, Anchor, Button, Group, Paper, Stack, Stepper, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, Redirect, useLocation, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { errorAt, fieldErrors } from "../../api/fieldErrors";
import { useSession } from "../../app/session";
import { ErrorState } from "../../components/PageStates";
import { useAccessTexts } from "../../texts/access";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { FirstToken } from "./firstToken";
import { KeyStep } from "./keyStep";
import type { PublicKey } from "./keys";
import { NewGrant } from "./newGrant";
import { type SystemAnswers, SystemStep } from "./systemStep";

const PATH = "/systems/new";
/** The steps as their addresses name them. */
const STEPS = ["", "key", "grant", "token"] as const;
const TITLES = ["stepSystem", "stepKey", "stepGrant", "stepToken"] as const;

/**
 * Register a system in four steps: who it is, its key, its first grant, and how it takes its first token.
 *
 * Each step has an address, so that the browser's back button leads to the one before with all that was typed; the address says which system
 * was registered and which grant requested, so that it can also be loaded anew. What was typed, and the private key, are in memory alone.
 */
export function Wizard({ step: named }: { step: string }) {
  const t = useAccessTexts();
  const session = useSession();
  const queries = useQueryClient();
  const narrow = useMediaQuery("(max-width: 36em)");
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  const [answers, setAnswers] = useState<SystemAnswers>({
    name: "",
    agency: session?.agency ?? "",
    vi: "",
    en: "",
  });
  const [registered, setRegistered] = useState(search.get("system") ?? "");
  const [requested, setRequested] = useState(search.get("grant") ?? "");
  const register = useMutation({
    mutationFn: (publicKey: PublicKey) => registerSystem(answers, publicKey),
    onSuccess: ({ metadata }) => {
      void queries.invalidateQueries({ queryKey: ["systems"] });
      setRegistered(metadata.name);
      navigate(addressOf("grant", metadata.name), { replace: true }); // a key is made once: no way back to that step
    },
    onError: (error) => {
      const at = fieldErrors(error);
      if (at.size > 0 && !errorAt(at, "/spec/jwks")) navigate(PATH);
    },
  });
  const errors = fieldErrors(register.error);
  const keyRefusal = errorAt(errors, "/spec/jwks");
  const elsewhere = register.error && errors.size > 0 && !keyRefusal;
  const step = STEPS.indexOf(named as (typeof STEPS)[number]);
  const unknown = step < 0 || (step === 1 && !answers.name) || (step > 1 && !registered);
  if (unknown) return <Redirect to={PATH} replace />; // it was loaded anew, and what was typed is gone
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
        {TITLES.map((one) => (
          <Stepper.Step key={one} label={t(one)} allowStepSelect={false} />
        ))}
      </Stepper>
      <Paper withBorder p="md">
        {step <= 1 && registered && <Registered name={registered} />}
        {!registered && (
          <>
            <Shown when={step === 0}>
              <SystemStep
                answers={answers}
                refusals={errors}
                onChange={setAnswers}
                onContinue={() => {
                  register.reset();
                  navigate(addressOf("key"));
                }}
              />
            </Shown>
            <Shown when={step === 1}>
              <KeyStep
                system={answers.name}
                error={keyRefusal}
                pending={register.isPending}
                onBack={() => history.back()}
                onContinue={(publicKey) => register.mutate(publicKey)}
              />
            </Shown>
          </>
        )}
        {register.error && !elsewhere && !keyRefusal && <ErrorState error={register.error} />}
        {registered && (
          <Shown when={step === 2}>
            <GrantStep
              system={registered}
              requested={requested}
              onDone={(grant) => {
                setRequested(grant.metadata.name);
                navigate(addressOf("token", registered, grant.metadata.name));
              }}
              onSkip={() => navigate(addressOf("token", registered, requested))}
            />
          </Shown>
        )}
        {step === 3 && <FirstToken system={registered} grant={requested} />}
      </Paper>
    </Stack>
  );
}

/** A step that keeps what was typed while another one is shown. */
function Shown({ when, children }: { when: boolean; children: ReactNode }) {
  return <div hidden={!when}>{children}</div>;
}

function Registered({ name }: { name: string }) {
  const t = useGrantRequestTexts();
  return (
    <Stack align="flex-start">
      <Alert color="teal">{t("alreadyRegistered", { name })}</Alert>
      <Button component={Link} href={addressOf("grant", name)}>
        {t("goOn")}
      </Button>
    </Stack>
  );
}

function GrantStep({
  system,
  requested,
  onDone,
  onSkip,
}: {
  system: string;
  requested: string;
  onDone: (grant: Schemas["Grant"]) => void;
  onSkip: () => void;
}) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  return (
    <Stack>
      <Alert color="teal">{t("registered", { name: system })}</Alert>
      {requested ? (
        <Group justify="space-between">
          <Anchor component={Link} href={`/grants/${requested}`}>
            {own("alreadyRequested", { name: requested })}
          </Anchor>
          <Button onClick={onSkip}>{own("goOn")}</Button>
        </Group>
      ) : (
        <NewGrant
          holder={{ kind: "system", system }}
          fixed
          aside={{ text: t("later"), act: onSkip }}
          onDone={onDone}
        />
      )}
    </Stack>
  );
}

function addressOf(step: (typeof STEPS)[number], system = "", grant = ""): string {
  const search = new URLSearchParams({ ...(system && { system }), ...(grant && { grant }) }).toString();
  return `${PATH}/${step}${search && `?${search}`}`;
}

async function registerSystem(answers: SystemAnswers, publicKey: PublicKey): Promise<Schemas["System"]> {
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
