import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconCircleDashed } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { useAccessTexts } from "../../texts/access";

/** Show whose approvals a grant needs, and who has given them: four eyes. */
export function Approvals({ review }: { review: Schemas["GrantReview"] }) {
  const t = useAccessTexts();
  const needed = review.personal ? (["provider", "operator"] as const) : (["any"] as const);
  const installer = review.approvals.find((one) => one.as === "installer");
  return (
    <Paper withBorder p="md">
      <Title order={3} mb="xs">
        {t("approvals")}
      </Title>
      <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: "none" }}>
        {needed.map((role) => {
          const given = installer ?? review.approvals.find((one) => role === "any" || one.as === role);
          return (
            <Group key={role} component="li" gap="xs" wrap="nowrap" align="flex-start">
              {given ? (
                <IconCircleCheck size={20} color="var(--mantine-color-teal-filled)" aria-hidden />
              ) : (
                <IconCircleDashed size={20} color="var(--mantine-color-yellow-filled)" aria-hidden />
              )}
              <Stack gap={0}>
                <Text size="sm" fw={600}>
                  {role === "any" ? t("anyOne") : t(role)}
                </Text>
                <Text size="sm" c="dimmed">
                  {given ? <Approver approval={given} /> : t("notYet")}
                </Text>
              </Stack>
            </Group>
          );
        })}
      </Stack>
    </Paper>
  );
}

function Approver({ approval }: { approval: Schemas["GrantReview"]["approvals"][number] }) {
  const t = useAccessTexts();
  if (approval.as === "installer") return <>{t("installer")}</>;
  const by =
    approval.onBehalfOf.length > 0
      ? t("approvedForAbsent", { by: approval.by, absent: approval.onBehalfOf.join(", ") })
      : approval.by;
  return <>{t("approvedBy", { by })}</>;
}
