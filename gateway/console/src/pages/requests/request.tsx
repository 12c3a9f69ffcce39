import { Alert, Anchor, Blockquote, Button, Card, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { PageHeader } from "../../components/PageHeader";
import { ErrorState, ForbiddenState, LoadingState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { TitleAndCode } from "../../components/TitleAndCode";
import { useLanguage } from "../../texts/createTexts";
import { useRequestsTexts } from "../../texts/requests";
import { Deadline, FirstReply } from "./deadline";

const MAX_ANSWER = 4000;

/** One request with the read that it is about, and its answer. */
export function RequestPage({ number }: { number: string }) {
  const t = useRequestsTexts();
  const language = useLanguage();
  const query = useQuery({
    queryKey: ["citizen-request", number, language],
    queryFn: () => dataOf(api.GET("/citizen-requests/{number}", { params: { path: { number } } })),
    refetchOnWindowFocus: false, // each read is written into the log
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.error instanceof ApiError && query.error.code === "not-granted")
    return <ForbiddenState roles={["agency-admin", "auditor"]} />;
  const request = query.data;
  return (
    <>
      <Anchor component={Link} href="/" size="sm">
        ← {t("back")}
      </Anchor>
      <PageHeader title={t("numbered", { number })} />
      {query.isPending && !query.error && <LoadingState />}
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {request && (
        <Stack maw={760}>
          <Group gap="xs">
            <Text fw={600}>{t(request.kind)}</Text>
            <FirstReply request={request} />
            <Deadline request={request} />
            <Text size="sm" c="dimmed">
              {t("received")} <Timestamp time={request.asked} />
            </Text>
          </Group>
          <Words title={t("words")} text={request.text} />
          <ReadConcerned entry={request.entry} />
          {request.firstReply && (
            <Words title={t("firstReplyOf", { by: request.firstReply.by })} text={request.firstReply.text}>
              <Timestamp time={request.firstReply.at} />
            </Words>
          )}
          {request.answer && (
            <Words title={t("answerBy", { by: request.answer.by })} text={request.answer.text}>
              <Timestamp time={request.answer.at} />
            </Words>
          )}
          {request.mayAnswer && request.waitsForFirstReply && (
            <AnswerForm number={number} step="first-reply" />
          )}
          {request.mayAnswer && <AnswerForm number={number} step="answer" />}
          {!request.answer && !request.mayAnswer && <Alert color="gray">{t("auditorOnly")}</Alert>}
          <Text size="sm" c="dimmed">
            {t("opened")}
          </Text>
        </Stack>
      )}
    </>
  );
}

function Words({ title, text, children }: { title: string; text: string; children?: React.ReactNode }) {
  return (
    <section>
      <Title order={2}>{title}</Title>
      {children && (
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      )}
      <Blockquote p="sm" mt={4} color="gray" style={{ whiteSpace: "pre-wrap" }}>
        {text}
      </Blockquote>
    </section>
  );
}

function ReadConcerned({ entry }: { entry: Schemas["AccessLogEntry"] }) {
  const t = useRequestsTexts();
  const facts = [
    [t("time"), <Timestamp key="time" time={entry.time} />],
    [t("service"), `${entry.serviceTitle}, ${entry.operationTitle}`],
    [t("system"), <TitleAndCode key="system" title={entry.systemTitle} code={entry.system} />],
    [t("purposeOfRead"), entry.purposeTitle ?? entry.purpose],
    [t("dossier"), entry.reference],
    [t("basis"), entry.legalBasis],
    [
      t("message"),
      <Anchor
        key="message"
        component={Link}
        href={`~/console/messages/${entry.message}`}
        ff="monospace"
        fz="sm"
      >
        {entry.message}
      </Anchor>,
    ],
  ] as const;
  return (
    <Card withBorder component="section">
      <Title order={2} mb="xs">
        {t("read")}
      </Title>
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </Card>
  );
}

const WORDS = {
  answer: {
    label: "yourAnswer",
    help: "answerHelp",
    send: "send",
    confirmTitle: "confirmTitle",
    confirm: "confirm",
  },
  "first-reply": {
    label: "yourFirstReply",
    help: "firstReplyHelp",
    send: "sendFirstReply",
    confirmTitle: "confirmFirstReplyTitle",
    confirm: "confirmFirstReply",
  },
} as const;

/** Write to the citizen: that the request was received and how it is dealt with, or the answer. */
function AnswerForm({ number, step }: { number: string; step: "answer" | "first-reply" }) {
  const t = useRequestsTexts();
  const words = WORDS[step];
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const [confirming, setConfirming] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const language = useLanguage();
  const answer = useMutation({
    mutationFn: () =>
      dataOf(
        step === "answer"
          ? api.POST("/citizen-requests/{number}/answer", { params: { path: { number } }, body: { text } })
          : api.POST("/citizen-requests/{number}/first-reply", {
              params: { path: { number } },
              body: { text },
            }),
      ),
    onSuccess: async (request) => {
      queries.setQueryData(["citizen-request", number, language], request);
      await queries.invalidateQueries({ queryKey: ["citizen-requests"] });
    },
  });
  const ask = (event: FormEvent) => {
    event.preventDefault();
    answer.reset();
    if (text.trim()) setConfirming(true);
    else field.current?.focus();
  };
  return (
    <form onSubmit={ask}>
      <Textarea
        ref={field}
        label={t(words.label)}
        description={t(words.help)}
        required
        autosize
        minRows={step === "answer" ? 4 : 2}
        maxLength={MAX_ANSWER}
        value={text}
        error={answer.error instanceof ApiError ? answer.error.fields.get("/text") : undefined}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="sm">
        <Button type="submit" variant={step === "answer" ? "filled" : "default"}>
          {t(words.send)}
        </Button>
      </Group>
      <ConfirmDialog
        opened={confirming}
        title={t(words.confirmTitle)}
        action={t(words.send)}
        pending={answer.isPending}
        error={answer.error}
        onConfirm={() => answer.mutate()}
        onClose={() => setConfirming(false)}
      >
        <Text>{t(words.confirm)}</Text>
        <Blockquote p="sm" color="gray" style={{ whiteSpace: "pre-wrap" }}>
          {text}
        </Blockquote>
      </ConfirmDialog>
    </form>
  );
}
