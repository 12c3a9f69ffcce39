import i18next from "i18next";
import { useSyncExternalStore } from "react";

/** The languages of the console; the first one is used where a browser prefers neither. */
export const LANGUAGES = ["vi", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const STORED = "lgsp-language";

/** One catalogue of texts: each key has both languages side by side, so neither can be forgotten. */
export type Texts = Record<string, Record<Language, string>>;

type Values = Record<string, string | number>;

/** Return the text of a key in the language of the user; `{{name}}` in it is replaced by `values.name`. */
export type Translate<T extends Texts> = (key: keyof T & string, values?: Values) => string;

i18next.init({
  lng: initialLanguage(),
  fallbackLng: "vi",
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false }, // React escapes
  resources: {},
});
document.documentElement.lang = i18next.language;
i18next.on("languageChanged", (language) => {
  document.documentElement.lang = language;
});

/**
 * Add the texts of a page, and return the hook that reads them.
 *
 * @param namespace names the page; no two pages share one.
 */
export function createTexts<const T extends Texts>(namespace: string, texts: T): () => Translate<T> {
  for (const language of LANGUAGES) {
    const words = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text[language]]));
    i18next.addResourceBundle(language, namespace, words);
  }
  const translations = { vi: translation<T>("vi", namespace), en: translation<T>("en", namespace) };
  return () => translations[useLanguage()];
}

/** Return the language that texts are shown in. */
export function useLanguage(): Language {
  return useSyncExternalStore(onLanguageChanged, currentLanguage);
}

/** Return the texts of a namespace in one language. Those without values are looked up once: a page asks for thousands. */
function translation<T extends Texts>(language: Language, namespace: string): Translate<T> {
  const translate = i18next.getFixedT(language, namespace);
  const known = new Map<string, string>();
  return (key, values) => {
    if (values) return translate(key, values);
    const found = known.get(key) ?? translate(key);
    known.set(key, found);
    return found;
  };
}

function onLanguageChanged(act: () => void): () => void {
  i18next.on("languageChanged", act);
  return () => i18next.off("languageChanged", act);
}

/** Return the language that texts are shown in, outside of components. */
export function currentLanguage(): Language {
  return i18next.language === "en" ? "en" : "vi";
}

/** Show all texts in another language from now on, also after the page is loaded anew. */
export function setLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
  void i18next.changeLanguage(language);
}

function initialLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(STORED);
  const preferred = [asked, ...navigator.languages].map((language) => language?.slice(0, 2));
  return (
    preferred.find((language): language is Language => LANGUAGES.some((known) => known === language)) ?? "vi"
  );
}
