import { Button, Checkbox, Group, Select, Stack, Stepper, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { allPages } from "../../api/allPages";
import { api, dataOf, type Schemas } from "../../api/client";
import { Refusal } from "../../components/Refusal";
import { nameAndCode } from "../../components/TitleAndCode";
import { usePurposes } from "../../components/usePurposes";
import { useTitles } from "../../components/useTitles";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { DeliveryFields, deliveryOf, FIRST_DELIVERY } from "./DeliveryFields";
import { useOwnSystems } from "./useOwner";

/** Subscribe one of the agency's systems to events: first what it receives, then how. */
export function NewSubscription() {
  const t = useSubscriptionTexts();
  const systems = useOwnSystems();
  const titles = useTitles();
  const [, navigate] = useLocation();
  const [step, setStep] = useState(0);
  const [system, setSystem] = useState<string | null>(null);
  const [grantName, setGrantName] = useState<string | null>(null);
  const [events, setEvents] = useState<string[]>([]);
  const { titleAndCode } = usePurposes();
  const [purpose, setPurpose] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [delivery, setDelivery] = useState(FIRST_DELIVERY);
  const [filter, setFilter] = useState("");
  const grants = useEventGrants(system);
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
            delivery: deliveryOf(delivery),
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
              data={systems.map((value) => ({ value, label: nameAndCode(titles.system(value), value) }))}
              value={system}
              onChange={(value) => {
                setSystem(value);
                setGrantName(null);
                setEvents([]);
                setDelivery(FIRST_DELIVERY);
              }}
              searchable
              required
            />
            {system && grants.length === 0 && <Text size="sm">{t("noGrant")}</Text>}
            <Select
              label={t("chooseGrant")}
              data={grants.map((one) => ({
                value: one.name,
                label: nameAndCode(
                  titles.service(one.service, one.major) ?? `${one.service} v${one.major}`,
                  one.name,
                ),
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
                      <Checkbox
                        key={one}
                        value={one}
                        label={nameAndCode(titles.event(grant.service, grant.major, one), one)}
                      />
                    ))}
                  </Stack>
                </Checkbox.Group>
                <Select
                  label={t("purposeField")}
                  data={grant.purposes.map((value) => ({ value, label: titleAndCode(value) }))}
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
            <DeliveryFields system={system ?? ""} chosen={delivery} onChange={setDelivery} />
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
      allPages<Schemas["Grant"]>((cursor) =>
        dataOf(
          api.GET("/registry/grants", {
            params: { query: { consumer: system ?? "", limit: 200, ...(cursor && { cursor }) } },
          }),
        ),
      ),
    enabled: system !== null,
  });
  return (data ?? []).flatMap(({ metadata, spec, status }) =>
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
