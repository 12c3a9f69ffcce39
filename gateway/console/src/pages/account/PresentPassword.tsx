import { PasswordInput } from "@mantine/core";
import { ApiError } from "../../api/problem";
import { useAccountTexts } from "../../texts/account";
import { useSignInTexts } from "../../texts/signIn";

/** Ask for the present password, with what was wrong with it. */
export function PresentPassword({
  value,
  error,
  onChange,
}: {
  value: string;
  error: Error | null;
  onChange: (value: string) => void;
}) {
  const t = useAccountTexts();
  const signIn = useSignInTexts();
  return (
    <PasswordInput
      label={t("currentPassword")}
      name="current-password"
      autoComplete="current-password"
      required
      withAsterisk={false}
      maw={420}
      visibilityToggleButtonProps={{ "aria-label": signIn("showPassword") }}
      value={value}
      error={error instanceof ApiError ? error.fields.get("/password") : undefined}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Return an error that no field of a form shows; null for none. */
export function unplaced(error: Error | null, ...pointers: string[]): Error | null {
  if (error instanceof ApiError && pointers.some((pointer) => error.fields.has(pointer))) return null;
  return error;
}
