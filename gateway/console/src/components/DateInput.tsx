import { ActionIcon, TextInput, type TextInputProps } from "@mantine/core";
import { IconCalendar } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { createTexts } from "../texts/createTexts";
import { formatDate, formatDateAndTime, parseDate, parseDateTime, parseMonth } from "./dates";

const useTexts = createTexts("dateInput", {
  choose: { vi: "Chọn trong lịch", en: "Choose in a calendar" },
  date: { vi: "ngày/tháng/năm", en: "day/month/year" },
  "datetime-local": { vi: "ngày/tháng/năm giờ:phút", en: "day/month/year hour:minute" },
  month: { vi: "tháng/năm", en: "month/year" },
  wrong: {
    vi: "Hãy nhập ngày có thật, viết như {{example}}.",
    en: "Enter a date that exists, written as {{example}}.",
  },
});

const KINDS = {
  date: { parse: parseDate, format: formatDate },
  "datetime-local": { parse: parseDateTime, format: formatDateAndTime },
  month: { parse: parseMonth, format: formatDate },
} as const;

const EXAMPLES = { date: "31/12/2026", "datetime-local": "31/12/2026 17:30", month: "12/2026" } as const;

interface Props extends Omit<TextInputProps, "value" | "defaultValue" | "onChange" | "type"> {
  label: string;
  kind?: keyof typeof KINDS;
  /** As ISO 8601 writes it; "" for none. */
  value: string;
  /** Told what was typed as ISO 8601 writes it; as it was typed where it is no date, so that nothing is sent without it. */
  onChange: (value: string) => void;
}

/**
 * Ask for a date as people in Vietnam write it, whatever language the browser has: its own fields write `11/28/2026` in many offices. The
 * browser's calendar is behind the button.
 */
export function DateInput({ kind = "date", label, value, name, error, onChange, ...rest }: Props) {
  const t = useTexts();
  const { parse, format } = KINDS[kind];
  const [typed, setTyped] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const calendar = useRef<HTMLInputElement>(null);
  const wrong = value !== "" && parse(value) === null;
  useEffect(() => field.current?.setCustomValidity(wrong ? "date" : ""), [wrong]);
  return (
    <div style={{ position: "relative" }}>
      <TextInput
        {...rest}
        ref={field}
        label={label}
        error={wrong && typed === null ? t("wrong", { example: EXAMPLES[kind] }) : error}
        placeholder={t(kind)}
        autoComplete="off"
        value={typed ?? format(value)}
        onChange={(event) => {
          const text = event.currentTarget.value;
          setTyped(text);
          onChange(parse(text) ?? text.trim());
        }}
        onBlur={() => setTyped(null)}
        rightSection={
          <ActionIcon
            variant="subtle"
            size="sm"
            aria-label={t("choose")}
            onClick={() => calendar.current?.showPicker()}
          >
            <IconCalendar size={16} aria-hidden />
          </ActionIcon>
        }
      />
      <input
        ref={calendar}
        type={kind}
        tabIndex={-1}
        aria-hidden
        value={wrong ? "" : value}
        onChange={(event) => onChange(event.currentTarget.value)}
        style={{ position: "absolute", right: 0, bottom: 0, width: 24, height: 24, visibility: "hidden" }}
      />
      {name && <input type="hidden" name={name} value={parse(value) ?? value} />}
    </div>
  );
}
