import { Pill, TagsInput } from "@mantine/core";
import { useCommonTexts } from "../texts/common";
import { usePurposes } from "./usePurposes";

interface Props {
  label: string;
  description: string;
  value: string[];
  error: string | undefined;
  onChange: (purposes: string[]) => void;
}

/** Ask for purposes: by their titles, or by the code of one that has none. */
export function PurposeInput({ label, description, value, error, onChange }: Props) {
  const t = useCommonTexts();
  const { all, title } = usePurposes();
  return (
    <TagsInput
      label={label}
      withAsterisk
      description={description}
      value={value}
      error={error}
      data={all.map((one) => one.code)}
      renderOption={({ option }) => (
        <span>
          {title(option.value)} <small>{option.value}</small>
        </span>
      )}
      filter={({ options, search }) =>
        options.filter(
          (one) =>
            "value" in one && `${title(one.value)} ${one.value}`.toLowerCase().includes(search.toLowerCase()),
        )
      }
      renderPill={({ value: code, onRemove, disabled }) => (
        <Pill
          title={code ?? ""}
          withRemoveButton
          disabled={disabled ?? false}
          {...(onRemove && { onRemove })}
          removeButtonProps={{ "aria-label": t("remove", { title: title(code ?? "") }) }}
        >
          {title(code ?? "")}
        </Pill>
      )}
      openOnFocus={false}
      splitChars={[",", " "]}
      acceptValueOnBlur
      onChange={onChange}
    />
  );
}
