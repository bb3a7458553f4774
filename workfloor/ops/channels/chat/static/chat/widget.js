// The chat on a client's site. The server wraps it in one scope with TEXTS (the words, by language) and SHEET (the style).
//
//   <script src="https://floor.example.com/chat/widget.js" data-widget="KEY" async></script>
//   data-theme="light" or "dark" where the site has but one; else the visitor's own preference
//
// Nothing is lost and nothing comes twice: whatever is sent has an id made here and is kept in the browser until the
// server has it, so it can be sent again; the stream says each message's number, and a new one goes on after the last.
const script = document.currentScript;
const KEY = script?.dataset.widget;
if (!KEY || document.querySelector("workfloor-chat")) return;
const BASE = new URL(".", script.src);
const NAME = `workfloor-chat:${KEY}`;
const SILENT_MS = 40_000; // the server says every 15 seconds that it is there

// --- words, elements, what the browser keeps -------------------------------------------------------------------------

const wanted = (document.documentElement.lang || navigator.language || "en").toLowerCase();
const LANGUAGE = TEXTS[wanted.split("-")[0]] ? wanted.split("-")[0] : "en";
const say = (name, values = {}) => TEXTS[LANGUAGE][name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
const inWords = (texts) => texts?.[LANGUAGE] ?? texts?.en ?? Object.values(texts ?? {})[0] ?? "";

const h = (tag, given = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
};
const PATHS = {
  chat: "M4 5h16v11H9l-5 4z",
  down: "M6 9l6 6 6-6",
  send: "M4 12l16-8-6 16-3-6z",
  clip: "M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",
};
const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(key, value);
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  svg.firstChild.setAttribute("d", PATHS[name]);
  return svg;
};

const random = (bytes) => {
  const made = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...made)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
const memory = new Map(); // where the site or the visitor lets nothing be kept
const shelf = {
  get: (name) => { try { return localStorage.getItem(name) ?? memory.get(name); } catch { return memory.get(name); } },
  set: (name, value) => { memory.set(name, value); try { localStorage.setItem(name, value); } catch { /* kept above */ } },
  drop: (name) => { memory.delete(name); try { localStorage.removeItem(name); } catch { /* dropped above */ } },
  names: () => { try { return [...new Set([...Object.keys(localStorage), ...memory.keys()])]; } catch { return [...memory.keys()]; } },
};
const OUT = `${NAME}:out:`; // one entry a message, so that two tabs never overwrite each other's
const outbox = () => shelf.names().filter((name) => name.startsWith(OUT)).map((name) => JSON.parse(shelf.get(name) ?? "null")).filter(Boolean).sort((a, b) => a.at - b.at);
const token = () => shelf.get(`${NAME}:token`);

class Problem extends Error {
  constructor(status, detail, faults = []) {
    super(detail);
    this.status = status;
    this.faults = faults;
    this.final = status >= 400 && status < 500 && status !== 429 && status !== 408;
  }
}
const ask = async (path, body) => {
  const headers = { "Accept-Language": LANGUAGE }; // what is wrong is said in the page's language
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  const sent = body instanceof FormData ? body : body && JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), { method: body ? "POST" : "GET", headers, body: sent, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Problem(0, say("unavailable"));
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, told.faults ? told.detail : say("unavailable"), told.faults);
};
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const around = (ms) => ms * (0.5 + Math.random()); // not all pages at the same moment

// --- the element -----------------------------------------------------------------------------------------------------

class Chat extends HTMLElement {
  connectedCallback() {
    this.messages = new Map(); // number -> message
    this.files = new Map(); // id -> a file on its way
    this.told = null;
    this.lastId = 0;
    this.failed = new Map(); // id -> why it was refused
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(SHEET);
    root.adoptedStyleSheets = [sheet];
    const rtl = say("direction") === "rtl";
    this.count = h("span", { class: "count", hidden: true });
    this.launch = h("button", { class: "launch", type: "button", "aria-expanded": "false", onclick: () => this.open() }, icon("chat"), h("span", {}, say("open")), this.count);
    this.news = h("div", { class: "unseen", role: "status" });
    this.all = h("div", { class: `all${rtl ? " rtl" : ""}`, dir: say("direction"), lang: LANGUAGE }, this.launch, this.news);
    root.append(this.all);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const colour = () => {
      const is = script.dataset.theme ? script.dataset.theme === "dark" : dark.matches;
      this.classList.toggle("dark", is);
      this.all.classList.toggle("dark", is);
    };
    dark.addEventListener("change", colour);
    colour();
    this.shareWithTabs();
    addEventListener("online", () => this.wake());
    if (token()) this.talkAgain();
  }

  talkAgain() {
    this.connect();
    if (shelf.get(`${NAME}:open`) === "yes") this.open(false);
  }

  // --- opening and closing ---

  async open(focus = true) {
    if (this.panel) return;
    this.heading = h("h2", { id: "title" }, say("open"));
    this.where = h("p", { hidden: true });
    this.body = h("div", { class: "body", tabindex: "-1" });
    this.line = h("div", { class: "line", hidden: true });
    this.lost = h("p", { class: "line bad", role: "status", hidden: true });
    this.foot = h("div", { class: "below" });
    this.panel = h(
      "section",
      { class: "panel", role: "dialog", "aria-labelledby": "title", onkeydown: (event) => event.key === "Escape" && this.close() },
      h("div", { class: "head" }, h("div", {}, this.heading, this.where), h("button", { class: "icon", type: "button", "aria-label": say("close"), onclick: () => this.close() }, icon("down"))),
      this.line, this.lost, this.body, this.foot,
    );
    this.all.append(this.panel);
    this.launch.hidden = true;
    shelf.set(`${NAME}:open`, "yes");
    if (focus) this.body.focus();
    await this.know();
    if (token()) this.talk(focus);
    else this.beginning(focus);
  }

  close() {
    this.panel?.remove();
    this.panel = this.log = null;
    this.launch.hidden = false;
    shelf.set(`${NAME}:open`, "no");
    this.launch.focus();
  }

  async know() {
    try {
      this.settings = await (await ask(`of/${encodeURIComponent(KEY)}/`)).json();
      this.heading.textContent = inWords(this.settings.title);
    } catch (problem) {
      this.settings = null;
      this.reason = problem.message;
    }
  }

  // --- before a chat ---

  beginning(focus) {
    if (!this.settings) return this.body.replaceChildren(h("p", { role: "alert" }, this.reason));
    const { open, late, instead } = this.settings;
    const ways = instead.map((way) => h("button", { class: "plain", type: "button", onclick: () => this.leaveWord(way) }, say(`instead_${way}`)));
    const notice = !open ? say(ways.length ? "closed" : "away") : late && ways.length ? say("late") : inWords(this.settings.greeting);
    const parts = [notice && h("p", { dir: "auto" }, notice), (!open || late) && ways.length > 0 && h("div", { class: "stack" }, ways)];
    if (open) parts.push(h("div", { class: "stack" }, late && ways.length > 0 && h("span", {}), this.questions()));
    this.body.replaceChildren(...parts.filter(Boolean));
    this.foot.replaceChildren();
    if (focus) this.body.querySelector("input, select, textarea, button")?.focus();
  }

  field(name, label, control, required) {
    control.id = `f-${name}`;
    control.name = name;
    control.required = required;
    return h("div", {}, h("label", { for: control.id }, label, " ", !required && h("small", {}, `(${say("optional")})`)), control);
  }

  questions() {
    const types = { email: "email", phone: "tel" };
    const asked = this.settings.questions.map((each) => {
      const label = inWords(each.label) || say(each.kind);
      const control = each.kind === "choice"
        ? h("select", {}, h("option", { value: "" }, say("choose")), each.choices.map((choice) => h("option", {}, choice)))
        : h("input", { type: types[each.kind] ?? "text", maxlength: "200", autocomplete: { name: "name", email: "email", phone: "tel" }[each.kind] ?? "off" });
      return this.field(each.name, label, control, each.required);
    });
    const about = this.field("about", say("about"), h("textarea", { maxlength: "4000" }), true);
    return this.form(say("begin"), [...asked, about], (values) => this.begin(values));
  }

  form(button, fields, send) {
    const fault = h("p", { class: "fault", role: "alert", hidden: true });
    const press = h("button", { class: "strong", type: "submit" }, button);
    const onsubmit = async (event) => {
      event.preventDefault();
      press.disabled = true;
      try {
        await send(Object.fromEntries(new FormData(event.target)));
      } catch (problem) {
        if (problem.faults.includes("closed")) return this.know().then(() => this.beginning(true)); // closed meanwhile
        fault.textContent = problem.final ? say("fix", { reason: problem.message }) : problem.message;
        fault.hidden = false;
      }
      press.disabled = false;
    };
    return h("form", { onsubmit }, fields, fault, press);
  }

  async begin({ about, ...answers }) {
    // The secret is kept before it is sent: begun again after a lost answer, it is the same chat.
    const secret = shelf.get(`${NAME}:secret`) ?? random(32);
    shelf.set(`${NAME}:secret`, secret);
    if (this.first?.text !== about) this.first = { id: random(16), text: about };
    const sent = { secret, ...this.first, answers, language: LANGUAGE, page: location.origin + location.pathname };
    const made = await (await ask(`of/${encodeURIComponent(KEY)}/begin/`, sent)).json();
    this.messages.clear();
    this.lastId = 0;
    this.told = null;
    shelf.set(`${NAME}:token`, made.token);
    this.tabs?.postMessage("begun");
    this.connect();
    this.talk(true);
  }

  leaveWord(into) {
    const contact = into === "email" ? h("input", { type: "email", maxlength: "200", autocomplete: "email" }) : h("input", { type: "tel", maxlength: "40", autocomplete: "tel" });
    let sent = {};
    const fields = [this.field("contact", say(into === "email" ? "email" : "phone"), contact, true), this.field("text", say("word"), h("textarea", { maxlength: "4000" }), true)];
    const form = this.form(say("word_send"), fields, async (values) => {
      // The same words again are the same; others are not.
      if (sent.text !== values.text || sent.contact !== values.contact) sent = { id: random(16), ...values };
      await ask(`of/${encodeURIComponent(KEY)}/word/`, { into, ...sent });
      if (token()) this.forget();
      this.body.replaceChildren(h("p", { role: "status" }, say(`turned_${into}`, values)));
      this.body.focus();
    });
    this.log = null;
    this.line.hidden = true;
    this.foot.replaceChildren();
    this.body.replaceChildren(form, token() ? h("p", {}, h("button", { class: "link", type: "button", onclick: () => this.talk(true) }, say("keep_waiting"))) : "");
    contact.focus();
  }

  forget() {
    for (const name of ["token", "secret"]) shelf.drop(`${NAME}:${name}`);
    for (const { id } of outbox()) shelf.drop(OUT + id);
    this.cut?.abort();
    this.messages.clear();
    this.failed.clear();
    this.files.clear();
    this.lastId = 0;
    this.told = this.first = this.copies = null;
  }

  // --- the chat ---

  talk(focus) {
    if (!this.panel) return;
    this.log = h("div", { class: "log", role: "log", "aria-label": say("log"), "aria-live": "polite", tabindex: "0" });
    this.typing = h("p", { class: "typing" });
    this.body.replaceChildren(this.log, this.typing);
    this.entry = h("textarea", { rows: "1", maxlength: "4000", "aria-label": say("write"), placeholder: say("write"), onkeydown: (event) => this.keyed(event), oninput: () => this.tellTyping() });
    const file = h("input", { type: "file", "aria-label": say("attach"), onchange: (event) => this.attach(event.target) });
    this.write = h("form", { class: "write", onsubmit: (event) => this.submit(event) }, h("label", { class: "icon file" }, icon("clip"), file), this.entry, h("button", { class: "icon", type: "submit", "aria-label": say("send") }, icon("send")));
    this.foot.replaceChildren(this.write);
    this.draw();
    this.show();
    this.knowCopies();
    if (focus) this.entry.focus();
  }

  keyed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.write.requestSubmit();
  }

  submit(event) {
    event.preventDefault();
    const text = this.entry.value.trim();
    if (!text) return;
    this.wroteAt = Math.max(Date.now(), (this.wroteAt ?? 0) + 1); // two in one moment keep their order
    const made = { id: random(16), text, at: this.wroteAt };
    shelf.set(OUT + made.id, JSON.stringify(made));
    this.entry.value = "";
    this.draw();
    this.flush();
  }

  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    for (let pause = 1000, next; token() && (next = outbox().find(({ id }) => !this.failed.has(id))); ) {
      try {
        await ask("my/messages/", { id: next.id, text: next.text });
        shelf.drop(OUT + next.id);
        this.sent = (this.sent ?? new Map()).set(next.id, next); // shown as sent until the stream brings it
        pause = 1000;
      } catch (problem) {
        if (problem.status === 401) break;
        if (problem.final) this.failed.set(next.id, problem.message);
        else {
          await Promise.race([later(around(pause)), new Promise((done) => (this.wakeUp = done))]);
          pause = Math.min(pause * 2, 15_000);
        }
      }
      this.draw();
    }
    this.flushing = false;
  }

  wake() {
    this.wakeUp?.();
    this.wakeStream?.();
  }

  attach(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    const id = random(16);
    this.files.set(id, { id, file, at: Date.now() });
    const most = this.settings?.largest_file ?? 5e6;
    if (file.size > most) this.failed.set(id, say("too_large", { most: (Math.floor(most / 1e5) / 10).toLocaleString(LANGUAGE) }));
    else this.sendFile(id);
    this.draw();
  }

  async sendFile(id) {
    this.failed.delete(id);
    for (let pause = 1000; this.files.has(id); pause = Math.min(pause * 2, 15_000)) {
      const form = new FormData();
      form.append("id", id);
      form.append("file", this.files.get(id).file);
      try {
        await ask("my/files/", form);
        break;
      } catch (problem) {
        if (problem.final) {
          this.failed.set(id, problem.message);
          break;
        }
        await later(around(pause));
      }
    }
    this.draw();
  }

  tellTyping() {
    if (Date.now() - (this.typedAt ?? 0) < 3000) return;
    this.typedAt = Date.now();
    ask("my/typing/", {}).catch(() => {});
  }

  // --- the stream ---

  async connect() {
    if (this.connecting) return;
    this.connecting = true;
    for (let pause = 500; token() && !this.resting; ) {
      try {
        await this.listen();
        pause = 500;
      } catch (problem) {
        if (problem.status === 401 || problem.status === 403 || problem.status === 404) {
          this.forget();
          if (this.panel) await this.know(), this.beginning(false);
          break;
        }
      }
      if (!token() || this.resting) break;
      this.lose(true);
      await Promise.race([later(pause + Math.random() * pause), new Promise((done) => (this.wakeStream = done))]);
      pause = Math.min(pause * 2, 15_000);
    }
    this.connecting = false;
  }

  async listen() {
    this.cut = new AbortController();
    const headers = { Authorization: `Bearer ${token()}` };
    if (this.lastId) headers["Last-Event-ID"] = String(this.lastId);
    const answer = await fetch(new URL("my/stream/", BASE), { headers, signal: this.cut.signal, credentials: "omit", cache: "no-store" });
    if (!answer.ok) throw new Problem(answer.status, "");
    this.lose(false);
    this.flush();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let silence = setTimeout(() => this.cut.abort(), SILENT_MS);
    try {
      for (let rest = "", part; !(part = await reader.read()).done; ) {
        clearTimeout(silence);
        silence = setTimeout(() => this.cut.abort(), SILENT_MS);
        rest += part.value;
        const events = rest.split("\n\n");
        rest = events.pop();
        events.forEach((event) => this.hear(event));
      }
    } finally {
      clearTimeout(silence);
    }
  }

  lose(is) {
    if (!this.lost) return;
    this.lost.textContent = is ? say("lost") : "";
    this.lost.hidden = !is;
  }

  hear(written) {
    const fields = Object.fromEntries(written.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
    if (fields.event === "message") this.take(JSON.parse(fields.data));
    if (fields.event === "state") {
      this.told = JSON.parse(fields.data);
      this.show();
    }
    if (fields.event === "typing" && this.typing) {
      this.typing.textContent = `${this.told?.agent || ""} ${say("typing")}`.trim();
      clearTimeout(this.typed);
      this.typed = setTimeout(() => (this.typing.textContent = ""), 6000);
    }
  }

  take(message) {
    this.lastId = Math.max(this.lastId, message.id);
    if (this.messages.has(message.id)) return;
    this.messages.set(message.id, message);
    shelf.drop(OUT + message.key);
    this.sent?.delete(message.key);
    this.files.delete(message.key);
    if (!message.mine && this.typing) this.typing.textContent = "";
    this.draw();
    this.show();
    this.note();
  }

  // --- drawing ---

  note() {
    const seen = Number(shelf.get(`${NAME}:seen`) ?? 0);
    const theirs = [...this.messages.values()].filter((each) => !each.mine);
    const last = Math.max(0, ...theirs.map((each) => each.id));
    if (this.log && !document.hidden) {
      if (last > seen) {
        shelf.set(`${NAME}:seen`, String(last));
        clearTimeout(this.marking);
        this.marking = setTimeout(() => ask("my/read/", { up_to: last }).catch(() => {}), 800);
      }
      this.count.hidden = true;
      return;
    }
    const unread = theirs.filter((each) => each.id > seen).length;
    this.count.textContent = unread;
    this.count.hidden = !unread;
    this.news.textContent = unread ? say("news", { count: unread }) : "";
  }

  draw() {
    if (!this.log) return;
    const stays = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight > 120;
    const known = [...this.messages.values()].sort((a, b) => a.id - b.id);
    const keys = new Set(known.map((each) => each.key));
    const going = [...outbox(), ...(this.sent?.values() ?? []), ...this.files.values()].filter((each) => !keys.has(each.id));
    let before = null;
    for (const each of known) {
      this.put(`m${each.id}`, () => this.said(each, before));
      before = each;
    }
    const pending = new Set(going.sort((a, b) => a.at - b.at).map((each) => `p${each.id}`));
    for (const line of [...this.log.children]) if (line.dataset.id.startsWith("p") && !pending.has(line.dataset.id)) line.remove();
    for (const each of going) this.put(`p${each.id}`, () => this.onTheWay(each));
    for (const each of going) this.fate(each);
    for (const each of known) this.mark(each);
    if (!stays) this.body.scrollTop = this.body.scrollHeight;
  }

  // Lines on their way come after all that are known; a known one takes its place before them.
  put(id, make) {
    if (this.log.querySelector(`[data-id="${id}"]`)) return;
    const line = make();
    line.dataset.id = id;
    const after = id.startsWith("m") ? [...this.log.children].find((each) => each.dataset.id.startsWith("p") || Number(each.dataset.id.slice(1)) > Number(id.slice(1))) : null;
    this.log.insertBefore(line, after ?? null);
  }

  said(message, before) {
    const first = !before || before.mine !== message.mine || before.name !== message.name;
    const who = first && h("span", { class: message.mine ? "unseen" : "who" }, message.mine ? say("you") : message.name || say("us"));
    const time = new Date(message.at).toLocaleTimeString(LANGUAGE, { hour: "numeric", minute: "2-digit" });
    const parts = [message.text && h("div", { class: "said", dir: "auto" }, this.linked(message.text)), message.files.map((file) => this.shown(file))];
    return h("div", { class: message.mine ? "mine" : "" }, who, parts, h("span", { class: "what", "data-time": time }, time));
  }

  linked(text) {
    return text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)])/).map((part, place) => (place % 2 ? h("a", { class: "link", href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part));
  }

  shown(file) {
    const box = h("div", { class: "said" });
    const open = async () => {
      const blob = await (await ask(`my/files/${file.id}/`)).blob();
      return URL.createObjectURL(blob);
    };
    const save = async () => {
      const link = h("a", { href: await open(), download: file.name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    };
    box.append(h("button", { class: "link", type: "button", "aria-label": say("download", { name: file.name }), onclick: save }, file.name));
    if (file.type.startsWith("image/")) {
      open().then((address) => box.prepend(h("img", { src: address, alt: file.name, onerror: (event) => event.target.remove() }))).catch(() => {});
    }
    return box;
  }

  onTheWay(each) {
    return h("div", { class: "mine" }, h("div", { class: "said", dir: "auto" }, each.text ?? each.file.name), h("span", { class: "what" }));
  }

  fate(each) {
    const what = this.log.querySelector(`[data-id="p${each.id}"] .what`);
    const reason = this.failed.get(each.id);
    what.classList.toggle("bad", Boolean(reason));
    if (!reason) return what.replaceChildren(this.sent?.has(each.id) ? say("sent") : say("sending"));
    const again = () => {
      this.failed.delete(each.id);
      if (each.file) this.sendFile(each.id);
      else this.flush();
      this.draw();
    };
    what.replaceChildren(say("failed", { reason }), " ", h("button", { class: "link", type: "button", onclick: again }, say("retry")));
  }

  mark(message) {
    if (!message.mine) return;
    const what = this.log.querySelector(`[data-id="m${message.id}"] .what`);
    const text = `${what.dataset.time} · ${say(message.id <= (this.told?.read ?? 0) ? "seen" : "sent")}`;
    if (what.textContent !== text) what.textContent = text;
  }

  // Where the chat stands: above the messages in words, below them what can be done.
  show() {
    if (!this.log || !this.told) return;
    const { state, place, late, agent, instead, open } = this.told;
    const over = state === "over";
    this.where.textContent = agent && !over ? say("with", { agent }) : "";
    this.where.hidden = !this.where.textContent;
    const words = over ? "" : state === "waiting" ? [!open ? say(instead.length ? "closed" : "away") : late && instead.length ? say("late") : say("waiting"), open && (place === 1 ? say("next") : say("place", { place }))].filter(Boolean).join(" ") : agent ? "" : say("holding");
    const ways = state === "waiting" && late ? instead.map((way) => h("button", { class: "plain", type: "button", onclick: () => this.leaveWord(way) }, say(`instead_${way}`))) : [];
    const line = JSON.stringify([words, ways.length, over, this.mayCopy()]);
    if (this.line.dataset.shown !== line) {
      this.line.dataset.shown = line;
      this.line.classList.toggle("plainly", !words);
      this.line.replaceChildren(h("span", { role: "status" }, words), ways.length ? h("div", { class: "row" }, ways) : "", this.mayCopy() ? h("button", { class: "link", type: "button", onclick: () => this.copy() }, say("transcript")) : "", over ? "" : h("button", { class: "link", type: "button", onclick: () => this.sure() }, say("end")));
    }
    this.line.hidden = over;
    const foot = this.foot.dataset.over;
    if (over && foot !== "yes" && foot !== "copy") this.ended();
    if (!over && foot === "yes") this.resume(false);
    for (const each of this.messages.values()) this.mark(each);
  }

  // --- a copy by mail ---

  mayCopy() {
    return Boolean(this.copies?.offered) && [...this.messages.values()].some((each) => !each.mine);
  }

  async knowCopies() {
    this.copies = await ask("my/transcript/").then((answer) => answer.json()).catch(() => null);
    if (!this.log) return;
    this.show();
    if (this.foot.dataset.over === "yes") this.ended();
  }

  copy() {
    const to = h("input", { type: "email", maxlength: "200", autocomplete: "email" });
    to.value = this.copies.to;
    const back = () => (this.told?.state === "over" ? this.ended() : this.resume(true));
    let sent = {};
    const form = this.form(say("transcript"), [this.field("copy", say("email"), to, true)], async (values) => {
      if (sent.to !== values.copy) sent = { id: random(16), to: values.copy };
      await ask("my/transcript/", { ...sent, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
      this.copies.to = values.copy;
      done.textContent = say("transcript_done", { contact: values.copy });
      form.remove();
      leave.focus();
    });
    const done = h("p", { role: "status" });
    const leave = h("button", { class: "link", type: "button", onclick: back }, say("back"));
    this.foot.dataset.over = "copy";
    this.foot.replaceChildren(h("div", { class: "foot stack" }, form, done, leave));
    to.focus();
  }

  sure() {
    const back = () => this.resume(true);
    const end = async () => {
      await ask("my/end/", {}).catch(() => {});
      this.resume(false);
    };
    const ask_ = h("div", { class: "foot", role: "group", "aria-label": say("end_sure") }, h("p", {}, say("end_sure")), h("div", { class: "row" }, h("button", { class: "strong", type: "button", onclick: end }, say("end_yes")), h("button", { class: "plain", type: "button", onclick: back }, say("end_no"))));
    this.foot.replaceChildren(ask_);
    ask_.querySelector("button").focus();
  }

  resume(focus) {
    this.foot.dataset.over = "no";
    this.foot.replaceChildren(this.write);
    if (focus) this.entry.focus();
  }

  ended() {
    this.foot.dataset.over = "yes";
    const { closed_as, score, open, place_kept } = this.told;
    const name = [...this.messages.values()].filter((each) => !each.mine).at(-1)?.name;
    const words = closed_as === "agent" && name ? say("over_agent", { agent: name }) : closed_as === "silence" ? say("over_silence") : closed_as === "left" && !this.isAnswered() ? say("over_left") : say("over");
    const back = open && place_kept && h("button", { class: "strong", type: "button", onclick: (event) => this.comeBack(event.target) }, say("back_in_line"));
    const again = open && !back && h("button", { class: "plain", type: "button", onclick: () => this.resume(true) }, say("again"));
    const anew = h("button", { class: "plain", type: "button", onclick: () => this.anew() }, say("begin"));
    const copied = this.mayCopy() && h("button", { class: "plain", type: "button", onclick: () => this.copy() }, say("transcript"));
    const buttons = h("div", { class: "row" }, back, again, anew, copied);
    this.foot.replaceChildren(h("div", { class: "foot stack" }, h("span", { role: "status" }, words), score ? h("span", {}, say("rated")) : this.isAnswered() && this.rating(), buttons));
  }

  // The stream then says that the visitor waits again, and at which place.
  async comeBack(button) {
    button.disabled = true;
    await ask("my/back/", {}).catch(() => {});
    button.disabled = false;
  }

  // Whom nobody has answered has nothing to rate; a greeting by rule bears no name.
  isAnswered() {
    return [...this.messages.values()].some((each) => !each.mine && each.name);
  }

  anew() {
    this.forget();
    this.foot.dataset.over = "no";
    this.line.hidden = true;
    this.log = null;
    this.know().then(() => this.beginning(true));
  }

  rating() {
    const scores = [1, 2, 3, 4, 5].map((score) => h("label", {}, h("input", { type: "radio", name: "score", value: score, required: true, "aria-label": `${score}: ${say(`rate_${score}`)}` }), h("span", { "aria-hidden": "true" }, score)));
    const fields = [
      h("fieldset", {}, h("legend", {}, say("rate")), h("div", { class: "scores" }, scores), h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, say("rate_1")), h("span", {}, say("rate_5")))),
      this.field("comment", say("rate_comment"), h("textarea", { rows: "2", maxlength: "2000" }), false),
    ];
    return this.form(say("rate_send"), fields, async ({ score, comment }) => {
      await ask("my/rating/", { score: Number(score), comment });
      this.told.score = Number(score);
      this.ended();
    });
  }

  // --- other tabs of the same site ---

  // Browsers allow six streams to a server: while one tab of the site is looked at, hidden ones let go of theirs.
  shareWithTabs() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.tabs?.postMessage("looking");
      this.rise();
      this.note();
    });
    if (!("BroadcastChannel" in globalThis)) return;
    this.tabs = new BroadcastChannel(NAME);
    this.tabs.onmessage = ({ data }) => {
      if (data === "looking" && document.hidden) this.rest();
      if (data === "gone") this.rise();
      if (data === "begun") {
        this.connect();
        if (this.panel) this.talk(false);
      }
    };
    addEventListener("pagehide", () => this.tabs.postMessage("gone"));
    if (!document.hidden) this.tabs.postMessage("looking");
  }

  rest() {
    this.resting = true;
    this.cut?.abort();
  }

  rise() {
    this.resting = false;
    if (token()) this.connect();
    this.wake();
  }
}

customElements.define("workfloor-chat", Chat);
const put = () => document.body.append(document.createElement("workfloor-chat"));
if (document.body) put();
else addEventListener("DOMContentLoaded", put);
