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
  const ENV = `workfloor:${person}:envelope:`; // of a mail, what was typed over its envelope, likewise
  const LINE = `workfloor:${person}:line:`;
  const TYPED = ["mode", "to", "cc", "bcc", "subject", "forwards"];
  const TICKED = ["quote", "sign", "with_files"];
  const later = (ms) => new Promise((done) => setTimeout(done, ms));
  const formOf = (item) => document.querySelector(`form.desk-compose[data-item="${item}"]`);
  const envelopeOf = (form) => (form.elements.mode ? Object.fromEntries(TYPED.map((name) => [name, form.elements[name]?.value ?? ""])) : null);
  const touchedOf = (form) => (form.hasAttribute("data-touched") ? envelopeOf(form) : null);
  const setEnvelope = (form, envelope) => form.dispatchEvent(new CustomEvent("wf:envelope", { detail: envelope, bubbles: true }));
  const stateOf = (form) => {
    const touched = touchedOf(form);
    return touched ? `${form.elements.text.value}\n${JSON.stringify(touched)}` : form.elements.text.value;
  };
  const worded = (text, names) => Object.entries(names).reduce((said, [name, value]) => said.replace(`{${name}}`, value), text);
  const also = document.getElementById("compose-words").dataset;
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
  const readOf = ({ status, text }) => (status === 409 || status === 422 ? new DOMParser().parseFromString(text, "text/html").body : null);
  const reasonOf = (answer) => {
    if (answer.status === 413) return says.tooLarge;
    return readOf(answer)?.textContent.trim() || says.notSent;
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
      const { address, key, text, file, envelope, ticked, finish } = line;
      const answer = await ask(address, { key, text, file, finish, ...envelope, ...ticked, drafted: kept.get(item) !== "" && "on" });
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
    if (!form || isGone) notice(worded(also.notSent, { reason, text }));
    const envelope = back.find((each) => each.envelope)?.envelope;
    if (envelope) sessionStorage.setItem(ENV + item, JSON.stringify(envelope));
    sessionStorage.setItem(BOX + item, [text, form ? form.elements.text.value : sessionStorage.getItem(BOX + item)].filter(Boolean).join("\n"));
    if (!form) return;
    form.elements.text.value = sessionStorage.getItem(BOX + item);
    const file = back.find((each) => each.file)?.file;
    if (file) {
      const held = new DataTransfer();
      held.items.add(file);
      form.elements.file.files = held.files;
    }
    if (envelope) setEnvelope(form, envelope);
    form.elements.text.dispatchEvent(new Event("input", { bubbles: true }));
    refuse(form, reason, readOf(answer)?.querySelector("[data-field]")?.dataset.field);
  };

  const refuse = (form, reason, field) => {
    const isTold = field && !form.dispatchEvent(new CustomEvent("wf:faulty", { detail: { field, reason }, bubbles: true, cancelable: true }));
    if (isTold) return form.querySelector("[data-refusal]").replaceChildren();
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
    const { text, file, mode } = form.elements;
    const address = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
    const isNote = form.hasAttribute("data-notes") || address !== form.getAttribute("action");
    const handsOn = !isNote && mode?.value === "forward"; // what is forwarded says enough
    document.querySelector(".compose-menu:popover-open")?.hidePopover();
    if (!text.value.trim() && !file.files[0] && !handsOn) return refuse(form, says.empty);
    refuse(form, "");
    const ticked = Object.fromEntries(TICKED.filter((name) => form.elements[name]?.checked).map((name) => [name, "on"]));
    const finish = event.submitter?.name === "finish" ? event.submitter.value : "";
    const line = { item, address, text: text.value, ticked, finish, envelope: isNote ? null : envelopeOf(form), at: Date.now(), nth: nth++, key: crypto.getRandomValues(new Uint32Array(4)).join("-"), isNote, fileName: file.files[0]?.name };
    sessionStorage.setItem(LINE + line.key, JSON.stringify(line));
    lines.push(Object.assign(line, { file: file.files[0] }));
    text.value = file.value = "";
    if (line.envelope) setEnvelope(form, null);
    if (line.envelope) sessionStorage.removeItem(ENV + item);
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
    if (!form || busy.has(item) || saving.has(item) || stateOf(form) === kept.get(item)) return;
    const state = stateOf(form);
    const asked = ask(form.dataset.keep, { text: form.elements.text.value, ...touchedOf(form) }, more);
    saving.set(item, asked);
    const answer = await asked;
    saving.delete(item);
    if (answer.isOver) return location.reload();
    if (answer.status !== 204) return;
    kept.set(item, state);
    if (stateOf(form) !== state) return keepSoon(item);
    sessionStorage.removeItem(BOX + item);
    sessionStorage.removeItem(ENV + item);
  };
  const keepSoon = (item) => {
    clearTimeout(timers.get(item));
    timers.set(item, setTimeout(() => keep(item), KEEP_MS));
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form.desk-compose");
    if (!form || (event.target !== form.elements.text && !event.target.closest("[data-envelope]"))) return;
    const { item } = form.dataset;
    const text = form.elements.text.value;
    const touched = touchedOf(form);
    if (text) sessionStorage.setItem(BOX + item, text);
    else sessionStorage.removeItem(BOX + item);
    if (touched) sessionStorage.setItem(ENV + item, JSON.stringify(touched));
    if (text || touched || !busy.has(item)) keepSoon(item);
  });
  const keepAll = () => document.querySelectorAll("form.desk-compose").forEach((form) => stateOf(form) && keep(form.dataset.item, { keepalive: true }));
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
    const envelope = sessionStorage.getItem(ENV + form.dataset.item);
    if (envelope) setEnvelope(form, JSON.parse(envelope));
    if (here || envelope) return put(form, here);
    const draft = await fetch(form.dataset.draft, { cache: "no-store" }).then((answer) => (answer.ok && !answer.redirected ? answer.json() : null)).catch(() => null);
    if (!draft) return;
    if (draft.envelope.mode && form.elements.mode && !form.hasAttribute("data-touched")) setEnvelope(form, draft.envelope);
    put(form, draft.text);
    kept.set(form.dataset.item, draft.text && form.elements.text.value === draft.text ? stateOf(form) : draft.text);
  };

  // --- whoever lets go of an item has sent what they wrote about it, or says that it stays a draft ---------------

  const LETS_GO = /\/(finish|wrap-up|await-customer|transfer|hand-over|snooze|macro)\/$/;
  const drained = async (item) => {
    while (open(item).length || busy.has(item)) await later(100);
    await saving.get(item);
  };
  page.addEventListener("htmx:confirm", async (event) => {
    const { elt, path, issueRequest } = event.detail;
    const item = elt.closest("article.desk-item, form.desk-ending")?.dataset.item ?? elt.closest("[data-helps]")?.dataset.helps;
    if (!item) return;
    const box = formOf(item)?.elements.text;
    const isForgotten = () => LETS_GO.test(path) && box?.value.trim() && elt.dataset.warned !== box.value;
    const warn = () => {
      elt.dataset.warned = box.value;
      notice(says.unsent, "warning");
    };
    const isUnkept = () => LETS_GO.test(path) && Boolean(box) && stateOf(box.form) !== (kept.get(item) ?? "");
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
    const { text, item, files, envelope } = JSON.parse(answer.text);
    const form = formOf(String(item));
    kept.delete(String(item)); // the server has it as the draft
    if (form) put(form, text);
    if (form && envelope.mode) setEnvelope(form, envelope);
    form?.elements.text.focus();
    const words = form ? says.takenBack : says.takenBackAside;
    notice(files.length ? `${words} ${worded(also.attachAgain, { names: files.join(", ") })}` : words, "info");
  });

  const look = () => {
    document.querySelectorAll("form.desk-compose").forEach(fill);
    draw();
  };
  for (const line of lines.filter((each) => each.fileName)) {
    sessionStorage.setItem(BOX + line.item, [line.text, sessionStorage.getItem(BOX + line.item)].filter(Boolean).join("\n"));
    if (line.envelope) sessionStorage.setItem(ENV + line.item, JSON.stringify(line.envelope));
    notice(worded(also.kept, { name: line.fileName }));
    forget(line);
  }
  new Set(lines.map((each) => each.item)).forEach(flush);
  new MutationObserver(look).observe(document.getElementById("content"), { childList: true, subtree: true });
  look();
})();
