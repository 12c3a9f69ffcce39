import { Button, Group, Select, Stack, TextInput, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api, dataOf } from "../../api/client";
import { Refusal } from "../../components/Refusal";
import { nameAndCode } from "../../components/TitleAndCode";
import { useTitles } from "../../components/useTitles";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { SecretShown } from "./SecretShown";
import { useOwnSystems } from "./useOwner";

/** What an endpoint begins with; its owner may change it. */
const LIMITS = { concurrency: 8, rate: 100 };

/** Make a webhook endpoint of one of the agency's systems, and show its secret once. */
export function NewEndpoint() {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  const systems = useOwnSystems();
  const titles = useTitles();
  const [, navigate] = useLocation();
  const [system, setSystem] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const create = useMutation({
    mutationFn: () =>
      dataOf(api.POST("/endpoints", { body: { ...(system && { system }), name, url, ...LIMITS } })),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <Stack maw={560}>
        <Title order={2}>{t("newEndpoint")}</Title>
        <Select
          label={t("chooseSystem")}
          data={systems.map((value) => ({ value, label: nameAndCode(titles.system(value), value) }))}
          value={system}
          onChange={setSystem}
          searchable
          required
        />
        <TextInput
          label={t("name")}
          description={t("endpointNameHint")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
        />
        <TextInput
          label={t("url")}
          type="url"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          required
        />
        <Refusal error={create.error} />
        <Group>
          <Button component={Link} href="/endpoints" variant="default">
            {common("cancel")}
          </Button>
          <Button type="submit" loading={create.isPending}>
            {t("create")}
          </Button>
        </Group>
      </Stack>
      {create.data && (
        <SecretShown secret={create.data.secret} onClose={() => navigate(`/endpoints/${create.data.id}`)} />
      )}
    </form>
  );
}
