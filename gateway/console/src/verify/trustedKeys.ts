import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { NotProved, parseKeys, type VerifierKey } from "./notes";

const STORED = "lgsp-trusted-keys";

/** The keys that a verification trusts, and whether they are the user's own. */
export interface TrustedKeys {
  keys: readonly VerifierKey[];
  own: boolean;
  /** The names of logs for which the server shows other keys than the user's. */
  differing: readonly string[];
  loading: boolean;
  error: Error | null;
  choose: (file: File) => Promise<void>;
  forget: () => void;
}

/** Return the keys to trust: of the user's own file, which the browser remembers (they are public), or those that the server shows. */
export function useTrustedKeys(): TrustedKeys {
  const [text, setText] = useState(() => localStorage.getItem(STORED) ?? "");
  const server = useQuery({ queryKey: ["evidence-keys"], queryFn: readServerKeys, staleTime: 10_000 });
  const pinned = useQuery({
    queryKey: ["pinned-keys", text],
    queryFn: () => parseKeys(text),
    enabled: text !== "",
  });
  const own = text !== "";
  const shown = server.data ?? [];
  const keys = own ? (pinned.data ?? []) : shown;
  const differing = own ? namesThatDiffer(keys, shown) : [];
  return {
    keys,
    own,
    differing,
    loading: own ? pinned.isPending : server.isPending,
    error: own ? pinned.error : server.error,
    choose: async (file) => {
      const chosen = await file.text();
      await parseKeys(chosen);
      localStorage.setItem(STORED, chosen);
      setText(chosen);
    },
    forget: () => {
      localStorage.removeItem(STORED);
      setText("");
    },
  };
}

async function readServerKeys(): Promise<VerifierKey[]> {
  const response = await fetch("/evidence/keys", { cache: "no-store" });
  const text = await response.text();
  if (!response.ok) throw new NotProved("key");
  const keys = text.trim() ? await parseKeys(text) : [];
  return keys.filter((key) => !key.witness); // a witness that the server names itself vouches for nothing
}

function namesThatDiffer(trusted: readonly VerifierKey[], shown: readonly VerifierKey[]): string[] {
  const lines = new Map(shown.map((key) => [key.name, key.line]));
  return trusted
    .filter((key) => !key.witness && lines.has(key.name) && lines.get(key.name) !== key.line)
    .map(({ name }) => name);
}
