import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { ApiError } from "../../api/problem";
import { ErrorState } from "../../components/PageStates";
import { useAccountTexts } from "../../texts/account";
import { useSignInTexts } from "../../texts/signIn";
import { PresentPassword, unplaced } from "./PresentPassword";
import { Section } from "./Section";

export function PasswordChange({ user }: { user: string }) {
  const t = useAccountTexts();
  const signIn = useSignInTexts();
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const [newPassword, setNewPassword] = useState("");
  const change = useMutation({
    mutationFn: () => api.PUT("/me/account/password", { body: { password, newPassword } }),
    onSuccess: () => {
      setPassword("");
      setNewPassword("");
      return queries.invalidateQueries({ queryKey: ["own sessions"] });
    },
  });
  const problem = unplaced(change.error, "/password", "/newPassword");
  return (
    <Section title={t("password")}>
      <Text size="sm" c="dimmed">
        {t("passwordHelp", { user })}
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack gap="sm">
          {problem && <ErrorState error={problem} />}
          {change.isSuccess && (
            <Alert role="status" color="teal">
              {t("changed")}
            </Alert>
          )}
          <TextInput name="username" autoComplete="username" value={user} readOnly display="none" />
          <PresentPassword value={password} error={change.error} onChange={setPassword} />
          <PasswordInput
            label={t("newPassword")}
            description={t("newPasswordHelp")}
            name="new-password"
            autoComplete="new-password"
            required
            withAsterisk={false}
            maw={420}
            visibilityToggleButtonProps={{ "aria-label": signIn("showPassword") }}
            value={newPassword}
            error={change.error instanceof ApiError ? change.error.fields.get("/newPassword") : undefined}
            onChange={(event) => setNewPassword(event.currentTarget.value)}
          />
          <Group>
            <Button type="submit" loading={change.isPending}>
              {t("change")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
