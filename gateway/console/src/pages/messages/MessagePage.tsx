import { Anchor, Card, Code, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { useHasRole } from "../../app/session";
import { CopyableCode } from "../../components/CopyableCode";
import { formatNumber } from "../../components/formats";
import { Notice } from "../../components/Notice";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { PrincipalName } from "../../components/PrincipalName";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { TitleAndCode } from "../../components/TitleAndCode";
import { usePurposes } from "../../components/usePurposes";
import { useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";
import { ProofCard } from "../../verify/ProofCard";
import { DecidedBy, DeliveryCard } from "./DeliveryCard";
import type { MessageTitles } from "./names";
import { kindText } from "./ResultTable";
import { meaningOf, useOutcomeTitles } from "./useOutcomeTitles";
import { type StoryEntry, Waterfall } from "./Waterfall";

/** One message: what became of it, where its time went, who asked for what and why, each step, and its proof. */
export function MessagePage({ message }: { message: string }) {
  const t = useMessageTexts();
  const language = useLanguage();
  const {
    data,
    failureReason: error,
    refetch,
  } = useQuery({
    queryKey: ["message", message, language],
    queryFn: () => dataOf(api.GET("/evidence/messages/{message}", { params: { path: { message } } })),
    refetchInterval: ({ state }) => (isUnfinished(state.data) ? 2000 : false),
  });
  const missing = error instanceof ApiError && (error.status === 404 || error.status === 400);
  return (
    <Stack>
      <div>
        <Anchor component={Link} href="/" size="sm">
          <IconArrowLeft size={14} aria-hidden /> {t("back")}
        </Anchor>
        <PageHeader title={t("message")} />
        <CopyableCode value={message} label={t("id")} />
      </div>
      {missing && <EmptyState title={t("noMessage")}>{error.message}</EmptyState>}
      {error && !missing && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <LoadingState />}
      {data && <Story story={data} onChanged={() => void refetch()} />}
    </Stack>
  );
}

function Story({ story, onChanged }: { story: Schemas["MessageStory"]; onChanged: () => void }) {
  const t = useMessageTexts();
  const { entries } = story;
  const last = entries.at(-1);
  if (!last) return null;
  return (
    <Stack>
      <Outcome entry={last} reader={story.reader} titles={story.titles} />
      <Section title={t("whereTimeWent")}>
        <Waterfall entries={entries} />
      </Section>
      {(story.delivery || story.deadLetters.length > 0) && (
        <Section title={t("deliveryState")}>
          <DeliveryCard
            delivery={story.delivery}
            letters={story.deadLetters}
            titles={story.titles}
            onChanged={onChanged}
          />
        </Section>
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Section title={t("whoAndWhy")}>
          <Facts story={story} entry={entries[0] ?? last} />
        </Section>
        <ProofCard message={story.message} entries={entries} />
      </SimpleGrid>
      <Section title={t("steps")}>
        <Steps story={story} />
      </Section>
    </Stack>
  );
}

function Outcome({
  entry,
  reader,
  titles,
}: {
  entry: StoryEntry;
  reader: Schemas["MessageStory"]["reader"];
  titles: MessageTitles;
}) {
  const t = useMessageTexts();
  const language = useLanguage();
  const seesAdapters = useHasRole("operator", "auditor", "agency-admin", "integrator");
  const { title, when, action, advice, help } = entry.explanation;
  const agency = titles.agencies[entry.agency]?.[language] ?? entry.agency;
  const provider = titles.systems[entry.provider]?.[language] ?? entry.provider;
  const meaning = meaningOf(entry.status);
  return (
    <Notice
      meaning={meaning}
      title={
        <Group gap="xs">
          <span>{title}</span>
          <Code c="var(--mantine-color-text)">{entry.outcome}</Code>
          <Text size="xs" span>
            {t("status", { status: entry.status })}
          </Text>
        </Group>
      }
    >
      <Stack gap={4}>
        {when && <Text size="sm">{withoutBackticks(when)}</Text>}
        {advice && (
          <Text size="sm">
            <b>{t("whatToDo")}:</b> {withoutBackticks(advice)}.{" "}
            {seesAdapters && entry.provider && (
              <Anchor component={Link} href={adaptersOf(entry.provider)} size="sm" c="inherit" td="underline">
                {t("adaptersOf", { system: provider })}
              </Anchor>
            )}
          </Text>
        )}
        {action && (
          <Text size="sm">
            <b>{reader === "caller" ? t("whatToDo") : t("whatCallerDoes", { agency })}:</b>{" "}
            {withoutBackticks(action)}
          </Text>
        )}
        {help && (
          <Anchor href={help} size="sm" c="inherit" td="underline" target="_blank" rel="noreferrer">
            {t("explained")}
          </Anchor>
        )}
      </Stack>
    </Notice>
  );
}

function Facts({ story, entry }: { story: Schemas["MessageStory"]; entry: StoryEntry }) {
  const t = useMessageTexts();
  const seesPersons = useHasRole("auditor");
  const seesAdapters = useHasRole("operator", "auditor", "agency-admin", "integrator");
  const { titleAndCode } = usePurposes();
  const language = useLanguage();
  const named = (kind: keyof MessageTitles, code: string, shown = code) =>
    code && <TitleAndCode title={story.titles[kind][code]?.[language]} code={shown} />;
  const grant = story.grants.find(({ name }) => name === entry.grant);
  return (
    <dl className="facts">
      <Fact label={t("time")}>
        <Timestamp time={new Date(entry.time)} />
      </Fact>
      <Fact label={t("consumer")}>{named("systems", entry.consumer)}</Fact>
      <Fact label={t("agency")}>{named("agencies", entry.agency)}</Fact>
      <Fact label={t("provider")}>
        {seesAdapters && entry.provider ? (
          <Anchor component={Link} href={adaptersOf(entry.provider)} size="sm">
            {named("systems", entry.provider)}
          </Anchor>
        ) : (
          named("systems", entry.provider)
        )}
      </Fact>
      <Fact label={t("service")}>{named("services", entry.service)}</Fact>
      <Fact label={entry.event ? t("event") : t("operation")}>
        {entry.event
          ? named("events", `${entry.service}/${entry.event}`, entry.event)
          : named("operations", `${entry.service}/${entry.operation}`, entry.operation)}
      </Fact>
      <Fact label={t("contractVersion")}>{entry.version}</Fact>
      <Fact label={t("purposeField")}>{entry.purpose ? titleAndCode(entry.purpose) : t("purposeNone")}</Fact>
      <Fact label={t("grant")}>
        {entry.grant && (
          <Anchor component={Link} href={`~/console/access/grants/${entry.grant}`} size="sm">
            {entry.grant}
          </Anchor>
        )}
      </Fact>
      <Fact label={t("legalBasis")}>{grant?.legalBasis}</Fact>
      <Fact label={t("validUntil")}>{grant && <Timestamp time={grant.validUntil} />}</Fact>
      {entry.reference && <Fact label={t("dossier")}>{entry.reference}</Fact>}
      {entry.kind === "call" && entry.by && (
        <Fact label={t("officer")}>
          <PrincipalName name={entry.by} />
        </Fact>
      )}
      <Fact label={t("gateway")}>{entry.gateway}</Fact>
      <Fact label={t("trace")}>{entry.trace && <CopyableCode value={entry.trace} label={t("trace")} />}</Fact>
      {seesPersons ? (
        <>
          <Fact label={t("subject")}>
            {entry.subject && <CopyableCode value={entry.subject} label={t("subject")} />}
          </Fact>
          <Fact label={t("onBehalfOf")}>
            {entry.onBehalfOf && <CopyableCode value={entry.onBehalfOf} label={t("onBehalfOf")} />}
          </Fact>
        </>
      ) : (
        <Fact label={t("subject")}>
          <Text size="xs" c="dimmed">
            {t("personsHidden")}
          </Text>
        </Fact>
      )}
      <Fact label={t("requestSize")}>
        <Content size={entry.requestSize} digest={entry.requestDigest} />
      </Fact>
      <Fact label={t("answerSize")}>
        <Content size={entry.answerSize} digest={entry.answerDigest} />
      </Fact>
      <dt />
      <dd>
        <Text size="xs" c="dimmed">
          {t("noPayload")}
        </Text>
      </dd>
    </dl>
  );
}

function Content({ size, digest }: { size: number; digest: string | undefined }) {
  const t = useMessageTexts();
  const language = useLanguage();
  if (!size) return "–";
  return (
    <>
      {formatNumber(size, language)} byte
      {digest && (
        <Text size="xs" c="dimmed" ff="monospace" title={t("digest")}>
          {digest}
        </Text>
      )}
    </>
  );
}

function Steps({ story }: { story: Schemas["MessageStory"] }) {
  const t = useMessageTexts();
  const titles = useOutcomeTitles();
  const language = useLanguage();
  return (
    <Stack gap="xs" component="ol" className="steps">
      {story.more && <Text size="sm">{t("moreSteps", { count: story.entries.length })}</Text>}
      {story.entries.map((entry) => (
        <li key={`${entry.time} ${entry.kind} ${entry.to} ${entry.attempt} ${entry.outcome}`}>
          <Group gap="xs" align="baseline">
            <Text size="sm" c="dimmed">
              <Timestamp time={new Date(entry.time)} />
            </Text>
            <Text size="sm" fw={600}>
              {t(kindText(entry.kind))}
              {entry.attempt > 0 && ` #${entry.attempt}`}
            </Text>
            {entry.to && (
              <Text size="sm" title={entry.to}>
                {t("deliveredTo", { to: story.titles.systems[entry.to]?.[language] ?? entry.to })}
              </Text>
            )}
            <StatusBadge meaning={meaningOf(entry.status)}>
              {titles.get(entry.outcome) ?? entry.outcome}
            </StatusBadge>
            {entry.status >= 300 && <Text size="sm">{entry.explanation.title}</Text>}
            {entry.by && <DecidedBy by={entry.by} />}
          </Group>
        </li>
      ))}
    </Stack>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children || "–"}</dd>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card withBorder>
      <Title order={2} mb="sm">
        {title}
      </Title>
      {children}
    </Card>
  );
}

/** Return the address of the adapters of a system. */
function adaptersOf(system: string): string {
  return `~/console/adapters?q=${encodeURIComponent(system)}`;
}

function withoutBackticks(text: string): string {
  return text.replaceAll("`", "");
}

function isUnfinished(story: Schemas["MessageStory"] | undefined): boolean {
  return ["accepted", "delivering"].includes(story?.delivery?.state ?? "");
}
