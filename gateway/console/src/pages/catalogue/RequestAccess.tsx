import {
  Anchor,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { useSession } from "../../app/session";
import { dayFromNow } from "../../components/dayFromNow";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { PurposeInput } from "../../components/PurposeInput";
import { useCatalogueTexts } from "../../texts/catalogue";
import { useLanguage } from "../../texts/createTexts";

const DAYS = 365;
const PERIODS = ["minute", "hour", "day"] as const;

/** Request a grant on a service for a system of one's agency; the provider and, for personal data, an operator decide on it. */
export function RequestAccess({ service, major }: { service: string; major: number }) {
  const t = useCatalogueTexts();
  const session = useSession();
  const contract = useQuery({
    queryKey: ["contract", service, major],
    queryFn: () =>
      dataOf(
        api.GET("/catalog/services/{service}/v{major}/contract.json", {
          params: { path: { service, major } },
        }),
      ),
  });
  const systems = useQuery({
    queryKey: ["systems", session?.agency],
    queryFn: () =>
      dataOf(
        api.GET("/registry/systems", { params: { query: { agency: session?.agency ?? "", limit: 1000 } } }),
      ),
    enabled: session !== null,
    retry: false,
  });
  const error = contract.error ?? systems.error;
  if (error) return <ErrorState error={error} />;
  if (!session) return <EmptyState title={t("requestSignIn")}>{t("requestSignInHelp")}</EmptyState>;
  if (!contract.data || !systems.data) return <LoadingState />;
  const names = systems.data.items.map(({ metadata }) => metadata.name);
  if (names.length === 0)
    return (
      <EmptyState title={t("noSystem")}>
        <Text>{t("noSystemHelp")}</Text>
        <ForOfficers service={service} major={major} />
      </EmptyState>
    );
  return <RequestForm contract={contract.data} major={major} systems={names} />;
}

interface Props {
  contract: Schemas["Contract"];
  major: number;
  systems: string[];
}

function RequestForm({ contract, major, systems }: Props) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  const [consumer, setConsumer] = useState(systems[0] ?? "");
  const [operations, setOperations] = useState<string[]>([]);
  const [events, setEvents] = useState<string[]>([]);
  const [purposes, setPurposes] = useState<string[]>([]);
  const [legalBasis, setLegalBasis] = useState("");
  const [requests, setRequests] = useState("600");
  const [per, setPer] = useState<(typeof PERIODS)[number]>("minute");
  const [validUntil, setValidUntil] = useState(() => dayFromNow(DAYS));
  const [reason, setReason] = useState("");
  const sent = useMutation({
    mutationFn: () => {
      const spec = {
        consumer,
        service: contract.service,
        major,
        operations: shown(operations),
        ...(events.length > 0 ? { events: shown(events) } : {}),
        purposes,
        legalBasis,
        quota: { requests: Number(requests), per },
        validFrom: dayFromNow(0),
        validUntil,
      };
      const name = `${consumer}-${contract.service}-v${major}`;
      const document = { apiVersion: "lgsp/v1", kind: "Grant", metadata: { name }, spec };
      return dataOf(
        api.POST("/registry/grants", {
          params: { query: reason ? { reason } : {} },
          body: document as unknown as Schemas["Grant"],
        }),
      );
    },
  });
  const faults = sent.error instanceof ApiError ? sent.error.fields : new Map<string, string>();
  const faultOf = (field: string) =>
    [...faults].find(
      ([pointer]) => pointer === `/spec/${field}` || pointer.startsWith(`/spec/${field}/`),
    )?.[1];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    sent.mutate();
  };
  if (sent.data) return <Requested name={sent.data.metadata.name} />;
  return (
    <>
      <PageHeader
        title={t("requestTitle", { service: contract.title[language] })}
        purpose={t("requestHelp")}
      />
      <form onSubmit={submit} noValidate>
        <Stack maw={640}>
          <ForOfficers service={contract.service} major={major} />
          <NativeSelect
            label={t("consumer")}
            data={systems}
            value={consumer}
            onChange={(event) => setConsumer(event.currentTarget.value)}
            error={faultOf("consumer")}
          />
          <Exchanges
            label={t("operations")}
            exchanges={contract.operations ?? {}}
            chosen={operations}
            onChange={setOperations}
            error={faultOf("operations")}
          />
          <Exchanges
            label={t("events")}
            exchanges={contract.events ?? {}}
            chosen={events}
            onChange={setEvents}
            error={faultOf("events")}
          />
          <PurposeInput
            label={t("purposes")}
            description={t("purposesHelp")}
            value={purposes}
            onChange={setPurposes}
            error={faultOf("purposes")}
          />
          <Textarea
            label={t("legalBasis")}
            value={legalBasis}
            onChange={(event) => setLegalBasis(event.currentTarget.value)}
            error={faultOf("legalBasis")}
            autosize
          />
          <Group align="flex-start">
            <TextInput
              label={t("quota")}
              inputMode="numeric"
              value={requests}
              onChange={(event) => setRequests(event.currentTarget.value.replace(/\D/g, ""))}
              error={faultOf("quota")}
            />
            <NativeSelect
              label={t("per")}
              data={PERIODS.map((value) => ({ value, label: t(value) }))}
              value={per}
              onChange={(event) => setPer(event.currentTarget.value as typeof per)}
            />
            <TextInput
              type="date"
              label={t("validUntil")}
              value={validUntil}
              onChange={(event) => setValidUntil(event.currentTarget.value)}
              error={faultOf("validUntil")}
            />
          </Group>
          <TextInput
            label={t("reason")}
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          {sent.error && <ErrorState error={sent.error} />}
          <Group>
            <Button type="submit" loading={sent.isPending}>
              {t("sendRequest")}
            </Button>
          </Group>
        </Stack>
      </form>
    </>
  );
}

/** Lead to the request for a grant that opens the service to the officers of one's agency. */
function ForOfficers({ service, major }: { service: string; major: number }) {
  const t = useCatalogueTexts();
  return (
    <Anchor
      component={Link}
      href={`~/console/access/grants/new?for=officers&service=${service}/${major}`}
      fz="sm"
    >
      {t("requestForOfficers")}
    </Anchor>
  );
}

interface ExchangesProps {
  label: string;
  exchanges: Record<string, { title: { vi: string; en: string } }>;
  chosen: string[];
  onChange: (chosen: string[]) => void;
  error: string | undefined;
}

function Exchanges({ label, exchanges, chosen, onChange, error }: ExchangesProps) {
  const language = useLanguage();
  if (Object.keys(exchanges).length === 0) return null;
  return (
    <Checkbox.Group label={label} value={chosen} onChange={onChange} error={error}>
      <Stack gap="xs" mt="xs">
        {Object.entries(exchanges).map(([name, { title }]) => (
          <Checkbox key={name} value={name} label={title[language]} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

function Requested({ name }: { name: string }) {
  const t = useCatalogueTexts();
  return (
    <EmptyState title={t("requested")}>
      <Stack gap="xs" align="center">
        <Text>{t("requestedHelp")}</Text>
        <Anchor component={Link} href={`~/console/access/grants/${name}`}>
          {name}
        </Anchor>
      </Stack>
    </EmptyState>
  );
}

/** Return what a grant says of exchanges whose fields are all to be seen; whoever approves may narrow it. */
function shown(names: readonly string[]): Record<string, { fields: string[] }> {
  return Object.fromEntries(names.map((name) => [name, { fields: ["*"] }]));
}
