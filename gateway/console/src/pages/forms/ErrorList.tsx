import { Alert, Anchor, List } from "@mantine/core";
import { useFormTexts } from "../../texts/forms";
import { controlId } from "./Field";

/** List what is to be corrected, each with a link to its field. */
export function ErrorList({ errors }: { errors: ReadonlyMap<string, string> }) {
  const t = useFormTexts();
  return (
    <Alert
      role="alert"
      color="red"
      styles={{ body: { color: "var(--mantine-color-text)" } }}
      title={t("toCorrect", { count: errors.size })}
    >
      <List size="sm" spacing={6}>
        {[...errors].map(([pointer, message]) => (
          <List.Item key={pointer}>
            <Anchor
              href={`#${controlId(pointer)}`}
              c="inherit"
              underline="always"
              inherit
              onClick={(event) => {
                event.preventDefault(); // a pointer does not belong into the address
                document.getElementById(controlId(pointer))?.focus();
              }}
            >
              {labelOf(pointer)}
              {message}
            </Anchor>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

/** Return what the field of an error is called on the page; "" where it has no control of its own. */
function labelOf(pointer: string): string {
  const control = document.getElementById(controlId(pointer));
  const label =
    control instanceof HTMLInputElement ||
    control instanceof HTMLSelectElement ||
    control instanceof HTMLTextAreaElement
      ? control.labels?.[0]
      : null;
  return label?.textContent ? `${label.textContent}: ` : "";
}

/** Move the focus to the first field that is to be corrected, or to what is said above the form. */
export function focusFirst(pointers: Iterable<string>, above: string) {
  const controls = [...pointers].map((pointer) => document.getElementById(controlId(pointer)));
  const first = controls.find((control) => control !== null) ?? document.getElementById(above);
  first?.focus();
}
