import { Anchor, Button, Card, Group, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { CopyableCode } from "../../components/CopyableCode";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { usePurposes } from "../../components/usePurposes";
import { type Json, resolve } from "../../contracts/schema";
import { useLanguage } from "../../texts/createTexts";
import { useFormTexts } from "../../texts/forms";
import { Answer, type Answered } from "./Answer";
import { ErrorList, focusFirst } from "./ErrorList";
import { controlId, Members } from "./Field";
import { PersonalBadge } from "./FormList";
import { useForgetOnLeave } from "./useForgetOnLeave";
import { type Entered, emptyEntry, toDocument } from "./wire";

const PURPOSE = "purpose";
const REFERENCE = "reference";

interface Props {
  service: string;
  major: number;
  operation: string;
}

/** One form: filled in, sent, and its answer. Nothing of it is kept once the page is left. */
export function FormPage({ service, major, operation }: Props) {
  const t = useFormTexts();
  const language = useLanguage();
  const path = { service, major, operation };
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["forms", service, major, operation],
    queryFn: () => dataOf(api.GET("/me/forms/{service}/v{major}/{operation}", { params: { path } })),
    staleTime: Number.POSITIVE_INFINITY, // what is being filled in does not change under the hand
  });
  if (isPending && !error) return <LoadingState />;
  if (error instanceof ApiError && error.status === 404) {
    return (
      <EmptyState title={t("closed")}>
        {t("closedHelp")}{" "}
        <Anchor component={Link} href="/">
          {t("allForms")}
        </Anchor>
      </EmptyState>
    );
  }
  if (!data) return error && <ErrorState error={error} onRetry={() => void refetch()} />;
  return (
    <>
      <Anchor component={Link} href="/" size="sm" className="no-print">
        ← {t("allForms")}
      </Anchor>
      <PageHeader
        title={data.title[language]}
        purpose={data.description?.[language] ?? data.serviceTitle[language]}
      />
      <FilledForm form={data} path={path} />
    </>
  );
}

interface State {
  entered: Entered;
  purpose: string;
  reference: string;
}

function FilledForm({ form, path }: { form: Schemas["FormDescription"]; path: Props }) {
  const t = useFormTexts();
  const purposes = usePurposes();
  const request = useMemo(() => resolve(form.request, form.request), [form.request]);
  const grants = useMemo(() => grantsByPurpose(form.grants), [form.grants]);
  const empty = useMemo((): State => {
    const [only, ...others] = grants.keys();
    return {
      entered: emptyEntry(request, form.request),
      purpose: only && others.length === 0 ? only : "",
      reference: "",
    };
  }, [request, form.request, grants]);
  const [state, setState] = useState(empty);
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const [refusal, setRefusal] = useState<Error | null>(null);
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [sending, setSending] = useState(false);
  const key = useRef(crypto.randomUUID());
  const forget = useCallback(() => {
    setState(empty);
    setAnswered(null);
    setErrors(new Map());
    setRefusal(null);
    key.current = crypto.randomUUID();
  }, [empty]);
  useForgetOnLeave(forget);

  const grant = grants.get(state.purpose);
  const referenceRequired = grant?.referenceRequired ?? false;

  function change(part: Partial<State>) {
    key.current = crypto.randomUUID(); // another form, which is to be carried out for itself
    setState((known) => ({ ...known, ...part }));
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    const { document, faults } = toDocument(form.request, state.entered);
    const found = new Map([...faults].map(([pointer, fault]) => [pointer, t(`fault.${fault}`)]));
    const own = new Map<string, string>();
    if (!state.purpose) own.set(PURPOSE, t("choosePurpose"));
    if (referenceRequired && !state.reference.trim()) own.set(REFERENCE, t("referenceRequired"));
    const all = new Map([...found, ...own]); // in the order of the page
    setErrors(all);
    setRefusal(null);
    if (all.size > 0) return;
    setSending(true);
    try {
      setAnswered(await send(document ?? null));
    } catch (error) {
      report(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setSending(false);
    }
  }

  async function send(document: Json): Promise<Answered> {
    const reference = state.reference.trim();
    const header = {
      "Lgsp-Purpose": state.purpose,
      ...(form.changes ? { "Idempotency-Key": key.current } : {}),
      ...(reference ? { "Lgsp-Reference": encodeURIComponent(reference).replaceAll("%2F", "/") } : {}),
    };
    const { data, response } = await api.POST("/me/forms/{service}/v{major}/{operation}", {
      params: { path, header },
      body: document as never,
    });
    return {
      request: document,
      response: (data ?? null) as Json,
      message: response.headers.get("Lgsp-Message-Id") ?? "",
      time: new Date(),
      purpose: state.purpose,
      reference,
      legalBasis: grant?.legalBasis ?? "",
    };
  }

  function report(error: Error) {
    const fields = new Map(error instanceof ApiError ? error.fields : []);
    if (error instanceof ApiError && error.code === "reference-invalid") fields.set(REFERENCE, error.message);
    if (error instanceof ApiError && error.code === "purpose-not-granted") fields.set(PURPOSE, error.message);
    setErrors(fields);
    setRefusal(fields.size > 0 ? null : error);
    if (error instanceof ApiError && error.status < 500 && error.code !== "idempotency-conflict")
      key.current = crypto.randomUUID(); // certainly nothing was done under the key
  }

  useEffect(() => {
    if (!answered) firstControl()?.focus();
  }, [answered]);
  useEffect(() => {
    if (answered) document.getElementById("answer-title")?.focus();
  }, [answered]);
  useEffect(() => {
    if (errors.size > 0 || refusal) focusFirst(errors.keys(), "form-errors");
  }, [errors, refusal]);

  if (answered) return <Answer form={form} answered={answered} onAgain={forget} />;
  return (
    <form onSubmit={submit} noValidate autoComplete="off">
      <Stack gap="lg" maw={720}>
        {(errors.size > 0 || refusal) && (
          <div id="form-errors" tabIndex={-1}>
            {errors.size > 0 && <ErrorList errors={errors} />}
            {refusal && <ErrorState error={refusal} />}
            {form.changes && isUnknown(refusal) && <UnknownOutcome form={form} sent={key.current} />}
          </div>
        )}
        <Card withBorder component="section" aria-labelledby="form-data" id="form-fields">
          <Group justify="space-between" mb="md">
            <Title order={2} id="form-data">
              {t("data")}
            </Title>
            {form.classification === "personal" && <PersonalBadge />}
          </Group>
          <Members
            schema={request}
            root={form.request}
            pointer=""
            value={state.entered}
            errors={errors}
            onChange={(entered) => change({ entered })}
          />
        </Card>
        <Card withBorder component="section" aria-labelledby="form-why">
          <Title order={2} id="form-why" mb="md">
            {t("why")}
          </Title>
          <Stack gap="md">
            <NativeSelect
              id={controlId(PURPOSE)}
              label={t("purpose")}
              description={grant && t("basis", { basis: grant.legalBasis })}
              error={errors.get(PURPOSE)}
              data={[
                { value: "", label: t("choosePurpose") },
                ...[...grants.keys()].map((code) => ({ value: code, label: purposes.title(code) })),
              ]}
              value={state.purpose}
              onChange={(event) => change({ purpose: event.currentTarget.value })}
            />
            <TextInput
              id={controlId(REFERENCE)}
              label={
                <>
                  {t("reference")}
                  {!referenceRequired && (
                    <Text span size="sm" fw={400} c="dimmed">
                      {" "}
                      ({t("optional")})
                    </Text>
                  )}
                </>
              }
              description={t("referenceHelp")}
              error={errors.get(REFERENCE)}
              aria-required={referenceRequired}
              autoComplete="off"
              spellCheck={false}
              value={state.reference}
              onChange={(event) => change({ reference: event.currentTarget.value })}
            />
          </Stack>
        </Card>
        <Group>
          <Button type="submit" loading={sending}>
            {t(form.changes ? "sendChange" : "send")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Say what to do where nobody knows whether a form was carried out, with what the operator of the bus needs to settle it. */
function UnknownOutcome({ form, sent }: { form: Schemas["FormDescription"]; sent: string }) {
  const t = useFormTexts();
  const { formSystem, person } = form.officer;
  return (
    <Stack gap={4} mt="sm">
      <Text size="sm">{t("unknownOutcome")}</Text>
      <CopyableCode
        value={`lgsp idempotency show ${sent} --system ${formSystem} --officer ${person}`}
        label={t("forOperator")}
      />
    </Stack>
  );
}

/** Tell whether a refusal leaves it open if the form was carried out. */
function isUnknown(refusal: Error | null): boolean {
  return (
    refusal instanceof ApiError &&
    ["idempotency-conflict", "outcome-unknown", "provider-timeout"].includes(refusal.code)
  );
}

/** Return the first field of the form, where whoever opened it begins. */
function firstControl(): HTMLElement | null {
  return document.querySelector("#form-fields :is(input, select, textarea)");
}

function grantsByPurpose(grants: readonly Schemas["FormGrant"][]): ReadonlyMap<string, Schemas["FormGrant"]> {
  const found = new Map<string, Schemas["FormGrant"]>();
  for (const grant of grants) {
    for (const purpose of grant.purposes) if (!found.has(purpose)) found.set(purpose, grant);
  }
  return found;
}
