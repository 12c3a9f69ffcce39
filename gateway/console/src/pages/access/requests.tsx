import { Anchor, Button, Stack, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { PrincipalName, usePrincipalName } from "../../components/PrincipalName";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { TitleAndCode } from "../../components/TitleAndCode";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { Party } from "./party";
import { PhaseBadge, statusText } from "./phases";

type PendingRequest = Schemas["PendingRequest"];

/** What the user may decide on now. */
export function Requests() {
  const t = useAccessTexts();
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["requests"],
    queryFn: ({ pageParam }) =>
      dataOf(api.GET("/me/requests", { params: { query: pageParam ? { cursor: pageParam } : {} } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    refetchInterval: 15_000,
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const requests = data.pages.flatMap((page) => page.items);
  const mine = requests.filter((one) => one.steps.includes("approve"));
  const others = requests.filter((one) => !one.steps.includes("approve"));
  if (requests.length === 0)
    return <EmptyState title={t("nothingWaits")}>{t("nothingWaitsHelp")}</EmptyState>;
  return (
    <Stack gap="xl">
      {mine.length > 0 && <RequestTable title={t("waitsForYou")} requests={mine} />}
      {others.length > 0 && <RequestTable title={t("waitsForOthers")} requests={others} />}
      {hasNextPage && (
        <Button variant="default" onClick={() => fetchNextPage()}>
          {t("more")}
        </Button>
      )}
    </Stack>
  );
}

function RequestTable({ title, requests }: { title: string; requests: PendingRequest[] }) {
  const t = useAccessTexts();
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table verticalSpacing="xs" fz="sm" captionSide="top">
        <Table.Caption fz="md" fw={600} ta="left">
          {title} ({requests.length})
        </Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("name")}</Table.Th>
            <Table.Th>{t("consumer")}</Table.Th>
            <Table.Th>{t("service")}</Table.Th>
            <Table.Th>{t("requestedBy")}</Table.Th>
            <Table.Th>{t("since")}</Table.Th>
            <Table.Th>{t("state")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {requests.map((one) => (
            <RequestRow key={`${one.kind}/${one.document.metadata.name}`} request={one} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** Say in whose place the user decides. */
export function AsDeputy({ person }: { person: string }) {
  const t = useAccessTexts();
  return <>{t("asDeputy", { person: usePrincipalName(`person/${person}`) })}</>;
}

function RequestRow({ request }: { request: PendingRequest }) {
  const t = useAccessTexts();
  const language = useLanguage();
  const { document } = request;
  const { name, updatedAt, updatedBy } = document.metadata;
  const path = document.kind === "Grant" ? `/grants/${name}` : `/persons/${name}`;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={path} fz="sm">
          {name}
        </Anchor>
        {request.onBehalfOf && (
          <Text size="xs" c="dimmed">
            <AsDeputy person={request.onBehalfOf} />
          </Text>
        )}
      </Table.Td>
      {document.kind === "Grant" ? (
        <>
          <Table.Td>
            {request.parties ? <Party party={request.parties.consumer} /> : document.spec.consumer}
          </Table.Td>
          <Table.Td>
            <TitleAndCode
              title={request.parties?.serviceTitle?.[language]}
              code={`${document.spec.service} v${document.spec.major}`}
            />
          </Table.Td>
        </>
      ) : (
        <Table.Td colSpan={2}>{t("personAwaits")}</Table.Td>
      )}
      <Table.Td>
        <PrincipalName name={statusText(document, "requestedBy") || updatedBy || ""} />
      </Table.Td>
      <Table.Td>{updatedAt !== undefined && <Timestamp time={new Date(updatedAt)} relative />}</Table.Td>
      <Table.Td>
        <Stack gap={4} align="flex-start">
          <PhaseBadge document={document} />
          {request.personal && <StatusBadge meaning="neutral">{t("personal")}</StatusBadge>}
        </Stack>
      </Table.Td>
    </Table.Tr>
  );
}
