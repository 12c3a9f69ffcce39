import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Schemas } from "../../api/client";
import { errorAt, fieldErrors } from "../../api/fieldErrors";
import { DateInput } from "../../components/DateInput";
import { ErrorState } from "../../components/PageStates";
import { PurposeInput } from "../../components/PurposeInput";
import { usePurposes } from "../../components/usePurposes";
import { readCatalogue } from "../../components/useTitles";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { emptyRequest, type GrantRequest, type Holder, missingIn, sendRequest } from "./grantRequest";
import { HolderChoice } from "./holderChoice";
import { OperationChoice } from "./operationChoice";
import { QuotaInput } from "./quotaInput";

interface Props {
  /** Who holds the grant, or is proposed to. */
  holder: Partial<Holder>;
  /** The service that is proposed, as in `population/1`; "" for none. */
  service?: string;
  /** Whether the holder is given, as for a system that has just been registered. */
  fixed?: boolean;
  /** What the button beside the one that sends says, and what it does. */
  aside: { text: string; act: () => void };
  onDone: (grant: Schemas["Grant"]) => void;
}

/** Ask for a grant: who is to hold it, which operations, seeing which fields, why and on what legal basis, how often, until when. */
export function NewGrant({ holder, service = "", fixed = false, aside, onDone }: Props) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  const form = useRef<HTMLFormElement>(null);
  const queries = useQueryClient();
  const [request, setRequest] = useState(() => emptyRequest(holder, service));
  const [faults, setFaults] = useState<ReadonlyMap<string, string>>(new Map());
  const change = (part: Partial<GrantRequest>) => setRequest((before) => ({ ...before, ...part }));
  const send = useMutation({
    mutationFn: sendRequest,
    onSuccess: (grant) => {
      void queries.invalidateQueries();
      onDone(grant);
    },
    onError: (error) => setFaults(fieldErrors(error)),
  });
  useEffect(() => {
    if (faults.size > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [faults]);
  const errorOf = (pointer: string) => errorAt(faults, pointer);
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const missing = missingIn(request);
        setFaults(new Map([...missing].map(([at, text]) => [at, own(text)])));
        send.reset();
        if (missing.size === 0) send.mutate(request);
      }}
    >
      <Stack>
        {!fixed && (
          <HolderChoice
            holder={request.holder}
            referenceRequired={request.referenceRequired}
            errorOf={errorOf}
            onChange={(chosen) => change({ holder: chosen })}
            onReference={(referenceRequired) => change({ referenceRequired })}
          />
        )}
        <ServiceChoice request={request} errorOf={errorOf} onChange={change} />
        <Conditions request={request} errorOf={errorOf} onChange={change} />
        {send.error && faults.size === 0 && <ErrorState error={send.error} />}
        <Group justify="space-between">
          <Button variant="default" onClick={aside.act}>
            {aside.text}
          </Button>
          <Button type="submit" loading={send.isPending}>
            {t("requestGrant")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface PartProps {
  request: GrantRequest;
  errorOf: (pointer: string) => string | undefined;
  onChange: (part: Partial<GrantRequest>) => void;
}

function ServiceChoice({ request, errorOf, onChange }: PartProps) {
  const t = useAccessTexts();
  const language = useLanguage();
  const services = useQuery({ queryKey: ["catalogue", "services"], queryFn: readCatalogue });
  return (
    <>
      {services.error && <ErrorState error={services.error} onRetry={services.refetch} />}
      <Select
        label={t("chooseService")}
        required
        searchable
        value={request.service || null}
        error={errorOf("/spec/service")}
        data={
          services.data?.map((one) => ({
            value: `${one.service}/${one.version.split(".")[0]}`,
            label: `${one.title[language]} (${one.service} v${one.version.split(".")[0]}), ${one.agency.title[language]}`,
          })) ?? []
        }
        openOnFocus={false}
        onChange={(value) => onChange({ service: value ?? "", operations: {}, events: {} })}
      />
      {request.service && (
        <OperationChoice
          kind="operations"
          service={request.service}
          chosen={request.operations}
          errorOf={errorsOf("operations", request, errorOf)}
          onChange={(operations) => onChange({ operations })}
        />
      )}
      {request.service && request.holder.kind === "system" && (
        <OperationChoice
          kind="events"
          service={request.service}
          chosen={request.events}
          errorOf={errorsOf("events", request, errorOf)}
          onChange={(events) => onChange({ events })}
        />
      )}
    </>
  );
}

/** Return what tells what is wrong with one operation or event, or for "" with the choice of them as a whole. */
function errorsOf(
  kind: "operations" | "events",
  request: GrantRequest,
  errorOf: PartProps["errorOf"],
): (name: string) => string | undefined {
  const ofOne = Object.keys(request[kind]).some((name) => errorOf(`/spec/${kind}/${name}`));
  return (name) => {
    if (name) return errorOf(`/spec/${kind}/${name}`);
    return ofOne ? undefined : errorOf(`/spec/${kind}`);
  };
}

function Conditions({ request, errorOf, onChange }: PartProps) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  const purposes = usePurposes();
  const legalBasisOf = (code?: string) => purposes.all.find((one) => one.code === code)?.legalBasis ?? "";
  return (
    <>
      <PurposeInput
        label={t("purposes")}
        description={t("purposesHelp")}
        value={[...request.purposes]}
        error={errorOf("/spec/purposes")}
        onChange={(chosen) =>
          onChange({ purposes: chosen, legalBasis: request.legalBasis || legalBasisOf(chosen[0]) })
        }
      />
      <TextInput
        label={t("legalBasis")}
        required
        value={request.legalBasis}
        error={errorOf("/spec/legalBasis")}
        onChange={(event) => onChange({ legalBasis: event.currentTarget.value })}
      />
      <QuotaInput
        label={request.holder.kind === "officers" ? own("quotaOfAll") : t("requests")}
        requests={request.requests}
        per={request.per}
        error={errorOf("/spec/quota")}
        onChange={onChange}
      />
      <Group grow align="flex-start">
        {(["validFrom", "validUntil"] as const).map((day) => (
          <DateInput
            key={day}
            label={t(day)}
            required
            value={request[day]}
            error={errorOf(`/spec/${day}`)}
            onChange={(value) => onChange({ [day]: value })}
          />
        ))}
      </Group>
      <TextInput
        label={t("reasonOptional")}
        value={request.reason}
        maxLength={500}
        onChange={(event) => onChange({ reason: event.currentTarget.value })}
      />
    </>
  );
}
