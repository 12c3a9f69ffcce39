import { useCallback, useEffect, useState } from "react";
import { ApiError } from "../api/problem";

const AGAIN_MS = 4000;

interface Loaded<T> {
  data: T | undefined;
  error: Error | null;
  loading: boolean;
  reload: () => void;
  replace: (data: T) => void;
}

/**
 * Load something when the page is shown, and again when `load` is another function, and while the bus does not answer. What came last
 * is kept while it loads.
 */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [data, setData] = useState<T>();
  const [error, setError] = useState<Error | null>(null);
  const [loading, setLoading] = useState(true);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt loads the same again
  useEffect(() => {
    let current = true;
    setLoading(true);
    load()
      .then((found) => {
        if (!current) return;
        setData(found);
        setError(null);
      })
      .catch((reason: unknown) => {
        if (current) setError(reason instanceof Error ? reason : new Error(String(reason)));
      })
      .finally(() => {
        if (current) setLoading(false);
      });
    return () => {
      current = false;
    };
  }, [load, attempt]);
  useEffect(() => {
    if (!(error instanceof ApiError && error.status === 0)) return;
    const timer = setTimeout(() => setAttempt((before) => before + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [error]);
  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  return { data, error, loading, reload, replace: setData };
}
