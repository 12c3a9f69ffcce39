import { Anchor, Select, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { allPages } from "../../api/allPages";
import { api, dataOf, type Schemas } from "../../api/client";
import { useLanguage } from "../../texts/createTexts";
import { useSubscriptionTexts } from "../../texts/subscriptions";

const KINDS = ["webhook", "adapter", "pull", "sse"] as const;
const CONTENTS = ["data", "cloudevent"] as const;
/** Seconds for which a worker that fetched an event has it to itself. */
const VISIBILITY = 30;

/** How events are to be delivered, as it is chosen; what belongs to another kind is kept. */
export interface ChosenDelivery {
  kind: (typeof KINDS)[number];
  endpoint: string | null;
  /** `service/major/operation`. */
  operation: string | null;
  content: (typeof CONTENTS)[number];
}

export const FIRST_DELIVERY: ChosenDelivery = {
  kind: "webhook",
  endpoint: null,
  operation: null,
  content: "data",
};

/** Choose how a system receives: at an endpoint, by an operation that its adapter answers, or by fetching. */
export function DeliveryFields({
  system,
  chosen,
  onChange,
}: {
  system: string;
  chosen: ChosenDelivery;
  onChange: (chosen: ChosenDelivery) => void;
}) {
  const t = useSubscriptionTexts();
  return (
    <>
      <Select
        label={t("delivery")}
        data={KINDS.map((value) => ({ value, label: t(value) }))}
        value={chosen.kind}
        onChange={(value) => onChange({ ...chosen, kind: KINDS.find((one) => one === value) ?? "webhook" })}
        allowDeselect={false}
      />
      {chosen.kind === "webhook" && (
        <EndpointField
          system={system}
          value={chosen.endpoint}
          onChange={(endpoint) => onChange({ ...chosen, endpoint })}
        />
      )}
      {chosen.kind === "adapter" && (
        <>
          <OperationField
            system={system}
            value={chosen.operation}
            onChange={(operation) => onChange({ ...chosen, operation })}
          />
          <Select
            label={t("content")}
            data={CONTENTS.map((value) => ({ value, label: t(`content_${value}`) }))}
            value={chosen.content}
            onChange={(value) =>
              onChange({ ...chosen, content: CONTENTS.find((one) => one === value) ?? "data" })
            }
            allowDeselect={false}
          />
        </>
      )}
    </>
  );
}

interface FieldProps {
  system: string;
  value: string | null;
  onChange: (value: string | null) => void;
}

function EndpointField({ system, value, onChange }: FieldProps) {
  const t = useSubscriptionTexts();
  const { data } = useQuery({
    queryKey: ["endpoints of", system],
    queryFn: () =>
      allPages<Schemas["Endpoint"]>((after) =>
        dataOf(api.GET("/endpoints", { params: { query: { system, ...(after && { after }) } } })),
      ),
  });
  return (
    <>
      <Select
        label={t("chooseEndpoint")}
        data={(data ?? []).map((one) => ({ value: one.id, label: `${one.name} — ${one.url}` }))}
        value={value}
        onChange={onChange}
        searchable
        required
      />
      {data?.length === 0 && (
        <Text size="sm">
          {t("noEndpointYet")}{" "}
          <Anchor component={Link} href="/endpoints/new" underline="always">
            {t("newEndpoint")}
          </Anchor>
        </Text>
      )}
    </>
  );
}

function OperationField({ system, value, onChange }: FieldProps) {
  const t = useSubscriptionTexts();
  const language = useLanguage();
  const { data } = useQuery({
    queryKey: ["operations of", system],
    queryFn: async () => {
      const services = await allPages<Schemas["CatalogueService"]>((cursor) =>
        dataOf(api.GET("/catalog/services", { params: { query: cursor ? { cursor } : {} } })),
      );
      return services.filter((service) => service.provider === system);
    },
  });
  const operations = (data ?? []).flatMap((service) =>
    service.operations.map(({ operation, title }) => {
      const major = service.version.split(".")[0] ?? "";
      return {
        value: `${service.service}/${major}/${operation}`,
        label: `${title[language]} (${service.service} v${major}/${operation})`,
      };
    }),
  );
  return (
    <>
      <Select
        label={t("chooseOperation")}
        description={t("operationHint")}
        data={operations}
        value={value}
        onChange={onChange}
        searchable
        required
      />
      {data && operations.length === 0 && <Text size="sm">{t("noOperation")}</Text>}
    </>
  );
}

/** Return a delivery as the API takes it. */
export function deliveryOf(chosen: ChosenDelivery): Schemas["SubscriptionCreation"]["delivery"] {
  switch (chosen.kind) {
    case "webhook":
      return { kind: "webhook", endpoint: chosen.endpoint ?? "" };
    case "adapter": {
      const [service = "", major = "0", operation = ""] = (chosen.operation ?? "").split("/");
      return { kind: "adapter", service, major: Number(major), operation, content: chosen.content };
    }
    case "pull":
      return { kind: "pull", visibility: VISIBILITY };
    case "sse":
      return { kind: "sse" };
  }
}
