import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { records } from "../api";
import { useAsk } from "../asked";
import { isDay, length, presets } from "../dates";
import { country, day, words } from "../format";
import { go, here, linkHere } from "../route";
import { asParams, me, useScope } from "../session";
import { useStore } from "../store";
import { Icon, type IconName } from "./icons";

/** A button with a panel below it, closed by Escape, a click elsewhere, or its own content. */
function Popover({ icon, text, title, chosen, children }: { icon: IconName; text: ComponentChildren; title: string; chosen?: boolean; children: (close: () => void) => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  // Before the next picture, or a key pressed at once would find nobody listening.
  useLayoutEffect(() => {
    if (!open) {
      return;
    }
    box.current?.querySelector<HTMLElement>(".panel button, .panel input, .panel select")?.focus();
    const away = (event: Event) => box.current?.contains(event.target as Node) || setOpen(false);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && (setOpen(false), button.current?.focus());
    document.addEventListener("pointerdown", away);
    document.addEventListener("focusin", away);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("focusin", away);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  const close = () => (setOpen(false), button.current?.focus());
  return (
    <div class="popover" ref={box}>
      <button ref={button} type="button" class={`chip ${chosen ? "chosen" : ""}`} aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)} title={title}>
        <Icon name={icon} size={16} />
        <span class="unseen">{title}: </span>
        <span class="clip">{text}</span>
        <Icon name="down" size={14} />
      </button>
      {open && (
        <div class="panel" id={id} role="group" aria-label={title}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

export function AccountControl() {
  const scope = useScope();
  const accounts = useStore(me)?.accounts ?? [];
  const id = useId();
  if (accounts.length < 2) {
    return null;
  }
  return (
    <div class="select">
      <label class="unseen" for={id}>Account</label>
      <select id={id} value={scope.account} onChange={(event) => go(linkHere({ account: event.currentTarget.value, item: undefined, user: undefined }))}>
        {accounts.some((each) => each.id === scope.account) || <option value={scope.account}>{scope.account}</option>}
        {accounts.map((each) => <option key={each.id} value={each.id}>{each.name || each.id}{each.region ? ` · ${each.region}` : ""}</option>)}
      </select>
    </div>
  );
}

export function SpanControl() {
  const scope = useScope();
  const known = presets().find(({ span }) => span.from === scope.from && span.to === scope.to);
  return (
    <Popover icon="calendar" title="Days" text={<>{known ? <b>{known.name}</b> : null}<span class={known ? "wide-only muted" : ""}> {day(scope.from)} – {day(scope.to)}</span></>}>
      {(close) => <SpanPanel close={close} />}
    </Popover>
  );
}

function SpanPanel({ close }: { close: () => void }) {
  const scope = useScope();
  const [from, setFrom] = useState(scope.from);
  const [to, setTo] = useState(scope.to);
  const wrong = !isDay(from) || !isDay(to) ? "Two days are needed." : from > to ? "The first day is after the last." : length(from, to) > 1100 ? "At most three years." : "";
  return (
    <>
      <div class="choices">
        {presets().map(({ name, span }) => (
          <button key={name} type="button" aria-pressed={span.from === scope.from && span.to === scope.to} onClick={() => (go(linkHere({ ...span })), close())}>
            {name}
          </button>
        ))}
      </div>
      <form class="stack" onSubmit={(event) => (event.preventDefault(), wrong || (go(linkHere({ from, to })), close()))}>
        <div class="pair">
          <label>From <input type="date" value={from} onInput={(event) => setFrom(event.currentTarget.value)} /></label>
          <label>To <input type="date" value={to} onInput={(event) => setTo(event.currentTarget.value)} /></label>
        </div>
        {wrong && <p class="warn small" role="alert">{wrong}</p>}
        <button type="submit" class="button primary" disabled={!!wrong}>Show these days</button>
        <p class="muted small">Days are days of UTC, both ends included.</p>
      </form>
    </>
  );
}

export function CompareControl() {
  const scope = useScope();
  const before = length(scope.from, scope.to) === 1 ? "the day before" : `the ${length(scope.from, scope.to)} days before`;
  const text = { previous: `vs ${before}`, year: "vs a year ago", none: "No comparison" }[scope.compare];
  return (
    <Popover icon="refresh" title="Compared with" text={text}>
      {(close) => (
        <div class="choices">
          {([["previous", before.charAt(0).toUpperCase() + before.slice(1)], ["year", "The same weekdays a year ago"], ["none", "Nothing"]] as const).map(([value, name]) => (
            <button key={value} type="button" aria-pressed={scope.compare === value} onClick={() => (go(linkHere({ compare: value === "previous" ? undefined : value })), close())}>
              {name}
            </button>
          ))}
        </div>
      )}
    </Popover>
  );
}

const parts = ["country", "browser", "os", "device", "language", "company"] as const;
const partNames: Readonly<Record<string, string>> = { country: "Country", browser: "Browser", os: "Operating system", device: "Device", language: "Language", company: "Company", environment: "Environment" };

/** An audience in words. */
export function audienceName(audience: string): string {
  if (audience === "live") {
    return "Live users";
  }
  if (audience === "all") {
    return "Everything";
  }
  const at = audience.indexOf(":");
  const [name, value] = [audience.slice(0, at), audience.slice(at + 1)];
  return `${partNames[name] ?? words(name)}: ${name === "country" ? country(value) : value}`;
}

export function AudienceControl() {
  const scope = useScope();
  return (
    <Popover icon="audience" title="Audience" chosen={scope.audience !== "live"} text={<b>{audienceName(scope.audience)}</b>}>
      {(close) => <AudiencePanel chosen={scope.audience} choose={(audience) => (go(linkHere({ audience: audience === "live" ? undefined : audience })), close())} />}
    </Popover>
  );
}

/** The choice of an audience. Values are offered as they occur, the most frequent first. */
export function AudiencePanel({ chosen, choose }: { chosen: string; choose: (audience: string) => void }) {
  const scope = useScope();
  const [by, setBy] = useState<string>(chosen.includes(":") ? chosen.slice(0, chosen.indexOf(":")) : "country");
  const [value, setValue] = useState(chosen.includes(":") ? chosen.slice(chosen.indexOf(":") + 1) : "");
  const { account, from, to } = asParams(scope);
  const values = useAsk("breakdown", by === "environment" ? undefined : { account, from, to, audience: "live", by });
  const environments = useAsk("environments", by === "environment" ? { account, from, to } : undefined);
  const offered = (by === "environment" ? records(environments.answer).map((row) => row["environment"]) : records(values.answer).map((row) => row["value"])).map(String).filter(Boolean);
  const list = useId();
  return (
    <>
      <div class="choices">
        <button type="button" aria-pressed={chosen === "live"} onClick={() => choose("live")}>
          Live users <span class="muted small">production, without previews and bots</span>
        </button>
        <button type="button" aria-pressed={chosen === "all"} onClick={() => choose("all")}>
          Everything <span class="muted small">all environments, previews and bots, too</span>
        </button>
      </div>
      <form class="stack" onSubmit={(event) => (event.preventDefault(), value && choose(`${by}:${value}`))}>
        <label>
          A part of live users, or an environment
          <select value={by} onChange={(event) => (setBy(event.currentTarget.value), setValue(""))}>
            {[...parts, "environment"].map((each) => <option key={each} value={each}>{partNames[each]}</option>)}
          </select>
        </label>
        <label>
          <span class="unseen">Value</span>
          <input list={list} value={value} placeholder={offered[0] ? `such as ${offered[0]}` : "value"} onInput={(event) => setValue(event.currentTarget.value)} autocomplete="off" />
          <datalist id={list}>
            {offered.slice(0, 200).map((each) => <option key={each} value={each}>{by === "country" ? country(each) : each}</option>)}
          </datalist>
        </label>
        <button type="submit" class="button primary" disabled={!value}>Look at these</button>
      </form>
    </>
  );
}

/** A choice of a few, kept in the address under a name; the first is the default. */
export function Choice({ name, options, label }: { name: string; options: readonly (readonly [string, string])[]; label: string }) {
  const now = here().params[name] || options[0]![0];
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([value, text]) => (
        <button key={value} type="button" aria-pressed={now === value} onClick={() => go(linkHere({ [name]: value === options[0]![0] ? undefined : value }), "replace")}>
          {text}
        </button>
      ))}
    </div>
  );
}
