import { Button, Checkbox, Group, Pill, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconMaximize, IconPlayerPause, IconPlayerPlay, IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import { type Filters, GROUPS, KINDS, WINDOWS } from "./filters";
import { titleOf } from "./formats";
import type { Picture } from "./useFlows";

/** The choices of the page: period, kind, grouping, words, and only what is unwell. */
export function Controls({
  filters,
  picture,
  onChange,
}: {
  filters: Filters;
  picture: Picture | null;
  onChange: (change: Partial<Filters>) => void;
}) {
  const t = useFlowTexts();
  const language = useLanguage();
  const [words, setWords] = useState(filters.search);
  const search = useDebouncedCallback((value: string) => onChange({ search: value }), 300);
  useEffect(() => setWords(filters.search), [filters.search]);
  return (
    <Group gap="sm" mb="md" className="no-print">
      <SegmentedControl
        size="xs"
        aria-label={t("window")}
        value={filters.window}
        onChange={(window) => onChange({ window })}
        data={WINDOWS.map((value) => ({ value, label: t(value) }))}
      />
      <SegmentedControl
        size="xs"
        aria-label={t("kind")}
        value={filters.kind}
        onChange={(kind) => onChange({ kind })}
        data={KINDS.map((value) => ({ value, label: t(value) }))}
      />
      <SegmentedControl
        size="xs"
        aria-label={t("group")}
        value={filters.group}
        onChange={(group) => onChange({ group })}
        data={GROUPS.map((value) => ({ value, label: t(value) }))}
      />
      <TextInput
        size="xs"
        aria-label={t("search")}
        placeholder={t("search")}
        leftSection={<IconSearch size={16} aria-hidden />}
        type="search"
        maxLength={200}
        value={words}
        onChange={(event) => {
          setWords(event.currentTarget.value);
          search(event.currentTarget.value);
        }}
        w={{ base: "100%", xs: 230 }}
      />
      <Checkbox
        size="sm"
        label={t("unwell")}
        checked={filters.unwell}
        onChange={(event) => onChange({ unwell: event.currentTarget.checked })}
      />
      {filters.agency && (
        <Pill
          size="lg"
          withRemoveButton
          onRemove={() => onChange({ agency: "" })}
          removeButtonProps={{ "aria-label": t("showAll"), tabIndex: 0, "aria-hidden": false }}
        >
          {t("onlyAgency", {
            agency: picture ? titleOf(picture, "agencies", filters.agency, language) : filters.agency,
          })}
        </Pill>
      )}
    </Group>
  );
}

/** The actions of the page: hold the picture still, and show it on a wall. */
export function Actions({
  paused,
  onPause,
  onWall,
}: {
  paused: boolean;
  onPause: () => void;
  onWall: () => void;
}) {
  const t = useFlowTexts();
  const Icon = paused ? IconPlayerPlay : IconPlayerPause;
  return (
    <>
      <Button variant="default" size="sm" leftSection={<Icon size={16} aria-hidden />} onClick={onPause}>
        {t(paused ? "resume" : "pause")}
      </Button>
      <Button
        variant="default"
        size="sm"
        leftSection={<IconMaximize size={16} aria-hidden />}
        onClick={onWall}
      >
        {t("wall")}
      </Button>
    </>
  );
}
