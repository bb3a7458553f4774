// The envelope of a mail: what its mode fills in, what somebody typed over it, and where it is wrong.
(() => {
  const words = document.getElementById("compose-words").dataset;
  const FIELDS = ["to", "cc", "bcc", "subject"];
  const composer = (element) => element.closest?.("form.desk-compose");
  const offeredTo = (form) => document.querySelector(`[data-envelope-of="${form.dataset.item}"]`);
  const modesOf = (form) => JSON.parse(offeredTo(form)?.dataset.modes ?? "null");
  const modeOf = (form) => form.elements.mode?.value;

  const show = (form) => {
    const envelope = form.querySelector("[data-envelope]");
    if (!envelope) return;
    const mode = modeOf(form);
    for (const each of form.querySelectorAll("[data-only]")) each.hidden = each.dataset.only !== mode;
    for (const each of form.querySelectorAll("[data-not]")) each.hidden = each.dataset.not === mode;
    const said = [form.elements.to.value || `${words.to}: ${words.nobody}`];
    for (const name of ["cc", "bcc"]) if (form.elements[name].value) said.push(`${words[name]}: ${form.elements[name].value}`);
    const line = [...said, form.elements.subject.value].filter(Boolean).join(" · ");
    const shown = envelope.querySelector("[data-goes-to]");
    if (shown.textContent !== line) shown.textContent = line;
  };

  // What the mode has in its fields; who was added unseen stays there.
  const fillIn = (form, mode) => {
    const fields = modesOf(form)?.[mode];
    if (!fields) return;
    for (const name of FIELDS) if (name !== "bcc") form.elements[name].value = fields[name] ?? "";
    show(form);
  };

  // A newer mail may name others: who has not touched the envelope answers that one.
  const refresh = (form) => {
    const modes = modesOf(form);
    if (!modes || !form.elements.mode) return;
    for (const each of form.querySelectorAll("[name=mode]")) each.parentElement.hidden = !modes[each.value] && !each.checked;
    const { forwards } = form.elements;
    const options = offeredTo(form).innerHTML;
    if (forwards && forwards.dataset.options !== options) {
      const { value } = forwards;
      forwards.innerHTML = forwards.dataset.options = options;
      if (value && form.hasAttribute("data-touched")) forwards.value = value;
    }
    const { modes: newest } = offeredTo(form).dataset;
    if (form.dataset.begunWith === newest) return; // the page changes all the time, also between a letter and its event
    form.dataset.begunWith = newest;
    if (!form.hasAttribute("data-touched")) fillIn(form, modeOf(form));
  };

  const good = (field) => {
    field.removeAttribute("aria-invalid");
    field.closest(".compose-field")?.querySelector(".wf-refused")?.remove();
  };

  document.addEventListener("input", (event) => {
    const form = composer(event.target);
    if (!form?.elements.mode || !event.target.closest("[data-envelope]")) return;
    form.toggleAttribute("data-touched", true);
    good(event.target);
    if (event.target.name === "mode") {
      fillIn(form, event.target.value);
      form.querySelector(".compose-fields").open = event.target.value === "forward";
      (event.target.value === "forward" ? form.elements.to : form.elements.text).focus();
    }
    show(form);
  });

  // The outbox puts an envelope back that was kept or could not be sent; none is that of an answer, untouched.
  document.addEventListener("wf:envelope", (event) => {
    const form = event.target;
    if (!form.elements.mode) return;
    const typed = event.detail;
    form.toggleAttribute("data-touched", Boolean(typed));
    form.elements.mode.value = typed?.mode ?? "reply";
    form.elements.bcc.value = "";
    fillIn(form, modeOf(form));
    if (typed) for (const name of FIELDS) if (name !== "subject" || typed[name]) form.elements[name].value = typed[name] ?? "";
    if (typed?.forwards && form.elements.forwards) form.elements.forwards.value = typed.forwards;
    FIELDS.forEach((name) => good(form.elements[name]));
    form.querySelector(".compose-fields").open = modeOf(form) === "forward";
    show(form);
  });

  // What is wrong is said at its field.
  document.addEventListener("wf:faulty", (event) => {
    const { field: name, reason } = event.detail;
    const field = event.target.elements[name];
    const place = field?.closest?.(".compose-field");
    if (!place) return;
    event.preventDefault();
    const line = Object.assign(document.createElement("p"), { className: "wf-refused", id: `${field.id}-refused`, textContent: reason });
    line.setAttribute("role", "alert");
    good(field);
    place.append(line);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", line.id);
    place.closest("details").open = true;
    field.focus();
  });

  // The same in a sheet, whose answer names the field.
  document.addEventListener("htmx:afterSwap", (event) => {
    const told = event.target.querySelector?.("[data-field]");
    const field = told && event.target.closest("form.wf-form")?.elements[told.dataset.field];
    if (!field?.closest(".wf-field")) return;
    told.id = `${field.id}-refused`;
    field.closest(".wf-field").append(told);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", told.id);
    field.focus();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest?.("form.wf-form");
    for (const told of form?.querySelectorAll(".wf-field [data-field]") ?? []) told.remove();
    for (const field of form?.querySelectorAll("[aria-invalid]") ?? []) field.removeAttribute("aria-invalid");
  });

  // A menu stands above the button that opens it.
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.classList?.contains("compose-menu") || event.newState !== "open") return;
    const button = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
    menu.style.left = `${Math.max(16, Math.min(button.left, innerWidth - menu.offsetWidth - 16))}px`;
    menu.style.top = `${Math.max(16, button.top - menu.offsetHeight - 6)}px`;
    menu.querySelector("button")?.focus();
  }, true);

  // --- what helps to write: "/" at the beginning of a line opens it, twice is a slash -----------------------------

  const boxOf = (sheet) => document.querySelector(`form.desk-compose[data-item="${sheet.dataset.helps}"]`)?.elements.text;
  const insert = (box, text) => {
    box.focus();
    box.setRangeText(text, box.selectionStart, box.selectionEnd, "end"); // what was written already stays
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const shownIn = (sheet) => [...sheet.querySelectorAll("[data-help]")].filter((each) => !each.hidden).map((each) => (each.matches("button, a") ? each : each.querySelector("button"))).filter(Boolean);
  const sift = (sheet) => {
    const asked = sheet.querySelector("[data-help-words]").value.toLowerCase().split(/\s+/).filter(Boolean);
    const every = [...sheet.querySelectorAll("[data-help]")];
    for (const each of every) each.hidden = !asked.every((word) => each.dataset.help.toLowerCase().includes(word));
    const none = sheet.querySelector("[data-help-none]");
    if (none) none.hidden = every.some((each) => !each.hidden);
  };

  document.addEventListener("keydown", (event) => {
    const box = event.target;
    const opener = composer(box)?.querySelector("[data-help-opens]");
    if (event.key === "/" && opener && box.name === "text" && !event.isComposing && /(^|\n)$/.test(box.value.slice(0, box.selectionStart))) {
      event.preventDefault();
      return opener.click();
    }
    const sheet = box.closest?.("[data-helps]");
    if (!sheet) return;
    const words = sheet.querySelector("[data-help-words]");
    const choices = shownIn(sheet);
    const at = choices.indexOf(box);
    if (event.key === "/" && box === words && !words.value && boxOf(sheet)) {
      event.preventDefault();
      sheet.hidePopover();
      insert(boxOf(sheet), "/");
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = at + (event.key === "ArrowDown" ? 1 : -1);
      (next < 0 ? words : choices[Math.min(next, choices.length - 1)])?.focus();
    } else if (event.key === "Enter" && box === words) {
      event.preventDefault();
      choices[0]?.click();
    }
  });
  document.addEventListener("input", (event) => event.target.matches?.("[data-help-words]") && sift(event.target.closest("[data-helps]")));
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.("[data-insert]");
    const sheet = chosen?.closest("[data-helps]");
    const box = sheet && boxOf(sheet);
    if (!box) return;
    sheet.hidePopover();
    insert(box, chosen.dataset.insert);
  });
  // Before it opens, not after: whoever types on at once types into it, and loses no letter.
  document.addEventListener("beforetoggle", (event) => {
    const sheet = event.target;
    if (!sheet.dataset?.helps || event.newState !== "open") return;
    sheet.querySelector("[data-help-words]").value = "";
    sift(sheet);
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    const sheet = event.target.closest?.("[data-helps]");
    if (sheet) sift(sheet);
  });

  const look = () => document.querySelectorAll("form.desk-compose").forEach(refresh);
  new MutationObserver(look).observe(document.getElementById("content"), { childList: true, subtree: true });
  look();
})();
