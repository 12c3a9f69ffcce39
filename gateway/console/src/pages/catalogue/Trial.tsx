import { Alert, Button, Code, Group, NativeSelect, Stack, Switch, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { useSession } from "../../app/session";
import { ErrorState } from "../../components/PageStates";
import { useCatalogueTexts } from "../../texts/catalogue";
import { type Line, linesOf } from "./visibleLines";

interface Props {
  service: string;
  major: number;
  operation: string;
  example: Schemas["ContractOperation"]["example"];
}

/** Try an operation: the request is checked as in a call, the answer is made from the contract. */
export function Trial({ service, major, operation, example }: Props) {
  const t = useCatalogueTexts();
  const session = useSession();
  const [body, setBody] = useState(() => JSON.stringify(example.request, null, 2));
  const [grant, setGrant] = useState("");
  const [sandbox, setSandbox] = useState(false);
  const grants = useGrants(service, major, operation);
  // A browser has no key of the system, so no token that is bound to one.
  const needsKey = grants.some((one) => one.name === grant && one.bound);
  const trial = useMutation({
    mutationFn: (request: unknown) =>
      dataOf(
        api.POST("/catalog/services/{service}/v{major}/operations/{operation}/try", {
          params: {
            path: { service, major, operation },
            query: grant ? { grant, sandbox: sandbox && !needsKey } : {},
          },
          body: request as never,
        }),
      ),
  });
  if (!session) return <Text c="dimmed">{t("trySignIn")}</Text>;
  const parsed = parse(body);
  const violations = trial.error instanceof ApiError ? [...trial.error.fields] : [];
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t("tryHelp")}
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if ("value" in parsed) trial.mutate(parsed.value);
        }}
      >
        <Stack gap="sm">
          <Textarea
            label={t("body")}
            value={body}
            onChange={(event) => setBody(event.currentTarget.value)}
            error={
              "reason" in parsed
                ? t("notJson", { reason: parsed.reason })
                : violations.map(([pointer, message]) => `${pointer} ${message}`).join("\n") || null
            }
            autosize
            minRows={3}
            maxRows={20}
            spellCheck={false}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          />
          <Group align="flex-end">
            {grants.length > 0 && (
              <NativeSelect
                label={t("withGrant")}
                value={grant}
                onChange={(event) => setGrant(event.currentTarget.value)}
                data={[{ value: "", label: t("whole") }, ...grants.map(({ name }) => name)]}
              />
            )}
            {grant && (
              <Switch
                label={t("askSandbox")}
                description={needsKey ? t("boundTokenOnly") : undefined}
                disabled={needsKey}
                checked={sandbox && !needsKey}
                onChange={(event) => setSandbox(event.currentTarget.checked)}
                mb={8}
              />
            )}
            <Button type="submit" loading={trial.isPending} disabled={"reason" in parsed}>
              {t("send")}
            </Button>
          </Group>
        </Stack>
      </form>
      {trial.error && violations.length === 0 && <ErrorState error={trial.error} />}
      {trial.data && (
        <Answer
          lines={linesOf(trial.data.answer, trial.data.visible)}
          fromSandbox={trial.data.source === "sandbox"}
        />
      )}
    </Stack>
  );
}

function Answer({ lines, fromSandbox }: { lines: readonly Line[]; fromSandbox: boolean }) {
  const t = useCatalogueTexts();
  const hidden = lines.filter((line) => line.hidden && line.starts).length;
  return (
    <Stack gap="xs" role="status">
      <Text fw={600}>{t(fromSandbox ? "answerOfSandbox" : "answer")}</Text>
      {hidden > 0 && (
        <Alert color="gray" p="xs">
          {t("hiddenFields", { count: hidden })}
        </Alert>
      )}
      <Code block tabIndex={0}>
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one answer never move
          <span key={index} className={line.hidden ? "hidden-line" : undefined}>
            {`${line.text}\n`}
          </span>
        ))}
      </Code>
    </Stack>
  );
}

interface TriedGrant {
  name: string;
  /** Whether calls under it need a token that is bound to a key of the system. */
  bound: boolean;
}

function useGrants(service: string, major: number, operation: string): TriedGrant[] {
  const session = useSession();
  const { data } = useQuery({
    queryKey: ["grants", service],
    queryFn: () => dataOf(api.GET("/registry/grants", { params: { query: { service } } })),
    enabled: session !== null,
    retry: false, // whoever may read none tries without one
  });
  return (data?.items ?? [])
    .filter(({ spec }) => {
      const content = spec as { major: number; operations?: object };
      return content.major === major && operation in (content.operations ?? {});
    })
    .map(({ metadata, spec }) => ({ name: metadata.name, bound: spec.senderConstrained === true }));
}

function parse(text: string): { value: unknown } | { reason: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : "" };
  }
}
