import { SegmentedControl, Stack } from "@mantine/core";
import { useSearchParams } from "wouter";
import { useAccessTexts } from "../../texts/access";
import { GrantList } from "./grants";

const DAYS = [7, 30, 90, 365] as const;

/** The grants that end soon. */
export function ExpiringGrants() {
  const t = useAccessTexts();
  const [search, setSearch] = useSearchParams();
  const days = DAYS.find((one) => String(one) === search.get("days")) ?? 30;
  return (
    <Stack>
      <SegmentedControl
        aria-label={t("within")}
        value={String(days)}
        onChange={(value) => setSearch({ days: value }, { replace: true })}
        data={DAYS.map((one) => ({ value: String(one), label: t("days", { days: one }) }))}
        style={{ alignSelf: "flex-start" }}
      />
      <GrantList query={{ limit: 100, expiringWithin: days }} empty={t("noneExpiring")} />
    </Stack>
  );
}
