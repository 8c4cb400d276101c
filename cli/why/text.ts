import type { Predicate, Scope, Selector } from "../../bus/types/selector.ts";
import { clock } from "../output/alert-line.ts";
import { compactLine } from "../output/compact.ts";
import { formatDuration } from "../output/duration.ts";
import type { Paint } from "../output/paint.ts";
import { safe } from "../output/safe.ts";
import type { Chain, Link, StoredSelector } from "./chain.ts";

/** The chain for people: what was asked for on top, its causes below, each with its time. */
export function chainText(chain: Chain, paint: Paint): string {
  const lines: string[] = [];
  for (const [i, link] of chain.links.entries()) {
    const lead = i === 0 ? "" : `${"  ".repeat(i - 1)}└─ because of `;
    lines.push(`${lead}${head(link, paint)}`);
    const indent = `${"  ".repeat(i)}${i === 0 ? "  " : "   "}`;
    for (const detail of details(link, paint)) lines.push(`${indent}${detail}`);
  }
  if (chain.led_to.length > 0) {
    lines.push("", "led to, in force now:");
    for (const stored of chain.led_to)
      lines.push(`  ${paint("bold", safe(stored.selector.id))}: ${selectorText(stored)}`);
  }
  return lines.join("\n");
}

function head(link: Link, paint: Paint): string {
  const time = link.time ? ` ${paint("dim", `at ${clock(link.time)} ${dayOf(link.time)}`)}` : "";
  return `${paint("bold", link.what)} ${safe(link.id)}${time}`;
}

function details(link: Link, paint: Paint): string[] {
  switch (link.what) {
    case "denial":
    case "event":
      return [link.event ? compactLine(link.event, paint) : gone("the event")];
    case "alert":
      if (!link.alert) return ["it only counts in an earlier alert of the same finding, or is no longer kept"];
      return [`${link.alert.severity}: ${safe(link.alert.message)}`];
    case "selector": {
      const reason = link.because?.reason ? [`reason: ${safe(link.because.reason)}`] : [];
      return [link.selector ? selectorText(link.selector) : "it has ended, or was deleted", ...reason];
    }
    case "decision": {
      if (!link.decision) return [gone("the decision")];
      const { policy, decider, value } = link.decision;
      const by = decider ? ` by ${safe(decider)}` : "";
      const reason = value.reason ? `: ${safe(value.reason)}` : "";
      return [`${safe(policy)}${by} wants ${safe(value.action ?? "?")} at ${safe(value.hook ?? "?")}${reason}`];
    }
    case "rule": {
      const lines = [link.title, link.message].filter((text) => text !== null && text !== "") as string[];
      return [...new Set(lines)].map(safe).concat(link.ruleset ? [paint("dim", `rule set ${safe(link.ruleset)}`)] : []);
    }
    default:
      return link.reason ? [`reason: ${safe(link.reason)}`] : [];
  }
}

function gone(what: string): string {
  return `${what} is no longer kept`;
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}

function selectorText(stored: StoredSelector): string {
  const lease = stored.ttl === "none" ? "no end" : `for ${formatDuration(stored.ttl)} from ${clock(stored.renewed_at)}`;
  return `${selectorLine(stored.selector)}; on ${safe(stored.node ?? "all nodes")}, ${lease}`;
}

/** A selector in a sentence: `deny process_exec (enforce) where process.binary in /tmp/x, scope tree …`. */
export function selectorLine(selector: Selector): string {
  const match = selector.match.map(predicateText).join(" and ");
  const scope = scopeText(selector.scope);
  return safe(
    `${selector.action} ${selector.hook} (${selector.mode})${match ? ` where ${match}` : ""}, ${scope || "whole host"}`,
  );
}

function predicateText(predicate: Predicate): string {
  const values = predicate.values.map((value) => (Array.isArray(value) ? value.join("-") : String(value)));
  const shown = values.length > 4 ? [...values.slice(0, 3), `and ${values.length - 3} more`] : values;
  return `${predicate.field} ${predicate.op} ${shown.join(", ")}`;
}

function scopeText(scope: Scope): string {
  return Object.entries(scope)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
}
