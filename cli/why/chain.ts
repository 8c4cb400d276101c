import type { Alert } from "../../bus/types/alert.ts";
import type { Decision } from "../../bus/types/decision.ts";
import type { Because, Selector } from "../../bus/types/selector.ts";
import type { EventView } from "../output/event-view.ts";

/** A decision as it lies in its stream; its id is its sequence there. */
export interface StoredDecision {
  id: string;
  time: string;
  policy: string;
  decider: string | null;
  /** As it was published; nobody has checked it. */
  value: Partial<Decision>;
}

/** A selector in force, with the entry of the desired state that it stands in. */
export interface StoredSelector {
  key: string;
  node: string | null;
  renewed_at: string;
  ttl: number | "none";
  selector: Selector;
}

/** Where `reeve why` looks things up. Undefined: not there, or not there any more. */
export interface WhySource {
  event(id: string): Promise<EventView | undefined>;
  alert(id: string): Promise<Alert | undefined>;
  decision(id: string): Promise<StoredDecision | undefined>;
  selectors(): Promise<StoredSelector[]>;
}

export type Link =
  | { what: "denial" | "event"; id: string; time: string | null; event: EventView | null }
  | { what: "selector"; id: string; time: string | null; selector: StoredSelector | null; because: Because | null }
  | { what: "decision"; id: string; time: string | null; decision: StoredDecision | null }
  | { what: "alert"; id: string; time: string | null; alert: Alert | null }
  | { what: "rule"; id: string; time: null; title: string | null; message: string | null; ruleset: string | null }
  | { what: "person"; id: string; time: string | null; reason: string | null };

export interface Chain {
  id: string;
  /** From what was asked for back to its first cause. */
  links: Link[];
  /** Selectors in force that came of the alert or event asked for. */
  led_to: StoredSelector[];
}

/** Follows `because` from whatever the id names back to the event and the rule. Undefined when nothing has that id. */
export async function traceChain(id: string, source: WhySource): Promise<Chain | undefined> {
  const links = await trace(id, source);
  if (links.length === 0) return undefined;
  const first = links[0]!;
  const led_to =
    first.what === "alert" || first.what === "event"
      ? (await source.selectors()).filter(({ selector }) => causedBy(selector.because, first))
      : [];
  return { id, links, led_to };
}

function causedBy(because: Because, link: { what: string; id: string }): boolean {
  if (link.what === "alert") return because.alert === link.id;
  return because.event === link.id || because.events?.includes(link.id) === true;
}

async function trace(id: string, source: WhySource): Promise<Link[]> {
  if (id.includes("/")) {
    const event = await source.event(id);
    if (event?.kind === "denial") return [eventLink(event), ...(await fromSelector(event, source))];
    if (event) return [eventLink(event)];
  }
  if (/^\d+$/.test(id)) {
    const decision = await source.decision(id);
    if (decision) return fromDecision(id, decisionBecause(decision), source);
  }
  const alert = await source.alert(id);
  if (alert) return alertLinks(id, alert);
  const stored = (await source.selectors()).find(({ selector, key }) => selector.id === id || key === id);
  return stored ? [selectorLink(stored), ...(await fromBecause(stored.selector.because, source))] : [];
}

/** The selector of a denial may have ended meanwhile: the denial itself says why it existed. */
async function fromSelector(denial: EventView, source: WhySource): Promise<Link[]> {
  const id = denial.selector ?? "?";
  const stored = (await source.selectors()).find(({ selector }) => selector.id === id);
  const because = denial.because ?? stored?.selector.because ?? {};
  const link: Link = stored ? selectorLink(stored) : { what: "selector", id, time: null, selector: null, because };
  return [link, ...(await fromBecause(because, source))];
}

async function fromBecause(because: Because, source: WhySource): Promise<Link[]> {
  if (because.decision !== undefined) return fromDecision(because.decision, because, source);
  if (because.alert !== undefined) return fromAlert(because.alert, source, because.event);
  if (because.person !== undefined) {
    return [{ what: "person", id: because.person, time: null, reason: because.reason ?? null }];
  }
  return fromEvent(because.event ?? because.events?.[0], source);
}

async function fromDecision(id: string, because: Because, source: WhySource): Promise<Link[]> {
  const decision = await source.decision(id);
  const link: Link = { what: "decision", id, time: decision?.time ?? null, decision: decision ?? null };
  const cause = decision ? { ...because, ...decisionBecause(decision) } : because;
  const rest =
    cause.alert === undefined
      ? await fromEvent(cause.event, source)
      : await fromAlert(cause.alert, source, cause.event);
  return [link, ...rest];
}

function decisionBecause(decision: StoredDecision): Because {
  return decision.value.because ?? {};
}

/** An alert that only counts in another one's summary was never published, and yet its event is there. */
async function fromAlert(id: string, source: WhySource, event?: string): Promise<Link[]> {
  const alert = await source.alert(id);
  if (alert) return alertLinks(id, alert);
  return [{ what: "alert", id, time: null, alert: null }, ...(await fromEvent(event, source))];
}

function alertLinks(id: string, alert: Alert): Link[] {
  const link: Link = { what: "alert", id, time: alert.first_time, alert };
  const event = alert.event as unknown as EventView;
  const { rule, title, message, ruleset } = alert;
  return [link, eventLink(event), { what: "rule", id: rule, time: null, title, message, ruleset }];
}

async function fromEvent(id: string | undefined, source: WhySource): Promise<Link[]> {
  if (id === undefined) return [];
  const event = await source.event(id);
  return [event ? eventLink(event) : { what: "event", id, time: null, event: null }];
}

function eventLink(event: EventView): Link {
  return { what: event.kind === "denial" ? "denial" : "event", id: event.id, time: event.time, event };
}

function selectorLink(stored: StoredSelector): Link {
  const { selector } = stored;
  return { what: "selector", id: selector.id, time: stored.renewed_at, selector: stored, because: selector.because };
}
