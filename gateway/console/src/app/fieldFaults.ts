import i18next from "i18next";
import { currentLanguage, type Texts } from "../texts/createTexts";
import "./fieldFaults.css";

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const TEXTS = {
  missing: { vi: "Hãy điền mục này.", en: "Fill this in." },
  notChosen: { vi: "Hãy chọn.", en: "Choose here." },
  mail: {
    vi: "Hãy nhập một địa chỉ thư điện tử, ví dụ ten@tinh.gov.vn.",
    en: "Enter a mail address, such as name@province.gov.vn.",
  },
  address: {
    vi: "Hãy nhập một địa chỉ đầy đủ, bắt đầu bằng https://.",
    en: "Enter a whole address that begins with https://.",
  },
  date: { vi: "Hãy nhập đủ ngày, tháng, năm có thật.", en: "Enter a whole date that exists." },
  number: { vi: "Hãy nhập một số.", en: "Enter a number." },
  form: {
    vi: "Chưa đúng dạng; hãy xem gợi ý của mục này.",
    en: "This has another form than it must; see the hint of this field.",
  },
  short: { vi: "Hãy nhập ít nhất {{limit}} ký tự.", en: "Enter at least {{limit}} characters." },
  long: { vi: "Hãy nhập nhiều nhất {{limit}} ký tự.", en: "Enter at most {{limit}} characters." },
  low: { vi: "Phải từ {{limit}} trở lên.", en: "This must be {{limit}} or more." },
  high: { vi: "Không được quá {{limit}}.", en: "This must be {{limit}} or less." },
} as const satisfies Texts;

type Fault = { text: keyof typeof TEXTS; limit?: string | number };

/** The faults on the page, each below its field. */
const shown = new Map<Field, HTMLElement>();

/**
 * From now on say at a field what is wrong with it, in the language of the page, where a form cannot be sent. The browser's own messages
 * are in the browser's language and vanish; none is shown any more, in no form.
 */
export function showFieldFaults(): void {
  document.addEventListener("invalid", (event) => refuse(event), true); // does not bubble
  for (const kind of ["input", "change"])
    document.addEventListener(kind, ({ target }) => {
      const field = isField(target) && speakerOf(target);
      if (field && shown.has(field)) update(field);
    });
  i18next.on("languageChanged", () => {
    for (const field of shown.keys()) update(field);
  });
}

function refuse(event: Event): void {
  const field = event.target;
  if (!isField(field)) return;
  event.preventDefault();
  update(speakerOf(field));
  const first = [...(field.form?.elements ?? [])].find((one) => isField(one) && !one.validity.valid);
  if (!first || first === field) field.focus();
}

/** Return the field at which a fault is said: of radio buttons among which one chooses the first alone. */
function speakerOf(field: Field): Field {
  if (field.type !== "radio") return field;
  const group = [...(field.form?.elements ?? [])].filter(isField);
  return group.find(({ type, name }) => type === "radio" && name === field.name) ?? field;
}

function update(field: Field): void {
  const before = shown.get(field);
  if (field.validity.valid || !field.isConnected) {
    if (before) remove(field, before);
    return;
  }
  const message = before ?? add(field);
  message.textContent = textOf(field);
}

function add(field: Field): HTMLElement {
  const message = document.createElement("p");
  message.id = `fault-${crypto.randomUUID()}`;
  message.className = "field-fault";
  const wrapper = field.closest(".mantine-InputWrapper-root, .mantine-Checkbox-root, .mantine-Radio-root");
  if (wrapper) wrapper.append(message);
  else (field.closest("fieldset, label") ?? field).after(message); // a label would be named after it
  field.setAttribute("aria-invalid", "true");
  field.setAttribute(
    "aria-describedby",
    `${field.getAttribute("aria-describedby") ?? ""} ${message.id}`.trim(),
  );
  shown.set(field, message);
  return message;
}

function remove(field: Field, message: HTMLElement): void {
  shown.delete(field);
  message.remove();
  field.removeAttribute("aria-invalid");
  const others = field.getAttribute("aria-describedby")?.replace(message.id, "").trim();
  if (others) field.setAttribute("aria-describedby", others);
  else field.removeAttribute("aria-describedby");
}

function textOf(field: Field): string {
  const { text, limit } = faultOf(field);
  return TEXTS[text][currentLanguage()].replace("{{limit}}", String(limit ?? ""));
}

function faultOf(field: Field): Fault {
  const { validity, type } = field;
  const { min, max } = field instanceof HTMLInputElement ? field : { min: "", max: "" };
  const { minLength, maxLength } =
    field instanceof HTMLSelectElement ? { minLength: 0, maxLength: 0 } : field;
  if (validity.badInput || validity.customError) return { text: type === "number" ? "number" : "date" };
  if (validity.valueMissing)
    return { text: ["radio", "checkbox", "select-one"].includes(type) ? "notChosen" : "missing" };
  if (validity.typeMismatch) return { text: type === "email" ? "mail" : "address" };
  if (validity.tooShort) return { text: "short", limit: minLength };
  if (validity.tooLong) return { text: "long", limit: maxLength };
  if (validity.rangeUnderflow) return { text: "low", limit: readable(min) };
  if (validity.rangeOverflow) return { text: "high", limit: readable(max) };
  return { text: "form" };
}

/** Return a limit as people write it: of days `31/12/2026`. */
function readable(limit: string): string {
  const day = /^(\d{4})-(\d\d)-(\d\d)/.exec(limit);
  return day ? `${day[3]}/${day[2]}/${day[1]}` : limit;
}

function isField(target: unknown): target is Field {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement
  );
}
