import { Anchor, Paper, Stack, Table, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Schemas } from "../../api/client";
import { PrincipalName } from "../../components/PrincipalName";
import { TitleAndCode } from "../../components/TitleAndCode";
import { usePurposes } from "../../components/usePurposes";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { useConditions } from "./conditions";
import { formatDay } from "./formatDay";
import type { GrantReview } from "./grantReview";
import { Party } from "./party";
import { statusText } from "./phases";

/** What a grant says: for whom, on what, why, how often and until when; systems and operations by their titles, codes beside them. */
export function GrantContent({ review }: { review: GrantReview }) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  const language = useLanguage();
  const conditions = useConditions();
  const { titleAndCode } = usePurposes();
  const { spec } = review.document;
  const { parties } = review;
  const rows: [string, ReactNode][] = [
    [t("consumer"), <Party key="consumer" party={parties.consumer} />],
    [
      t("service"),
      <TitleAndCode
        key="service"
        title={parties.serviceTitle?.[language]}
        code={`${spec.service} v${spec.major}`}
      />,
    ],
    [own("providerAgency"), <ProviderAgency key="provider" provider={parties.provider} />],
    [own("operations"), <Exchanges key="operations" review={review} />],
    [t("purposes"), spec.purposes.map(titleAndCode).join(", ")],
    [t("legalBasis"), spec.legalBasis],
    ...conditions(spec),
    [t("valid"), t("validText", { from: formatDay(spec.validFrom), until: formatDay(spec.validUntil) })],
  ];
  const requestedBy = statusText(review.document, "requestedBy");
  if (requestedBy) rows.push([t("requestedBy"), <PrincipalName key="by" name={requestedBy} />]);
  const reason = statusText(review.document, "reason");
  if (reason) rows.push([t("reasonOfState"), reason]);
  const renews = statusText(review.document, "renews");
  if (renews) rows.push([t("renews"), <GrantLink key="renews" name={renews} />]);
  if (review.renewedBy) rows.push([t("renewedBy"), <GrantLink key="renewed" name={review.renewedBy} />]);
  return (
    <Paper withBorder p="md">
      <Title order={3} mb="xs">
        {t("whatItGrants")}
      </Title>
      <Table variant="vertical" fz="sm" layout="fixed">
        <Table.Tbody>
          {rows.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w={140}>{label}</Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function ProviderAgency({ provider }: { provider: Schemas["GrantParties"]["provider"] }) {
  const t = useAccessTexts();
  const language = useLanguage();
  if (!provider.agency) return <>{t("nothing")}</>;
  return <TitleAndCode title={provider.agencyTitle?.[language]} code={provider.agency} />;
}

/** The operations and events of a grant, by the titles that the contract gives them. */
function Exchanges({ review }: { review: GrantReview }) {
  const { spec } = review.document;
  const language = useLanguage();
  const shown = { ...review.shows.operations, ...review.shows.events };
  const names = [...Object.keys(spec.operations ?? {}), ...Object.keys(spec.events ?? {})];
  return (
    <Stack gap={2}>
      {names.map((name) => {
        const title = shown[name]?.title as Partial<Record<string, string>> | null | undefined;
        return <TitleAndCode key={name} title={title?.[language]} code={name} />;
      })}
    </Stack>
  );
}

function GrantLink({ name }: { name: string }) {
  return (
    <Anchor component={Link} href={`/grants/${name}`} fz="sm">
      <Text span inherit>
        {name}
      </Text>
    </Anchor>
  );
}
