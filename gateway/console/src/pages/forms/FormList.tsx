import { Badge, Card, Group, SimpleGrid, Text, TextInput, Title } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { useLanguage } from "../../texts/createTexts";
import { useFormTexts } from "../../texts/forms";
import { plain } from "../../texts/plain";

/** Choose a form: all that are open to the officer, and a search that Enter opens the first match of. */
export function FormList() {
  const t = useFormTexts();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["forms"],
    queryFn: () => dataOf(api.GET("/me/forms")),
  });
  return (
    <>
      <PageHeader title={t("title")} purpose={t("purposeOfPage")} />
      {isPending && !error && <LoadingState />}
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <EmptyState title={t("none")}>{t("noneHelp")}</EmptyState>}
      {data && data.items.length > 0 && <Choices forms={data.items} />}
    </>
  );
}

function Choices({ forms }: { forms: readonly Schemas["Form"][] }) {
  const t = useFormTexts();
  const language = useLanguage();
  const [, open] = useLocation();
  const [asked, setAsked] = useState("");
  const found = useMemo(() => {
    const words = plain(asked).split(/\s+/).filter(Boolean);
    return forms.filter((form) => words.every((word) => searched(form).includes(word)));
  }, [forms, asked]);
  const first = found[0];
  return (
    <>
      <search>
        <form
          autoComplete="off"
          onSubmit={(event) => {
            event.preventDefault();
            if (first) open(pathOf(first));
          }}
        >
          <TextInput
            label={t("search")}
            description={t("searchHelp")}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={asked}
            onChange={(event) => setAsked(event.currentTarget.value)}
            maw={480}
            mb="lg"
            type="search"
            autoComplete="off"
            autoFocus
          />
        </form>
      </search>
      {found.length === 0 && <EmptyState title={t("noMatch")}>{t("noMatchHelp")}</EmptyState>}
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {found.map((form) => (
          <Card
            key={pathOf(form)}
            component={Link}
            href={pathOf(form)}
            withBorder
            padding="md"
            className="form-choice"
          >
            <Title order={2}>{form.title[language]}</Title>
            <Text size="sm">{form.serviceTitle[language]}</Text>
            <Group justify="space-between" mt="xs" gap="xs">
              <Text size="sm" c="dimmed">
                {t("from", { agency: form.provider.title[language] })}
              </Text>
              {form.classification === "personal" && <PersonalBadge />}
            </Group>
          </Card>
        ))}
      </SimpleGrid>
    </>
  );
}

/** Mark what is personal data. */
export function PersonalBadge() {
  const t = useFormTexts();
  return (
    <Badge variant="outline" color="gray" tt="none" styles={{ root: { color: "inherit" } }}>
      {t("personal")}
    </Badge>
  );
}

function pathOf(form: Schemas["Form"]): string {
  return `/${form.service}/v${form.major}/${form.operation}`;
}

function searched(form: Schemas["Form"]): string {
  const texts = [form.title, form.serviceTitle, form.provider.title].flatMap((text) => [text.vi, text.en]);
  return plain([...texts, form.service, form.operation].join(" "));
}
