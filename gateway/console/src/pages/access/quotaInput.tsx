import { Group, NumberInput, Select } from "@mantine/core";
import { useAccessTexts } from "../../texts/access";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { PERIODS, type Period } from "./grantRequest";

interface Quota {
  requests: number | "";
  per: Period;
}

/** Ask how often something may be called. */
export function QuotaInput({
  label,
  requests,
  per,
  error,
  onChange,
}: Quota & { label: string; error: string | undefined; onChange: (quota: Quota) => void }) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  return (
    <Group grow align="flex-start">
      <NumberInput
        label={label}
        required
        min={1}
        allowDecimal={false}
        value={requests}
        error={error}
        onChange={(value) => onChange({ requests: value === "" ? "" : Number(value), per })}
      />
      <Select
        label={own("perOf", { of: label })}
        allowDeselect={false}
        value={per}
        data={Object.entries(PERIODS).map(([value, text]) => ({ value, label: t(text) }))}
        onChange={(value) => onChange({ requests, per: (value ?? "minute") as Period })}
      />
    </Group>
  );
}
