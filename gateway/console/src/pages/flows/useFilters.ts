import { useCallback } from "react";
import { useSearchParams } from "wouter";
import { type Filters, filtersOf } from "./filters";

/** Read the filters of the address, and change some of them. */
export function useFilters(): [Filters, (change: Partial<Filters>) => void] {
  const [address, setAddress] = useSearchParams();
  const change = useCallback(
    (changes: Partial<Filters>) =>
      setAddress((before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes)) {
          const isDefault = !value || ["1m", "auto", "all"].includes(String(value));
          if (isDefault) next.delete(name);
          else next.set(name, String(value));
        }
        return next;
      }),
    [setAddress],
  );
  return [filtersOf(address), change];
}
