/** Read a list of the API to its end, page after page, for a choice that must offer everything. */
export async function allPages<Item>(
  read: (after: string | undefined) => Promise<{ items: Item[]; next?: string }>,
): Promise<Item[]> {
  const found: Item[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    found.push(...page.items);
    after = page.next;
  } while (after);
  return found;
}
