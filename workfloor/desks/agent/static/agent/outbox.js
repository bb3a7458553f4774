// What an agent writes is never lost. It leaves the box at once, is shown as being sent, goes out behind what was written
// before it, and comes back into the box where it cannot be sent. What still stands in the box is kept as a draft.
//
// Each line has a key made here: sent again after a lost answer, it is stored once. Until the server has it, the tab keeps it
// too (sessionStorage, under the person's number), so that a reload or signing in anew sends it. A file does not survive that.
(() => {
  const KEEP_MS = 1000; // after the last letter, a draft is kept
  const AWAY = [0, 408, 429, 502, 503, 504];
  const page = document.body;
  const says = document.getElementById("desk-words").dataset; // what is said here, in the page's language
  const person = document.querySelector("[data-outbox]").dataset.outbox;
  const BOX = `workfloor:${person}:box:`; // what stands in an item's box and the server does not have
  const LINE = `workfloor:${person}:line:`;
  const later = (ms) => new Promise((done) => setTimeout(done, ms));
  const formOf = (item) => document.querySelector(`form.desk-compose[data-item="${item}"]`);
  const notice = (text, kind = "danger") => document.dispatchEvent(new CustomEvent("wf:notice", { detail: { text, kind } }));

  const ask = async (address, fields, more = {}) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) if (value) body.append(name, value);
    const headers = { "X-CSRFToken": page.dataset.csrf, "HX-Request": "true" };
    const answer = await fetch(address, { method: "POST", body, headers, ...more }).catch(() => null);
    if (!answer) return { status: 0 };
    const text = answer.status === 204 ? "" : await answer.text().catch(() => "");
    return { status: answer.status, text, isOver: answer.redirected };
  };
  const reasonOf = ({ status, text }) => {
    if (status === 413) return says.tooLarge;
    const said = status === 409 || status === 422 ? new DOMParser().parseFromString(text, "text/html").body.textContent.trim() : "";
    return said || says.notSent;
  };
  // Signed in anew in another tab: the page goes on with that sign-in's token, if it is the same person's.
  const hasNewToken = async () => {
    const fresh = await fetch(location.href, { cache: "no-store" }).then((answer) => answer.text()).catch(() => "");
    const read = new DOMParser().parseFromString(fresh, "text/html");
    const token = read.body.dataset.csrf;
    if (read.querySelector("[data-outbox]")?.dataset.outbox !== person) return void location.reload();
    const isNew = Boolean(token) && token !== page.dataset.csrf;
    if (isNew) page.dataset.csrf = token;
    return isNew;
  };

  // --- lines on their way --------------------------------------------------------------------------------------

  const names = (prefix) => Object.keys(sessionStorage).filter((name) => name.startsWith(prefix));
  const lines = names(LINE).map((name) => JSON.parse(sessionStorage.getItem(name))).sort((a, b) => a.at - b.at || a.nth - b.nth);
  const forget = (line) => {
    lines.splice(lines.indexOf(line), 1);
    sessionStorage.removeItem(LINE + line.key);
  };
  const open = (item) => lines.filter((each) => each.item === item && !each.isStored);
  const busy = new Set(); // items of which something is on its way
  let nth = 0;

  const flush = async (item) => {
    if (busy.has(item)) return;
    busy.add(item);
    for (let pause = 1000, [line] = open(item); line; [line] = open(item)) {
      await saving.get(item); // a draft that is just being kept would outlive what is sent
      const { address, key, text, quote, file } = line;
      const answer = await ask(address, { key, text, quote, file, drafted: kept.get(item) !== "" && "on" });
      if (answer.isOver) return location.reload(); // signed out: what is here goes out after signing in
      if (answer.status < 300 && answer.status) {
        line.isStored = true;
        sessionStorage.removeItem(LINE + key);
        kept.set(item, "");
        pause = 1000;
      } else if (AWAY.includes(answer.status)) {
        line.waits = true;
        draw();
        await later(pause * (0.5 + Math.random() / 2));
        pause = Math.min(pause * 2, 15_000);
      } else if (answer.status !== 403 || !(await hasNewToken())) {
        giveBack(item, answer);
      }
      draw();
    }
    busy.delete(item);
    keepSoon(item);
  };

  const giveBack = (item, answer) => {
    const back = open(item);
    const reason = reasonOf(answer);
    back.forEach(forget);
    const form = formOf(item);
    const text = back.map((each) => each.text).filter(Boolean).join("\n");
    const isGone = answer.status === 404 || answer.status === 409;
    if (!form || isGone) notice(`Not sent: ${reason} You had written: “${text}”`);
    sessionStorage.setItem(BOX + item, [text, form ? form.elements.text.value : sessionStorage.getItem(BOX + item)].filter(Boolean).join("\n"));
    if (!form) return;
    form.elements.text.value = sessionStorage.getItem(BOX + item);
    const file = back.find((each) => each.file)?.file;
    if (file) {
      const held = new DataTransfer();
      held.items.add(file);
      form.elements.file.files = held.files;
    }
    form.elements.text.dispatchEvent(new Event("input", { bubbles: true }));
    refuse(form, reason);
  };

  const refuse = (form, reason) => {
    const line = document.createElement("p");
    line.className = "wf-refused";
    line.setAttribute("role", "alert");
    line.textContent = reason;
    form.querySelector("[data-refusal]").replaceChildren(...(reason ? [line] : []));
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form.desk-compose");
    if (!form) return;
    event.preventDefault();
    const { item } = form.dataset;
    const { text, file, quote } = form.elements;
    if (!text.value.trim() && !file.files[0]) return refuse(form, says.empty);
    refuse(form, "");
    const address = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
    const line = { item, address, text: text.value, quote: quote?.checked && "on", at: Date.now(), nth: nth++, key: crypto.getRandomValues(new Uint32Array(4)).join("-"), isNote: form.hasAttribute("data-notes") || address !== form.getAttribute("action"), fileName: file.files[0]?.name };
    sessionStorage.setItem(LINE + line.key, JSON.stringify(line));
    lines.push(Object.assign(line, { file: file.files[0] }));
    text.value = file.value = "";
    text.dispatchEvent(new Event("input", { bubbles: true }));
    draw(true);
    flush(item);
  });

  addEventListener("beforeunload", (event) => lines.some((each) => each.file && !each.isStored) && event.preventDefault());

  // --- shown in the conversation, behind what the server has ---------------------------------------------------

  const made = (tag, className, text) => Object.assign(document.createElement(tag), { className, textContent: text });
  const lineFor = (line) => {
    const shown = made("li", "said-message", "");
    Object.assign(shown.dataset, { direction: line.isNote ? "note" : "out", sending: line.key });
    if (line.isNote) shown.append(made("p", "said-message-who", says.note));
    if (line.text) shown.append(Object.assign(made("div", "said-message-text", line.text), { dir: "auto" }));
    if (line.fileName) shown.append(made("p", "said-file", line.fileName));
    shown.append(made("p", "said-message-fate wf-quiet", ""));
    return shown;
  };
  const draw = (isNew = false) => {
    const list = document.querySelector(".desk-messages[data-item]");
    for (const line of lines.filter((each) => each.isStored && each.item !== list?.dataset.item)) forget(line);
    if (!list) return;
    const isAtEnd = isNew || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    const count = list.childElementCount;
    for (const line of lines.filter((each) => each.item === list.dataset.item)) {
      const here = list.querySelector(`[data-sending="${line.key}"]`);
      if (list.querySelector(`[data-key-of="${line.key}"]`)) {
        here?.remove();
        if (line.isStored) forget(line);
      } else {
        const shown = here ?? list.appendChild(lineFor(line));
        const fate = line.isStored ? says.sent : line.waits ? says.waits : says.beingSent;
        if (shown.lastChild.textContent !== fate) shown.lastChild.textContent = fate;
      }
    }
    for (const shown of list.querySelectorAll("[data-sending]")) if (!lines.some((each) => each.key === shown.dataset.sending)) shown.remove();
    if (isAtEnd && (isNew || list.childElementCount !== count)) list.scrollTop = list.scrollHeight;
  };

  // --- drafts --------------------------------------------------------------------------------------------------

  const kept = new Map(); // item -> the draft as the server has it, where that is known
  const saving = new Map(); // item -> the draft that is just being kept
  const timers = new Map();

  const keep = async (item, more = {}) => {
    const form = formOf(item);
    const text = form?.elements.text.value;
    if (!form || busy.has(item) || saving.has(item) || text === kept.get(item)) return;
    const asked = ask(form.dataset.keep, { text }, more);
    saving.set(item, asked);
    const answer = await asked;
    saving.delete(item);
    if (answer.isOver) return location.reload();
    if (answer.status !== 204) return;
    kept.set(item, text);
    if (form.elements.text.value === text) sessionStorage.removeItem(BOX + item);
    else keepSoon(item);
  };
  const keepSoon = (item) => {
    clearTimeout(timers.get(item));
    timers.set(item, setTimeout(() => keep(item), KEEP_MS));
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form.desk-compose");
    if (!form || event.target !== form.elements.text) return;
    if (event.target.value) sessionStorage.setItem(BOX + form.dataset.item, event.target.value);
    else sessionStorage.removeItem(BOX + form.dataset.item);
    if (event.target.value || !busy.has(form.dataset.item)) keepSoon(form.dataset.item);
  });
  const keepAll = () => document.querySelectorAll("form.desk-compose").forEach((form) => form.elements.text.value && keep(form.dataset.item, { keepalive: true }));
  addEventListener("pagehide", keepAll);
  document.addEventListener("visibilitychange", () => document.hidden && keepAll());

  // A box that has just come onto the page gets what was written in it before: by this tab, else by this person anywhere.
  const put = (form, text) => {
    const box = form.elements.text;
    if (!text || box.value === text || open(form.dataset.item).some((each) => each.text === text)) return;
    box.value = box.value ? `${text}\n${box.value}` : text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const filled = new WeakSet();
  const fill = async (form) => {
    if (filled.has(form)) return;
    filled.add(form);
    const here = sessionStorage.getItem(BOX + form.dataset.item);
    if (here) return put(form, here);
    const draft = await fetch(form.dataset.draft, { cache: "no-store" }).then((answer) => (answer.ok && !answer.redirected ? answer.json() : null)).catch(() => null);
    if (!draft) return;
    kept.set(form.dataset.item, draft.text);
    put(form, draft.text);
  };

  // --- whoever lets go of an item has sent what they wrote about it, or says that it stays a draft ---------------

  const LETS_GO = /\/(finish|wrap-up|await-customer|transfer|hand-over|snooze)\/$/;
  const drained = async (item) => {
    while (open(item).length || busy.has(item)) await later(100);
    await saving.get(item);
  };
  page.addEventListener("htmx:confirm", async (event) => {
    const { elt, path, issueRequest } = event.detail;
    const item = elt.closest("article.desk-item, form.desk-ending")?.dataset.item;
    if (!item) return;
    const box = formOf(item)?.elements.text;
    const isForgotten = () => LETS_GO.test(path) && box?.value.trim() && elt.dataset.warned !== box.value;
    const warn = () => {
      elt.dataset.warned = box.value;
      notice(says.unsent, "warning");
    };
    const isUnkept = () => LETS_GO.test(path) && (box?.value ?? "") !== (kept.get(item) ?? "");
    if (!open(item).length && !isForgotten() && !isUnkept()) return;
    event.preventDefault();
    await drained(item); // what is on its way goes before
    if (isForgotten()) return warn();
    if (isUnkept()) await keep(item); // nobody drafts about what is not theirs any more
    issueRequest(true);
  });

  // --- a reply is taken back in its seconds, and is the draft again -------------------------------------------

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-takes-back]");
    if (!button || button.disabled) return;
    button.disabled = true;
    const answer = await ask(document.querySelector("[data-outbox]").dataset.takesBackAt, { message: button.dataset.takesBack });
    button.disabled = false;
    if (answer.isOver) return location.reload();
    if (answer.status !== 200) return notice(reasonOf(answer));
    const { text, item, files } = JSON.parse(answer.text);
    const form = formOf(String(item));
    kept.delete(String(item)); // the server has it as the draft
    if (form) put(form, text);
    form?.elements.text.focus();
    const words = form ? says.takenBack : says.takenBackAside;
    notice(files.length ? `${words} Attach ${files.join(", ")} again.` : words, "info");
  });

  const look = () => {
    document.querySelectorAll("form.desk-compose").forEach(fill);
    draw();
  };
  for (const line of lines.filter((each) => each.fileName)) {
    sessionStorage.setItem(BOX + line.item, [line.text, sessionStorage.getItem(BOX + line.item)].filter(Boolean).join("\n"));
    notice(`The page was left before “${line.fileName}” was sent. Attach it again.`);
    forget(line);
  }
  new Set(lines.map((each) => each.item)).forEach(flush);
  new MutationObserver(look).observe(document.getElementById("content"), { childList: true, subtree: true });
  look();
})();
