import {
  Anchor,
  Button,
  Checkbox,
  Group,
  Select,
  Stack,
  Stepper,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { Refusal } from "./Refusal";
import { useOwnSystems } from "./useOwner";

type Kind = "webhook" | "pull" | "sse";

/** Subscribe one of the agency's systems to events: first what it receives, then how. */
export function NewSubscription() {
  const t = useSubscriptionTexts();
  const systems = useOwnSystems();
  const [, navigate] = useLocation();
  const [step, setStep] = useState(0);
  const [system, setSystem] = useState<string | null>(null);
  const [grantName, setGrantName] = useState<string | null>(null);
  const [events, setEvents] = useState<string[]>([]);
  const [purpose, setPurpose] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("webhook");
  const [endpoint, setEndpoint] = useState<string | null>(null);
  const [filter, setFilter] = useState("");
  const grants = useEventGrants(system);
  const endpoints = useQuery({
    queryKey: ["endpoints of", system],
    queryFn: () => dataOf(api.GET("/endpoints", { params: { query: { system: system ?? "" } } })),
    enabled: system !== null,
  });
  const grant = grants.find((one) => one.name === grantName);
  const create = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST("/subscriptions", {
          body: {
            ...(system && { system }),
            name,
            service: grant?.service ?? "",
            major: grant?.major ?? 0,
            events,
            purpose: purpose ?? "",
            delivery: deliveryOf(kind, endpoint),
            ...(filter && { filter }),
          },
        }),
      ),
    onSuccess: (made) => navigate(`/${made.id}`),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (step === 0) setStep(1);
        else create.mutate();
      }}
    >
      <Stack maw={640}>
        <Title order={2}>{t("newSubscription")}</Title>
        <Stepper active={step} size="sm" allowNextStepsSelect={false} onStepClick={setStep}>
          <Stepper.Step label={t("stepWhat")} />
          <Stepper.Step label={t("stepHow")} />
        </Stepper>
        {step === 0 && (
          <>
            <Select
              label={t("chooseSystem")}
              data={[...systems]}
              value={system}
              onChange={(value) => {
                setSystem(value);
                setGrantName(null);
                setEvents([]);
              }}
              searchable
              required
            />
            {system && grants.length === 0 && <Text size="sm">{t("noGrant")}</Text>}
            <Select
              label={t("chooseGrant")}
              data={grants.map((one) => ({
                value: one.name,
                label: `${one.service} v${one.major} (${one.name})`,
              }))}
              value={grantName}
              onChange={(value) => {
                setGrantName(value);
                setEvents([]);
                setPurpose(grants.find((one) => one.name === value)?.purposes[0] ?? null);
              }}
              disabled={grants.length === 0}
              required
            />
            {grant && (
              <>
                <Checkbox.Group label={t("events")} value={events} onChange={setEvents} required>
                  <Stack gap={6} mt={4}>
                    {grant.events.map((one) => (
                      <Checkbox key={one} value={one} label={one} />
                    ))}
                  </Stack>
                </Checkbox.Group>
                <Select
                  label={t("purposeField")}
                  data={grant.purposes}
                  value={purpose}
                  onChange={setPurpose}
                  required
                />
              </>
            )}
            <Group>
              <Button type="submit" disabled={!grant || events.length === 0}>
                {t("next")}
              </Button>
            </Group>
          </>
        )}
        {step === 1 && (
          <>
            <TextInput
              label={t("name")}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              required
              maxLength={120}
            />
            <Select
              label={t("delivery")}
              data={(["webhook", "pull", "sse"] as const).map((value) => ({ value, label: t(value) }))}
              value={kind}
              onChange={(value) => setKind((value ?? "webhook") as Kind)}
              allowDeselect={false}
            />
            {kind === "webhook" && (
              <>
                <Select
                  label={t("chooseEndpoint")}
                  data={(endpoints.data?.items ?? []).map((one) => ({
                    value: one.id,
                    label: `${one.name} — ${one.url}`,
                  }))}
                  value={endpoint}
                  onChange={setEndpoint}
                  required
                />
                {endpoints.data?.items.length === 0 && (
                  <Text size="sm">
                    {t("noEndpointYet")}{" "}
                    <Anchor component={Link} href="/endpoints/new" underline="always">
                      {t("newEndpoint")}
                    </Anchor>
                  </Text>
                )}
              </>
            )}
            <TextInput
              label={t("filter")}
              description={t("filterHint")}
              value={filter}
              onChange={(event) => setFilter(event.currentTarget.value)}
              maxLength={500}
            />
            <Refusal error={create.error} />
            <Group>
              <Button variant="default" onClick={() => setStep(0)}>
                {t("back")}
              </Button>
              <Button type="submit" loading={create.isPending}>
                {t("create")}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </form>
  );
}

function deliveryOf(kind: Kind, endpoint: string | null): Schemas["SubscriptionCreation"]["delivery"] {
  if (kind === "webhook") return { kind, endpoint: endpoint ?? "" };
  return kind === "pull" ? { kind, visibility: 30 } : { kind };
}

interface EventGrant {
  name: string;
  service: string;
  major: number;
  events: string[];
  purposes: string[];
}

/** Return the grants on events in force that a system holds. */
function useEventGrants(system: string | null): EventGrant[] {
  const { data } = useQuery({
    queryKey: ["event grants", system],
    queryFn: () =>
      dataOf(api.GET("/registry/grants", { params: { query: { consumer: system ?? "", limit: 200 } } })),
    enabled: system !== null,
  });
  return (data?.items ?? []).flatMap(({ metadata, spec, status }) =>
    isInForce(status) && spec.events && Object.keys(spec.events).length > 0
      ? [
          {
            name: metadata.name,
            service: spec.service,
            major: spec.major,
            events: Object.keys(spec.events),
            purposes: spec.purposes ?? [],
          },
        ]
      : [],
  );
}

/** Tell whether a grant is in force by its status; one that was never asked for has no phase. */
function isInForce(status: object | undefined): boolean {
  return ({ phase: "in-force", ...status } as { phase: unknown }).phase === "in-force";
}
