import { useQuery } from "@tanstack/react-query";

/** How much waits for the user, by what it is; without what their roles never decide on. */
export interface Waiting {
  access?: number;
  citizenRequests?: number;
  deadLetters?: number;
}

/** From here on the bus counts no further. */
const MOST = 100;

/** The stream of the session brings it, so that no page asks for it. */
export const WAITING_KEY = ["waiting"];

const PAGE_OF = { access: "access", requests: "citizenRequests", messages: "deadLetters" } as const;

/** Return how much waits behind each page of the navigation; 0 for nothing. */
export function useWaiting(): (page: string) => number {
  const { data } = useQuery<Waiting>({
    queryKey: WAITING_KEY,
    queryFn: () => ({}),
    enabled: false,
    gcTime: Number.POSITIVE_INFINITY,
  });
  return (page) => (page in PAGE_OF ? (data?.[PAGE_OF[page as keyof typeof PAGE_OF]] ?? 0) : 0);
}

/** Return a count as the navigation shows it. */
export function countText(count: number): string {
  return count >= MOST ? `${MOST - 1}+` : String(count);
}
