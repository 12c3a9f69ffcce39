import { TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useLocation } from "wouter";
import { useFindMessageTexts } from "../texts/findMessage";
import { messagePathOf } from "./messagePath";

/** Find a message from any page by its id or its trace; the key `/` leads here. */
export function FindMessage() {
  const t = useFindMessageTexts();
  const [, navigate] = useLocation();
  const [wrong, setWrong] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => input.current?.focus()]]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const field = input.current;
        const path = messagePathOf(field?.value ?? "");
        setWrong(path === null);
        if (path === null || !field) return;
        field.value = "";
        navigate(`~/console/messages${path}`);
      }}
    >
      <TextInput
        ref={input}
        size="xs"
        w={{ base: "100%", sm: 220, md: 300 }}
        aria-label={t("quick")}
        placeholder={t("quickHint")}
        leftSection={<IconSearch size={14} aria-hidden />}
        maxLength={100}
        error={wrong ? t("quickWrong") : null}
        inputWrapperOrder={["input", "error"]}
        styles={{ error: { position: "absolute", background: "var(--mantine-color-body)", padding: 4 } }}
        onChange={() => setWrong(false)}
      />
    </form>
  );
}
