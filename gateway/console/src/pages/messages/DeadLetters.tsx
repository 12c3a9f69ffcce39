import {
  Anchor,
  Button,
  Checkbox,
  Group,
  ScrollArea,
  SegmentedControl,
  Stack,
  Table,
  Text,
  TextInput,
  VisuallyHidden,
} from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, ForbiddenState, LoadingState } from "../../components/PageStates";
import { usePrincipalName } from "../../components/PrincipalName";
import { Timestamp } from "../../components/Timestamp";
import { useCommonTexts } from "../../texts/common";
import { useMessageTexts } from "../../texts/messages";
import { Pager, withAfter } from "./AcceptedMessages";
import { type Decision, DecisionDialog } from "./DecisionDialog";
import { ExchangeName, type MessageTitles, SystemName } from "./names";
import { DECIDERS, Sections } from "./Sections";

type Letter = Schemas["DeadLetter"];

/** What could not be delivered: operators, and the people of the agencies whose it is, have it delivered again, or give it up. */
export function DeadLetters() {
  const t = useMessageTexts();
  const common = useCommonTexts();
  const mayDecide = useHasRole(...DECIDERS);
  const [address, setAddress] = useSearchParams();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [decision, setDecision] = useState<Decision | null>(null);
  const resolved = address.get("resolved") === "true";
  const after = address.get("after");
  const filter = filterOf(address);
  const {
    data,
    failureReason: error,
    refetch,
  } = useQuery({
    queryKey: ["dead-letters", address.toString()],
    queryFn: () =>
      dataOf(
        api.GET("/dead-letters", { params: { query: { ...filter, resolved, ...(after && { after }) } } }),
      ),
    placeholderData: keepPreviousData,
    enabled: mayDecide,
  });
  if (!mayDecide) return <ForbiddenState roles={[...DECIDERS]} />;
  const changed = () => {
    setSelected(new Set());
    void refetch();
  };
  return (
    <>
      <PageHeader title={common("messages")} purpose={t("purpose")} />
      <Sections current="deadLetters" />
      <Stack>
        <FilterForm key={address.toString()} address={address} onFilter={setAddress} />
        {!resolved && data && data.items.length > 0 && (
          <Group gap="xs">
            <Button
              size="xs"
              disabled={selected.size === 0}
              onClick={() => setDecision({ kind: "retry", letters: [...selected] })}
            >
              {t("retrySelected", { count: selected.size })}
            </Button>
            <Button size="xs" variant="default" onClick={() => setDecision({ kind: "retry-all", filter })}>
              {t("retryAll")}
            </Button>
          </Group>
        )}
        {error && <ErrorState error={error} onRetry={() => void refetch()} />}
        {!data && !error && <LoadingState />}
        {data &&
          (data.items.length > 0 ? (
            <LetterTable
              items={data.items}
              titles={data.titles}
              selected={selected}
              onSelect={resolved ? null : setSelected}
              onDecide={setDecision}
            />
          ) : (
            <EmptyState title={t("noDeadLetters")}>{t("noDeadLettersHelp")}</EmptyState>
          ))}
        <Pager after={after} next={data?.next} onGo={(next) => setAddress(withAfter(address, next))} />
      </Stack>
      <DecisionDialog decision={decision} onClose={() => setDecision(null)} onDone={changed} />
    </>
  );
}

function FilterForm({
  address,
  onFilter,
}: {
  address: URLSearchParams;
  onFilter: (filters: URLSearchParams) => void;
}) {
  const t = useMessageTexts();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const filters = new URLSearchParams();
    for (const [name, value] of new FormData(event.currentTarget)) {
      if (typeof value === "string" && value.trim() && value !== "false") filters.set(name, value.trim());
    }
    onFilter(filters);
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm">
        <SegmentedControl
          aria-label={t("which")}
          name="resolved"
          data={[
            { value: "false", label: t("waiting") },
            { value: "true", label: t("resolved") },
          ]}
          defaultValue={address.get("resolved") ?? "false"}
          onChange={(value) =>
            onFilter(
              new URLSearchParams(
                value === "true" ? { ...filterOf(address), resolved: value } : filterOf(address),
              ),
            )
          }
        />
        {(["system", "service", "reason"] as const).map((name) => (
          <TextInput
            key={name}
            label={t(name === "system" ? "consumer" : name)}
            name={name}
            maxLength={100}
            defaultValue={address.get(name) ?? ""}
          />
        ))}
        <Button type="submit" variant="default">
          {t("find")}
        </Button>
      </Group>
    </form>
  );
}

function LetterTable({
  items,
  titles,
  selected,
  onSelect,
  onDecide,
}: {
  items: readonly Letter[];
  titles: MessageTitles;
  selected: ReadonlySet<string>;
  onSelect: ((selected: ReadonlySet<string>) => void) | null;
  onDecide: (decision: Decision) => void;
}) {
  const t = useMessageTexts();
  const all = items.every(({ id }) => selected.has(id));
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
      <Table miw={860} fz="sm" highlightOnHover aria-label={t("deadLetters")}>
        <Table.Thead>
          <Table.Tr>
            {onSelect && (
              <Table.Th w={40}>
                <Checkbox
                  size="xs"
                  aria-label={t("selectAll")}
                  checked={all}
                  onChange={() => onSelect(all ? new Set() : new Set(items.map(({ id }) => id)))}
                />
              </Table.Th>
            )}
            <Table.Th w={170}>{t("diedAt")}</Table.Th>
            <Table.Th>{t("consumer")}</Table.Th>
            <Table.Th>{t("what")}</Table.Th>
            <Table.Th>{t("reason")}</Table.Th>
            <Table.Th>
              <VisuallyHidden>{t("actions")}</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((letter) => (
            <Table.Tr key={letter.id}>
              {onSelect && (
                <Table.Td>
                  <Checkbox
                    size="xs"
                    aria-label={t("select", { id: letter.id })}
                    checked={selected.has(letter.id)}
                    onChange={() => onSelect(toggled(selected, letter.id))}
                  />
                </Table.Td>
              )}
              <Table.Td>
                <Anchor component={Link} href={`/${letter.message}`} size="sm">
                  <Timestamp time={letter.diedAt} />
                </Anchor>
              </Table.Td>
              <Table.Td>
                <SystemName system={letter.system} titles={titles} />
              </Table.Td>
              <Table.Td>
                <ExchangeName service={letter.service} name={letter.name} titles={titles} />
                {letter.subscription && (
                  <Text size="xs" c="dimmed">
                    {t("subscription", { id: letter.subscription })}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <Text size="sm" maw={420}>
                  {letter.reason.text}
                </Text>
                {letter.resolvedBy && (
                  <Text size="xs" c="dimmed">
                    <Decider by={letter.resolvedBy} /> {letter.note}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                {onSelect && (
                  <Group gap={4} wrap="nowrap">
                    <Button
                      size="compact-xs"
                      onClick={() => onDecide({ kind: "retry", letters: [letter.id] })}
                    >
                      {t("retry")}
                    </Button>
                    <Button
                      size="compact-xs"
                      variant="default"
                      onClick={() => onDecide({ kind: "give-up", letters: [letter.id] })}
                    >
                      {t("giveUp")}
                    </Button>
                  </Group>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

function Decider({ by }: { by: string }) {
  const t = useMessageTexts();
  return <span title={by}>{t("decidedBy", { who: usePrincipalName(by) })}</span>;
}

function filterOf(address: URLSearchParams): { system?: string; service?: string; reason?: string } {
  const names = ["system", "service", "reason"] as const;
  return Object.fromEntries(
    names.flatMap((name) => (address.get(name) ? [[name, address.get(name) ?? ""]] : [])),
  );
}

function toggled(selected: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}
