import type { Flow, Picture } from "./useFlows";

/** One end of flows, drawn as a card: a system, a service or an agency. */
export interface Card {
  id: string;
  column: number;
  /** The code of the agency, under whose title the card stands; "" without one. */
  agency: string;
  calls: number;
  perSecond: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One flow, drawn as a band through the cards of its ends. */
export interface Band {
  flow: Flow;
  path: string;
  /** The middle of the band, where its details are shown. */
  x: number;
  y: number;
}

/** The title of an agency above its cards. */
export interface Heading {
  column: number;
  agency: string;
  x: number;
  y: number;
}

export interface Layout {
  /** Where each column begins. */
  columns: number[];
  cards: Card[];
  bands: Band[];
  headings: Heading[];
  height: number;
}

/**
 * The order of the cards, from top to bottom in each column. It outlives a picture: a card keeps its place among the others for as
 * long as it is shown, whatever its traffic does, so that nothing jumps while somebody looks.
 */
export type Order = string[][];

const GAP = 10;
const HEADING = 26;
const MIN_CARD = 30;
/** A card in which a title can have two lines. */
const ROOMY_CARD = 42;
const ROOMY_CARDS = 14;
const MIN_BAND = 1.5;
const MIN_HEIGHT = 460;

interface Node {
  id: string;
  column: number;
  agency: string;
  calls: number;
  perSecond: number;
  flows: Flow[];
  /** The height of the card, at least. */
  least: number;
}

/**
 * Lay out a picture: columns of cards from left to right, and bands as wide as their traffic.
 *
 * @param before the order of the cards in the last picture; empty at first.
 * @param fill the height to fill, with small cards where they would need more; 0 for as much as cards with two lines need.
 */
export function layOut(
  picture: Picture,
  width: number,
  before: Order,
  fill = 0,
): { layout: Layout; order: Order } {
  const columns = nodesOf(picture);
  const order = columns.map((nodes, column) =>
    arrange(nodes, before[column] ?? [], column !== middleOf(columns)),
  );
  const sorted = order.map((ids, column) =>
    ids.map((id) => columns[column]?.get(id)).filter((node) => !!node),
  );
  for (const nodes of sorted) {
    const roomy = fill === 0 && nodes.length <= ROOMY_CARDS;
    for (const node of nodes) node.least = roomy ? ROOMY_CARD : MIN_CARD;
  }
  const needed = Math.max(...sorted.map((nodes) => heightOf(nodes, 0)));
  const height = Math.max(MIN_HEIGHT, fill, needed + (fill ? 0 : 70));
  const scale = scaleFor(sorted, height);
  const cardWidth = Math.round(
    sorted.length === 2 ? Math.min(340, width * 0.32) : Math.min(290, width * 0.25),
  );
  const lefts = sorted.map((_, column) => ((width - cardWidth) * column) / (sorted.length - 1));
  const cards = placeCards(sorted, lefts, cardWidth, height, scale);
  const headings = headingsOf(cards);
  return {
    layout: {
      columns: lefts,
      cards: [...cards.values()],
      bands: bandsOf(picture, cards, scale),
      headings,
      height,
    },
    order,
  };
}

/** Return which cards a flow passes, from left to right. */
export function endsOf(flow: Flow, group: Picture["group"]): string[] {
  if (group === "agency")
    return [`0 ${flow.kind === "event" ? "" : flow.consumerAgency}`, `1 ${flow.providerAgency}`];
  const ends = [`1 ${flow.service}`, `2 ${flow.provider}`];
  return flow.consumer ? [`0 ${flow.consumer}`, ...ends] : ends;
}

/** Return the name that a card stands for. */
export function nameOf(card: Pick<Card, "id">): string {
  return card.id.slice(2);
}

function nodesOf(picture: Picture): Map<string, Node>[] {
  const columns: Map<string, Node>[] = Array.from(
    { length: picture.group === "agency" ? 2 : 3 },
    () => new Map(),
  );
  for (const flow of picture.items) {
    for (const id of endsOf(flow, picture.group)) {
      const column = Number(id[0]);
      const nodes = columns[column];
      if (!nodes) continue;
      const agency = agencyOf(flow, column, picture.group);
      const node = nodes.get(id) ?? {
        id,
        column,
        agency,
        calls: 0,
        perSecond: 0,
        flows: [],
        least: MIN_CARD,
      };
      node.calls += flow.calls;
      node.perSecond += flow.perSecond;
      node.flows.push(flow);
      nodes.set(id, node);
    }
  }
  return columns;
}

function agencyOf(flow: Flow, column: number, group: Picture["group"]): string {
  if (group === "agency" || column === 1) return "";
  return column === 0 ? flow.consumerAgency : flow.providerAgency;
}

function middleOf(columns: unknown[]): number {
  return columns.length === 3 ? 1 : -1;
}

/** Keep the cards where they were; a new one comes last among those of its agency. */
function arrange(nodes: Map<string, Node>, before: string[], byAgency: boolean): string[] {
  const kept = before.filter((id) => nodes.has(id));
  const known = new Set(kept);
  const traffic = new Map<string, number>();
  for (const node of nodes.values()) {
    traffic.set(node.agency, (traffic.get(node.agency) ?? 0) + node.calls);
  }
  const added = [...nodes.values()]
    .filter(({ id }) => !known.has(id))
    .sort(
      (a, b) =>
        (byAgency ? (traffic.get(b.agency) ?? 0) - (traffic.get(a.agency) ?? 0) : 0) ||
        a.agency.localeCompare(b.agency) ||
        b.calls - a.calls ||
        a.id.localeCompare(b.id),
    );
  for (const node of added) {
    const last = kept.findLastIndex((id) => nodes.get(id)?.agency === node.agency);
    kept.splice(last < 0 || !byAgency ? kept.length : last + 1, 0, node.id);
  }
  return kept;
}

function cardHeight(node: Node, scale: number): number {
  const bands = node.flows.reduce((sum, flow) => sum + thickness(flow, scale), 0);
  return Math.max(node.least, bands + 6);
}

function thickness(flow: Flow, scale: number): number {
  return Math.max(MIN_BAND, flow.calls * scale);
}

function heightOf(nodes: Node[], scale: number): number {
  let height = 0;
  let agency: string | null = null;
  for (const node of nodes) {
    if (node.agency && node.agency !== agency) height += HEADING;
    agency = node.agency;
    height += cardHeight(node, scale) + GAP;
  }
  return height - GAP;
}

/** Find the widest bands with which each column fits. */
function scaleFor(columns: Node[][], height: number): number {
  let [low, high] = [0, height];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (columns.every((nodes) => heightOf(nodes, middle) <= height)) low = middle;
    else high = middle;
  }
  return Math.min(low, 26); // a single call must not fill the page
}

function placeCards(
  columns: Node[][],
  lefts: number[],
  cardWidth: number,
  height: number,
  scale: number,
): Map<string, Card> {
  const cards = new Map<string, Card>();
  columns.forEach((nodes, column) => {
    const free = height - heightOf(nodes, scale);
    const gap = GAP + Math.min(28, free / Math.max(1, nodes.length));
    const used = heightOf(nodes, scale) + (gap - GAP) * Math.max(0, nodes.length - 1);
    let y = (height - used) / 2;
    let agency: string | null = null;
    for (const node of nodes) {
      if (node.agency && node.agency !== agency) y += HEADING;
      agency = node.agency;
      const size = cardHeight(node, scale);
      cards.set(node.id, {
        id: node.id,
        column,
        agency: node.agency,
        calls: node.calls,
        perSecond: node.perSecond,
        x: lefts[column] ?? 0,
        y,
        width: cardWidth,
        height: size,
      });
      y += size + gap;
    }
  });
  return cards;
}

function headingsOf(cards: Map<string, Card>): Heading[] {
  const headings: Heading[] = [];
  let last = "";
  for (const card of cards.values()) {
    const key = `${card.column} ${card.agency}`;
    if (card.agency && key !== last) {
      headings.push({ column: card.column, agency: card.agency, x: card.x, y: card.y - HEADING + 4 });
    }
    last = key;
  }
  return headings;
}

function bandsOf(picture: Picture, cards: Map<string, Card>, scale: number): Band[] {
  const at = new Map<string, number>();
  const flows = picture.items.map((flow) => ({ flow, ends: endsOf(flow, picture.group) }));
  const y = (id: string | undefined) => (id === undefined ? 0 : (cards.get(id)?.y ?? 0));
  // On each side of a card the bands stand in the order of the cards at their other ends, so that they cross little.
  const sides: {
    key: string;
    id: string;
    other: string | undefined;
    last: string | undefined;
    flow: Flow;
  }[] = [];
  for (const { flow, ends } of flows) {
    ends.forEach((id, index) => {
      if (index > 0 || ends.length === 1)
        sides.push({
          key: `${flow.id} in ${id}`,
          id: `in ${id}`,
          other: ends[index - 1],
          last: ends.at(-1),
          flow,
        });
      if (index < ends.length - 1)
        sides.push({
          key: `${flow.id} out ${id}`,
          id: `out ${id}`,
          other: ends[index + 1],
          last: ends.at(-1),
          flow,
        });
    });
  }
  sides.sort(
    (a, b) => y(a.other) - y(b.other) || y(a.last) - y(b.last) || a.flow.id.localeCompare(b.flow.id),
  );
  const totals = new Map<string, number>();
  for (const { id, flow } of sides) totals.set(id, (totals.get(id) ?? 0) + thickness(flow, scale));
  const next = new Map<string, number>();
  for (const { key, id, flow } of sides) {
    const card = cards.get(id.slice(id.indexOf(" ") + 1));
    if (!card) continue;
    const start = next.get(id) ?? card.y + (card.height - (totals.get(id) ?? 0)) / 2;
    at.set(key, start);
    next.set(id, start + thickness(flow, scale));
  }
  return flows.map(({ flow, ends }) => {
    const size = thickness(flow, scale);
    const pieces = ends.slice(1).map((id, index) => {
      const from = cards.get(ends[index] ?? "");
      const to = cards.get(id);
      if (!from || !to) return "";
      const [y0, y1] = [at.get(`${flow.id} out ${from.id}`) ?? 0, at.get(`${flow.id} in ${to.id}`) ?? 0];
      return ribbon(from.x + from.width, y0, to.x, y1, size);
    });
    const [from, to] = [cards.get(ends[0] ?? ""), cards.get(ends[1] ?? "")];
    const x = from && to ? (from.x + from.width + to.x) / 2 : 0;
    const middle =
      from && to
        ? ((at.get(`${flow.id} out ${from.id}`) ?? 0) + (at.get(`${flow.id} in ${to.id}`) ?? 0) + size) / 2
        : 0;
    return { flow, path: pieces.join(""), x, y: middle };
  });
}

function ribbon(x0: number, y0: number, x1: number, y1: number, size: number): string {
  const [bend0, bend1] = [x0 + (x1 - x0) * 0.45, x1 - (x1 - x0) * 0.45];
  const f = (value: number) => value.toFixed(1);
  return (
    `M${f(x0)},${f(y0)}C${f(bend0)},${f(y0)} ${f(bend1)},${f(y1)} ${f(x1)},${f(y1)}` +
    `L${f(x1)},${f(y1 + size)}C${f(bend1)},${f(y1 + size)} ${f(bend0)},${f(y0 + size)} ${f(x0)},${f(y0 + size)}Z`
  );
}
