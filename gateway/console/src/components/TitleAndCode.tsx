import { Text } from "@mantine/core";
import type { Language } from "../texts/createTexts";

/** What codes are called, in both languages, as lists of the API have it beside their items. */
export type TitlesByCode = Readonly<Record<string, Readonly<Record<Language, string>>>>;

interface Props {
  title: string | undefined;
  code: string;
  /** Whether the code stands in a line of its own, as in tables. */
  below?: boolean;
  /** What follows the code in that line. */
  note?: string | undefined;
}

/** Show what people call something, and beside or below it the code by which programs and registry know it; the code alone where it has no title. */
export function TitleAndCode({ title, code, below = false, note }: Props) {
  if (below)
    return (
      <>
        {title || code || "–"}
        <Text size="xs" c="dimmed">
          {[title ? code : "", note].filter(Boolean).join(" · ")}
        </Text>
      </>
    );
  if (!title) return <span>{code}</span>;
  return (
    <span>
      {title}{" "}
      <Text span inherit c="dimmed">
        ({code})
      </Text>
    </span>
  );
}

/** Return the same as text, where somebody chooses: `Cấp giấy phép (cap-giay-phep)`. */
export function nameAndCode(title: string | undefined, code: string): string {
  return title && title !== code ? `${title} (${code})` : code;
}
