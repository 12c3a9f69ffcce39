import { useQuery } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../api/client";
import { useLanguage } from "../texts/createTexts";

type Purpose = Schemas["Purposes"]["items"][number];

/** What is known of purposes, by their codes. */
export interface Purposes {
  all: readonly Purpose[];
  /** Return what a purpose is called; its code, where nobody has said so. */
  title: (code: string) => string;
  /** Return title and code, where somebody chooses or compares: `Cấp giấy phép (cap-giay-phep)`. */
  titleAndCode: (code: string) => string;
}

/** Read what purposes are called, in the language of the user. */
export function usePurposes(): Purposes {
  const language = useLanguage();
  const { data } = useQuery({
    queryKey: ["purposes"],
    queryFn: () => dataOf(api.GET("/catalog/purposes")),
    staleTime: 60_000,
  });
  const all = data?.items ?? [];
  const known = new Map(all.map((one) => [one.code, one.title[language]]));
  return {
    all,
    title: (code) => known.get(code) ?? code,
    titleAndCode: (code) => (known.has(code) ? `${known.get(code)} (${code})` : code),
  };
}
