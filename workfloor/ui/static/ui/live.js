// Keeps a page true to the floor: one stream names what changed, the page reads itself again, durations tick.
//
// A page marks its live parts:   <section id="work" data-live="person:5 item:7"> ... </section>
// When a topic is named, the page is fetched once through its normal view and every live part whose text differs is
// swapped by its id. Permissions therefore apply in one place, and a reconnection, which names every topic, loses nothing.
//   data-since / data-until  seconds since 1970; shown as a clock that ticks
//   data-target             on a <progress data-since>: fills towards that many seconds, and says calm, close or late
//   data-key="a"             the key that presses this button (switched off in the menu), outside of what is typed into
//   data-chord="a"           the same with Alt, from anywhere and always; with data-stays the keyboard stays where it is
//   data-title="..."         shown in the window's title while it is on the page
//   data-sound               plays once when it appears, told by its id, and is a notification (switched on in the menu)
//   data-auto                a form of filters that is sent as soon as one changes
//   data-focus               gets the keyboard when what had it is gone
//   data-from="/address/"    where a live part can also be read from by itself, at once, when one of its topics is named
//   data-sees               a part that is read by POST while somebody looks at the page: what it brings is seen
//   data-grows              a list in such a part, of which only what follows its last settled line is read
//   data-settled="7"        a line of such a list that will stay as it is, and its number
//   data-hears="typing:5:7"  topics that are no reason to read anything; the event wf:named tells of each
//   data-resets              on a form that stays: it is empty again once it was sent
//   data-bottom              is shown from its end
// Forms are sent by htmx (hx-post); a refusal (422) is swapped into the form's own [data-refusal]. A part in which a
// sheet is open waits with being read again; a form that is always open keeps its entries with an id and hx-preserve,
// also while something else is open in its place, where the page has a hidden #put-aside. A page that comes to show
// something else at another address says wf:moved; wf:read is said after each reading.
(() => {
  const PAUSE_MS = 400; // between two readings of the same page, however many topics are named
  const PATIENCE_MS = 30_000; // an answer that comes later comes no more: a connection may have died without a word
  const HIDDEN_MS = 60_000; // a hidden page lets go of its stream after this, browsers allow only six
  const plainTitle = document.title;
  const page = document.body;
  const says = document.getElementById("words").dataset; // what is said here, in the page's language

  // --- time ----------------------------------------------------------------------------------------------------

  let offset = Number(page.dataset.now) * 1000 - Date.now(); // the server's clock counts, not this machine's
  const now = () => (Date.now() + offset) / 1000;
  const heed = (date) => {
    const read = Date.parse(date) + 500 - Date.now();
    if (Math.abs(read - offset) > 2000) offset = read; // a machine that slept, or whose clock was set
  };

  const two = (number) => String(number).padStart(2, "0");
  const clockFace = (seconds) => {
    const sign = seconds <= -1 ? "−" : "";
    const whole = Math.floor(Math.abs(seconds));
    const [days, hours] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24];
    const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
    if (days) return sign + says.days.replace("{days}", days).replace("{hours}", hours);
    return hours ? `${sign}${hours}:${two(minutes)}:${two(rest)}` : `${sign}${minutes}:${two(rest)}`;
  };

  const set = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const mood = (passed, target) => (passed > target ? "late" : passed > 0.7 * target ? "close" : "calm");

  const tickOne = (element) => {
    if (element.dataset.until) set(element, clockFace(Math.max(0, element.dataset.until - now())));
    else if (!element.dataset.target) set(element, clockFace(Math.max(0, now() - element.dataset.since)));
    else tickTarget(element);
  };
  const tickTarget = (element) => {
    const passed = Math.max(0, now() - element.dataset.since);
    const target = Number(element.dataset.target);
    element.parentElement.dataset.mood = mood(passed, target);
    if (element instanceof HTMLProgressElement) element.value = Math.min(passed, target);
    else set(element, passed > target ? says.late.replace("{time}", clockFace(passed - target)) : says.left.replace("{time}", clockFace(target - passed)));
  };
  const tick = (within = document) => {
    for (const element of within.querySelectorAll("[data-since], [data-until]")) tickOne(element);
    set(document.querySelector("title"), document.querySelector("[data-title]")?.dataset.title ?? plainTitle);
  };

  // --- reading the page again ----------------------------------------------------------------------------------

  const parts = () => [...document.querySelectorAll("[data-live]")];
  const sources = new Map(); // id -> the text a part was last made from
  const remember = () => parts().forEach((part) => sources.set(part.id, part.outerHTML));
  const busy = (part) => part.querySelector(":popover-open, dialog[open]") !== null;

  let reading = false;
  let again = false;
  let lastRead = 0;
  let atOnce = 0; // readings without a pause: of what somebody pressed, and of what follows from it, such as the next offer

  const refresh = async () => {
    if (reading) return void (again = true);
    reading = true;
    const pause = atOnce ? 0 : lastRead + PAUSE_MS - Date.now();
    atOnce = Math.max(0, atOnce - 1);
    await new Promise((done) => setTimeout(done, Math.max(0, pause)));
    again = false;
    lastRead = Date.now();
    await read().catch(() => {
      again = true; // the server is away; the stream notices too, and names everything once it is back
      lastRead = Date.now() + 1000 + Math.random() * 3000; // not all pages at the same moment
    });
    reading = false;
    if (again) refresh();
  };

  // A part with data-from is read from there at once, when one of its topics is named, besides with its page.
  const reads = new Map(); // id -> whether it was named again while it was read
  const readPart = async (part) => {
    if (reads.has(part.id)) return void reads.set(part.id, true);
    reads.set(part.id, false);
    const lines = settledLines(part);
    const answer = await fetchPart(part, lines.at(-1)?.dataset.settled).catch(() => null);
    const waits = !answer || answer.status >= 500; // the server is away, or has too much to do
    if (waits) await new Promise((done) => setTimeout(done, 1000 + Math.random() * 2000));
    else if (answer.ok && !answer.redirected) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      const shown = document.getElementById(part.id);
      if (shown?.dataset.from === part.dataset.from) swap(shown, grown(fresh, lines));
    } else refresh(); // it has moved on: the page says how
    const again = reads.get(part.id) || waits;
    reads.delete(part.id);
    const shown = document.getElementById(part.id);
    if (again && shown?.dataset.from) readPart(shown);
  };

  const fetchPart = (part, after) => {
    const method = part.hasAttribute("data-sees") && !document.hidden ? "POST" : "GET";
    const address = after ? `${part.dataset.from}?after=${after}` : part.dataset.from;
    return fetch(address, { method, headers: { "HX-Request": "true", "X-By-Itself": "true", "X-CSRFToken": page.dataset.csrf }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  };
  const settledLines = (part) => {
    const known = new DOMParser().parseFromString(sources.get(part.id) ?? "", "text/html").querySelector("[data-grows]");
    const lines = [...(known?.children ?? [])];
    const open = lines.findIndex((line) => !line.dataset.settled);
    return open < 0 ? lines : lines.slice(0, open);
  };
  const grown = (fresh, lines) => {
    const list = fresh?.querySelector("[data-grows]");
    if (list?.dataset.grows) list.prepend(...lines); // it is what follows them, and not all of it
    if (list) list.dataset.grows = "";
    return fresh;
  };

  const hear = (topic) => {
    const named = parts().filter((part) => part.dataset.live.split(/\s+/).includes(topic));
    for (const part of named) if (part.dataset.from) readPart(part);
    if (named.some((part) => !part.dataset.from)) refresh();
    document.dispatchEvent(new CustomEvent("wf:named", { detail: topic }));
  };

  const read = async () => {
    const move = moves;
    const asked = move === shownMoves ? { "X-By-Itself": "true" } : {}; // what somebody moved to is looked at, and kept as that
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", ...asked }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    heed(answer.headers.get("date"));
    const over = answer.redirected || answer.status === 403 || answer.status === 404;
    if (over) return void location.reload(); // signed out, or no longer allowed here: show what is said instead
    if (!answer.ok) throw new Error(answer.statusText);
    shownMoves = move;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const kept = document.activeElement.closest("[data-live]");
    const before = document.querySelector("[data-focus]");
    for (const part of parts()) swap(part, fresh.getElementById(part.id));
    const focus = document.querySelector("[data-focus]");
    // What had the keyboard is gone, such as the button of an offer that was accepted, or nothing had it when new work
    // came: go on where the work is.
    if (document.activeElement === page && focus && (kept || focus.id !== before?.id)) focus.focus();
    wire();
    document.dispatchEvent(new CustomEvent("wf:read"));
  };
  let moves = 0; // how often somebody moved to another address of the page, and how many of these were shown
  let shownMoves = 0;
  document.addEventListener("wf:moved", () => {
    moves += 1;
    lastRead = 0;
    refresh();
  });

  const swap = (part, fresh) => {
    if (!fresh || sources.get(part.id) === fresh.outerHTML) return;
    if (busy(part)) return void setTimeout(refresh, 1000); // read again when somebody has finished typing there
    sources.set(part.id, fresh.outerHTML);
    const heard = new Set(alerts(part).map((each) => each.id));
    const bottom = part.querySelector("[data-bottom]");
    const above = bottom ? bottom.scrollHeight - bottom.scrollTop - bottom.clientHeight : 0;
    putAside(part, fresh);
    htmx.swap(part, fresh.outerHTML, { swapStyle: "outerHTML" });
    const made = document.getElementById(part.id);
    tick(made);
    toBottom(made, above);
    alerts(made).filter((each) => !heard.has(each.id)).forEach(announce);
  };

  const aside = document.getElementById("put-aside");
  const putAside = (part, fresh) => {
    if (!aside) return;
    for (const form of part.querySelectorAll("form[hx-preserve]")) if (!fresh.querySelector(`#${CSS.escape(form.id)}`)) aside.append(form);
  };

  // What is read from below, such as a conversation, shows its end, unless somebody has scrolled up in it.
  const toBottom = (within, above = 0) => {
    for (const part of within.querySelectorAll("[data-bottom]")) part.scrollTop = part.scrollHeight - part.clientHeight - (above > 80 ? above : 0);
  };

  // --- the stream ----------------------------------------------------------------------------------------------

  const lost = document.getElementById("lost");
  let stream = null;
  let open = "";

  const topics = () => [...document.querySelectorAll("[data-live], [data-hears]")].flatMap((part) => `${part.dataset.live ?? ""} ${part.dataset.hears ?? ""}`.split(/\s+/));
  const wanted = () => [...new Set(topics().filter(Boolean))].sort();

  const wire = () => {
    const topics = wanted().map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
    if (topics === open) return;
    stream?.close();
    open = topics;
    stream = topics ? new EventSource(`/live/?${topics}`) : null;
    if (!stream) return;
    stream.onopen = () => (lost.hidden = true);
    stream.onmessage = (event) => hear(event.data);
    stream.onerror = () => {
      lost.hidden = false;
      if (stream.readyState === EventSource.CLOSED) setTimeout(rewire, 2000 + Math.random() * 4000); // refused, not cut: ask anew
    };
  };
  const rewire = () => {
    open = "";
    wire();
  };

  let letGo;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(letGo);
    if (!document.hidden) return void (stream ?? rewire());
    if (document.querySelector("[data-keep-live]")) return; // an offer must reach a hidden desk
    letGo = setTimeout(() => {
      stream?.close();
      stream = null;
    }, HIDDEN_MS);
  });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && rewire());

  // --- sending -------------------------------------------------------------------------------------------------

  const notice = (text, kind = "info") => {
    const line = document.createElement("p");
    line.className = "wf-notice";
    line.dataset.kind = kind;
    line.textContent = text;
    document.getElementById("notice").replaceChildren(line);
  };
  // Notices lie over the page and go by themselves, a fault's later; each can be closed before.
  const NOTICE_MS = { danger: 30_000, error: 30_000, warning: 15_000 };
  const mind = (line) => {
    if (line.querySelector("button")) return;
    const close = document.createElement("button");
    Object.assign(close, { type: "button", className: "wf-notice-close", textContent: "×", onclick: () => line.remove() });
    close.setAttribute("aria-label", says.close);
    line.append(close);
    setTimeout(() => line.remove(), NOTICE_MS[line.dataset.kind] ?? 8000);
  };
  const mindAll = () => document.querySelectorAll("#notice > .wf-notice").forEach(mind);
  new MutationObserver(mindAll).observe(document.getElementById("notice"), { childList: true });

  const settled = (form, isDone) => {
    if (isDone && form.matches("form[data-resets]")) form.reset();
    if (form.closest("[popover]:popover-open")) document.querySelectorAll("[popover]:popover-open").forEach((sheet) => sheet.hidePopover());
    atOnce = 2;
    refresh();
  };

  page.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = page.dataset.csrf;
  });
  page.addEventListener("htmx:beforeSwap", (event) => {
    if (!/^\s*<!doctype/i.test(event.detail.serverResponse)) return;
    event.detail.shouldSwap = false; // sent to a whole page instead, such as the one for signing in
    location.reload();
  });
  page.addEventListener("htmx:responseError", (event) => {
    if (!isSentAgain(event.detail)) notice({ 403: says.outOfDate, 413: says.tooLarge }[event.detail.xhr.status] ?? says.failed, "danger");
  });
  page.addEventListener("htmx:sendError", () => notice(says.silent, "danger"));
  page.addEventListener("htmx:afterRequest", (event) => {
    if (tries.has(event.detail.elt) && isTurnedAway(event.detail.xhr)) return;
    tries.delete(event.detail.elt);
    if (event.detail.requestConfig.verb !== "get" && event.detail.xhr.status !== 422) settled(event.detail.elt, event.detail.successful);
  });
  // What was turned away before anything of it was done, since more was asked for than can be answered, is sent again.
  const TRIES = 4;
  const tries = new Map(); // what is pressed -> how often it was turned away
  const isTurnedAway = (xhr) => xhr.getResponseHeader("X-Turned-Away") !== null;
  const isSentAgain = ({ elt, xhr, requestConfig }) => {
    const tried = tries.get(elt) ?? 0;
    if (!isTurnedAway(xhr) || tried >= TRIES) return void tries.delete(elt);
    tries.set(elt, tried + 1);
    setTimeout(() => {
      if (!elt.isConnected) {
        tries.delete(elt);
        notice(says.failed, "danger"); // the page has become another one meanwhile
      } else if (elt instanceof HTMLFormElement) elt.requestSubmit(requestConfig.triggeringEvent?.submitter);
      else elt.click();
    }, 1000 * 2 ** tried * (0.5 + Math.random()));
    return true;
  };
  document.addEventListener("wf:notice", (event) => notice(event.detail.text, event.detail.kind)); // of a page's own program

  // --- keys, sound, menus --------------------------------------------------------------------------------------

  const on = (name, usual) => (localStorage.getItem(name) ?? usual) === "on";

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.repeat || event.target.closest(":popover-open, dialog[open]")) return;
    const button = event.altKey ? chorded(event) : keyed(event);
    if (!button) return;
    event.preventDefault();
    if (!button.hasAttribute("data-stays")) button.focus(); // once it is gone, the keyboard goes on to the next step
    button.click();
  });
  const shown = (found) => [...document.querySelectorAll(found)].find((each) => !each.closest("[hidden]"));
  const chorded = (event) => shown(`[data-chord="${CSS.escape(event.code.replace("Key", "").toLowerCase())}"]`); // Alt writes other letters on some keyboards
  const keyed = (event) => {
    const types = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
    return types || !on("keys", "on") ? null : shown(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  };

  const alerts = (part) => [...part.querySelectorAll("[data-sound]")];
  const announce = (alert) => {
    if (on("sound", "off")) chime();
    if (!on("desktop", "off") || document.hasFocus() || window.Notification?.permission !== "granted") return;
    const shown = new Notification(alert.dataset.title ?? document.title, { body: alert.querySelector("h2")?.textContent ?? "", tag: alert.id });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  };
  const chime = () => {
    const audio = new AudioContext();
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.setValueAtTime(660, audio.currentTime);
    tone.frequency.setValueAtTime(880, audio.currentTime + 0.12);
    volume.gain.setValueAtTime(0.12, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.5);
    tone.onended = () => audio.close();
  };

  for (const box of document.querySelectorAll("input[data-setting]")) {
    box.checked = on(box.dataset.setting, box.dataset.usual);
    box.addEventListener("change", async () => {
      if (box.checked && box.dataset.denied && (await window.Notification?.requestPermission()) !== "granted") {
        box.checked = false;
        notice(box.dataset.denied, "warning");
      }
      localStorage.setItem(box.dataset.setting, box.checked ? "on" : "off");
      if (box.checked && box.dataset.setting === "sound") chime(); // this is how it sounds
    });
  }
  document.addEventListener("change", (event) => event.target.closest("form[data-auto]")?.requestSubmit());
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details[data-menu][open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  remember();
  tick();
  toBottom(document);
  mindAll();
  setInterval(tick, 1000);
  wire();
})();
