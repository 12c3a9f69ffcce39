import { Card, Progress, Stack, Text, Title } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useAdapterTexts } from "../../texts/adapters";

type Limit = NonNullable<NonNullable<Schemas["Adapter"]["instance"]>["providerLimit"]>;

/** Show the limit that a provider sets, and what all instances together have used of it; nothing where there is none. */
export function ProviderLimit({ limit }: { limit: Limit | undefined }) {
  const t = useAdapterTexts();
  if (!limit) return null;
  const rows = [
    { label: t("perDay"), used: limit.used?.today ?? 0, of: limit["per-day"] },
    { label: t("concurrent"), used: limit.used?.running ?? 0, of: limit.concurrent },
    { label: t("perSecond"), used: limit.used?.lastSecond ?? 0, of: limit["per-second"] },
  ];
  return (
    <Card withBorder padding="md">
      <Title order={2} mb="xs">
        {t("providerLimit")}
      </Title>
      <Stack gap="sm">
        {rows.map(({ label, used, of }) => (
          <div key={label}>
            <Text size="sm">
              {label}: {of ? t("ofLimit", { used, limit: of }) : t("unlimited", { used })}
            </Text>
            {of > 0 && (
              <Progress
                value={Math.min(100, (100 * used) / of)}
                color={used >= of ? "yellow" : "gray"}
                aria-label={label}
                size="sm"
              />
            )}
          </div>
        ))}
      </Stack>
    </Card>
  );
}
