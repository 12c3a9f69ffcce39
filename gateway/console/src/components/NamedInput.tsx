import { Autocomplete } from "@mantine/core";
import { useState } from "react";
import { nameAndCode } from "./TitleAndCode";

/** A value that can be chosen: its code, and what people call it. */
export interface Choice {
  code: string;
  title: string;
}

interface Props {
  label: string;
  /** Of the form's field, whose value is a code. */
  name: string;
  defaultValue: string;
  choices: readonly Choice[];
  error?: string | undefined;
  placeholder?: string;
}

/** Ask for a code by what people call it. Whatever else is typed is taken as a code: the evidence knows some that nothing lists any more. */
export function NamedInput({ label, name, defaultValue, choices, error, placeholder }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const labels = new Map(choices.map((one) => [one.code, nameAndCode(one.title, one.code)]));
  const codes = new Map([...labels].map(([code, text]) => [text, code]));
  const text = typed ?? labels.get(defaultValue) ?? defaultValue;
  return (
    <>
      <Autocomplete
        label={label}
        placeholder={placeholder ?? ""}
        error={error ?? null}
        maxLength={500}
        limit={20}
        openOnFocus={false}
        data={[...codes.keys()]}
        value={text}
        onChange={setTyped}
      />
      <input type="hidden" name={name} value={codes.get(text) ?? text} />
    </>
  );
}
